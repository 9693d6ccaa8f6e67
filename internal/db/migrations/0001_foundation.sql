-- Written with SQLite's types; for PostgreSQL integer becomes bigint and blob becomes bytea.
-- Instants are Unix milliseconds, UTC. Ids are made by the program.

create table install (name text primary key, value text not null);
create table clock_offset (id integer primary key check (id = 1), ms integer not null, trial integer not null);
insert into clock_offset (id, ms, trial) values (1, 0, 0);
create table services (name text primary key, allows text not null);

-- account: who signs in, and as whom
create table people (
  id integer primary key, password text not null, password_at integer not null, operator integer not null default 0, created_at integer not null
);
create table recovery_codes (id integer primary key, person_id integer not null references people (id), hash text not null, used_at integer);
create index recovery_codes_person on recovery_codes (person_id);
create table one_time_links (
  id integer primary key, person_id integer references people (id), kind text not null, hash text not null unique, expires_at integer not null, used_at integer
);
create index one_time_links_person on one_time_links (person_id);
create table accounts (
  id integer primary key, name text not null unique, name_key text not null unique, kind text not null, state text not null, created_at integer not null
);
-- as_id is the account by which the other administrators know the person
create table account_people (
  account_id integer not null references accounts (id), person_id integer not null references people (id), role text not null, as_id integer references accounts (id),
  created_at integer not null, primary key (account_id, person_id)
);
create index account_people_person on account_people (person_id);
create index account_people_as on account_people (as_id) where as_id is not null;
create table account_invites (
  id integer primary key, account_id integer not null references accounts (id), hash text not null unique, expires_at integer not null
);
create index account_invites_account on account_invites (account_id);
create table account_approvals (
  id integer primary key, account_id integer not null references accounts (id), person_id integer not null references people (id),
  plan text not null, created_at integer not null, unique (account_id, person_id, plan)
);
create index account_approvals_person on account_approvals (person_id);
create table sessions (
  id integer primary key, hash text not null unique, person_id integer not null references people (id), account_id integer not null references accounts (id),
  agent text not null, created_at integer not null, seen_at integer not null
);
create index sessions_person on sessions (person_id);
create index sessions_account on sessions (account_id);
create table profiles (
  account_id integer primary key references accounts (id), display_name text not null, bio text not null, avatar text not null, cover text not null
);
create table profile_links (id integer primary key, account_id integer not null references accounts (id), position integer not null, label text not null, url text not null);
create index profile_links_account on profile_links (account_id);
create table settings (
  account_id integer primary key references accounts (id), language text not null, zone text not null, theme text not null, lists_seen_by text not null
);
create table attempts (key text not null, at integer not null, n integer not null, primary key (key, at));
create index attempts_at on attempts (at);
create table held_names (hash text primary key, until integer not null, run text not null);

-- service: what an account may do where
create table standings (account_id integer primary key references accounts (id), version integer not null);
create table reasons (
  account_id integer not null references accounts (id), scope text not null, what text not null, reason text not null, since integer not null,
  primary key (account_id, what, scope, reason)
);
create table entrances (
  account_id integer not null references accounts (id), service text not null, shown integer not null, position integer not null, primary key (account_id, service)
);

-- relation
create table follows (
  id integer primary key, follower_id integer not null references accounts (id), followee_id integer not null references accounts (id), created_at integer not null,
  unique (follower_id, followee_id)
);
create index follows_followee on follows (followee_id, id);
create index follows_follower on follows (follower_id, id);

-- post: place_id is the circle a post stands in, 0 on a page, whose owner is the author
create table posts (
  id integer primary key, author_id integer references accounts (id), service text not null, place_id integer not null, audience text not null,
  text text not null, summary text not null, sensitive integer not null default 0, language text not null, reply_to text not null, origin text, state text not null,
  created_at integer not null, edited_at integer, likes integer not null default 0, comments integer not null default 0, images integer not null default 0
);
create index posts_author on posts (author_id, id);
create index posts_page on posts (author_id, service, created_at, id);
create index posts_place on posts (service, place_id, created_at, id);
create unique index posts_origin on posts (author_id, origin) where origin is not null;
create table post_images (
  id integer primary key, post_id integer not null references posts (id), author_id integer not null references accounts (id), position integer not null,
  key text not null, thumb text not null, type text not null, width integer not null, height integer not null, bytes integer not null, alt text not null, missing text not null
);
create index post_images_author on post_images (author_id, id);
create index post_images_post on post_images (post_id, position);
create index post_images_key on post_images (key);
create index post_images_thumb on post_images (thumb);
create table kept_links (
  id integer primary key, account_id integer not null references accounts (id), kind text not null, uri text not null, at integer, unique (account_id, kind, uri)
);
create index kept_links_account on kept_links (account_id, id);

