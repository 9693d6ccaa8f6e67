-- account: ways of signing in, ways of coming in, what was looked at, and how much room is used

-- public keys by which a person signs in; flags are those of the authenticator (WebAuthn 6.1), sign_count is its counter
create table passkeys (
  id integer primary key, person_id integer not null references people (id), credential text not null unique, public_key blob not null, flags integer not null,
  sign_count integer not null, transports text not null, name text not null, created_at integer not null, used_at integer
);
create index passkeys_person on passkeys (person_id, id);
-- hashes of challenges that were answered: none is answered twice (machine clock)
create table spent (hash text primary key, expires_at integer not null);
create index spent_expires on spent (expires_at);

-- new accounts that wait until the operator has looked, with what they said of themselves
create table applications (account_id integer primary key references accounts (id), text text not null, created_at integer not null);
create index applications_waiting on applications (created_at, account_id);
-- links of the operator's, each for one person (machine clock)
create table sign_up_links (id integer primary key, hash text not null unique, note text not null, created_at integer not null, expires_at integer not null);
create index sign_up_links_expires on sign_up_links (expires_at);

-- a phone number or a real name that is bound to an account, or asked to be: to each persona apart, for nothing ties two together.
-- What was sent to be looked at is gone at erase_at; hash is a keyed one of the number, to notice that another account has it, and
-- '' of a name
create table proofs (
  id integer primary key, account_id integer not null references accounts (id), kind text not null, state text not null, hash text not null, material text not null, photo blob,
  lifts integer not null default 0, reason text not null, asked_at integer not null, decided_at integer, erase_at integer not null, unique (account_id, kind)
);
create index proofs_waiting on proofs (asked_at, id) where state = 'asked';
create index proofs_erased on proofs (erase_at) where material <> '' or photo is not null;
create index proofs_hash on proofs (hash) where hash <> '';

alter table profiles add column avatar_bytes integer not null default 0;
alter table profiles add column cover_bytes integer not null default 0;
alter table imports add column bytes integer not null default 0;
create index reasons_muted on reasons (reason, account_id) where what = 'mute' and scope = '';
create index accounts_made on accounts (created_at, id);
create index post_images_bytes on post_images (author_id, bytes)
