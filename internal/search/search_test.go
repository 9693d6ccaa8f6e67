package search_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// house is the search room on a database of its own, with rooms that know of everything that was put.
type house struct {
	d    *db.DB
	desk *service.Desk
	room *search.Room
	docs []search.Doc
	shut map[who.Ref]bool // what nobody may open, whatever the index says
	last int64
}

func eachHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &house{d: d, shut: map[who.Ref]bool{}}
		registry := &service.Registry{}
		for _, kind := range []string{search.Post, search.Circle, search.Account, search.Topic} {
			registry.Kinds = append(registry.Kinds, service.Kind{Name: kind, Keeper: keeper{h, kind}})
		}
		h.desk = service.NewDesk(d, registry)
		h.room = search.New(search.Config{DB: d, Desk: h.desk, Registry: registry})
		for _, kind := range []string{search.Account, search.Circle, search.Post, search.Topic} {
			h.room.Sources = append(h.room.Sources, source{h, kind})
		}
		fn(t, h)
	})
}

// keeper lets everybody open everything but what is shut: what is found was narrowed by the index.
type keeper struct {
	h    *house
	kind string
}

func (k keeper) Things(_ context.Context, _ who.Viewer, ids []who.ID) (out []service.Thing, err error) {
	for _, d := range k.h.docs {
		if d.Ref.Kind == k.kind && slices.Contains(ids, d.Ref.ID) {
			out = append(out, service.Thing{Ref: d.Ref, Owner: d.Owner, Service: d.Service, Place: d.Place, Title: d.Title, Link: "/" + d.Ref.Kind + "s/" + d.Ref.ID.String(), See: !k.h.shut[d.Ref]})
		}
	}
	return out, nil
}

type source struct {
	h    *house
	kind string
}

func (s source) Kind() string { return s.kind }

func (s source) Docs(_ context.Context, after who.ID, limit int) (docs []search.Doc, last who.ID, more bool, err error) {
	for _, d := range s.h.docs {
		if d.Ref.Kind == s.kind && d.Ref.ID > after {
			docs = append(docs, d)
		}
	}
	slices.SortFunc(docs, func(a, b search.Doc) int { return int(a.Ref.ID - b.Ref.ID) })
	docs = docs[:min(len(docs), limit)]
	if len(docs) > 0 {
		last = docs[len(docs)-1].Ref.ID
	}
	return docs, last, len(docs) == limit, nil
}

