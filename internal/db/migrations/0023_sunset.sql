-- endings: the newest version of each published calendar
create table sunsets (
  id integer primary key, name text not null unique, scope text not null, run text not null, version integer not null, zone text not null, source text not null, picture text not null default '',
  state text not null, published_at integer not null, ended_at integer, certificate text not null default '', archives integer not null default 0, fetched integer not null default 0, bytes integer not null default 0
);
create unique index sunsets_open on sunsets (scope) where state = 'open';
create index sunsets_run on sunsets (run);
-- every version that was published, with what it moved and why
create table sunset_versions (
  sunset_id integer not null references sunsets (id), version integer not null, source text not null, published_at integer not null, reason text not null default '', primary key (sunset_id, version)
);
-- when a phase was to begin by the first version, and when it did
create table sunset_phases (
  sunset_id integer not null references sunsets (id), word text not null, first_at integer not null, due_at integer not null, done_at integer, primary key (sunset_id, word)
);
-- what everybody concerned was told of, once: a word of the calendar, 'remind:30', 'version:2', 'withdrawn'; at is the instant that it is about
create table sunset_tellings (
  id integer primary key, sunset_id integer not null references sunsets (id), what text not null, at integer not null, version integer not null, told_at integer not null, unique (sunset_id, what, at)
);
-- the picture of a notice, in base64: it belongs to no account
create table sunset_pictures (sunset_id integer primary key references sunsets (id), type text not null, width integer not null, height integer not null, data text not null);
-- what is allowed where, from when on: the fence reads it. scope '' is the install
create table service_dates (
  sunset_id integer not null references sunsets (id), word text not null, scope text not null, at integer not null, allows text not null, primary key (sunset_id, word)
);
create index service_dates_scope on service_dates (scope, at);
-- what is out of everybody's sight because it has stopped
create table shut (scope text primary key);
-- the archives that nobody had to ask for; part is what one is of ('circle', 'circle:7', 'circle:7/whole'), bytes an estimate until it is packed, reason why it was skipped
create table sunset_exports (
  id integer primary key, sunset_id integer not null references sunsets (id), account_id integer not null references accounts (id), part text not null, run text not null default '',
  state text not null, asked_at integer not null, packed_at integer, fetched_at integer, bytes integer not null default 0, reason text not null default ''
);
create unique index sunset_exports_one on sunset_exports (sunset_id, account_id, part);
create index sunset_exports_account on sunset_exports (account_id);
create index sunset_exports_run on sunset_exports (run);
create index sunset_exports_state on sunset_exports (sunset_id, state);
-- a volume of an archive that was downloaded to its end
alter table export_volumes add column fetched_at integer;
-- a link in an e-mail that opens one archive once; it is used up for another secret, by which the files can be downloaded until fetch_until, machine time
create table archive_links (
  id integer primary key, account_id integer not null references accounts (id), export_id integer not null, hash text not null unique, made_at integer not null, used_at integer,
  pass text unique, pass_until integer, ends_at integer not null
);
create index archive_links_account on archive_links (account_id);
create index archive_links_export on archive_links (export_id);
create index archive_links_ends on archive_links (ends_at);
-- what is left for a channel is found by its name from the beginning: its service may stop before its owner leaves
drop index farewells_hash;
create index farewells_hash on farewells (hash) where hash <> '';
-- the addresses of erased collections at which it is shown
create table farewell_collections (collection_id integer primary key, farewell_id integer not null references farewells (id));
create index farewell_collections_farewell on farewell_collections (farewell_id);
-- what owners leave to be read where their circle is, and was: shown until until_at (null: as long as the circle is there), in the end of no account. run is the
-- closing that it belongs to, by whose slip it can be taken away; offered says that the members were told where to go
create table circle_farewells (
  circle_id integer primary key, account_id integer references accounts (id), words text not null, link text not null, offered integer not null default 0, run text not null default '',
  until_at integer, created_at integer not null
);
create index circle_farewells_run on circle_farewells (run);
create index circle_farewells_until on circle_farewells (until_at) where until_at is not null;
create index circle_farewells_account on circle_farewells (account_id) where account_id is not null;
