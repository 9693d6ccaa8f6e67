-- relation: whom an account does not want to meet. A block holds both ways; a mute is the account's own view, for a time or for good (until null).
create table blocks (
  id integer primary key, account_id integer not null references accounts (id), blocked_id integer not null references accounts (id), created_at integer not null,
  unique (account_id, blocked_id)
);
create index blocks_blocked on blocks (blocked_id, account_id);
create table mutes (
  id integer primary key, account_id integer not null references accounts (id), muted_id integer not null references accounts (id), until integer, created_at integer not null,
  unique (account_id, muted_id)
);
create index mutes_muted on mutes (muted_id);
-- the same for a circle or a topic, and "less like this"
create table quiets (
  id integer primary key, account_id integer not null references accounts (id), ref_kind text not null, ref_id integer not null, less integer not null default 0, until integer,
  created_at integer not null, unique (account_id, ref_kind, ref_id)
);
