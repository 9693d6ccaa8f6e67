-- whether the follower is told of what the followed one publishes
alter table follows add column bell integer not null default 0;
