create table exit_policies (
  hash text primary key,
  source blob not null
);

create table exit_runs (
  id text primary key,
  subject text not null,
  part text not null,
  owner text not null,
  journey text not null,
  state text not null,
  agreed_by text not null,
  hash text not null,
  plan text not null,
  policy text not null references exit_policies (hash),
  agreed integer not null,
  began integer not null,
  ended integer not null,
  version integer not null,
  forgets integer not null
);

create unique index exit_runs_one on exit_runs (subject, part, journey)
  where state in ('open', 'running') and journey in ('close', 'hibernate');

create index exit_runs_subject on exit_runs (subject) where subject <> '';

create table exit_steps (
  run text not null references exit_runs (id),
  seq integer not null,
  step_key text not null,
  act text not null,
  holder text not null,
  class text not null,
  subject text not null,
  choice text not null,
  detail text not null,
  state text not null,
  open integer not null,
  due integer not null,
  retry integer not null,
  lease integer not null,
  fence integer not null,
  attempts integer not null,
  gated integer not null,
  planned integer not null,
  amended integer not null,
  began integer not null,
  ended integer not null,
  chunks integer not null,
  items integer not null,
  bytes integer not null,
  cursor text not null,
  uncounted integer not null,
  problem text not null,
  satisfier text not null,
  primary key (run, seq)
);

create unique index exit_steps_key on exit_steps (run, step_key);

create index exit_steps_due on exit_steps (due) where state = 'waiting' and open = 0;

create index exit_steps_lease on exit_steps (lease) where state = 'running';

create index exit_steps_subject on exit_steps (subject) where subject <> '';

create index exit_steps_heir on exit_steps (choice) where act in ('offer', 'withdraw');

create table exit_needs (
  run text not null,
  needs integer not null,
  seq integer not null,
  primary key (run, needs, seq),
  foreign key (run, seq) references exit_steps (run, seq)
);

-- what an operator looks at first
create index exit_steps_stuck on exit_steps (run, seq) where state = 'stuck';
create index exit_runs_open on exit_runs (agreed, id) where state in ('open', 'running');