func (s source) Words(_ context.Context, ids []who.ID) (map[who.ID]search.Words, error) {
	out := map[who.ID]search.Words{}
	for _, d := range s.h.docs {
		if d.Ref.Kind == s.kind && slices.Contains(ids, d.Ref.ID) {
			out[d.Ref.ID] = search.Words{Title: d.Title, Text: d.Text}
		}
	}
	return out, nil
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
	h.exec(t, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, '', '', '', '')`, int64(id))
	h.exec(t, `insert into standings (account_id, version) values ($1, 1)`, int64(id))
	return who.Viewer{Account: id, Name: name, State: who.Active}
}

func (h *house) join(t *testing.T, circle who.ID, v who.Viewer) {
	t.Helper()
	h.exec(t, `insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values ($1, '', '', 'open', '', 'open', 1, 0, 1) on conflict do nothing`, int64(circle))
	h.last++
	h.exec(t, `insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'member', 'active', 1)`, h.last, int64(circle), int64(v.Account))
}

func (h *house) follow(t *testing.T, v, of who.Viewer) {
	t.Helper()
	h.last++
	h.exec(t, `insert into follows (id, follower_id, followee_id, created_at) values ($1, $2, $3, 1)`, h.last, int64(v.Account), int64(of.Account))
}

func (h *house) change(t *testing.T, fn func(ctx context.Context, pass service.Pass) error) {
	t.Helper()
	err := h.d.Update(t.Context(), func(ctx context.Context) error {
		pass, err := h.desk.EnterExit(ctx)
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// put puts things, in place of what was known of them.
func (h *house) put(t *testing.T, docs ...search.Doc) {
	t.Helper()
	for _, d := range docs {
		h.docs = slices.DeleteFunc(h.docs, func(x search.Doc) bool { return x.Ref == d.Ref })
		h.docs = append(h.docs, d)
	}
	h.change(t, func(ctx context.Context, pass service.Pass) error { return h.room.Put(ctx, pass, docs...) })
}

func (h *house) drop(t *testing.T, ref who.Ref) {
	t.Helper()
	h.docs = slices.DeleteFunc(h.docs, func(x search.Doc) bool { return x.Ref == ref })
	h.change(t, func(ctx context.Context, pass service.Pass) error { return h.room.Drop(ctx, pass, ref) })
}

// found gives all ids that are found, page by page.
func (h *house) found(t *testing.T, v who.Viewer, kind, typed string) (ids []who.ID) {
	t.Helper()
	for before := int64(0); ; {
		list, next, err := h.room.Find(t.Context(), v, kind, typed, before, 7)
		if err != nil {
			t.Fatalf("find %q: %v", typed, err)
		}
		for _, x := range list {
			ids = append(ids, x.Thing.Ref.ID)
		}
		if next == 0 {
			return ids
		}
		before = next
	}
}

func post(id who.ID, by who.Viewer, text string) search.Doc {
	return search.Doc{Ref: who.Ref{Kind: search.Post, ID: id}, Owner: by.Account, Service: "page", Audience: who.Public, Text: text, At: dbtest.Start.Add(time.Duration(id) * time.Second)}
}

func TestWords(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana := h.person(t, "ana")
		for i, text := range []string{
			"今天天气真好", "周末去爬山，天气预报说有雨", "ＨＥＬＬＯ ｗｏｒｌｄ", "Straße nach Hamburg", "C3PO遇见R2D2", "猫", "天\n气", "见 @{123456} 了吗", "哈哈哈哈", "Cafe\u0301 au lait", "零\u200b宽", "🍜面馆",
		} {
			h.put(t, post(who.ID(i+1), ana, text))
		}
		for typed, want := range map[string][]who.ID{
			"天": {7, 2, 1}, "天气": {2, 1}, "天气预报": {2}, "气真": {1}, "气象": nil, "好": {1}, "猫": {6},
			"hello": {3}, "ELL": {3}, "ｗｏｒ": {3}, "hello world": {3}, "world hello": {3}, "helloworld": nil, "hello 天气": nil,
			"STRASSE": {4}, "straße": {4}, "ham": {4}, "g": {4}, "3po遇见r2": {5}, "r2d2": {5}, "123456": nil, "哈哈哈": {9}, "哈哈哈哈": {9}, "哈哈哈哈哈": nil,
			"café": {10}, "CAFÉ": {10}, "零宽": {11}, "🍜": {12}, "🍜面": {12}, "爬山 有雨": {2}, "爬山有雨": nil,
			"": nil, "，。": nil, "@{1}": nil, "\xff": nil, "%": nil, `"`: nil, "'": nil, `"天气" or`: nil, "天气*": {2, 1}, "见": {8, 5}, "\\": nil, "哈 哈哈": {9},
		} {
			if got := h.found(t, who.Viewer{}, search.Post, typed); !slices.Equal(got, want) {
				t.Errorf("%q: found %v, want %v", typed, got, want)
			}
		}
	})
}

// scene is accounts and circles with all that narrows what one finds of another.
type scene struct {
	viewers                               []who.Viewer // ana, ben, eve, the guest
	dora, asleep, unfound, shutIn, noPage who.Viewer
}

