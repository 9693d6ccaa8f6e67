-- upload: files on their way in. What has come is kept in pieces, each a blob; position is the offset of a piece's first byte.
create table uploads (
  id integer primary key, account_id integer not null references accounts (id), what text not null, name text not null, type text not null, detail text not null,
  length integer not null, received integer not null, state text not null, created_at integer not null, expires_at integer not null
);
create index uploads_account on uploads (account_id, id);
create index uploads_expires on uploads (expires_at);
create table upload_pieces (
  id integer primary key, upload_id integer not null references uploads (id), account_id integer not null references accounts (id), position integer not null,
  bytes integer not null, key text not null, unique (upload_id, position)
);
create index upload_pieces_account on upload_pieces (account_id, id);
