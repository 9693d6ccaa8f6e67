package job_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/who"
)

// TestHolder runs the suite of holders. The tests of the suite share a database and differ in their accounts.
func TestHolder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exittest.Holder(t, func(t *testing.T) exittest.Fixture { return fixture(t, d) })
	})
}

func fixture(t *testing.T, d *db.DB) exittest.Fixture {
	q := job.New(d, d.Clock)
	q.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	t.Cleanup(func() {
		for _, verb := range []string{"delete", "update"} {
			drop := "drop trigger if exists skip_jobs_" + verb
			if d.Dialect.String() == "postgresql" {
				drop += " on jobs; drop function if exists skip_jobs_" + verb
			}
			if _, err := d.Writer.ExecContext(context.Background(), drop); err != nil {
				t.Error(err)
			}
		}
	})
	var n int64
	return exittest.Fixture{
		Holder: q, Update: d.Update,
		One: exit.Account(who.RandomID().String()), Other: exit.Account(who.RandomID().String()),
		Fill: func(ctx context.Context, s exit.Subject, count int) error {
			id, _ := who.ParseID(s.ID)
			return d.Update(ctx, func(ctx context.Context) error {
				for range count {
					n++
					if err := q.Add(ctx, job.Job{Kind: "test.note", Ref: fmt.Sprint(s.ID, ".", n), Account: id}); err != nil {
						return err
					}
				}
				return nil
			})
		},
		Count: func(ctx context.Context, s exit.Subject, _ string) (count int64, err error) {
			id, _ := who.ParseID(s.ID)
			err = d.Reader.QueryRowContext(ctx, `select count(*) from jobs where account_id = $1`, int64(id)).Scan(&count)
			return count, err
		},
		Sabotage: func(ctx context.Context, _ string) error {
			return exittest.SkipEveryTenth(ctx, d.Writer, d.Dialect, "jobs", "id")
		},
	}
}
