-- The terms of a row. Prefixes of titles are ranges in the order of the bytes.
alter table search_docs alter column title type text collate "C";
alter table search_docs add column terms tsvector not null default '';
create index search_docs_terms on search_docs using gin (terms) with (fastupdate = off);
