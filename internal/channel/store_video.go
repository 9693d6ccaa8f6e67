package channel

import (
	"context"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// one gives a video; NotFound if there is none.
func (s store) one(ctx context.Context, viewer, id who.ID) (Video, error) {
	list, err := s.byIDs(ctx, viewer, []who.ID{id})
	if err != nil {
		return Video{}, err
	}
	if len(list) == 0 {
		return Video{}, errNoVideo()
	}
	return list[0], nil
}

// errNoVideo is what a video answers that is not there, as far as the viewer is concerned.
func errNoVideo() error { return exit.Fail(exit.NotFound, "channel.error.no_video") }

// lockVideo keeps a video from being changed by another until the transaction ends.
func (s store) lockVideo(ctx context.Context, id who.ID) error {
	if s.db.SQLite() {
		return nil
	}
	if _, err := s.db.Exec(ctx, `select id from videos where id = $1`+s.db.ForUpdate(), int64(id)); err != nil {
		return fmt.Errorf("lock video: %w", err)
	}
	return nil
}

// addVideo stores a new draft.
func (s store) addVideo(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256,
		duration, width, height, poster, thumb, downloads) values ($1, $2, $3, $4, $5, '', 'draft', 'awaited', '', 0, $6, $6, '', '', '', 0, '', 0, 0, 0, '', '', $7)`,
		int64(x.ID), int64(x.Owner), x.Title, x.Text, string(x.Audience), db.Ms(pass.At), flag(x.Downloads)); err != nil {
		return fmt.Errorf("store video: %w", err)
	}
	return nil
}

// unpublished counts an account's drafts and scheduled videos.
func (s store) unpublished(ctx context.Context, account who.ID) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from videos where account_id = $1 and state in ('draft', 'scheduled')`, int64(account)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count drafts: %w", err)
	}
	return n, nil
}

// inDay counts an account's videos that were or will be published within the 24 hours before an instant, the one video left out. One that has an earlier
// date of its own counts when it came.
func (s store) inDay(ctx context.Context, account, besides who.ID, at time.Time) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from videos where account_id = $1 and state in ('live', 'scheduled', 'withheld') and id <> $4
		and (at > $2 and at <= $3 or at < created_at and created_at > $2 and created_at <= $3)`,
		int64(account), db.Ms(at.Add(-24*time.Hour)), db.Ms(at), int64(besides)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count a day's videos: %w", err)
	}
	return n, nil
}

// changeWords stores what an owner writes of a video. It was edited if it stood before others.
func (s store) changeWords(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set title = $1, text = $2, audience = $3, downloads = $4, edited_at = case when state in ('live', 'withheld') then cast($5 as bigint) else edited_at end where id = $6`,
		x.Title, x.Text, string(x.Audience), flag(x.Downloads), db.Ms(pass.At), int64(x.ID)); err != nil {
		return fmt.Errorf("change video: %w", err)
	}
	return nil
}

// setState stores a video's state and the time by which it stands in lists. due is null unless it is scheduled.
func (s store) setState(ctx context.Context, pass service.Pass, x Video) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	var due any
	if !x.Due.IsZero() {
		due = db.Ms(x.Due)
	}
	if _, err := s.db.Exec(ctx, `update videos set state = $1, at = $2, due_at = $3, hot = $4, fault = $5 where id = $6`,
		string(x.State), db.Ms(x.At), due, Heat(x.At, x.Likes, x.Comments), x.Fault, int64(x.ID)); err != nil {
		return fmt.Errorf("store a video's state: %w", err)
	}
	return nil
}

// hide takes a video out of sight until it is erased or brought back. at is the machine's time.
func (s store) hide(ctx context.Context, pass service.Pass, id who.ID, at time.Time, as State) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set state = 'deleted', deleted_at = $1, deleted_as = $2 where id = $3`, db.Ms(at), string(as), int64(id)); err != nil {
		return fmt.Errorf("hide video: %w", err)
	}
	return nil
}

// unhide brings a video back that is being deleted.
func (s store) unhide(ctx context.Context, pass service.Pass, id who.ID, state State) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update videos set state = $1, deleted_at = null, deleted_as = '' where id = $2 and state = 'deleted'`, string(state), int64(id)); err != nil {
		return fmt.Errorf("bring video back: %w", err)
	}
	return nil
}

// turn changes the state of those of the videos that are in one state to another, and to which one a video comes back that is being deleted.
func (s store) turn(ctx context.Context, pass service.Pass, ids []who.ID, from, to State) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	list, args := service.In(3, ids)
	if _, err := s.db.Exec(ctx, `update videos set state = $1 where state = $2 and id in (`+list+`)`, append([]any{string(to), string(from)}, args...)...); err != nil {
		return fmt.Errorf("change state of videos: %w", err)
	}
	if _, err := s.db.Exec(ctx, `update videos set deleted_as = $1 where state = 'deleted' and deleted_as = $2 and id in (`+list+`)`, append([]any{string(to), string(from)}, args...)...); err != nil {
		return fmt.Errorf("change state of videos: %w", err)
	}
	return nil
}

