-- notify: one row for what happened to an account; its words stand with the thing. by_id did it (null: the house), due_at is a date that the
-- sentence names. taken: what it told of was taken back. mailed: an e-mail about it was sent.
create table notices (
  id integer primary key, account_id integer not null references accounts (id), kind text not null, by_id integer references accounts (id),
  ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null, due_at integer,
  seen integer not null default 0, taken integer not null default 0, mailed integer not null default 0, created_at integer not null
);
create unique index notices_once on notices (account_id, kind, ref_kind, ref_id, coalesce(by_id, 0));
create index notices_account on notices (account_id, id);
create index notices_unseen on notices (account_id, id) where seen = 0;
create index notices_by on notices (by_id, id) where by_id is not null;
create index notices_ref on notices (ref_kind, ref_id);
create index notices_age on notices (created_at);
-- which kinds an account wants: in the centre, by e-mail; without a row, as the kind's rule says
create table notice_switches (
  id integer primary key, account_id integer not null references accounts (id), kind text not null, centre integer not null, mail integer not null, unique (account_id, kind)
);
-- how far an account has read announcements; changed grows with each change of what is unread, so that other nodes notice
create table notice_marks (account_id integer primary key references accounts (id), announced integer not null, changed integer not null);
create index notice_marks_changed on notice_marks (changed);
-- an address for notices: to prove until expires_at by the secret of the hash, or proven
create table notice_addresses (
  id integer primary key, account_id integer not null unique references accounts (id), address text not null, hash text not null unique, expires_at integer, proven_at integer,
  created_at integer not null
);
create index notice_addresses_expiry on notice_addresses (expires_at) where expires_at is not null;
-- what the operator tells everybody: one row, until the instant until (null: for good)
create table announcements (id integer primary key, text text not null, link text not null, until integer, created_at integer not null);
