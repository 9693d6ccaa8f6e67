-- search: what can be found, a row for each thing. An id begins with the time of the thing, so that the newest has the highest. Title and body are
-- folded: what is searched is not what is shown. Derived: the rooms can have it made anew.
create table search_docs (
  id integer primary key, ref_kind text not null, ref_id integer not null, owner_id integer references accounts (id), service text not null, place_id integer not null,
  audience text not null, title text not null, body text not null, unique (ref_kind, ref_id)
);
create index search_docs_owner on search_docs (owner_id, id);
create index search_docs_title on search_docs (ref_kind, title, id);
-- whether an account, and what stands on its page, is found by others
alter table settings add column found integer not null default 1;
