-- moderate: a case is a thing with reports that wait for somebody to decide; done_at is when they did. Reports go with
-- their case 30 days after that. place_id 0 is the operator's.
create table cases (
  id integer primary key, ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null,
  about_id integer references accounts (id), state text not null, created_at integer not null, done_at integer
);
create unique index cases_waiting on cases (ref_kind, ref_id) where state = 'open';
create index cases_queue on cases (id) where state = 'open';
create index cases_place on cases (service, place_id, id) where state = 'open';
create index cases_about on cases (about_id, id) where about_id is not null;
create index cases_done on cases (done_at) where done_at is not null;
create table reports (
  id integer primary key, case_id integer not null, account_id integer not null references accounts (id), reason text not null, words text not null,
  created_at integer not null, unique (case_id, account_id)
);
create index reports_account on reports (account_id, id);
-- what those who answer for a place did there. What is left of one about an account that is erased names nobody: about_id null,
-- ref_id 0, no words. detail is what undoing it needs; of_id the act that an undo took back.
create table acts (
  id integer primary key, kind text not null, ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null,
  about_id integer references accounts (id), by_id integer references accounts (id), rule text not null, words text not null, detail text not null,
  until integer, of_id integer not null default 0, case_id integer not null default 0, state text not null, created_at integer not null
);
create index acts_about on acts (about_id, id) where about_id is not null;
create index acts_by on acts (by_id, id) where by_id is not null;
create index acts_place on acts (service, place_id, id);
create index acts_ref on acts (ref_kind, ref_id, id);
create table appeals (
  id integer primary key, act_id integer not null unique, account_id integer not null references accounts (id), decided_by integer references accounts (id),
  service text not null, place_id integer not null, words text not null, answer text not null, state text not null, created_at integer not null, decided_at integer
);
create index appeals_account on appeals (account_id, id);
create index appeals_decided on appeals (decided_by, id) where decided_by is not null;
create index appeals_queue on appeals (id) where state = 'open';
create index appeals_place on appeals (service, place_id, id) where state = 'open';
-- what holds against an account now: mute or ban in a place, limit or suspend everywhere (place_id 0)
create table sanctions (
  id integer primary key, account_id integer not null references accounts (id), what text not null, service text not null, place_id integer not null,
  act_id integer not null, rule text not null, until integer, created_at integer not null, unique (account_id, what, service, place_id)
);
create index sanctions_account on sanctions (account_id, id);
create index sanctions_place on sanctions (service, place_id, id);
create index sanctions_until on sanctions (until) where until is not null;
-- words and images that are not let through, and what new members may; place_id 0 holds everywhere
create table word_rules (
  id integer primary key, service text not null, place_id integer not null, word text not null, word_key text not null, does text not null, created_at integer not null,
  unique (service, place_id, word_key)
);
create table image_blocks (
  id integer primary key, service text not null, place_id integer not null, look text not null, created_at integer not null, unique (service, place_id, look)
);
create table place_limits (
  service text not null, place_id integer not null, days integer not null, posts integer not null, links integer not null, images integer not null,
  primary key (service, place_id)
)
