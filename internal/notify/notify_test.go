package notify_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// house is the rooms up to notices on one database, with things of a room that is not there.
type house struct {
	d        *db.DB
	desk     *service.Desk
	registry *service.Registry
	queue    *job.Queue
	notices  *notify.Room
	things   *things
}

// things keeps what notices are about: who sees what is for each test to say.
type things struct {
	words  map[who.ID]string
	titles map[who.ID]string
	hidden map[who.ID]bool
}

func (k *things) Things(_ context.Context, _ who.Viewer, ids []who.ID) ([]service.Thing, error) {
	var out []service.Thing
	for _, id := range ids {
		if words, ok := k.words[id]; ok {
			out = append(out, service.Thing{Ref: post(id), Title: k.titles[id], Excerpt: words, Link: "/posts/" + id.String(), See: !k.hidden[id]})
		}
	}
	return out, nil
}

func post(id who.ID) who.Ref { return who.Ref{Kind: "post", ID: id} }

func eachHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, newHouse(d, nil)) })
}

func newHouse(d *db.DB, mail notify.Post) *house {
	h := &house{d: d, things: &things{words: map[who.ID]string{7: "first words", 8: "second words"}, hidden: map[who.ID]bool{}}}
	h.registry = &service.Registry{Kinds: []service.Kind{{Name: "post", Table: "posts", Keeper: h.things}}}
	h.desk = service.NewDesk(d, h.registry)
	h.queue = job.New(d, d.Clock)
	h.notices = notify.New(notify.Config{DB: d, Desk: h.desk, Registry: h.registry, Queue: h.queue, Post: mail, Secret: []byte("secret of the test"), Host: "here.example", Secure: true})
	return h
}

func (h *house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.d.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func (h *house) person(t *testing.T, name string) who.Viewer {
	t.Helper()
	id := who.RandomID()
	h.exec(t, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0)`, int64(id), name)
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return who.Viewer{Account: id, Name: name, State: who.Active}
}

// within runs fn behind the fence, as a change of the viewer's.
func (h *house) within(t *testing.T, v who.Viewer, fn func(ctx context.Context, pass service.Pass) error) error {
	t.Helper()
	return h.d.Update(t.Context(), func(ctx context.Context) error {
		pass, err := h.desk.Enter(ctx, service.Write{By: v.Account})
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
}

func (h *house) add(t *testing.T, list ...notify.Notice) {
	t.Helper()
	by := list[0].By
	if by == 0 {
		by = list[0].To
	}
	if err := h.within(t, who.Viewer{Account: by}, func(ctx context.Context, pass service.Pass) error { return h.notices.Add(ctx, pass, list...) }); err != nil {
		t.Fatal(err)
	}
}

func (h *house) wantUnread(t *testing.T, v who.Viewer, want int, when string) {
	t.Helper()
	if got, err := h.notices.Unread(t.Context(), v.Account); err != nil || got != want {
		t.Errorf("%s: %s has %d unread, want %d (%v)", when, v.Name, got, want, err)
	}
}

func like(to, by who.Viewer, on who.ID) notify.Notice {
	return notify.Notice{To: to.Account, Kind: notify.Like, By: by.Account, On: post(on), Service: "circle", Place: 3}
}

func TestAdd(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		h.add(t, like(mira, jo, 7))
		h.add(t, like(mira, jo, 7))
		h.wantUnread(t, mira, 1, "liked twice by one")
		h.add(t, like(mira, kim, 7), like(mira, kim, 8))
		h.wantUnread(t, mira, 3, "liked by another, twice")
		h.add(t, like(mira, mira, 7))
		h.wantUnread(t, mira, 3, "liked by herself")
		h.wantUnread(t, jo, 0, "who liked")
		if err := h.within(t, jo, func(ctx context.Context, pass service.Pass) error {
			return h.notices.Take(ctx, pass, like(mira, jo, 7))
		}); err != nil {
			t.Fatal(err)
		}
		h.wantUnread(t, mira, 2, "after a like was taken back")
		if err := h.notices.ReadAll(t.Context(), mira); err != nil {
			t.Fatal(err)
		}
		h.wantUnread(t, mira, 0, "all read")
		h.add(t, like(mira, kim, 7))
		h.wantUnread(t, mira, 0, "a repeat of what was read")
		asked := notify.Notice{To: mira.Account, Kind: notify.CircleAsked, By: jo.Account, On: post(7)}
		for range 2 {
			h.add(t, asked)
			h.wantUnread(t, mira, 1, "somebody asks, again too")
			if err := h.notices.ReadAll(t.Context(), mira); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.within(t, jo, func(ctx context.Context, pass service.Pass) error {
			h.add2(ctx, t, pass, like(mira, jo, 8))
			return exit.Fail(exit.Conflict, "error.conflict")
		}); exit.KindOf(err) != exit.Conflict {
			t.Fatal(err)
		}
		h.wantUnread(t, mira, 0, "a change that was rolled back")
	})
}

func (h *house) add2(ctx context.Context, t *testing.T, pass service.Pass, n notify.Notice) {
	t.Helper()
	if err := h.notices.Add(ctx, pass, n); err != nil {
		t.Fatal(err)
	}
}

// TestRefused asks that what an account does not want is neither stored nor counted.
func TestRefused(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		jo := h.person(t, "jo")
		past, future := int64(1), db.Ms(dbtest.Start.AddDate(1, 0, 0))
		for name, x := range map[string]struct {
			want   int
			refuse func(id int64)
		}{
			"switched off": {0, func(id int64) {
				h.exec(t, `insert into notice_switches (id, account_id, kind, centre, mail) values ($1, $1, 'like', 0, 0)`, id)
			}},
			"another kind switched off": {1, func(id int64) {
				h.exec(t, `insert into notice_switches (id, account_id, kind, centre, mail) values ($1, $1, 'follow', 0, 0)`, id)
			}},
			"blocked": {0, func(id int64) {
				h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values ($1, $1, $2, 0)`, id, int64(jo.Account))
			}},
			"who was blocked by her": {0, func(id int64) {
				h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values ($1, $2, $1, 0)`, id, int64(jo.Account))
			}},
			"muted": {0, func(id int64) {
				h.exec(t, `insert into mutes (id, account_id, muted_id, until, created_at) values ($1, $1, $2, $3, 0)`, id, int64(jo.Account), future)
			}},
			"muted until long ago": {1, func(id int64) {
				h.exec(t, `insert into mutes (id, account_id, muted_id, until, created_at) values ($1, $1, $2, $3, 0)`, id, int64(jo.Account), past)
			}},
			"less of her": {1, func(id int64) {
				h.exec(t, `insert into mutes (id, account_id, muted_id, less, created_at) values ($1, $1, $2, 1, 0)`, id, int64(jo.Account))
			}},
			"circle muted": {0, func(id int64) {
				h.exec(t, `insert into quiets (id, account_id, ref_kind, ref_id, created_at) values ($1, $1, 'circle', 3, 0)`, id)
			}},
			"another circle muted": {1, func(id int64) {
				h.exec(t, `insert into quiets (id, account_id, ref_kind, ref_id, created_at) values ($1, $1, 'circle', 4, 0)`, id)
			}},
			"entrance hidden": {0, func(id int64) {
				h.exec(t, `insert into entrances (account_id, service, shown, position) values ($1, 'circle', 0, 0)`, id)
			}},
		} {
			// Before and after: what is refused is not told, and what was told is not counted any more.
			for i, first := range []bool{true, false} {
				v := h.person(t, fmt.Sprint("a", i, len(name), name))
				if first {
					x.refuse(int64(v.Account))
				}
				h.add(t, like(v, jo, 7))
				if !first {
					x.refuse(int64(v.Account))
				}
				want := x.want
				if !first && name == "switched off" {
					want = 1 // what came before the switch stays
				}
				h.wantUnread(t, v, want, fmt.Sprint(name, ", before: ", first))
			}
		}
		v := h.person(t, "veiled-for")
		h.add(t, like(v, jo, 7))
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, 'circle', 'veil', 'r', 0)`, int64(jo.Account))
		h.wantUnread(t, v, 0, "who did it is veiled there")
		fixed := notify.Notice{To: v.Account, Kind: notify.Sanctioned, On: who.Ref{Kind: "sanction", ID: 1}, Service: "circle", Place: 3}
		h.exec(t, `insert into quiets (id, account_id, ref_kind, ref_id, created_at) values (1, $1, 'circle', 3, 0)`, int64(v.Account))
		h.exec(t, `insert into entrances (account_id, service, shown, position) values ($1, 'circle', 0, 0)`, int64(v.Account))
		h.exec(t, `insert into notice_switches (id, account_id, kind, centre, mail) values (1, $1, 'sanctioned', 0, 0)`, int64(v.Account))
		h.add(t, fixed)
		h.wantUnread(t, v, 1, "what cannot be switched off")
		if err := h.d.Update(ctx, func(ctx context.Context) error { return h.notices.Add(ctx, service.Pass{}, like(v, jo, 8)) }); err == nil {
			t.Error("a notice without a pass was taken")
		}
		if err := h.within(t, jo, func(ctx context.Context, pass service.Pass) error {
			return h.notices.Add(ctx, pass, notify.Notice{To: v.Account, Kind: "gossip"})
		}); err == nil {
			t.Error("a notice of no kind was taken")
		}
	})
}

