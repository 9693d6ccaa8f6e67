-- circle: what a circle is about, how it is found, joined and looked at; notices; whom an invitation lets in
alter table circles add column category text not null default 'other';
alter table circles add column rules text not null default '';
alter table circles add column question text not null default '';
-- what somebody who is no member sees: 'nothing', 'intro', 'posts' (the latest ten)
alter table circles add column preview text not null default 'intro';
alter table circles add column found integer not null default 1;
-- posts wait for a yes of owner or moderators
alter table circles add column approves integer not null default 0;
alter table circles add column avatar text not null default '';
-- the name as look-alikes read it; '' while it is not known
alter table circles add column name_key text not null default '';
-- the URI of the circle that this one was brought back from
alter table circles add column origin text not null default '';
create index circles_category on circles (category, state, members, id);
create index circles_name on circles (name_key);
-- what an asker answered, gone with the yes; whether the name may stand in the owner's export; the last notice that was seen
alter table circle_members add column answer text not null default '';
alter table circle_members add column named integer not null default 0;
alter table circle_members add column seen_notice bigint not null default 0;
create index circle_members_joined on circle_members (circle_id, created_at);
create table circle_notices (
  id integer primary key, circle_id integer not null references circles (id), author_id integer references accounts (id), text text not null, created_at integer not null
);
create index circle_notices_circle on circle_notices (circle_id, id);
create index circle_notices_author on circle_notices (author_id, id);
-- how many people the link was made for
alter table circle_invites add column seats integer not null default 50;
-- for the owner's board and archive
create index comments_place on comments (service, place_id, created_at);
