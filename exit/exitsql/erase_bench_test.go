package exitsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
)

// fillLikes gives account 1 so many likes, of 1,000 posts of account 3.
func fillLikes(b *testing.B, d database, n int) {
	b.Helper()
	for _, statement := range []string{
		`delete from likes`, `delete from posts`,
		`insert into posts (id, author_id, service, place, text, likes)
			with recursive g (i) as (select 1 union all select i + 1 from g where i < 1000) select i, 3, 'page', '', 'liked', 0 from g`,
		fmt.Sprintf(`insert into likes (id, account_id, post_id)
			with recursive g (i) as (select 1 union all select i + 1 from g where i < %d) select i, 1, 1 + i %% 1000 from g`, n),
		`update posts set likes = (select count(*) from likes where post_id = posts.id)`,
	} {
		if _, err := d.writer.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
}

// byHand deletes account 1's likes as one would without any engine, in chunks of a size.
func byHand(ctx context.Context, db *sql.DB, limit int) error {
	for lo := int64(0); ; {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		var hi sql.NullInt64
		err = tx.QueryRowContext(ctx, `select max(id) from (select id from likes where account_id = $1 and id > $2 order by id limit $3) c`, 1, lo, limit).Scan(&hi)
		if err == nil && hi.Valid {
			_, err = tx.ExecContext(ctx, `update posts set likes = likes - (select count(*) from likes where account_id = $1 and id > $2 and id <= $3 and post_id = posts.id)
				where id in (select post_id from likes where account_id = $1 and id > $2 and id <= $3)`, 1, lo, hi.Int64)
		}
		if err == nil && hi.Valid {
			_, err = tx.ExecContext(ctx, `delete from likes where account_id = $1 and id > $2 and id <= $3`, 1, lo, hi.Int64)
		}
		if err != nil {
			tx.Rollback()
			return err
		}
		if err := tx.Commit(); err != nil || !hi.Valid {
			return err
		}
		lo = hi.Int64
	}
}

// throughStore deletes them as a step does: chunk by chunk, with the run locked and the receipt kept.
func throughStore(ctx context.Context, s *exitsql.Store, posts post, l exit.Lease, limit int) error {
	for done := false; !done; {
		_, err := s.Chunk(ctx, l, agreedAt, func(ctx context.Context, st exit.StepStatus) (exit.Progress, error) {
			p, err := posts.Erase(ctx, exit.Task{Subject: exit.Account("1"), Class: "likes", Manner: exit.Erase, Cursor: st.Cursor, Limit: limit, Chunk: st.Chunks})
			done = p.Done
			return p, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkErase compares a step's erasure with the same rows deleted by hand, in chunks of the same size.
func BenchmarkErase(b *testing.B) {
	const likes, limit = 100_000, 500
	for _, create := range []struct {
		name string
		new  func(t testing.TB) database
	}{{"sqlite", newSQLite}, {"postgresql", newPostgreSQL}} {
		b.Run(create.name, func(b *testing.B) {
			d := create.new(b)
			d.createPosts(b)
			s := d.store(b)
			var byHandTook, storeTook time.Duration
			round := 0
			for b.Loop() {
				b.StopTimer()
				fillLikes(b, d, likes)
				round++
				addDue(b, s, fmt.Sprint("round", round), 1)
				leases, err := s.Lease(b.Context(), agreedAt, agreedAt, time.Hour, 1)
				if err != nil || len(leases) != 1 {
					b.Fatalf("leased %d, %v", len(leases), err)
				}
				before := b.Elapsed()
				b.StartTimer()
				err = throughStore(b.Context(), s, newPost(d.reader), leases[0], limit)
				storeTook += b.Elapsed() - before
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				fillLikes(b, d, likes)
				before = b.Elapsed()
				b.StartTimer()
				err = byHand(b.Context(), d.writer, limit)
				byHandTook += b.Elapsed() - before
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(storeTook.Milliseconds())/float64(round), "ms-store")
			b.ReportMetric(float64(byHandTook.Milliseconds())/float64(round), "ms-by-hand")
			b.ReportMetric(float64(storeTook)/float64(byHandTook), "ratio")
		})
	}
}
