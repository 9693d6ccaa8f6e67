package channel_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
	"exeunt/internal/channel"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/who"
)

// only shows one class of the holder, so that each can be filled by itself.
type only struct {
	*channel.Holder
	class string
}

func (o only) Classes() []exit.Class {
	return slices.DeleteFunc(o.Holder.Classes(), func(c exit.Class) bool { return c.Name != o.class })
}

func TestHolder(t *testing.T) {
	for _, class := range []string{"channel", "videos", "drafts", "history", "renditions", "farewells"} {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				f := &filler{d: d, holder: channel.New(channel.Config{DB: d}).Holder(), class: class}
				exittest.Holder(t, f.open)
			})
		})
	}
}

// filler fills the channel room's tables by hand. Account 3 comments, likes and watches.
type filler struct {
	d      *db.DB
	holder *channel.Holder
	class  string
	last   int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

// filled are the tables that the fixture fills, children first.
var filled = []string{
	"likes", "favourites", "mentions", "comments", "notices", "video_renditions", "video_frames", "video_subtitles", "video_topics", "topics", "video_days", "video_history", "view_marks", "view_keys",
	"collection_videos", "collections", "channel_links", "farewell_videos", "farewells", "videos", "channels", "blob_doomed", "accounts",
}

func (f *filler) open(t *testing.T) exittest.Fixture {
	t.Helper()
	statements := f.repairs()
	for _, table := range filled {
		statements = append(statements, `delete from `+table)
	}
	for id := 1; id <= 3; id++ {
		statements = append(statements, fmt.Sprintf(`insert into accounts (id, name, name_key, kind, state, created_at) values (%d, 'a%[1]d', 'a%[1]d', 'personal', 'active', 0)`, id))
	}
	statements = append(statements,
		`insert into channels (account_id, name, bio, avatar, cover, downloads, created_at) values (3, 'c', '', '', '', 0, 0)`,
		`insert into view_keys (day, key) values (1, 'k')`,
		`insert into videos (`+columns+`) values (900, 3, 'others', '', 'public', '', 'live', 'ready', '', 0, 0, 0, '', 'v', '', 1, '', 0, 0, 0, '', '', 0, 0, 0, 0)`,
	)
	for _, s := range statements {
		if err := f.exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: only{f.holder, f.class}, Update: f.d.Update, Fill: f.fill, Count: f.count, Check: f.check,
		Sabotage: func(ctx context.Context, class string) error {
			table := map[string]string{"channel": "channel_links", "videos": "videos", "drafts": "videos", "history": "video_history", "renditions": "video_renditions", "farewells": "farewells"}[class]
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, table, "id")
		},
	}
}

// repairs undo the sabotage of an earlier fixture on the same database.
func (f *filler) repairs() (out []string) {
	for _, table := range []string{"channel_links", "videos", "video_history", "video_renditions", "farewells"} {
		for _, verb := range []string{"delete", "update"} {
			statement := fmt.Sprintf(`drop trigger if exists skip_%s_%s`, table, verb)
			if f.d.Dialect == exitsql.PostgreSQL {
				statement = fmt.Sprintf(`drop function if exists skip_%s_%s cascade`, table, verb)
			}
			out = append(out, statement)
		}
	}
	return out
}

// columns are those of videos that have no default.
const columns = `id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, deleted_as, original, type, bytes, sha256, duration, width, height,
	poster, thumb, downloads, likes, comments, file`

