-- Videos without a picture of their own, or kept as they came, all have '' there: counted among the keys they made PostgreSQL read all videos for each piece of a film.
drop index videos_original;
drop index videos_poster;
drop index videos_thumb;
create index videos_original on videos (original) where original <> '';
create index videos_poster on videos (poster) where poster <> '';
create index videos_thumb on videos (thumb) where thumb <> '';
