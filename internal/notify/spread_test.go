package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// crowd makes accounts that follow one, and gives them in ascending order.
func (h *house) crowd(t *testing.T, of who.Viewer, n int) []who.ID {
	t.Helper()
	ids := make([]who.ID, n)
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		for i := range ids {
			ids[i] = who.RandomID()
			name := fmt.Sprint("fan", i, "of", of.Name)
			if _, err := h.d.Exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0)`, int64(ids[i]), name); err != nil {
				return err
			}
			if _, err := h.desk.NewAccount(ctx, ids[i]); err != nil {
				return err
			}
			if _, err := h.d.Exec(ctx, `insert into follows (id, follower_id, followee_id, created_at, bell) values ($1, $2, $3, 0, 1)`, int64(h.d.IDs.Next()), int64(ids[i]), int64(of.Account)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// followers is an audience; calls counts how often it was asked, and fails is asked before it answers.
type followers struct {
	d     *db.DB
	calls int
	fails func(call int) error
}

func (f *followers) audience(ctx context.Context, n notify.News, after who.ID, limit int) ([]who.ID, error) {
	f.calls++
	if f.fails != nil {
		if err := f.fails(f.calls); err != nil {
			return nil, err
		}
	}
	rows, err := f.d.Q(ctx).QueryContext(ctx, `select follower_id from follows where followee_id = $1 and bell = 1 and follower_id > $2 order by follower_id limit $3`, int64(n.By), int64(after), limit)
	if err != nil {
		return nil, err
	}
	return db.Scan(rows, func(r db.Row) (id who.ID, err error) { return id, r.Scan((*int64)(&id)) })
}

// news has a viewer's news be spread.
func (h *house) news(t *testing.T, v who.Viewer, on who.ID) {
	t.Helper()
	if err := h.within(t, v, func(ctx context.Context, pass service.Pass) error {
		return h.notices.Spread(ctx, pass, notify.News{Kind: notify.NewVideo, By: v.Account, On: post(on)})
	}); err != nil {
		t.Fatal(err)
	}
}

// told counts notices of a thing, and how many accounts have one.
func (h *house) told(t *testing.T, on who.ID) (notices, accounts int) {
	t.Helper()
	if err := h.d.Reader.QueryRowContext(t.Context(), `select count(*), count(distinct account_id) from notices where kind = 'new_video' and ref_id = $1`, int64(on)).Scan(&notices, &accounts); err != nil {
		t.Fatal(err)
	}
	return notices, accounts
}

// works has the queue do what is due, after a while.
func (h *house) works(t *testing.T, after time.Duration) {
	t.Helper()
	dbtest.Clock(t, h.d).Add(after)
	if _, err := h.queue.Work(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
}

// TestSpread tells an audience of several chunks, is cut off in the middle, and tells nobody twice.
func TestSpread(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		fans := h.crowd(t, mira, 1203)
		f := &followers{d: h.d, fails: func(call int) error {
			if call == 2 {
				return errors.New("the database is away")
			}
			return nil
		}}
		h.notices.Audiences[notify.NewVideo] = f.audience
		h.exec(t, `insert into mutes (id, account_id, muted_id, created_at) values (1, $1, $2, 0)`, int64(fans[3]), int64(mira.Account))
		h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values (1, $1, $2, 0)`, int64(fans[4]), int64(mira.Account))
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'freeze', 'run', 0)`, int64(fans[700]))
		h.exec(t, `insert into notice_switches (id, account_id, kind, centre, mail) values (1, $1, 'new_video', 0, 0)`, int64(fans[1200]))
		h.news(t, mira, 7)
		if n, _ := h.told(t, 7); n != 0 {
			t.Errorf("%d were told inside the change itself", n)
		}
		h.works(t, 0)
		if n, _ := h.told(t, 7); n != 498 {
			t.Errorf("cut off after a chunk, %d were told, want 498", n)
		}
		h.works(t, time.Minute)
		n, accounts := h.told(t, 7)
		if n != 1199 || accounts != 1199 || f.calls != 5 {
			t.Errorf("%d notices of %d accounts in %d calls, want 1199 in 5", n, accounts, f.calls)
		}
		for _, i := range []int{3, 4, 700, 1200} {
			if h.unread(t, fans[i]) != 0 {
				t.Errorf("number %d was told", i)
			}
		}
		if h.unread(t, fans[0]) != 1 || h.unread(t, fans[1202]) != 1 || h.unread(t, mira.Account) != 0 {
			t.Error("the first and the last were not told, or its author was")
		}
		var left int
		if err := h.d.Reader.QueryRowContext(t.Context(), `select (select count(*) from notice_spreads) + (select count(*) from jobs)`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d are left behind, %v", left, err)
		}
	})
}

// TestSpreadEnds asks that news of an author who may not write any more, or who is gone, stops where it is.
func TestSpreadEnds(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, h *house, v who.Viewer){
		"frozen": func(t *testing.T, h *house, v who.Viewer) {
			h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'freeze', 'run', 0)`, int64(v.Account))
		},
		"erased": func(t *testing.T, h *house, v who.Viewer) {
			if err := h.d.Update(t.Context(), func(ctx context.Context) error {
				p := exit.Progress{}
				for !p.Done {
					var err error
					if p, err = h.notices.Holder().Erase(ctx, exit.Task{Subject: exit.Account(v.Account.String()), Class: "notices", Manner: exit.Erase, Limit: 1000, Cursor: p.Cursor}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) {
				mira := h.person(t, "mira")
				h.crowd(t, mira, 600)
				f := &followers{d: h.d, fails: func(call int) error {
					if call == 2 {
						return errors.New("the database is away")
					}
					return nil
				}}
				h.notices.Audiences[notify.NewVideo] = f.audience
				h.news(t, mira, 7)
				h.works(t, 0)
				before, _ := h.told(t, 7)
				leave(t, h, mira)
				h.works(t, time.Minute)
				after, _ := h.told(t, 7)
				if before != 500 || after > before || f.calls != 2 {
					t.Errorf("%d told before, %d after, in %d calls", before, after, f.calls)
				}
				var left int
				if err := h.d.Reader.QueryRowContext(t.Context(), `select (select count(*) from notice_spreads) + (select count(*) from jobs)`).Scan(&left); err != nil || left != 0 {
					t.Errorf("%d are left behind, %v", left, err)
				}
			})
		})
	}
}

