-- when a notice was taken down: until its time is over that can be undone
alter table circle_notices add column down_at integer;
create index circle_notices_down on circle_notices (down_at) where down_at is not null;
-- the complaint for which an act took something out
create index claims_act on claims (act_id) where act_id <> 0;
