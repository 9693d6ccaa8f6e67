package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/internal/db"
)

// A hand is what somebody who knows the schema would write to delete one class of an account's rows. {rows} stands for
// the condition that chooses a chunk: $1 is the account, $2 and $3 bound the ids.
type hand struct {
	class, table, owner string
	statements          []string
}

// hands are the classes with many rows, in the order in which they go. Counts on others' posts are corrected; what others
// wrote stays: an answered comment and a post with others' comments leave their place.
var hands = []hand{
	{"talk.likes", "likes", "account_id", []string{
		`update posts set likes = likes - 1 where id in (select ref_id from likes where {rows} and ref_kind = 'post')`,
		`delete from likes where {rows}`,
	}},
	{"talk.comments", "comments", "author_id", []string{
		`delete from likes where ref_kind = 'comment' and ref_id in (select id from comments where {rows})`,
		`delete from favourites where ref_kind = 'comment' and ref_id in (select id from comments where {rows})`,
		`delete from mentions where ref_kind = 'comment' and ref_id in (select id from comments where {rows})`,
		`update posts set comments = comments - g.n from (select ref_id, count(*) as n from comments where {rows} and ref_kind = 'post' and state = 'live' group by ref_id) g
			where posts.id = g.ref_id`,
		`delete from comments where state = 'gone' and id in (select parent_id from comments where {rows} and parent_id is not null)
			and not exists (select 1 from comments w where w.parent_id = comments.id and w.state = 'live' and w.author_id <> $1)`,
		`delete from posts where state = 'gone' and id in (select ref_id from comments where {rows} and ref_kind = 'post')
			and not exists (select 1 from comments w where w.ref_kind = 'post' and w.ref_id = posts.id and w.state = 'live' and w.author_id <> $1)`,
		`update comments set author_id = null, text = '', origin = null, state = 'gone' where {rows}
			and exists (select 1 from comments w where w.parent_id = comments.id and w.state = 'live' and w.author_id <> $1)`,
		`delete from comments where {rows}`,
	}},
	{"post.posts", "posts", "author_id", []string{
		`delete from likes where ref_kind = 'post' and ref_id in (select id from posts where {rows})`,
		`delete from favourites where ref_kind = 'post' and ref_id in (select id from posts where {rows})`,
		`delete from mentions where ref_kind = 'post' and ref_id in (select id from posts where {rows})`,
		`update circles set posts = posts - g.n from (select place_id, count(*) as n from posts where {rows} and service = 'circle' group by place_id) g where circles.id = g.place_id`,
		`update posts set author_id = null, text = '', summary = '', language = '', reply_to = '', origin = null, state = 'gone', likes = 0, images = 0
			where {rows} and comments > 0 and exists (select 1 from comments c where c.ref_kind = 'post' and c.ref_id = posts.id and c.state = 'live' and c.author_id <> $1)`,
		`delete from posts where {rows}`,
	}},
}

// rest deletes what else there is of the account: a handful of rows, in one transaction.
var rest = []string{
	`delete from post_images where author_id = $1`, `delete from kept_links where account_id = $1`, `delete from favourites where account_id = $1`,
	`delete from mentions where account_id = $1 or author_id = $1`, `delete from follows where follower_id = $1 or followee_id = $1`,
	`delete from circle_members where account_id = $1`, `delete from entrances where account_id = $1`, `delete from reasons where account_id = $1`,
	`delete from standings where account_id = $1`, `delete from imports where account_id = $1`, `delete from export_volumes where account_id = $1`,
	`delete from exports where account_id = $1`, `delete from sessions where account_id = $1`, `delete from profile_links where account_id = $1`,
	`delete from profiles where account_id = $1`, `delete from settings where account_id = $1`, `delete from account_people where account_id = $1`,
	`delete from recovery_codes where person_id = $1`, `delete from people where id = $1`, `delete from accounts where id = $1`,
}

// byHand deletes the leaver's rows in chunks of the sizes that the engine had, each a transaction; all sizes nil
// means one transaction a class.
func (i *install) byHand(ctx context.Context, sizes map[string][]int64) (took time.Duration, left string, err error) {
	h, err := i.open(ctx)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	began := time.Now()
	for _, x := range hands {
		if err := x.run(ctx, h.DB.Writer, sizes[x.class]); err != nil {
			return 0, "", fmt.Errorf("delete %s by hand: %w", x.table, err)
		}
	}
	err = within(ctx, h.DB.Writer, func(tx *sql.Tx) error { return execAll(ctx, tx, rest, leaver) })
	took = time.Since(began)
	if err != nil {
		return took, "", fmt.Errorf("delete the rest by hand: %w", err)
	}
	left, err = fingerprint(ctx, h.DB)
	return took, left, err
}

func (x hand) run(ctx context.Context, writer *sql.DB, sizes []int64) error {
	statements := make([]string, len(x.statements))
	for i, s := range x.statements {
		statements[i] = strings.ReplaceAll(s, "{rows}", x.owner+" = $1 and "+x.table+".id > $2 and "+x.table+".id <= $3")
	}
	lo, limit := int64(0), int64(1<<40)
	for n := 0; ; n++ {
		if len(sizes) > 0 {
			limit = sizes[min(n, len(sizes)-1)]
		}
		var hi sql.NullInt64
		if err := within(ctx, writer, func(tx *sql.Tx) error {
			err := tx.QueryRowContext(ctx, `select max(id) from (select id from `+x.table+` where `+x.owner+` = $1 and id > $2 order by id limit $3) c`, leaver, lo, limit).Scan(&hi)
			if err != nil || !hi.Valid {
				return err
			}
			return execAll(ctx, tx, statements, leaver, lo, hi.Int64)
		}); err != nil || !hi.Valid {
			return err
		}
		lo = hi.Int64
	}
}

func within(ctx context.Context, d *sql.DB, fn func(tx *sql.Tx) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func execAll(ctx context.Context, tx *sql.Tx, statements []string, args ...any) error {
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s, args...); err != nil {
			return fmt.Errorf("%w in %.120s", err, s)
		}
	}
	return nil
}

// fingerprint sums up what is left in the tables: both ways must leave the same.
func fingerprint(ctx context.Context, d *db.DB) (string, error) {
	var b strings.Builder
	for _, q := range []string{
		`select count(*), sum(likes), sum(comments), sum(id % 1000003), 0 from posts where state = 'live'`,
		`select count(*), sum(likes), sum(comments), sum(id % 1000003), count(author_id) from posts where state = 'gone'`,
		`select count(*), sum(ref_id % 1000003), sum(account_id), sum(id % 1000003), 0 from likes`,
		`select count(*), sum(ref_id % 1000003), sum(author_id), sum(id % 1000003), count(author_id) from comments`,
		`select count(*), sum(id), 0, 0, 0 from people`,
		`select count(*), sum(account_id), 0, 0, 0 from profiles`,
	} {
		var n [5]sql.NullInt64
		if err := d.Reader.QueryRowContext(ctx, q).Scan(&n[0], &n[1], &n[2], &n[3], &n[4]); err != nil {
			return "", fmt.Errorf("look at what is left: %w", err)
		}
		for _, x := range n {
			fmt.Fprintf(&b, "%d ", x.Int64)
		}
		b.WriteString("/ ")
	}
	return b.String(), nil
}
