create table if not exists accounts (n integer primary key autoincrement, id text not null unique, name text not null);
create table if not exists notes (n integer primary key autoincrement, author text not null, text text not null);
create index if not exists notes_of on notes (author);
create table if not exists marks (n integer primary key autoincrement, author text not null, kind text not null, reason text not null,
	unique (author, kind, reason));

create table if not exists receipts (n integer primary key, run text not null, entry text not null);
create table if not exists certificates (run text primary key, file blob not null);
create table if not exists log_hashes (i integer primary key, hash blob not null);
create table if not exists log_heads (size integer primary key, head blob not null);
