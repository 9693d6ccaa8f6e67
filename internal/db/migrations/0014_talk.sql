-- A comment with a moment (milliseconds into the video) is a bullet comment; a pinned one stands first; a private like is known to who
-- likes, and counted without a name.
alter table comments add column moment integer;
alter table comments add column pinned_at integer;
alter table likes add column private integer not null default 0;
create index comments_moment on comments (ref_kind, ref_id, moment, id) where moment is not null;
create index comments_pinned on comments (ref_kind, ref_id) where pinned_at is not null;
-- threads are listed without bullet comments, of which a video may have very many
drop index comments_top;
drop index comments_liked;
create index comments_top on comments (ref_kind, ref_id, id) where parent_id is null and moment is null;
create index comments_liked on comments (ref_kind, ref_id, likes, id) where parent_id is null and moment is null;
