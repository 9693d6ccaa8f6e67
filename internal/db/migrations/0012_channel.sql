-- channel: one an account, under the account's own id. Its words are the owner's and go with the channel.
create table channels (
  account_id integer primary key references accounts (id), name text not null, bio text not null, avatar text not null, cover text not null,
  badge text not null default '', badged_at integer, downloads integer not null default 0, created_at integer not null
);
create table channel_links (id integer primary key, account_id integer not null references accounts (id), position integer not null, label text not null, url text not null);
create index channel_links_account on channel_links (account_id, position);
-- A video is published by state and shown by audience; media says how far its file is. at is when it was published or brought along, and orders
-- lists; due_at is when a scheduled one is to be published. original is the file as it came, and what is taken along.
-- A video that is erased while others' comments stand beneath it stays as a skeleton ('gone'): id and times, of nobody.
create table videos (
  id integer primary key, account_id integer references accounts (id), title text not null, text text not null, audience text not null, language text not null,
  state text not null, media text not null, fault text not null, progress integer not null, at integer not null, due_at integer, created_at integer not null, edited_at integer,
  deleted_at integer, deleted_as text not null default '', origin text,
  original text not null, type text not null, file text not null, bytes integer not null, sha256 text not null, look text not null default '',
  duration integer not null, width integer not null, height integer not null, poster text not null, thumb text not null,
  downloads integer not null, likes integer not null default 0, comments integer not null default 0, views integer not null default 0, hot integer not null default 0
);
create index videos_account on videos (account_id, id);
create index videos_channel on videos (account_id, state, at, id);
create index videos_recent on videos (state, audience, at, id);
create index videos_hot on videos (state, audience, hot, id);
create index videos_due on videos (due_at) where state = 'scheduled';
create index videos_original on videos (original);
create index videos_poster on videos (poster);
create index videos_thumb on videos (thumb);
create unique index videos_origin on videos (account_id, origin) where origin is not null;
-- One file a rendition: its segments are ranges of it, which the playlist names.
create table video_renditions (
  id integer primary key, video_id integer not null references videos (id), account_id integer not null references accounts (id), width integer not null, height integer not null,
  bandwidth integer not null, codecs text not null, playlist text not null, key text not null, bytes integer not null
);
create index video_renditions_account on video_renditions (account_id, id);
create index video_renditions_video on video_renditions (video_id, height);
create index video_renditions_key on video_renditions (key);
create table video_subtitles (
  id integer primary key, video_id integer not null references videos (id), account_id integer not null references accounts (id), language text not null, label text not null,
  key text not null, bytes integer not null, unique (video_id, language)
);
create index video_subtitles_account on video_subtitles (account_id, id);
create index video_subtitles_key on video_subtitles (key);
create table video_topics (
  id integer primary key, video_id integer not null references videos (id), account_id integer not null references accounts (id), topic_id integer not null, at integer not null,
  unique (video_id, topic_id)
);
create index video_topics_topic on video_topics (topic_id, at, video_id);
create index video_topics_account on video_topics (account_id, id);
create table collections (
  id integer primary key, account_id integer not null references accounts (id), title text not null, text text not null, origin text, created_at integer not null
);
create index collections_account on collections (account_id, id);
create table collection_videos (
  id integer primary key, collection_id integer not null references collections (id), account_id integer not null references accounts (id),
  video_id integer not null references videos (id), position integer not null, unique (collection_id, video_id)
);
create index collection_videos_account on collection_videos (account_id, id);
create index collection_videos_video on collection_videos (video_id);
-- Views by day, and where they came from: sums, of nobody. day counts days since 1970-01-01, UTC; watched is in seconds.
create table video_days (
  video_id integer not null references videos (id), account_id integer not null references accounts (id), day integer not null, source text not null,
  views integer not null, watched integer not null, primary key (video_id, day, source)
);
create index video_days_account on video_days (account_id, day);
-- Who has been counted today, as a hash under a key of that day, and the seconds of theirs that were counted; all is deleted when the day is over.
create table view_keys (day integer primary key, key text not null);
create table view_marks (day integer not null, video_id integer not null, mark text not null, watched integer not null default 0, primary key (day, video_id, mark));
create table video_history (
  id integer primary key, account_id integer not null references accounts (id), video_id integer not null references videos (id), position integer not null, at integer not null,
  unique (account_id, video_id)
);
create index video_history_account on video_history (account_id, at, id);
create index video_history_video on video_history (video_id);
-- whether what the account watches is remembered for it
alter table settings add column history integer not null default 1;
-- What who leaves has left to be read where the channel or the account was: a line and links, one a line. It is shown from the day on which
-- things begin to go (shown_at) until until_at, under the keyed hash of the name that stood there; in the end it refers to no account. run is the
-- closing that it belongs to, by whose slip it can be taken away.
create table farewells (
  id integer primary key, account_id integer references accounts (id), scope text not null, words text not null, links text not null, redirect integer not null,
  run text not null default '', hash text not null default '', shown_at integer, until_at integer, created_at integer not null
);
create unique index farewells_account on farewells (account_id, scope) where account_id is not null;
create index farewells_hash on farewells (hash) where shown_at is not null;
create index farewells_run on farewells (run);
create index farewells_until on farewells (until_at) where until_at is not null;
-- the addresses of erased videos at which it is shown
create table farewell_videos (video_id integer primary key, farewell_id integer not null references farewells (id));
create index farewell_videos_farewell on farewell_videos (farewell_id);
