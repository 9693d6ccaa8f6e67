-- talk: comments count their likes and are listed by them, and answers are paged
alter table comments add column likes integer not null default 0;
update comments set likes = (select count(*) from likes l where l.ref_kind = 'comment' and l.ref_id = comments.id);
create index comments_top on comments (ref_kind, ref_id, id) where parent_id is null;
create index comments_liked on comments (ref_kind, ref_id, likes, id) where parent_id is null;
create index comments_answers on comments (parent_id, id) where parent_id is not null;
drop index comments_parent;
