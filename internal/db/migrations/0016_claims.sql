-- Copyright complaints. account_id is the claimant's where they have an account; name and email are those of one who has none: their own data, erased at
-- erase_at. hash is that of the secret by which the latter comes back. act_id is the act by which the thing was taken out. touched_at is the last step.
create table claims (
  id integer primary key, ref_kind text not null, ref_id integer not null, owner_id integer references accounts (id), account_id integer references accounts (id),
  name text not null, email text not null, hash text not null, work text not null, statement text not null, counter text not null default '', answer text not null default '',
  state text not null, act_id integer not null default 0, decided_by integer references accounts (id), created_at integer not null, answer_by integer not null, countered_at integer,
  decided_at integer, touched_at integer not null, erase_at integer not null
);
create index claims_owner on claims (owner_id, id);
create index claims_account on claims (account_id, id);
create index claims_decided_by on claims (decided_by, id);
create index claims_state on claims (state, id);
create index claims_hash on claims (hash) where hash <> '';
create index claims_erased on claims (erase_at) where email <> '';
create index claims_touched on claims (touched_at);
