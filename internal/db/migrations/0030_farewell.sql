-- the followers of a channel were told where its owner goes; all of them are gone through in their order
alter table farewells add column offered integer not null default 0;
create index follows_audience on follows (followee_id, follower_id);
-- archives that the operator gave up: for whom they were to be is forgotten with the account
alter table sunsets add column skipped integer not null default 0;
update sunsets set skipped = (select count(*) from sunset_exports x where x.sunset_id = sunsets.id and x.state = 'skipped');