// mention makes the rows of whom a video's text mentions what they should be: accounts, and those of whom a mention has stayed in it ([post.Room.Keep]).
func (s store) mention(ctx context.Context, pass service.Pass, x Video, accounts []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	stayed := slices.DeleteFunc(post.Mentioned(x.Text), func(id who.ID) bool { return slices.Contains(accounts, id) })
	list, args := service.In(2, append(stayed, 0))
	if _, err := s.db.Exec(ctx, `delete from mentions where ref_kind = 'video' and ref_id = $1 and account_id not in (`+list+`)`, append([]any{int64(x.ID)}, args...)...); err != nil {
		return fmt.Errorf("clear mentions: %w", err)
	}
	if len(accounts) == 0 {
		return nil
	}
	var v db.Values
	for _, a := range accounts {
		v.Add(int64(s.db.IDs.Next()), int64(a), int64(x.Owner), KindVideo, int64(x.ID), Name, 0)
	}
	if _, err := s.db.Exec(ctx, `insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store mentions: %w", err)
	}
	return nil
}

// due gives scheduled videos whose day has come and whose file is ready, of accounts that are not veiled, the first first.
func (s store) due(ctx context.Context, at time.Time, limit int) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select p.id from videos p where p.state = 'scheduled' and p.due_at <= $1 and p.media in ('ready', 'plain') and `+
		service.Visible("p.account_id", "'channel'", "'0'")+` and not exists (select 1 from reasons z where z.account_id = p.account_id and z.what in ('freeze', 'mute') and z.scope in ('', 'channel'))
		order by p.due_at, p.id limit $2`, db.Ms(at), limit)
	if err != nil {
		return nil, fmt.Errorf("look for videos that are due: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { err = r.Scan((*int64)(&id)); return id, err })
	if err != nil {
		return nil, fmt.Errorf("look for videos that are due: %w", err)
	}
	return ids, nil
}

// Cursor is the place in a list ordered by time, newest first, below which the next page begins. The zero Cursor is the top.
type Cursor struct {
	At time.Time
	ID who.ID
}

// below gives the key under which a page's rows are.
func (c Cursor) below() (at, id int64) {
	if c == (Cursor{}) {
		return 1 << 62, 1 << 62
	}
	return db.Ms(c.At), int64(c.ID)
}

// ofChannel gives a page of a channel's published videos that the viewer may see by their audience, newest first. Whether each may be seen
// is asked again in access.go.
func (s store) ofChannel(ctx context.Context, viewer, account who.ID, c Cursor, limit int) ([]Video, error) {
	at, id := c.below()
	return s.videos(ctx, "list a channel's videos", `select `+columns+` from videos p`+withChannel+`
		where p.account_id = $2 and p.state = 'live' and p.media in ('ready', 'plain') and (p.at, p.id) < ($3, $4) and (p.audience = 'public' or p.account_id = $1
		or p.audience like 'followers:%' and exists (select 1 from follows w where w.follower_id = $1 and w.followee_id = p.account_id)
		or p.audience like 'circle:%' and exists (select 1 from circle_members m where m.account_id = $1 and m.state = 'active' and p.audience = 'circle:' || m.circle_id))
		order by p.at desc, p.id desc limit $5`, int64(viewer), int64(account), at, id, limit)
}

// ofOwner gives a page of an account's own videos in states, the newest first.
func (s store) ofOwner(ctx context.Context, account who.ID, states string, c Cursor, limit int) ([]Video, error) {
	at, id := c.below()
	return s.videos(ctx, "list an account's videos", `select `+columns+` from videos p`+withChannel+`
		where p.account_id = $1 and p.state in (`+states+`) and (p.at, p.id) < ($2, $3) order by p.at desc, p.id desc limit $4`, int64(account), at, id, limit)
}

// livingAbove gives published videos by id.
func (s store) livingAbove(ctx context.Context, after who.ID, limit int) ([]Video, error) {
	return s.videos(ctx, "read videos to be found", `select `+columns+` from videos p`+withChannel+`where p.state = 'live' and p.id > $2 order by p.id limit $3`+s.shared(ctx, "p"),
		int64(0), int64(after), limit)
}

// shared keeps the rows that a query reads from changing until the transaction ends; SQLite has one writer anyway.
func (s store) shared(ctx context.Context, table string) string {
	if _, in := exitsql.Tx(ctx); !in || s.db.SQLite() {
		return ""
	}
	return " for share of " + table
}

// Stored gives how many bytes the videos of accounts have: the files as they came, and what was made of them.
func (r *Room) Stored(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	list, args := service.In(1, accounts)
	rows, err := r.DB.Q(ctx).QueryContext(ctx, `select g.account_id, cast(sum(g.bytes) as bigint) from (
		select account_id, bytes from videos where account_id in (`+list+`) union all select account_id, bytes from video_renditions where account_id in (`+list+`)
		union all select account_id, bytes from video_subtitles where account_id in (`+list+`)) g group by g.account_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("measure videos: %w", err)
	}
	sums, err := db.Scan(rows, service.ScanSum)
	return service.Sums(sums), err
}
