-- channel: six pictures of each video to choose its cover from; they can be made again. moment is milliseconds into the video.
create table video_frames (
  id integer primary key, video_id integer not null references videos (id), account_id integer not null references accounts (id), moment integer not null, key text not null, bytes integer not null
);
create index video_frames_video on video_frames (video_id, id);
create index video_frames_account on video_frames (account_id, id);
create index video_frames_key on video_frames (key);
-- what a channel's name looks like, so that no other imitates it
alter table channels add column looks text not null default '';
create index channels_looks on channels (looks);
