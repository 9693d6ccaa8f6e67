-- The terms of search_docs, by its id. The rows are not kept here: what goes is told by its terms, and secure-delete drops them at once.
create virtual table search_terms using fts5 (terms, content = '', detail = none, columnsize = 0, tokenize = 'ascii');
insert into search_terms (search_terms, rank) values ('secure-delete', 1);
