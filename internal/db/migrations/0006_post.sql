-- post: what staff put first, what is hot (see internal/post/hot.go), cards of other things, and the way back from deleting.
-- deleted_at is the machine's time; deleted_as is the state that an undo gives back, after "place:" if not its author deleted it; refusal is why a submission was refused.
alter table posts add column featured_at integer;
alter table posts add column pinned_at integer;
alter table posts add column hot integer not null default 0;
alter table posts add column card_kind text not null default '';
alter table posts add column card_id integer not null default 0;
alter table posts add column deleted_at integer;
alter table posts add column deleted_as text not null default '';
alter table posts add column refusal text not null default '';
-- what an image looks like, to know it again: 16 hexadecimal digits, '' if its file is missing
alter table post_images add column look text not null default '';
create index posts_hot on posts (service, place_id, hot, id);
create index posts_featured on posts (service, place_id, featured_at, id) where featured_at is not null;
create index posts_pinned on posts (service, place_id, pinned_at, id) where pinned_at is not null;
create index posts_waiting on posts (service, place_id, created_at, id) where state = 'submitted';
create index posts_kept on posts (author_id, state, created_at, id) where state in ('draft', 'submitted');
create index posts_card on posts (card_id, id) where card_kind = 'account';
-- place_id 0 with service 'page': topics of own pages, which go with their last post
create table topics (
  id integer primary key, service text not null, place_id integer not null, name text not null, name_key text not null, posts integer not null default 0,
  state text not null, created_at integer not null, unique (service, place_id, name_key)
);
create index topics_found on topics (service, place_id, posts, id);
-- at is the post's time
create table post_topics (post_id integer not null, topic_id integer not null, at integer not null, primary key (post_id, topic_id));
create index post_topics_topic on post_topics (topic_id, at, post_id);
update posts set hot = created_at / 1000 + case
  when likes + 2 * comments <= 10 then 3600 * (likes + 2 * comments)
  when likes + 2 * comments <= 100 then 27000 + 900 * (likes + 2 * comments)
  when likes + 2 * comments <= 1000 then 99000 + 180 * (likes + 2 * comments)
  else 279000 end;
