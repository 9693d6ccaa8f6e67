-- page: whether home is ranked: 0 never asked for, 1 on, 2 turned off for good
alter table settings add column ranking integer not null default 0;
create index post_topics_at on post_topics (at, topic_id)
