package post

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// add stores posts of one author in one statement.
func (s store) add(ctx context.Context, pass service.Pass, posts []Post) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(posts) == 0 {
		return nil
	}
	var v db.Values
	for _, p := range posts {
		var origin, edited any
		if p.Origin != "" {
			origin = p.Origin
		}
		if !p.Edited.IsZero() {
			edited = db.Ms(p.Edited)
		}
		state := p.State
		if state == "" {
			state = Live
		}
		v.Add(int64(p.ID), int64(p.Author), p.Service, int64(p.Place), string(p.Audience), p.Text, p.Summary, flag(p.Sensitive), p.Language, p.ReplyTo,
			origin, state, db.Ms(p.At), edited, p.Images, Hot(db.Ms(p.At), 0, 0), p.Card.Kind, int64(p.Card.ID), msOf(p.Featured), msOf(p.Pinned), p.Refusal)
	}
	if _, err := s.db.Exec(ctx, `insert into posts (id, author_id, service, place_id, audience, text, summary, sensitive, language, reply_to, origin, state, created_at, edited_at, images,
		hot, card_kind, card_id, featured_at, pinned_at, refusal) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store posts: %w", err)
	}
	return nil
}

// msOf gives what a column holds for a time, null for none.
func msOf(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return db.Ms(t)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// addImages stores images in one statement.
func (s store) addImages(ctx context.Context, pass service.Pass, images []Image) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(images) == 0 {
		return nil
	}
	var v db.Values
	for _, i := range images {
		v.Add(int64(i.ID), int64(i.Post), int64(i.Author), i.Position, i.Key, i.Thumb, i.Type, i.Width, i.Height, i.Bytes, i.Alt, joinMissing(i.Missing, i.Name), i.Look)
	}
	if _, err := s.db.Exec(ctx, `insert into post_images (`+imageColumns+`) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store images: %w", err)
	}
	return nil
}

// joinMissing and cutMissing keep why a file is missing, and what it was called, in one column.
func joinMissing(why, name string) string {
	if why == "" || name == "" {
		return why
	}
	return why + "\n" + name
}

func cutMissing(text string) (why, name string) {
	why, name, _ = strings.Cut(text, "\n")
	return why, name
}

// change stores a post's new text and how many images it has.
func (s store) change(ctx context.Context, pass service.Pass, p Post) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update posts set text = $1, audience = $2, edited_at = $3, images = $4 where id = $5 and state in ('live', 'submitted')`,
		p.Text, string(p.Audience), db.Ms(pass.At), p.Images, int64(p.ID)); err != nil {
		return fmt.Errorf("change post: %w", err)
	}
	return nil
}

// changeAlts stores the descriptions of a post's images, nine at most, in one statement.
func (s store) changeAlts(ctx context.Context, pass service.Pass, post who.ID, alts map[who.ID]string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if len(alts) == 0 {
		return nil
	}
	var when strings.Builder
	args := []any{int64(post)}
	for id, alt := range alts {
		fmt.Fprintf(&when, " when $%d then cast($%d as text)", len(args)+1, len(args)+2)
		args = append(args, int64(id), alt)
	}
	if _, err := s.db.Exec(ctx, `update post_images set alt = case id`+when.String()+` else alt end where post_id = $1`, args...); err != nil {
		return fmt.Errorf("change descriptions: %w", err)
	}
	return nil
}

// lockText gives a post's text, and keeps others from changing it until the transaction ends.
func (s store) lockText(ctx context.Context, id who.ID) (text string, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select text from posts where id = $1`+s.db.ForUpdate(), int64(id)).Scan(&text); err != nil {
		return "", fmt.Errorf("lock text: %w", err)
	}
	return text, nil
}