func TestAnnounce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		announce := func(a notify.Announcement) (id who.ID, err error) {
			err = h.within(t, mira, func(ctx context.Context, pass service.Pass) error {
				id, err = h.notices.Announce(ctx, pass, a)
				return err
			})
			return id, err
		}
		for name, a := range map[string]notify.Announcement{
			"empty": {Text: " \n"}, "elsewhere": {Text: "x", Link: "https://elsewhere.example"}, "long": {Text: string(make([]byte, 5000))},
		} {
			if _, err := announce(a); exit.KindOf(err) != exit.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		now, err := h.d.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id, err := announce(notify.Announcement{Text: "Tonight at ten.", Until: now.AddDate(0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		h.wantUnread(t, mira, 1, "announced")
		if err := h.notices.ReadAll(t.Context(), mira); err != nil {
			t.Fatal(err)
		}
		h.wantUnread(t, mira, 0, "read")
		jo := h.person(t, "jo")
		h.wantUnread(t, jo, 1, "one row is for everybody")
		dbtest.Clock(t, h.d).Add(48 * time.Hour)
		if h.d.SQLite() { // PostgreSQL tells the promise time itself
			h.wantUnread(t, jo, 0, "when it is over")
		}
		list, err := h.notices.Announcements(t.Context(), 0, 10)
		if err != nil || len(list) != 1 || list[0].ID != id || list[0].Text != "Tonight at ten." {
			t.Errorf("announcements: %+v, %v", list, err)
		}
		withdraw := func() error {
			return h.within(t, mira, func(ctx context.Context, pass service.Pass) error { return h.notices.Withdraw(ctx, pass, id) })
		}
		if err := withdraw(); err != nil {
			t.Fatal(err)
		}
		if err := withdraw(); exit.KindOf(err) != exit.NotFound {
			t.Errorf("withdrawn twice: %v", err)
		}
	})
}
