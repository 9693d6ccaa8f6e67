create table if not exists accounts (n integer primary key autoincrement, id text not null unique, name text not null);
create table if not exists notes (n integer primary key autoincrement, author text not null, text text not null);
create index if not exists notes_of on notes (author);
create table if not exists marks (n integer primary key autoincrement, author text not null, kind text not null, reason text not null,
	unique (author, kind, reason));
