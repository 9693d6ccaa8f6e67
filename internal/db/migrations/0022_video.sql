-- whether browsers and podcast apps play a video's file as it came, as its probe says
alter table videos add column plays integer not null default 0;
