-- A comment with a moment (milliseconds into the video) is a bullet comment; a pinned one stands first; a private like is its owner's to know.
alter table comments add column moment integer;
alter table comments add column pinned_at integer;
alter table likes add column private integer not null default 0;
create index comments_moment on comments (ref_kind, ref_id, moment) where moment is not null;
