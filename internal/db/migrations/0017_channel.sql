-- channel: how the entrance of videos is ordered: 0 never chosen, 1 ranked, 2 newest first
alter table settings add column video_order integer not null default 0;
-- what friends liked in public lately, and who came to follow on a day
create index likes_videos on likes (account_id, id) where ref_kind = 'video' and private = 0;
create index follows_since on follows (followee_id, created_at);