// mention makes the rows of whom a text mentions what they should be: accounts, and those of whom a mention has stayed in it ([Room.Keep]).
func (s store) mention(ctx context.Context, pass service.Pass, p Post, accounts []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	stayed := slices.DeleteFunc(Mentioned(p.Text), func(id who.ID) bool { return slices.Contains(accounts, id) })
	list, args := service.In(2, append(stayed, 0))
	if _, err := s.db.Exec(ctx, `delete from mentions where ref_kind = 'post' and ref_id = $1 and account_id not in (`+list+`)`, append([]any{int64(p.ID)}, args...)...); err != nil {
		return fmt.Errorf("clear mentions: %w", err)
	}
	if len(accounts) == 0 {
		return nil
	}
	var v db.Values
	for _, a := range accounts {
		v.Add(int64(s.db.IDs.Next()), int64(a), int64(p.Author), "post", int64(p.ID), p.Service, int64(p.Place))
	}
	if _, err := s.db.Exec(ctx, `insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store mentions: %w", err)
	}
	return nil
}

// A skeleton keeps of a post its id, place and times. Tokens of audience that name the author go with the rest.
const (
	narrow     = `audience like 'followers:%' or audience like 'only:%'`
	asSkeleton = `author_id = null, text = '', summary = '', language = '', reply_to = '', origin = null, state = 'gone', likes = 0, images = 0, featured_at = null, pinned_at = null, hot = 0,
		card_kind = '', card_id = 0, deleted_at = null, deleted_as = '', refusal = '', audience = case when ` + narrow + ` then 'only:0' else audience end`
	asDeparted = `author_id = null, origin = null, reply_to = ''`
	othersTalk = `exists (select 1 from comments c where c.ref_kind = 'post' and c.ref_id = posts.id and c.state <> 'gone' and (c.author_id is null or c.author_id <> posts.author_id))`
)

// hung are statements that take what others hung on posts: rows is "{rows} r" or a select of posts in brackets, named r. What
// a row itself tells of spares looking for it elsewhere.
func hung(rows string) []string {
	return append(untagged(rows),
		`delete from likes where ref_kind = 'post' and ref_id in (select r.id from `+rows+` where r.likes > 0)`,
		`delete from favourites where ref_kind = 'post' and ref_id in (select r.id from `+rows+`)`,
		`delete from mentions where ref_kind = 'post' and ref_id in (select r.id from `+rows+` where r.text like '%@{%')`,
	)
}

// remove takes one post out with all that hangs on it, its files were given up before; where others' comments hang on it a skeleton stays.
func (s store) remove(ctx context.Context, pass service.Pass, p Post) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	const one = `(select * from posts where id = $1) r`
	statements := append(append(uncounted(one), hung(one)...),
		`delete from post_images where post_id = $1`,
		`update posts set `+asSkeleton+` where id = $1 and `+othersTalk,
		`delete from likes where ref_kind = 'comment' and ref_id in (select c.id from comments c join posts p on p.id = c.ref_id where c.ref_kind = 'post' and c.ref_id = $1 and p.state <> 'gone')`,
		`delete from mentions where ref_kind = 'comment' and ref_id in (select c.id from comments c join posts p on p.id = c.ref_id where c.ref_kind = 'post' and c.ref_id = $1 and p.state <> 'gone')`,
		`delete from comments where ref_kind = 'post' and ref_id = $1 and exists (select 1 from posts p where p.id = comments.ref_id and p.state <> 'gone')`,
		`delete from posts where id = $1 and state <> 'gone'`,
	)
	for _, q := range statements {
		if _, err := s.db.Exec(ctx, q, int64(p.ID)); err != nil {
			return fmt.Errorf("delete post: %w", err)
		}
	}
	return nil
}

// Stored gives how many bytes the images of accounts have.
func (r *Room) Stored(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	return r.store.stored(ctx, accounts)
}

func (s store) stored(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select author_id, cast(sum(bytes) as bigint) from post_images where author_id in (`+list+`) group by author_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("measure images: %w", err)
	}
	sums, err := db.Scan(rows, service.ScanSum)
	return service.Sums(sums), err
}
