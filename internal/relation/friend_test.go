package relation_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// TestFriends asks who follows whom both ways, by the room and by its condition in SQL.
func TestFriends(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim, lee := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim"), h.person(t, "lee")
		for _, x := range [][2]who.Viewer{{mira, jo}, {jo, mira}, {mira, kim}, {lee, mira}} {
			if err := h.relations.Follow(ctx, x[0], x[1].Account); err != nil {
				t.Fatal(err)
			}
		}
		all := []who.ID{mira.Account, jo.Account, kim.Account, lee.Account}
		got, err := h.relations.Friends(ctx, mira, all)
		if err != nil || len(got) != 1 || !got[jo.Account] {
			t.Errorf("friends %v, %v", got, err)
		}
		var n int64
		err = h.d.Reader.QueryRowContext(ctx, `select sum(id) from accounts a where `+relation.Friend("$1", "a.id"), int64(mira.Account)).Scan(&n)
		if err != nil || n != int64(jo.Account) {
			t.Errorf("by the condition %d, %v", n, err)
		}
		if err := h.relations.Block(ctx, jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		if got, err = h.relations.Friends(ctx, mira, all); err != nil || len(got) != 0 {
			t.Errorf("after a block %v, %v", got, err)
		}
		if got, err = h.relations.Friends(ctx, who.Viewer{}, all); err != nil || len(got) != 0 {
			t.Errorf("a guest's %v, %v", got, err)
		}
	})
}

func TestBell(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira := h.person(t, "mira")
		var fans []who.Viewer
		for _, name := range []string{"jo", "kim", "lee", "max"} {
			v := h.person(t, name)
			if err := h.relations.Follow(ctx, v, mira.Account); err != nil {
				t.Fatal(err)
			}
			fans = append(fans, v)
		}
		stranger := h.person(t, "nan")
		if err := h.relations.SetBell(ctx, stranger, mira.Account, true); exit.KindOf(err) != exit.NotFound || err == nil {
			t.Errorf("the bell of whom one does not follow: %v", err)
		}
		var want []who.ID
		for _, v := range fans[:3] {
			if err := h.relations.SetBell(ctx, v, mira.Account, true); err != nil {
				t.Fatal(err)
			}
			want = append(want, v.Account)
		}
		slices.Sort(want)
		belled := func() (got []who.ID) {
			t.Helper()
			for after := who.ID(0); ; {
				list, err := h.relations.Belled(ctx, mira.Account, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				if len(list) == 0 {
					return got
				}
				got, after = append(got, list...), list[len(list)-1]
			}
		}
		if got := belled(); !slices.Equal(got, want) {
			t.Errorf("the audience is %v, want %v", got, want)
		}
		if err := h.relations.SetBell(ctx, fans[0], mira.Account, false); err != nil {
			t.Fatal(err)
		}
		if err := h.relations.Unfollow(ctx, fans[1], mira.Account); err != nil {
			t.Fatal(err)
		}
		if got := belled(); len(got) != 1 || got[0] != fans[2].Account {
			t.Errorf("turned off, and unfollowed, the audience is %v", got)
		}
		on, err := h.relations.Bells(ctx, fans[2], []who.ID{mira.Account, fans[0].Account})
		if err != nil || len(on) != 1 || !on[mira.Account] {
			t.Errorf("bells %v, %v", on, err)
		}
	})
}

// TestBellAlong takes the bell along with the follow, in ours and in Mastodon's form, and brings it back.
func TestBellAlong(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, kim := h.person(t, "mira"), h.person(t, "jo"), h.person(t, "kim")
		for _, v := range []who.Viewer{jo, kim} {
			if err := h.relations.Follow(ctx, mira, v.Account); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.relations.SetBell(ctx, mira, jo.Account, true); err != nil {
			t.Fatal(err)
		}
		export := func(v who.Viewer, part string) string {
			t.Helper()
			s := &sink{}
			if _, err := h.relations.Holder().Export(ctx, exit.Task{Subject: exit.Account(v.Account.String()), Class: "follows", Part: part}, s); err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, rec := range s.records {
				f := rec.(archive.Follow)
				word := f.Address
				if f.Notify {
					word += "!"
				}
				out = append(out, word)
			}
			slices.Sort(out)
			return strings.Join(out, " ")
		}
		if got := export(mira, archive.ClassFollowing); got != "jo@here.example! kim@here.example" {
			t.Errorf("following %q", got)
		}
		if got := export(jo, archive.ClassFollowers); got != "mira@here.example" {
			t.Errorf("a follower's bell is told to whom they follow: %q", got)
		}
		h.exec(t, `delete from follows`)
		records := []any{archive.Follow{Address: "jo@here.example", Notify: true}, archive.Follow{Address: "kim@here.example"}}
		intake, err := h.relations.Holder().Import(ctx, exit.Task{Subject: exit.Account(mira.Account.String()), Class: "follows", Part: archive.ClassFollowing, Now: dbtest.Start}, records, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.d.Update(ctx, func(ctx context.Context) error { _, err := intake(ctx); return err }); err != nil {
			t.Fatal(err)
		}
		if on, err := h.relations.Bells(ctx, mira, []who.ID{jo.Account, kim.Account}); err != nil || len(on) != 1 || !on[jo.Account] {
			t.Errorf("brought back, the bells are %v, %v", on, err)
		}
	})
}

