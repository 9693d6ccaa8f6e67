package channel

import (
	"context"
	"fmt"

	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// unpublished are videos that nobody but their owner has ever seen.
const unpublished = `state in ('draft', 'scheduled')`

// A skeleton keeps of a video its id and times. Tokens of audience that name the owner go with the rest.
const (
	narrow     = `audience like 'followers:%' or audience like 'only:%'`
	asSkeleton = `account_id = null, title = '', text = '', language = '', state = 'gone', media = 'gone', fault = '', progress = 0, due_at = null, edited_at = null,
		deleted_at = null, deleted_as = '', origin = null, original = '', type = '', file = '', bytes = 0, sha256 = '', look = '', duration = 0, width = 0, height = 0,
		poster = '', thumb = '', downloads = 0, likes = 0, views = 0, hot = 0, audience = case when ` + narrow + ` then 'only:0' else audience end`
	othersTalk = `exists (select 1 from comments c where c.ref_kind = 'video' and c.ref_id = videos.id and c.state <> 'gone'
		and (c.author_id is null or c.author_id <> videos.account_id))`
)

// hung are statements that take out what hangs on videos, and give their files up: rows is "{rows} r" or a select of videos in brackets, named r.
// What others wrote beneath them stays.
func hung(rows string) []string {
	ids := `(select r.id from ` + rows + `)`
	of := func(table string) string {
		return `(select y.* from ` + table + ` y join ` + rows + ` on r.id = y.video_id) x`
	}
	return append(untagged(rows),
		`delete from likes where ref_kind = 'video' and ref_id in `+ids,
		`delete from favourites where ref_kind = 'video' and ref_id in `+ids,
		`delete from mentions where ref_kind = 'video' and ref_id in `+ids,
		`delete from notices where ref_kind = 'video' and ref_id in `+ids,
		`delete from video_history where video_id in `+ids,
		// Marks are of the last days alone, by which their key begins.
		`delete from view_marks where day in (select day from view_keys) and video_id in `+ids,
		`delete from video_days where video_id in `+ids,
		`delete from collection_videos where video_id in `+ids,
		blob.DoomSQL(of("video_subtitles"), "x.key", "x.account_id"),
		`delete from video_subtitles where video_id in `+ids,
		blob.DoomSQL(of("video_renditions"), "x.key", "x.account_id"),
		`delete from video_renditions where video_id in `+ids,
		blob.DoomSQL(of("video_frames"), "x.key", "x.account_id"),
		`delete from video_frames where video_id in `+ids,
		blob.DoomSQL(rows, "r.original", "r.account_id"),
		blob.DoomSQL(rows, "r.poster", "r.account_id"),
		blob.DoomSQL(rows, "r.thumb", "r.account_id"),
	)
}

// untagged are statements that take videos out of their topics; topics go with their last video.
func untagged(rows string) []string {
	ids := `(select r.id from ` + rows + `)`
	return []string{
		`update topics set posts = posts - g.n from (select l.topic_id, count(*) as n from video_topics l where l.video_id in ` + ids + ` group by l.topic_id) g where topics.id = g.topic_id`,
		`delete from topics where service = 'channel' and posts <= 0 and id in (select l.topic_id from video_topics l where l.video_id in ` + ids + `)`,
		`delete from video_topics where video_id in ` + ids,
	}
}

// addressed remembers at which addresses what the owner left to be read is shown once the videos are gone.
const addressed = `insert into farewell_videos (video_id, farewell_id) select r.id, max(f.id) from {rows} r join farewells f on f.account_id = r.account_id and f.shown_at is not null
	where r.state = 'live' and r.audience in ('public', 'unlisted') group by r.id on conflict (video_id) do nothing`

// addressedCollections does the same for collections.
const addressedCollections = `insert into farewell_collections (collection_id, farewell_id) select r.id, max(f.id) from {rows} r join farewells f on f.account_id = r.account_id and f.shown_at is not null
	group by r.id on conflict (collection_id) do nothing`

// remove erases one video for good; where others' comments stand beneath it a skeleton stays. The transaction has taken it out of search.
func (s store) remove(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	const own = `c.ref_kind = 'video' and c.ref_id = $1 and exists (select 1 from videos p where p.id = c.ref_id and p.state <> 'gone')`
	statements := append(hung(`(select * from videos where id = $1) r`),
		`update videos set `+asSkeleton+` where id = $1 and `+othersTalk,
		`delete from likes where ref_kind = 'comment' and ref_id in (select c.id from comments c where `+own+`)`,
		`delete from mentions where ref_kind = 'comment' and ref_id in (select c.id from comments c where `+own+`)`,
		`delete from comments where id in (select c.id from comments c where `+own+`)`,
		`delete from videos where id = $1 and state <> 'gone'`,
	)
	for _, q := range statements {
		if _, err := s.db.Exec(ctx, q, int64(id)); err != nil {
			return fmt.Errorf("delete video: %w", err)
		}
	}
	return nil
}

// astray is a condition on rows of a table that hang on no video of their own account.
func astray(table string) string {
	return `not exists (select 1 from videos v where v.id = ` + table + `.video_id and v.account_id = ` + table + `.account_id)`
}

// daysAstray counts an account's daily sums that hang on no video of it.
func (s store) daysAstray(ctx context.Context, account string) (n int64, err error) {
	id, _ := who.ParseID(account)
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from video_days where account_id = $1 and `+astray("video_days"), int64(id)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count daily sums: %w", err)
	}
	return n, nil
}

// hanging counts what is left of all that hangs on published videos, and goes with the last of them.
func (s store) hanging(ctx context.Context) (n int64, err error) {
	const no = `v.id = x.video_id and v.` + unpublished
	for _, table := range []string{"video_days", "video_subtitles", "video_topics", "view_marks"} {
		var left int64
		if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from `+table+` x where not exists (select 1 from videos v where `+no+`)`).Scan(&left); err != nil {
			return 0, fmt.Errorf("count %s: %w", table, err)
		}
		n += left
	}
	return n, nil
}

// processing gives ids of an account's videos whose renditions are to be made, from one id on.
func (s store) processing(ctx context.Context, account, after who.ID, limit int) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id from videos where account_id = $1 and id > $2 and media = 'processing' order by id limit $3`, int64(account), int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read videos to process: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
	if err != nil {
		return nil, fmt.Errorf("read videos to process: %w", err)
	}
	return ids, nil
}
