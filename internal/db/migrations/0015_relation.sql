-- whether the follower is told of what the followed one publishes
alter table follows add column bell integer not null default 0;
create index follows_bell on follows (followee_id, follower_id) where bell = 1;
-- News on its way to many: how far it has come, by the account id of its audience. by_id is whose news it is.
create table notice_spreads (
  id integer primary key, kind text not null, by_id integer references accounts (id), ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null, reached integer not null,
  created_at integer not null
);
create index notice_spreads_by on notice_spreads (by_id, id);
