package upload_test

import (
	"context"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exittest"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// filler fills the tables by hand.
type filler struct {
	d    *db.DB
	last int64
}

func (f *filler) exec(ctx context.Context, query string, args ...any) error {
	_, err := f.d.Writer.ExecContext(ctx, query, args...)
	return err
}

func TestHolder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := &filler{d: d}
		h := upload.New(upload.Config{DB: d}).Holder()
		exittest.Holder(t, func(t *testing.T) exittest.Fixture {
			for _, table := range []string{"blob_doomed", "upload_pieces", "upload_items", "uploads", "accounts"} {
				if err := f.exec(t.Context(), `delete from `+table); err != nil {
					t.Fatal(err)
				}
			}
			f.last = 999
			return exittest.Fixture{
				Holder: h, Update: d.Update, Fill: f.fill, Count: f.count,
				Sabotage: func(ctx context.Context, _ string) error {
					return exittest.SkipEveryTenth(ctx, d.Writer, d.Dialect, "uploads", "id")
				},
				Check: f.check,
			}
		})
	})
}

// fill gives an account items: an upload, and pieces of it.
func (f *filler) fill(ctx context.Context, s exit.Subject, n int) error {
	id, _ := who.ParseID(s.ID)
	if err := f.exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0) on conflict do nothing`, int64(id), s.ID); err != nil {
		return err
	}
	var of int64
	for i := range n {
		f.last++
		if i%5 == 0 {
			of = f.last
			if err := f.exec(ctx, `insert into uploads (id, account_id, what, name, type, detail, length, received, state, created_at, expires_at)
				values ($1, $2, 'video', '', '', '', 9, 0, 'open', 0, 0)`, of, int64(id)); err != nil {
				return err
			}
			continue
		}
		if i%5 == 1 {
			if err := f.exec(ctx, `insert into upload_items (id, upload_id, account_id, position, name, state, reason, ref) values ($1, $2, $3, 1, 'a', 'waiting', '', '')`, f.last, of, int64(id)); err != nil {
				return err
			}
			continue
		}
		key := s.ID + "/uploads/" + who.ID(f.last).String()
		if err := f.exec(ctx, `insert into upload_pieces (id, upload_id, account_id, position, bytes, key) values ($1, $2, $3, $1, 1, $4)`, f.last, of, int64(id), key); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) count(ctx context.Context, s exit.Subject, _ string) (n int64, err error) {
	id, _ := who.ParseID(s.ID)
	err = f.d.Reader.QueryRowContext(ctx, `select (select count(*) from uploads where account_id = $1) + (select count(*) from upload_pieces where account_id = $1) +
		(select count(*) from upload_items where account_id = $1)`, int64(id)).Scan(&n)
	return n, err
}

// check wants each piece that is gone to have been given up.
func (f *filler) check(ctx context.Context) error {
	var lost int64
	err := f.d.Reader.QueryRowContext(ctx, `select count(*) from blob_doomed where exists (select 1 from upload_pieces p where p.key = blob_doomed.key)`).Scan(&lost)
	if err == nil && lost > 0 {
		return exit.Fail(exit.Internal, "pieces that are there were given up")
	}
	return err
}
