package post_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// only shows one class of the holder, so that each can have parts of its own.
type only struct {
	*post.Holder
	class string
}

func (o only) Classes() []exit.Class {
	return slices.DeleteFunc(o.Holder.Classes(), func(c exit.Class) bool { return c.Name != o.class })
}

func TestHolder(t *testing.T) {
	for class, parts := range map[string][]string{"posts": {"circle:9", "page"}, "drafts": {"circle:9", "page"}, "images": {"circle:9", "page"}, "links": nil, "cards": nil} {
		t.Run(class, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				f := &filler{d: d, holder: post.New(post.Config{DB: d}).Holder(), class: class, parts: parts}
				exittest.Holder(t, f.open)
			})
		})
	}
}

// filler fills the post room's tables by hand. What is filled for a whole account lies in circle 8. Account 3 talks.
type filler struct {
	d      *db.DB
	holder *post.Holder
	class  string
	parts  []string
	last   int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func (f *filler) open(t *testing.T) exittest.Fixture {
	f.repair(t)
	statements := []string{"likes", "favourites", "mentions", "comments", "post_images", "kept_links", "blob_doomed", "post_topics", "topics", "posts", "circles", "accounts"}
	for i, table := range statements {
		statements[i] = `delete from ` + table
	}
	for id := 1; id <= 3; id++ {
		statements = append(statements, fmt.Sprintf(`insert into accounts (id, name, name_key, kind, state, created_at) values (%d, 'a%[1]d', 'a%[1]d', 'personal', 'active', 0)`, id))
	}
	for id := 8; id <= 9; id++ {
		statements = append(statements, fmt.Sprintf(`insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values (%d, 'n', '', 'open', '', 'open', 0, 0, 0)`, id))
	}
	for _, s := range statements {
		if err := f.exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	f.last = 1000
	return exittest.Fixture{
		Holder: only{f.holder, f.class}, Update: f.d.Update, Parts: f.parts, Fill: f.fill, Count: f.count, Check: f.check,
		Sabotage: func(ctx context.Context, class string) error {
			table := map[string]string{"posts": "posts", "drafts": "posts", "cards": "posts", "images": "post_images", "links": "kept_links"}[class]
			return exittest.SkipEveryTenth(ctx, f.d.Writer, f.d.Dialect, table, "id")
		},
	}
}

// repair undoes the sabotage of an earlier fixture on the same database.
func (f *filler) repair(t *testing.T) {
	for _, table := range []string{"posts", "post_images", "kept_links"} {
		for _, verb := range []string{"delete", "update"} {
			statement := fmt.Sprintf(`drop trigger if exists skip_%s_%s`, table, verb)
			if f.d.Dialect == exitsql.PostgreSQL {
				statement = fmt.Sprintf(`drop function if exists skip_%s_%s cascade`, table, verb)
			}
			if err := f.exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// fill makes n posts, every third of them with others' comments, with likes, a mention and, for their class, an image.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	account, _ := who.ParseID(s.ID)
	in, place := "circle", int64(8)
	if s.In == "page" {
		in, place = "page", 0
	} else if s.In != "" {
		place = 9
	}
	for i := range n {
		f.last++
		audience := fmt.Sprint("circle:", place)
		if in == "page" {
			audience = []string{"public", fmt.Sprint("followers:", account), fmt.Sprint("only:", account), "unlisted"}[i%4]
		}
		author, card, state := account, who.ID(0), f.state(i)
		if f.class == "cards" {
			author, card = 3, account
		}
		statements := []struct {
			query string
			args  []any
		}{
			{`insert into posts (id, author_id, service, place_id, audience, text, summary, language, reply_to, state, created_at, comments, likes, images, card_kind, card_id, pinned_at)
				values ($1, $2, $3, $4, $5, 'text @{3}', '', '', '', $6, 0, $7, 1, $8, 'account', $9, 5)`, []any{f.last, int64(author), in, place, audience, state, f.comments(i), f.images(), int64(card)}},
			{`insert into topics (id, service, place_id, name, name_key, state, created_at) values ($1, $2, $3, 'n', 'n', 'live', 0) on conflict do nothing`, []any{100 + place, in, place}},
			{`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, 3, 'post', $1, $2, $3, 0)`, []any{f.last, in, place}},
			{`insert into favourites (id, account_id, ref_kind, ref_id, service, place_id, created_at) values ($1, 3, 'post', $1, $2, $3, 0)`, []any{f.last, in, place}},
			{`insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values ($1, 3, $2, 'post', $1, $3, $4)`, []any{f.last, int64(author), in, place}},
			{`insert into kept_links (id, account_id, kind, uri) values ($1, $2, 'boost', $3)`, []any{f.last, int64(account), fmt.Sprint("https://example.org/", f.last)}},
		}
		if state == post.Live {
			for _, q := range []string{
				`update circles set posts = posts + 1 where id = $1`, `update topics set posts = posts + 1 where place_id = $1`,
				fmt.Sprintf(`insert into post_topics (post_id, topic_id, at) values (%d, 100 + $1, 0)`, f.last),
			} {
				statements = append(statements, struct {
					query string
					args  []any
				}{q, []any{place}})
			}
		}
		if f.comments(i) > 0 {
			statements = append(statements, struct {
				query string
				args  []any
			}{`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, text, state, created_at) values ($1, 3, 'post', $1, $2, $3, 'hm', 'live', 0)`, []any{f.last, in, place}})
		}
		if f.images() > 0 {
			statements = append(statements, struct {
				query string
				args  []any
			}{
				`insert into post_images (id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing) values ($1, $1, $2, 0, $3, $4, 'image/png', 1, 1, 10, '', '')`,
				[]any{f.last, int64(account), fmt.Sprint("key", f.last), fmt.Sprint("thumb", f.last)},
			})
		}
		for _, x := range statements {
			if err := f.exec(ctx, x.query, x.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// state gives the states of posts; drafts have their class to themselves.
func (f *filler) state(i int) string {
	switch {
	case f.class == "drafts":
		return post.Drafted
	case f.class == "posts" && i%5 == 4:
		return []string{post.Submitted, post.Withheld, post.Deleting}[i/5%3]
	}
	return post.Live
}

func (f *filler) comments(i int) int {
	if f.class == "drafts" {
		return 0
	}
	if i%3 == 0 {
		return 1
	}
	return 0
}

func (f *filler) images() int {
	if f.class == "images" {
		return 1
	}
	return 0
}

func (f *filler) count(ctx context.Context, s exit.Subject, class string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	in, place := s.Service(), s.Place()
	where := ` p.author_id = $1 and (p.service = $2 or $2 = '') and (cast(p.place_id as text) = $3 or $3 = '')`
	query := map[string]string{
		"posts":  `select count(*) from posts p where p.state <> 'draft' and` + where,
		"images": `select count(*) from post_images i join posts p on p.id = i.post_id where i.author_id = p.author_id and` + where,
		"drafts": `select count(*) from posts p where p.state = 'draft' and` + where,
		"cards":  `select count(*) from posts p where p.card_kind = 'account' and p.card_id = $1 and $2 = '' and $3 = ''`,
		"links":  `select count(*) from kept_links p where p.account_id = $1 and $2 = '' and $3 = ''`,
	}[class]
	return n, f.d.Reader.QueryRowContext(ctx, query, int64(id), in, place).Scan(&n)
}

// check looks at all that refers to posts.
func (f *filler) check(ctx context.Context) error {
	for what, query := range map[string]string{
		"circles with a wrong number of posts":         `select count(*) from circles c where c.posts <> (select count(*) from posts p where p.service = 'circle' and p.place_id = c.id and p.state = 'live')`,
		"topics with a wrong number of posts":          `select count(*) from topics t where t.posts <> (select count(*) from post_topics l join posts p on p.id = l.post_id where l.topic_id = t.id and p.state = 'live')`,
		"links of topics to what is not there":         `select count(*) from post_topics l where not exists (select 1 from posts p where p.id = l.post_id and p.state = 'live')`,
		"skeletons that are pinned or share something": `select count(*) from posts where state = 'gone' and (pinned_at is not null or card_kind <> '')`,
		"departed posts that nobody saw":               `select count(*) from posts where author_id is null and state not in ('live', 'gone')`,
		"cards that others' posts lost":                `select case when '` + f.class + `' <> 'cards' then 0 else (select count(*) from posts where card_kind <> 'account' or text = '') end`,
		"posts with a wrong number of images":          `select count(*) from posts p where p.images <> (select count(*) from post_images i where i.post_id = p.id)`,
		"skeletons with words":                         `select count(*) from posts where state = 'gone' and (text <> '' or author_id is not null or origin is not null)`,
		"skeletons that nobody talks beneath":          `select count(*) from posts p where p.state = 'gone' and not exists (select 1 from comments c where c.ref_id = p.id and c.state = 'live')`,
		"audiences that name nobody's account":         `select count(*) from posts where author_id is null and (audience like 'followers:%' or audience like 'only:%') and audience <> 'only:0'`,
		"departed posts that only their author saw":    `select count(*) from posts where author_id is null and state = 'live' and audience = 'only:0'`,
		"comments on what is not there":                `select count(*) from comments c where not exists (select 1 from posts p where p.id = c.ref_id)`,
		"likes of what is not there":                   `select count(*) from likes l where not exists (select 1 from posts p where p.id = l.ref_id and p.state <> 'gone')`,
		"favourites of what is not there":              `select count(*) from favourites l where not exists (select 1 from posts p where p.id = l.ref_id and p.state <> 'gone')`,
		"mentions in what is not there":                `select count(*) from mentions m where not exists (select 1 from posts p where p.id = m.ref_id and p.state <> 'gone')`,
		"mentions by somebody who is not their author": `select count(*) from mentions m join posts p on p.id = m.ref_id where coalesce(m.author_id, 0) <> coalesce(p.author_id, 0)`,
		"files that were not given up":                 `select case when '` + f.class + `' <> 'images' then 0 else (select count(*) from posts p where p.text <> '' and p.images = 0 and not exists (select 1 from blob_doomed b where b.key = 'key' || p.id)) end`,
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
