-- What an upload holds that is many things in one, and what became of each: reason is the key of a sentence, ref what was made of it.
create table upload_items (
  id integer primary key, upload_id integer not null references uploads (id), account_id integer not null references accounts (id), position integer not null,
  name text not null, state text not null, reason text not null, ref text not null, unique (upload_id, position)
);
create index upload_items_account on upload_items (account_id, id);