func newScene(t *testing.T, h *house) scene {
	ana, ben, eve := h.person(t, "ana"), h.person(t, "ben"), h.person(t, "eve")
	s := scene{
		viewers: []who.Viewer{ana, ben, eve, {}}, dora: h.person(t, "dora"), asleep: h.person(t, "asleep"), unfound: h.person(t, "unfound"),
		shutIn: h.person(t, "shutin"), noPage: h.person(t, "nopage"),
	}
	h.join(t, 7, ana)
	h.join(t, 8, ana)
	h.join(t, 7, eve)
	h.follow(t, ben, ana)
	h.follow(t, ben, s.dora)
	h.exec(t, `insert into blocks (id, account_id, blocked_id, created_at) values (1, $1, $2, 1)`, int64(s.dora.Account), int64(eve.Account))
	h.exec(t, `update settings set found = 0 where account_id = $1`, int64(s.unfound.Account))
	for _, x := range []struct {
		account who.Viewer
		scope   string
	}{{s.asleep, ""}, {s.shutIn, "circle:7"}, {s.noPage, "page"}} {
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'veil', 'a run', 1)`, int64(x.account.Account), x.scope)
	}
	return s
}

// may says, without the index, whether a viewer may find a thing.
func (s scene) may(v who.Viewer, d search.Doc) bool {
	ana, ben, eve := s.viewers[0], s.viewers[1], s.viewers[2]
	if d.Owner != 0 && d.Owner == v.Account {
		return true
	}
	in := map[who.ID][]who.ID{7: {ana.Account, eve.Account}, 8: {ana.Account}}
	kind, id := d.Audience.Split()
	switch {
	case d.Owner == s.asleep.Account:
		return false
	case d.Owner == s.shutIn.Account && d.Place == 7:
		return false
	case d.Owner == s.noPage.Account && d.Service == "page":
		return false
	case d.Owner == s.unfound.Account && (d.Service == "page" || d.Ref.Kind == search.Account):
		return false
	case d.Owner == s.dora.Account && v.Account == eve.Account:
		return false
	case kind == "circle":
		return slices.Contains(in[id], v.Account)
	case kind == "followers":
		return v.Account == ben.Account && slices.Contains([]who.ID{ana.Account, s.dora.Account}, d.Owner)
	}
	return kind == "public"
}

// TestLikeAScan compares what is found with a plain search through everything, for random texts and questions: all that is to be found, the
// newest first, on pages that neither miss nor repeat anything, and counted.
func TestLikeAScan(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.room.Walk(20) // most of what is found is found by windows
		r := rand.New(rand.NewPCG(3, 7))
		s := newScene(t, h)
		owners := append(slices.Clone(s.viewers[:3]), s.dora, s.asleep, s.unfound, s.shutIn, s.noPage)
		alphabet := []rune("天气好山水aAbBßＡ１1 ，🍜é")
		text := func(most int) string {
			out := make([]rune, 1+r.IntN(most))
			for i := range out {
				out[i] = alphabet[r.IntN(len(alphabet))]
			}
			return string(out)
		}
		random := func(id who.ID) search.Doc {
			by := owners[r.IntN(len(owners))]
			d := post(id, by, text(30))
			d.At = dbtest.Start.Add(time.Duration(r.IntN(400)) * time.Hour * time.Duration(1+r.IntN(2)*200))
			switch r.IntN(7) {
			case 0:
				d.Audience = who.FollowersOf(by.Account)
			case 1:
				d.Audience = who.Only(by.Account)
			case 2:
				d.Audience = who.Unlisted
			case 3, 4:
				d.Service, d.Place = "circle", who.ID(7+r.IntN(2))
				d.Audience = who.CircleOnly(d.Place)
			case 5:
				d.Ref.Kind, d.Service, d.Title = search.Account, "", text(6)
			}
			return d
		}
		for id := range who.ID(250) {
			h.put(t, random(id+1))
		}
		for range 80 { // changed, some of them more than once, or gone
			old := h.docs[r.IntN(len(h.docs))]
			if r.IntN(4) == 0 {
				h.drop(t, old.Ref)
				continue
			}
			d := random(old.Ref.ID)
			d.Ref, d.Title = old.Ref, old.Title
			h.put(t, d)
		}
		hits := 0
		for range 60 {
			typed := text(1 + r.IntN(5))
			for _, v := range s.viewers {
				for _, kind := range []string{search.Post, search.Account} {
					want := h.scan(s, v, kind, typed)
					got := h.found(t, v, kind, typed)
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Fatalf("%s %q for %q: found %v, a scan %v", kind, typed, v.Name, got, want)
					}
					hits += len(got)
					n, err := h.room.Count(t.Context(), v, kind, typed, 5)
					if err != nil || n != min(6, len(want)) {
						t.Fatalf("%s %q for %q: counted %d (%v), want %d", kind, typed, v.Name, n, err, min(6, len(want)))
					}
				}
			}
		}
		if hits < 500 {
			t.Errorf("only %d hits: the questions find too little to say anything", hits)
		}
	})
}

// scan looks through everything.
func (h *house) scan(s scene, v who.Viewer, kind, typed string) (ids []who.ID) {
	words := strings.Fields(search.Fold(typed))
	for _, d := range h.docs {
		text := search.Fold(d.Title) + " " + search.Fold(d.Text)
		if len(words) > 0 && d.Ref.Kind == kind && s.may(v, d) && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			ids = append(ids, d.Ref.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestOrder asks for the newest first, for things of one instant too, and for names that are just what was typed before them.
func TestOrder(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana := h.person(t, "ana")
		for i := range 10 {
			d := post(who.ID(i+1), ana, "同一刻")
			d.At = dbtest.Start
			if i == 4 {
				d.At = dbtest.Start.AddDate(-20, 0, 0)
			}
			h.put(t, d)
		}
		// The ids of these differ from those above by what does not tell them apart in a key.
		again := post(1<<22+1, ana, "同一刻")
		again.At = dbtest.Start
		h.put(t, again)
		got := h.found(t, who.Viewer{}, search.Post, "同一刻")
		if len(got) != 11 || got[10] != 5 {
			t.Errorf("found %v, want 11 with 5 at the end", got)
		}
		for i, name := range []string{"山野", "山", "看山", "山野来信"} {
			h.put(t, search.Doc{Ref: who.Ref{Kind: search.Circle, ID: who.ID(i + 1)}, Service: "circle", Place: who.ID(i + 1), Audience: who.Public, Title: name, At: dbtest.Start.Add(time.Duration(i) * time.Hour)})
		}
		if got := h.found(t, ana, search.Circle, "山"); !slices.Equal(got, []who.ID{2, 4, 3, 1}) {
			t.Errorf("found %v, want the one of just this name first", got)
		}
		list, err := h.room.Suggest(t.Context(), ana, "山")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, x := range list {
			names = append(names, x.Thing.Title)
		}
		if want := []string{"山", "山野", "山野来信"}; !slices.Equal(names, want) {
			t.Errorf("suggested %q, want %q", names, want)
		}
	})
}

// TestAsksTheRooms drops what a room says may not be opened, and goes on to the next page.
func TestAsksTheRooms(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana := h.person(t, "ana")
		for i := range who.ID(7) {
			h.put(t, post(i+1, ana, "茶馆"))
		}
		h.shut[who.Ref{Kind: search.Post, ID: 6}] = true
		h.shut[who.Ref{Kind: search.Post, ID: 2}] = true
		if got := h.found(t, who.Viewer{}, search.Post, "茶馆"); !slices.Equal(got, []who.ID{7, 5, 4, 3, 1}) {
			t.Errorf("found %v", got)
		}
	})
}

// TestErased asks that nothing of an account is left in the index, rows and terms, and all of others' is; in a circle alone, in a service, as a whole.
func TestErased(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana, ben := h.person(t, "ana"), h.person(t, "ben")
		var id who.ID
		for range 20 {
			for _, by := range []who.Viewer{ana, ben} {
				for _, place := range []who.ID{0, 7, 8} {
					id++
					d := post(id, by, fmt.Sprintf("%s写的第%d条：鱻龘", by.Name, id))
					if place != 0 {
						d.Service, d.Place, d.Audience = "circle", place, who.CircleOnly(place)
					}
					h.put(t, d)
				}
			}
		}
		h.join(t, 7, ben)
		h.join(t, 8, ben)
		for _, x := range []struct {
			in    string
			anas  int
			items int64
		}{{"circle:7", 40, 20}, {"circle", 20, 20}, {"", 0, 20}} {
			if n := h.erase(t, exit.Subject{Kind: exit.SubjectAccount, ID: ana.Account.String(), In: x.in}); n != x.items {
				t.Errorf("in %q: erased %d, want %d", x.in, n, x.items)
			}
			if got := len(h.found(t, ana, search.Post, "ana写")); got != x.anas {
				t.Errorf("in %q: %d of her own are found, want %d", x.in, got, x.anas)
			}
			if got := len(h.found(t, ben, search.Post, "ben写")); got != 60 {
				t.Errorf("in %q: %d of the other's are found, want 60", x.in, got)
			}
		}
	})
}

// erase erases chunk by chunk, looks again, and gives how many it were.
func (h *house) erase(t *testing.T, subject exit.Subject) (n int64) {
	t.Helper()
	task := exit.Task{Run: "r", Step: "s", Subject: subject, Class: "docs", Manner: exit.Erase, Limit: 7}
	holder := h.room.Holder()
	before, err := holder.Verify(t.Context(), task)
	if err != nil || before.Left == 0 {
		t.Fatalf("before the erasure %d are left (%v)", before.Left, err)
	}
	for done := false; !done; task.Chunk++ {
		if err := h.d.Update(t.Context(), func(ctx context.Context) error {
			p, err := holder.Erase(ctx, task)
			n, done, task.Cursor = n+p.Items, p.Done, p.Cursor
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	left, err := holder.Verify(t.Context(), task)
	if err != nil || left.Left != 0 {
		t.Errorf("after the erasure %d are left (%v)", left.Left, err)
	}
	return n
}

// TestVerifyLooksIntoTheIndex leaves terms of a row that is gone, which only the index itself tells.
func TestVerifyLooksIntoTheIndex(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		if !h.d.SQLite() {
			return // there the terms are in the row
		}
		ana := h.person(t, "ana")
		h.put(t, post(1, ana, "留下的字"))
		h.exec(t, `delete from search_docs`)
		left, err := h.room.Holder().Verify(t.Context(), exit.Task{Subject: exit.Subject{Kind: exit.SubjectAccount, ID: ana.Account.String()}, Class: "docs"})
		if err != nil || left.Left != 1 {
			t.Errorf("%d are left (%v), want 1", left.Left, err)
		}
	})
}

// TestRebuild makes the index of an install from before there was one, of one that is asked for, and one that is stopped.
func TestRebuild(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana := h.person(t, "ana")
		for i := range who.ID(350) {
			h.docs = append(h.docs, post(i+1, ana, fmt.Sprintf("旧帖%d号", i+1)))
		}
		h.docs = append(h.docs, search.Doc{Ref: who.Ref{Kind: search.Circle, ID: 1}, Service: "circle", Place: 1, Audience: who.Public, Title: "旧圈", At: dbtest.Start})
		h.room.Queue = job.New(h.d, h.d.Clock)
		if err := h.room.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := h.found(t, ana, search.Post, "旧帖"); len(got) != 0 {
			t.Fatalf("%d are found before the index is made", len(got))
		}
		if n, err := h.room.Queue.Work(t.Context(), 10); n != 1 || err != nil {
			t.Fatalf("%d jobs (%v), want 1", n, err)
		}
		whole := func(when string) {
			t.Helper()
			if got := h.found(t, ana, search.Post, "旧帖"); len(got) != 350 || len(h.found(t, ana, search.Circle, "旧圈")) != 1 {
				t.Errorf("%s: %d posts are found, want 350 and the circle", when, len(got))
			}
		}
		whole("made by the job")

		// What the sources do not tell of any more is not found after a rebuild.
		h.put(t, post(999, ana, "旧帖，没了"))
		h.docs = h.docs[:len(h.docs)-1]
		ctx, stop := context.WithCancel(t.Context())
		pages := 0
		err := h.room.Rebuild(ctx, func(search.Rebuilt) {
			if pages++; pages == 5 {
				stop()
			}
		})
		if err == nil {
			t.Fatal("a rebuild that is stopped says that it is done")
		}
		h.put(t, post(7, ana, "旧帖7号改了")) // meanwhile
		var last search.Rebuilt
		if err := h.room.Rebuild(t.Context(), func(r search.Rebuilt) { last = r }); err != nil {
			t.Fatal(err)
		}
		whole("stopped and gone on")
		if got := h.found(t, ana, search.Post, "7号改了"); !slices.Equal(got, []who.ID{7}) {
			t.Errorf("what was changed meanwhile: found %v", got)
		}
		if last.Stored == 0 {
			t.Error("it did not go on")
		}
	})
}
