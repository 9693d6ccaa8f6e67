-- circle: since when the operator has it out of sight; null if it is not
alter table circles add column withheld_at integer;
-- the pictures' bytes, which count for the owner; those kept before are not counted
alter table circles add column cover_bytes integer not null default 0;
alter table circles add column avatar_bytes integer not null default 0;
-- when the link was revoked: that can be undone, until the link's own end
alter table circle_invites add column revoked_at integer;