// asks is serve with a form, in English.
func (h *house) asks(t *testing.T, v who.Viewer, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range h.relations.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, "/@{", "/@/{", 1), func(w http.ResponseWriter, req *http.Request) { failed = rt.Handle(w, req) })
	}
	req := httptest.NewRequest(method, strings.Replace(path, "/@", "/@/", 1), strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: ui.English, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, Path: path})))
	if failed != nil {
		t.Fatalf("%s %s: %v", method, path, failed)
	}
	return w
}

func TestBellPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		if err := h.relations.Follow(t.Context(), jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		for on, want := range map[string]bool{"1": true, "0": false} {
			w := h.asks(t, jo, "POST", "/@mira/bell", url.Values{"on": {on}, "back": {"/@mira/channel"}})
			got, err := h.relations.Bells(t.Context(), jo, []who.ID{mira.Account})
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/@mira/channel" || err != nil || got[mira.Account] != want {
				t.Errorf("on %s: %d %v, %v", on, w.Code, got, err)
			}
		}
		for _, lang := range []ui.Lang{ui.Chinese, ui.English} {
			ctx := ui.WithReader(t.Context(), ui.Reader{Lang: lang})
			var b strings.Builder
			if err := relation.Bell(*relation.BellSwitch(jo, mira.Account, "mira", true, true)).Render(ctx, &b); err != nil {
				t.Fatal(err)
			}
			if s := b.String(); !strings.Contains(s, `aria-pressed="true"`) || !strings.Contains(s, `value="0"`) || strings.Contains(s, "relation.") {
				t.Errorf("%s: %s", lang, s)
			}
		}
		for _, v := range []who.Viewer{{}, mira} {
			if relation.BellSwitch(v, mira.Account, "mira", true, false) != nil {
				t.Errorf("%q is offered the bell", v.Name)
			}
		}
	})
}

// filmKeeper answers for the videos and posts of this test.
type filmKeeper struct {
	kind  string
	owner who.ID
}

func (k filmKeeper) Things(_ context.Context, _ who.Viewer, ids []who.ID) (out []service.Thing, err error) {
	for _, id := range ids {
		out = append(out, service.Thing{Ref: who.Ref{Kind: k.kind, ID: id}, Owner: k.owner, Service: "channel", Title: "a film", See: true, Talk: true})
	}
	return out, nil
}

// topicKeeper answers for its topics.
type topicKeeper struct{}

func (topicKeeper) Things(_ context.Context, _ who.Viewer, ids []who.ID) (out []service.Thing, err error) {
	for _, id := range ids {
		out = append(out, service.Thing{Ref: who.Ref{Kind: "topic", ID: id}, Service: "channel", Title: "hills", See: true})
	}
	return out, nil
}

// TestLessOf asks the page that "less like this" on a video or a post leads to: its author and its topics.
func TestLessOf(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.registry.Kinds = []service.Kind{{Name: "video", Keeper: filmKeeper{"video", jo.Account}}, {Name: "post", Keeper: filmKeeper{"post", jo.Account}}, {Name: "topic", Keeper: topicKeeper{}}}
		h.exec(t, `insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads)
			values (9, $1, '', '', 'public', '', 'live', 'ready', '', 0, 0, 0, '', '', '', 0, '', 0, 0, 0, '', '', 0)`, int64(jo.Account))
		h.exec(t, `insert into video_topics (id, video_id, account_id, topic_id, at) values (1, 9, $1, 77, 0)`, int64(jo.Account))
		h.exec(t, `insert into post_topics (post_id, topic_id, at) values (9, 77, 0)`)
		for _, path := range []string{"/mute/video/9", "/mute/post/9"} {
			page := h.asks(t, mira, "GET", path, nil).Body.String()
			for _, word := range []string{`value="account:` + jo.Account.String() + `"`, `value="topic:77"`, "hills", `value="less" checked`} {
				if !strings.Contains(page, word) {
					t.Errorf("%s lacks %q", path, word)
				}
			}
			h.asks(t, mira, "POST", path, url.Values{"what": {"topic:77"}, "term": {"less"}})
			list, err := h.relations.Quiets(t.Context(), mira, 0, 10)
			if err != nil || len(list) != 1 || list[0].Ref.String() != "topic:77" || !list[0].Less {
				t.Errorf("after %s: %+v, %v", path, list, err)
			}
			w := h.asks(t, mira, "POST", "/settings/mutes/topic/77/undo", url.Values{"back": {"/topics/77"}})
			if to := w.Header().Get("Location"); to != "/topics/77" {
				t.Errorf("taken back on the topic's page it leads to %q", to)
			}
		}
	})
}
