-- what podcast apps are told of a channel: one of Apple's categories, '' for the usual one, and that it is not for children
alter table channels add column category text not null default '';
alter table channels add column explicit integer not null default 0;
