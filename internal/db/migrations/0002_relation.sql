-- relation: whom an account does not want to meet. A block holds both ways; a mute is the account's own view, for a time or for
-- good (until null). less 1 is "less like this". What has come to its end is swept.
create table blocks (
  id integer primary key, account_id integer not null references accounts (id), blocked_id integer not null references accounts (id), created_at integer not null,
  unique (account_id, blocked_id)
);
create index blocks_account on blocks (account_id, id);
create index blocks_blocked on blocks (blocked_id, account_id);
create table mutes (
  id integer primary key, account_id integer not null references accounts (id), muted_id integer not null references accounts (id), less integer not null default 0,
  until integer, created_at integer not null, unique (account_id, muted_id)
);
create index mutes_account on mutes (account_id, id);
create index mutes_muted on mutes (muted_id, id);
create index mutes_until on mutes (until) where until is not null;
-- the same for a circle or a topic
create table quiets (
  id integer primary key, account_id integer not null references accounts (id), ref_kind text not null, ref_id integer not null, less integer not null default 0,
  until integer, created_at integer not null, unique (account_id, ref_kind, ref_id)
);
create index quiets_account on quiets (account_id, id);
create index quiets_until on quiets (until) where until is not null