// TestSpreadOfTheHouse asks that what the house tells reaches those who sleep and those who would rather not hear of it: it ends a right of theirs.
func TestSpreadOfTheHouse(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		fans := h.crowd(t, h.person(t, "mira"), 600)
		h.notices.Audiences[notify.Sunset] = func(_ context.Context, _ notify.News, after who.ID, limit int) ([]who.ID, error) {
			from := slices.IndexFunc(fans, func(id who.ID) bool { return id > after })
			if from < 0 {
				return nil, nil
			}
			return fans[from:min(len(fans), from+limit)], nil
		}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'freeze', 'hibernate', 0)`, int64(fans[3]))
		h.exec(t, `insert into notice_switches (id, account_id, kind, centre, mail) values (1, $1, 'sunset', 0, 0)`, int64(fans[599]))
		if err := h.d.Update(t.Context(), func(ctx context.Context) error {
			pass, err := h.desk.EnterExit(ctx)
			if err != nil {
				return err
			}
			return h.notices.Spread(ctx, pass, notify.News{Kind: notify.Sunset, On: who.Ref{Kind: "sunset", ID: 7}})
		}); err != nil {
			t.Fatal(err)
		}
		h.works(t, 0)
		for _, i := range []int{0, 3, 599} {
			if h.unread(t, fans[i]) != 1 {
				t.Errorf("number %d was not told", i)
			}
		}
	})
}

// TestSpreadNobody refuses news that has no audience.
func TestSpreadNobody(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		for _, kind := range []notify.Kind{notify.NewVideo, notify.Announced, "song"} {
			err := h.within(t, mira, func(ctx context.Context, pass service.Pass) error {
				return h.notices.Spread(ctx, pass, notify.News{Kind: kind, By: mira.Account, On: post(7)})
			})
			if err == nil {
				t.Errorf("%s was spread", kind)
			}
		}
	})
}

func (h *house) unread(t *testing.T, account who.ID) int {
	t.Helper()
	n, err := h.notices.Unread(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