-- talk: comments, likes and favourites on any ref; service and place are those of what is talked about
create table comments (
  id integer primary key, author_id integer references accounts (id), ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null,
  parent_id integer, text text not null, origin text, state text not null, created_at integer not null
);
create index comments_author on comments (author_id, id);
create index comments_ref on comments (ref_kind, ref_id, id);
create index comments_parent on comments (parent_id) where parent_id is not null;
create table likes (
  id integer primary key, account_id integer not null references accounts (id), ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null,
  created_at integer not null, unique (account_id, ref_kind, ref_id)
);
create index likes_account on likes (account_id, id);
create index likes_ref on likes (ref_kind, ref_id, id);
create table favourites (
  id integer primary key, account_id integer not null references accounts (id), ref_kind text not null, ref_id integer not null, service text not null, place_id integer not null,
  created_at integer not null, unique (account_id, ref_kind, ref_id)
);
create index favourites_account on favourites (account_id, id);
create index favourites_ref on favourites (ref_kind, ref_id, id);
-- whom a text mentions: texts hold @{id}; author_id wrote (null: a member who left), account_id is mentioned
create table mentions (
  id integer primary key, account_id integer not null references accounts (id), author_id integer references accounts (id), ref_kind text not null, ref_id integer not null,
  service text not null, place_id integer not null, unique (ref_kind, ref_id, account_id)
);
create index mentions_account on mentions (account_id, id);
create index mentions_author on mentions (author_id, id);

-- circle
create table circles (
  id integer primary key, name text not null, intro text not null, join_mode text not null, cover text not null, state text not null,
  members integer not null, posts integer not null, created_at integer not null, ended_at integer
);
create index circles_found on circles (state, members, id);
create table circle_members (
  id integer primary key, circle_id integer not null references circles (id), account_id integer not null references accounts (id),
  role text not null, state text not null, created_at integer not null, unique (circle_id, account_id)
);
create index circle_members_account on circle_members (account_id, id);
create index circle_members_circle on circle_members (circle_id, state, id);
create unique index circle_members_owner on circle_members (circle_id) where role = 'owner';
create index circle_members_staff on circle_members (circle_id) where role <> 'member';
-- closings for whose time nobody joins, by run
create table circle_pauses (circle_id integer not null references circles (id), run text not null, primary key (circle_id, run));
create table circle_invites (
  id integer primary key, circle_id integer not null references circles (id), account_id integer not null references accounts (id), hash text not null unique,
  expires_at integer not null, uses integer not null, created_at integer not null
);
create index circle_invites_account on circle_invites (account_id, id);
create index circle_invites_circle on circle_invites (circle_id, id);
create table circle_offers (
  id integer primary key, circle_id integer not null references circles (id), account_id integer not null references accounts (id),
  heir_id integer not null references accounts (id), run text not null, created_at integer not null, unique (circle_id, heir_id)
);
create index circle_offers_account on circle_offers (account_id, id);
create index circle_offers_heir on circle_offers (heir_id, id);

-- blob
create table blob_pending (key text primary key, account_id integer not null, created_at integer not null);
create index blob_pending_account on blob_pending (account_id);
create index blob_pending_at on blob_pending (created_at);
create table blob_doomed (key text primary key, account_id integer not null);
create index blob_doomed_account on blob_doomed (account_id, key);

-- job: ids only
create table jobs (
  id integer primary key, kind text not null, ref text not null, account_id integer, state text not null, due_at integer not null, lease_until integer not null default 0,
  fence integer not null default 0, attempts integer not null default 0, problem text not null default '', unique (kind, ref)
);
create index jobs_due on jobs (due_at) where state = 'waiting';
create index jobs_leased on jobs (lease_until) where state = 'running';
create index jobs_account on jobs (account_id) where account_id is not null;

-- leave: archives out and in, slips, certificates, the ledger
create table exports (
  id integer primary key, account_id integer not null references accounts (id), run text not null, scope text not null, since integer, media integer not null, state text not null,
  class text not null, position text not null, cut integer not null, items integer not null, bytes integer not null, created_at integer not null, ended_at integer
);
create index exports_account on exports (account_id, id);
create index exports_run on exports (run);
create table export_volumes (
  id integer primary key, export_id integer not null references exports (id), account_id integer not null references accounts (id), n integer not null,
  key text not null, name text not null, bytes integer not null, sha256 text not null, items integer not null, created_at integer not null, unique (export_id, n)
);
create index export_volumes_account on export_volumes (account_id, id);
create table imports (
  id integer primary key, account_id integer not null references accounts (id), state text not null, kind text not null, key text not null, problem text not null,
  class text not null, position integer not null, done integer not null, total integer not null, created_at integer not null, ended_at integer
);
create index imports_account on imports (account_id, id);
create table import_results (
  import_id integer not null references imports (id), account_id integer not null references accounts (id), class text not null, result text not null, reason text not null, n integer not null,
  primary key (import_id, class, result, reason)
);
create index import_results_account on import_results (account_id);
create table slips (run text primary key, hash text not null unique, until integer);
create table certificates (run text primary key, body text not null, created_at integer not null);
create table run_salts (run text primary key, salt blob not null);
create table receipts (id integer primary key, run text not null, step text not null, body text not null, leaf blob not null, idx integer, unique (run, step, id));
create index receipts_new on receipts (id) where idx is null;
-- what is to be added to the list outside the database; a row stands here from the commit until its object is written
create table outside_entries (id integer primary key, account_id integer, receipt_id integer, name text not null, body text not null);
create index outside_entries_account on outside_entries (account_id);
create table ledger_hashes (idx integer primary key, hash blob not null);
create table ledger_heads (id integer primary key check (id = 1), size integer not null, head text not null);
insert into ledger_heads (id, size, head) values (1, 0, '');