// fill makes n items of the class at hand. Every third video has a comment of somebody else's.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	account, _ := who.ParseID(s.ID)
	owner := int64(account)
	for i := range n {
		f.last++
		id, key := f.last, fmt.Sprint("k", f.last)
		var err error
		switch f.class {
		case "channel":
			err = f.fillChannel(ctx, owner, i)
		case "history":
			err = f.exec(ctx, `insert into video_history (id, account_id, video_id, position, at) values ($1, $2, $1, 5, 0)`, id, f.watched(ctx, id, owner))
		case "farewells":
			err = f.fillFarewell(ctx, owner, i)
		case "renditions":
			if err = f.fillVideo(ctx, owner, "live", 1); err == nil {
				err = f.exec(ctx, `insert into video_renditions (id, video_id, account_id, width, height, bandwidth, codecs, playlist, key, bytes) values ($1, $1, $2, 1, 1, 1, '', '', $3, 7)`, id, owner, key)
			}
		case "drafts":
			err = f.fillVideo(ctx, owner, []string{"draft", "scheduled"}[i%2], 1)
		default:
			err = f.fillVideo(ctx, owner, []string{"live", "withheld", "live", "deleted"}[i%4], i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// watched makes a video of account 3 that somebody has watched, and gives who.
func (f *filler) watched(ctx context.Context, id, owner int64) int64 {
	if err := f.exec(ctx, `insert into videos (`+columns+`) values ($1, 3, 'others', '', 'public', '', 'live', 'ready', '', 0, 0, 0, '', 'v', '', 1, '', 0, 0, 0, '', '', 0, 0, 0, '')`, id); err != nil {
		return 0
	}
	return owner
}

// fillChannel makes a link of a channel, the channel itself with the first.
func (f *filler) fillChannel(ctx context.Context, owner int64, i int) error {
	if err := f.exec(ctx, `insert into channels (account_id, name, bio, avatar, cover, downloads, created_at) values ($1, 'c', '', $2, '', 0, 0) on conflict do nothing`, owner, fmt.Sprint("avatar", owner)); err != nil {
		return err
	}
	if i%2 == 1 { // with even ids, of which the sabotage skips some
		return f.exec(ctx, `insert into channel_links (id, account_id, position, label, url) values ($1, $2, 0, 'l', 'u')`, f.last, owner)
	}
	if err := f.exec(ctx, `insert into collections (id, account_id, title, text, created_at) values ($1, $2, 't', '', 0)`, f.last, owner); err != nil {
		return err
	}
	return f.exec(ctx, `insert into collection_videos (id, collection_id, account_id, video_id, position) values ($1, $1, $2, 900, 0)`, f.last, owner)
}

// fillFarewell makes a farewell: every other one is shown already, and stays without its owner.
func (f *filler) fillFarewell(ctx context.Context, owner int64, i int) error {
	var shown any
	if i%2 == 0 {
		shown = 5
	}
	return f.exec(ctx, `insert into farewells (id, account_id, scope, words, links, redirect, shown_at, created_at) values ($1, $2, $3, 'bye', '', 0, $4, 0)`, f.last, owner, fmt.Sprint("s", f.last), shown)
}

// fillVideo makes a video with all that can hang on one.
func (f *filler) fillVideo(ctx context.Context, owner int64, state string, i int) error {
	id, key := f.last, fmt.Sprint("k", f.last)
	comments, audience := 0, []string{"public", fmt.Sprint("followers:", owner), fmt.Sprint("only:", owner), "unlisted"}[i%4]
	if i%3 == 0 {
		comments = 1
	}
	statements := []struct {
		query string
		args  []any
	}{
		{
			`insert into videos (` + columns + `) values ($1, $2, 't', 'text @{3}', $3, 'zh', $4, 'ready', '', 0, 0, 0, '', $5, 'video/mp4', 10, 's', 1, 1, 1, $6, $7, 0, 1, $8, 'f.mp4')`,
			[]any{id, owner, audience, state, key, "p" + key, "t" + key, comments},
		},
		{`insert into video_subtitles (id, video_id, account_id, language, label, key, bytes) values ($1, $1, $2, 'zh', '', $3, 3)`, []any{id, owner, "s" + key}},
		{`insert into video_days (video_id, account_id, day, source, views, watched) values ($1, $2, 1, 'feed', 3, 9)`, []any{id, owner}},
		{`insert into video_frames (id, video_id, account_id, moment, key, bytes) values ($1, $1, $2, 0, $3, 3)`, []any{id, owner, "f" + key}},
		{`insert into view_marks (day, video_id, mark) values (1, $1, 'm')`, []any{id}},
		{`insert into video_history (id, account_id, video_id, position, at) values ($1, 3, $1, 5, 0)`, []any{id}},
		{`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, 3, 'video', $1, 'channel', 0, 0)`, []any{id}},
		{`insert into favourites (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, 3, 'video', $1, 'channel', 0, 0)`, []any{id}},
		{`insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values ($1, 3, $2, 'video', $1, 'channel', 0)`, []any{id, owner}},
		{`insert into notices (id, account_id, kind, by_id, ref_kind, ref_id, service, place_id, created_at) values ($1, 3, 'mention', $2, 'video', $1, 'channel', 0, 0)`, []any{id, owner}},
	}
	if state == "live" {
		for _, q := range []string{
			`insert into topics (id, service, place_id, name, name_key, state, created_at) values (100 + $1, 'channel', 0, 'n' || $1, 'n' || $1, 'live', 0) on conflict do nothing`,
			`update topics set posts = posts + 1 where id = 100 + $1`,
		} {
			statements = append(statements, struct {
				query string
				args  []any
			}{q, []any{id % 3}})
		}
		statements = append(statements, struct {
			query string
			args  []any
		}{`insert into video_topics (id, video_id, account_id, topic_id, at) values ($1, $1, $2, $3, 0)`, []any{id, owner, 100 + id%3}})
	}
	if comments > 0 {
		statements = append(statements, struct {
			query string
			args  []any
		}{`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, text, state, created_at) values ($1, 3, 'video', $1, 'channel', 0, 'hm', 'live', 0)`, []any{id}})
	}
	for _, x := range statements {
		if err := f.exec(ctx, x.query, x.args...); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) count(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	query := map[string]string{
		"channel": `select (select count(*) from channels where account_id = $1) + (select count(*) from channel_links where account_id = $1)
			+ (select count(*) from collections where account_id = $1) + (select count(*) from collection_videos where account_id = $1)`,
		"videos":     `select count(*) from videos where account_id = $1 and state not in ('draft', 'scheduled')`,
		"drafts":     `select count(*) from videos where account_id = $1 and state in ('draft', 'scheduled')`,
		"history":    `select count(*) from video_history where account_id = $1`,
		"renditions": `select (select count(*) from video_renditions where account_id = $1) + (select count(*) from video_frames where account_id = $1)`,
		"farewells":  `select count(*) from farewells where account_id = $1`,
	}[class]
	// Subtitles and topics go with their videos, and are not items of their own.
	return n, f.d.Reader.QueryRowContext(ctx, query, int64(id)).Scan(&n)
}

// check looks at all that refers to videos.
func (f *filler) check(ctx context.Context) error {
	gone := func(table, column string) string {
		return `select count(*) from ` + table + ` x where not exists (select 1 from videos p where p.id = x.` + column + ` and p.state <> 'gone')`
	}
	for what, query := range map[string]string{
		"topics with a wrong number of videos":           `select count(*) from topics t where t.posts <> (select count(*) from video_topics l where l.topic_id = t.id)`,
		"topics without a video":                         `select count(*) from topics where posts <= 0`,
		"skeletons with words or files":                  `select count(*) from videos where state = 'gone' and (text <> '' or title <> '' or original <> '' or poster <> '' or account_id is not null or origin is not null)`,
		"skeletons that nobody talks beneath":            `select count(*) from videos p where p.state = 'gone' and not exists (select 1 from comments c where c.ref_id = p.id and c.state = 'live')`,
		"audiences that name nobody's account":           `select count(*) from videos where account_id is null and (audience like 'followers:%' or audience like 'only:%') and audience <> 'only:0'`,
		"comments on what is not there":                  `select count(*) from comments c where not exists (select 1 from videos p where p.id = c.ref_id)`,
		"likes of what is not there":                     gone("likes", "ref_id"),
		"favourites of what is not there":                gone("favourites", "ref_id"),
		"mentions in what is not there":                  gone("mentions", "ref_id"),
		"notices of what is not there":                   gone("notices", "ref_id"),
		"subtitles of what is not there":                 gone("video_subtitles", "video_id"),
		"frames of what is not there":                    gone("video_frames", "video_id"),
		"days of what is not there":                      gone("video_days", "video_id"),
		"marks of what is not there":                     gone("view_marks", "video_id"),
		"histories of what is not there":                 gone("video_history", "video_id"),
		"videos that play without renditions":            `select case when '` + f.class + `' <> 'renditions' then 0 else (select count(*) from videos p where p.id <> 900 and p.media = 'ready' and not exists (select 1 from video_renditions r where r.video_id = p.id)) end`,
		"files that were not given up":                   `select count(*) from (` + f.files() + `) k where not exists (select 1 from blob_doomed b where b.key = k.key) and not exists (` + f.living() + `)`,
		"farewells that were not shown and are nobody's": `select count(*) from farewells where account_id is null and shown_at is null`,
	} {
		var n int64
		if err := f.d.Reader.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n > 0 {
			return fmt.Errorf("%d %s", n, what)
		}
	}
	return nil
}

// files selects the keys of all files that were ever filled: each video's comments keep its number alive, else the numbers do.
func (f *filler) files() string {
	return fmt.Sprintf(`with recursive w(n) as (select 1001 union all select n + 1 from w where n < %d) select p.prefix || 'k' || w.n as key
		from w cross join (select '' as prefix union all select 'p' union all select 't' union all select 's' union all select 'f') p where %d > 1000 and '%s' in ('videos', 'drafts')`, f.last, f.last, f.class)
}

// living selects those of the keys that are still referred to.
func (f *filler) living() string {
	return `select 1 from videos v left join video_subtitles u on u.video_id = v.id left join video_frames g on g.video_id = v.id
		where k.key in (v.original, v.poster, v.thumb, u.key, g.key)`
}
