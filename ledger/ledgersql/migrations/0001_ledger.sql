create table ledger_hashes (idx integer primary key, hash blob not null);
create table ledger_heads (id integer primary key check (id = 1), size integer not null, head text not null);
insert into ledger_heads (id, size, head) values (1, 0, '');

-- receipts of runs that have no certificate yet, with their salts
create table ledger_receipts (idx integer primary key, run text not null, entry text not null);
create index ledger_receipts_run on ledger_receipts (run, idx);

create table ledger_certificates (run text primary key, file blob not null);
