package post_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// house is the rooms up to talk on one database, with one circle, 7, of which some are members.
type house struct {
	d         *db.DB
	desk      *service.Desk
	registry  *service.Registry
	blobs     *blob.Store
	relations *relation.Room
	posts     *post.Room
	talks     *talk.Room
	notices   *notify.Room
	queue     *job.Queue
	members   map[who.ID]bool
	staff     map[who.ID]bool // members who moderate
	approves  bool            // posts wait for a yes
	preview   bool            // others see what members see
}

func eachHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		blobs, err := blob.Open(t.Context(), t.TempDir(), d, d.Clock)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := blobs.Close(); err != nil {
				t.Error(err)
			}
		})
		h := &house{d: d, blobs: blobs, registry: &service.Registry{}, members: map[who.ID]bool{}, staff: map[who.ID]bool{}, queue: job.New(d, d.Clock)}
		h.desk = service.NewDesk(d, h.registry)
		h.relations = relation.New(relation.Config{DB: d, Desk: h.desk, NameKey: strings.ToLower, Host: "here.example"})
		h.notices = notify.New(notify.Config{DB: d, Desk: h.desk, Registry: h.registry})
		h.posts = post.New(post.Config{
			DB: d, Desk: h.desk, Registry: h.registry, Blobs: blobs, Queue: h.queue, Notices: h.notices, Search: search.New(search.Config{DB: d, Desk: h.desk, Registry: h.registry}),
			NameKey: strings.ToLower, Host: "here.example",
		})
		h.posts.Places, h.posts.Staff = h, h.whoModerates
		h.talks = talk.New(talk.Config{DB: d, Desk: h.desk, Registry: h.registry, Posts: h.posts, Host: "here.example", Secret: []byte("secret")})
		h.registry.Services = []service.Service{{Name: "page"}, {Name: "circle"}}
		h.registry.Kinds = []service.Kind{h.posts.Kind(), h.posts.TopicKind(), h.talks.Kind()}
		if err := h.desk.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.exec(t, `insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values (7, 'Tea', '', 'open', '', 'open', 0, 0, 0)`)
		fn(t, h)
	})
}

func (h *house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.d.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func (h *house) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := h.d.Reader.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// person makes an account.
func (h *house) person(t *testing.T, name string) who.Viewer {
	t.Helper()
	id := who.RandomID()
	h.exec(t, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, 'personal', 'active', 0)`, int64(id), name, strings.ToLower(name))
	if err := h.d.Update(t.Context(), func(ctx context.Context) error {
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return who.Viewer{Account: id, Name: name, State: who.Active}
}

// The circle, as the post room asks for it.

func (h *house) tea(v who.Viewer) post.Place {
	in := h.members[v.Account]
	return post.Place{
		Service: "circle", ID: 7, Name: "Tea", Href: "/circles/7", Audience: who.CircleOnly(7), See: in || h.preview, Member: in, Guest: !in && h.preview,
		Staff: h.staff[v.Account], Approves: h.approves,
	}
}

func (h *house) whoModerates(context.Context, string, who.ID) ([]who.ID, error) {
	return slices.Collect(maps.Keys(h.staff)), nil
}

// pass lets the machine clock go on and the queue work.
func (h *house) pass(t *testing.T, by time.Duration) {
	t.Helper()
	dbtest.Clock(t, h.d).Add(by)
	if _, err := h.queue.Work(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
}

func (h *house) MayPost(_ context.Context, v who.Viewer, _ string, place who.ID) (post.Place, error) {
	if place != 7 || !h.members[v.Account] {
		return post.Place{}, exit.Fail(exit.Forbidden, "error.not_found")
	}
	return h.tea(v), nil
}

func (h *house) Known(_ context.Context, v who.Viewer, _ string, places []who.ID) (map[who.ID]post.Place, error) {
	out := map[who.ID]post.Place{}
	if slices.Contains(places, 7) {
		out[7] = h.tea(v)
	}
	return out, nil
}

func (h *house) Returned(context.Context, who.Viewer, string, []who.ID) (map[who.ID]post.Place, error) {
	return nil, nil
}

func (h *house) Mine(_ context.Context, v who.Viewer) ([]post.Place, error) {
	if !h.members[v.Account] {
		return nil, nil
	}
	return []post.Place{h.tea(v)}, nil
}

func (h *house) write(t *testing.T, v who.Viewer, d post.Draft) who.ID {
	t.Helper()
	if d.Service == "" {
		d.Service = post.Page
	}
	id, err := h.posts.Write(t.Context(), v, d)
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	return id
}

func picture(c color.Color) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 8, 6))
	for x := range 8 {
		m.Set(x, 2, c)
	}
	var b bytes.Buffer
	_ = png.Encode(&b, m) // a buffer takes everything
	return b.Bytes()
}

func upload(b []byte, alt string) post.Upload {
	return post.Upload{Alt: alt, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func texts(posts []post.Post) (out []string) {
	for _, p := range posts {
		out = append(out, p.Text)
	}
	return out
}

func wantTexts(t *testing.T, what string, got []post.Post, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !slices.Equal(texts(got), want) {
		t.Errorf("%s: got %q, want %q", what, texts(got), want)
	}
}

func TestAudience(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo, guest := h.person(t, "mira"), h.person(t, "jo"), who.Viewer{}
		h.members[mira.Account] = true
		for _, audience := range []string{"public", "unlisted", "followers", "only"} {
			h.write(t, mira, post.Draft{Text: audience, Audience: audience})
			dbtest.Clock(t, h.d).Add(time.Second)
		}
		h.write(t, mira, post.Draft{Text: "tea", Service: "circle", Place: 7})
		page := func(v who.Viewer) ([]post.Post, error) {
			return h.posts.ByAuthor(ctx, v, mira.Account, post.Cursor{}, 20)
		}
		own, err := page(mira)
		wantTexts(t, "one's own page", own, err, "only", "followers", "unlisted", "public")
		seen, err := page(guest)
		wantTexts(t, "a guest's view", seen, err, "unlisted", "public")
		seen, err = page(jo)
		wantTexts(t, "a stranger's view", seen, err, "unlisted", "public")
		if err := h.relations.Follow(ctx, jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		seen, err = page(jo)
		wantTexts(t, "a follower's view", seen, err, "followers", "unlisted", "public")
		home, err := h.posts.Home(ctx, jo, post.Cursor{}, 20)
		wantTexts(t, "a follower's home", home, err, "followers", "public")
		home, err = h.posts.Home(ctx, mira, post.Cursor{}, 20)
		wantTexts(t, "one's own home", home, err, "tea", "only", "followers", "unlisted", "public")
		first, err := h.posts.Home(ctx, mira, post.Cursor{}, 2)
		wantTexts(t, "the first page", first, err, "tea", "only")
		second, err := h.posts.Home(ctx, mira, post.Next(first, 2), 2)
		wantTexts(t, "the second page", second, err, "followers", "unlisted")
		h.members[jo.Account] = true
		home, err = h.posts.Home(ctx, jo, post.Cursor{}, 20)
		wantTexts(t, "a member's home", home, err, "tea", "followers", "public")
		in, err := h.posts.InPlace(ctx, jo, h.tea(jo), post.Latest, 0, post.Cursor{}, 20)
		wantTexts(t, "the circle", in, err, "tea")

		for i, p := range own {
			_, err := h.posts.One(ctx, guest, p.ID)
			if may := i >= 2; may != (err == nil) || err != nil && exit.KindOf(err) != exit.NotFound {
				t.Errorf("a guest asks for the post %q: %v", p.Text, err)
			}
		}
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, 'page', 'veil', 'r', 0)`, int64(mira.Account))
		seen, err = page(jo)
		wantTexts(t, "a veiled page", seen, err)
		home, err = h.posts.Home(ctx, jo, post.Cursor{}, 20)
		wantTexts(t, "home with a veiled page", home, err, "tea")
		if _, err := h.posts.One(ctx, jo, own[3].ID); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a veiled post: %v", err)
		}
		own, err = page(mira)
		wantTexts(t, "one's own veiled page", own, err, "only", "followers", "unlisted", "public")
	})
}

func TestWriteEditDelete(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		id := h.write(t, mira, post.Draft{Text: " hello @JO and @nobody @{99}\r\n", Images: []post.Upload{upload(picture(color.White), " a line ")}})
		p, err := h.posts.One(ctx, jo, id)
		if want := "hello @{" + jo.Account.String() + "} and @nobody @ {99}"; err != nil || p.Text != want || p.Images != 1 {
			t.Fatalf("got %q with %d images (%v), want %q with one", p.Text, p.Images, err, want)
		}
		views, err := h.posts.Views(ctx, jo, []post.Post{p})
		if err != nil || len(views[0].Images) != 1 || views[0].Images[0].Alt != "a line" || views[0].Mentions[jo.Account.String()].Name != "jo" || slices.ContainsFunc(views[0].Menu, func(a ui.Action) bool { return strings.HasPrefix(a.Href, views[0].Href) }) {
			t.Fatalf("another's view is %+v, %v", views[0], err)
		}
		key := strings.TrimPrefix(views[0].Images[0].Href, "/media/")
		for v, want := range map[who.Viewer]bool{{}: true, jo: true} {
			if may, public, known, err := h.posts.MayMedia(ctx, v, key); may != want || !public || !known || err != nil {
				t.Errorf("may %v have the image of a public post: %v %v %v %v", v, may, public, known, err)
			}
		}
		if err := h.posts.Edit(ctx, jo, id, post.Change{Text: "mine"}); exit.KindOf(err) != exit.NotFound {
			t.Errorf("another edits: %v", err)
		}
		if err := h.posts.Edit(ctx, mira, id, post.Change{Text: "better", Audience: "only"}); err != nil {
			t.Fatal(err)
		}
		if p, err = h.posts.One(ctx, mira, id); err != nil || p.Text != "better" || p.Edited.IsZero() {
			t.Errorf("after the edit: %+v, %v", p, err)
		}
		if n := h.number(t, `select count(*) from mentions`); n != 0 {
			t.Errorf("%d mentions are left of a text that mentions nobody", n)
		}
		if may, _, known, err := h.posts.MayMedia(ctx, jo, key); may || !known || err != nil {
			t.Errorf("another may have the image of a post for its author alone: %v %v", may, err)
		}
		if err := h.posts.Delete(ctx, jo, id); exit.KindOf(err) != exit.NotFound {
			t.Errorf("another deletes: %v", err)
		}
		if err := h.posts.Delete(ctx, mira, id); err != nil {
			t.Fatal(err)
		}
		h.pass(t, 31*time.Second)
		if n := h.number(t, `select (select count(*) from posts) + (select count(*) from post_images)`); n != 0 {
			t.Errorf("%d rows are left of a deleted post", n)
		}
		if _, err := h.blobs.Drain(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.blobs.Size(ctx, key); exit.KindOf(err) != exit.NotFound {
			t.Errorf("the image of a deleted post: %v", err)
		}
	})
}

func TestSkeleton(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account], h.members[jo.Account] = true, true
		id := h.write(t, mira, post.Draft{Text: "secret", Service: "circle", Place: 7})
		comment, err := h.talks.Comment(ctx, jo, who.Ref{Kind: "post", ID: id}, talk.Draft{Text: "mine stays"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.talks.Like(ctx, jo, who.Ref{Kind: "post", ID: id}, false); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select posts from circles where id = 7`); n != 1 {
			t.Errorf("the circle counts %d posts, want 1", n)
		}
		if err := h.posts.Delete(ctx, mira, id); err != nil {
			t.Fatal(err)
		}
		h.pass(t, 31*time.Second)
		p, err := h.posts.One(ctx, jo, id)
		if err != nil || p.State != post.Gone || p.Text != "" || p.Author != 0 || p.Comments != 1 || p.Likes != 0 {
			t.Fatalf("the skeleton is %+v, %v", p, err)
		}
		if n := h.number(t, `select posts from circles where id = 7`); n != 0 {
			t.Errorf("the circle counts %d posts, want 0", n)
		}
		if _, err := h.talks.Delete(ctx, jo, comment); err != nil {
			t.Fatal(err)
		}
		if n := h.number(t, `select (select count(*) from posts) + (select count(*) from comments) + (select count(*) from likes)`); n != 0 {
			t.Errorf("%d rows are left when the last comment is gone", n)
		}
	})
}

func TestRefusals(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'freeze', 'r', 0)`, int64(jo.Account))
		nine := make([]post.Upload, 10)
		for _, test := range []struct {
			name string
			by   who.Viewer
			d    post.Draft
			kind exit.Kind
			key  string
		}{
			{"nothing", mira, post.Draft{Service: post.Page, Text: " \n"}, exit.Invalid, "post.error.empty"},
			{"too long", mira, post.Draft{Service: post.Page, Text: strings.Repeat("长", 5001)}, exit.Invalid, "post.error.long"},
			{"ten images", mira, post.Draft{Service: post.Page, Text: "x", Images: nine}, exit.Invalid, "post.error.images"},
			{"no image", mira, post.Draft{Service: post.Page, Images: []post.Upload{upload([]byte("<svg onload=alert(1)>"), "")}}, exit.Invalid, "media.error.svg"},
			{"unknown audience", mira, post.Draft{Service: post.Page, Text: "x", Audience: "circle:7"}, exit.Invalid, "post.error.audience"},
			{"not a member", mira, post.Draft{Service: "circle", Place: 7, Text: "x"}, exit.Forbidden, "error.not_found"},
			{"frozen", jo, post.Draft{Service: post.Page, Text: "x"}, exit.Unavailable, "error.frozen"},
		} {
			_, err := h.posts.Write(t.Context(), test.by, test.d)
			if exit.KindOf(err) != test.kind || !strings.Contains(fmt.Sprint(err), test.key) {
				t.Errorf("%s: got %v, want %s", test.name, err, test.key)
			}
		}
		if n := h.number(t, `select (select count(*) from posts) + (select count(*) from post_images)`); n != 0 {
			t.Errorf("%d rows are left of posts that were refused", n)
		}
	})
}

// sink keeps what is exported.
type sink struct {
	records []any
	media   map[string][]byte
	missing []string
}

func (s *sink) Record(v any) error { s.records = append(s.records, v); return nil }

func (s *sink) Media(name string, _ int64, _ time.Time, open func() (io.ReadCloser, error)) error {
	f, err := open()
	if err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	s.media[name] = b
	return errors.Join(err, f.Close())
}

func (s *sink) Missing(name, _ string) { s.missing = append(s.missing, name) }
func (s *sink) Full() bool             { return false }

// File opens what was exported, as the reader of an archive does.
func (s *sink) File(_ context.Context, name string) (io.ReadCloser, int64, error) {
	b, ok := s.media[name]
	if !ok {
		return nil, 0, &archive.Error{Kind: archive.KindNoFile, Name: name}
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func export(t *testing.T, h *house, v who.Viewer, class string, s *sink) {
	t.Helper()
	task := exit.Task{Subject: exit.Account(v.Account.String()), Class: class, Part: "post." + class}
	for range 100 {
		p, err := h.posts.Holder().Export(t.Context(), task, s)
		if err != nil {
			t.Fatalf("export %s: %v", class, err)
		}
		if task.Cursor = p.Cursor; p.Done {
			return
		}
	}
	t.Fatalf("the export of %s has no end", class)
}

// take imports records as the Exit Center does: files first, then all in one transaction.
func (h *house) take(ctx context.Context, task exit.Task, records []any, files exit.Files) (out []exit.Outcome, err error) {
	intake, err := h.posts.Holder().Import(ctx, task, records, files)
	if err != nil {
		return nil, err
	}
	err = h.d.Update(ctx, func(ctx context.Context) error {
		out, err = intake(ctx)
		return err
	})
	return out, err
}

func results(out []exit.Outcome) map[string]int {
	n := map[string]int{}
	for _, o := range out {
		n[o.Result]++
	}
	return n
}

func TestRoundTrip(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.members[mira.Account] = true
		at := archive.At(time.Date(2019, 5, 4, 3, 2, 1, 0, time.UTC))
		first := &sink{media: map[string][]byte{"pic.png": picture(color.Black)}}
		brought := []any{
			archive.Post{
				ID: "https://old.example/1", Origin: "https://old.example/1", Audience: archive.AudiencePublic, Text: "old @{5}", Published: at, Summary: "careful", Sensitive: true,
				InReplyTo: "https://old.example/0", Language: "en", Images: []archive.Image{{Path: "pic.png", Alt: "dark"}, {Path: "https://old.example/x.jpg", Missing: archive.MissingAbsent, Alt: "lost"}, {Path: "gone.png"}},
			},
			archive.Post{ID: "https://old.example/2", Origin: "https://old.example/2", Audience: archive.AudienceFollowers, Text: "for followers", Published: at},
			archive.Post{ID: "https://old.example/2", Origin: "https://old.example/2", Audience: archive.AudienceFollowers, Text: "again", Published: at},
			archive.Post{ID: "8", Place: "circle", Circle: "7", CircleName: "Tea", Audience: archive.AudienceCircle, Text: "in the circle", Published: at},
			archive.Post{ID: "9", Place: "circle", Circle: "66", CircleName: "Lost", Audience: archive.AudienceCircle, Text: "in a lost circle", Published: at},
			archive.Post{ID: "10", Audience: archive.AudienceUnlisted, Text: strings.Repeat("x", 500_000), Published: at},
		}
		task := exit.Task{Subject: exit.Account(mira.Account.String()), Class: "posts", Part: archive.ClassPosts}
		out, err := h.take(ctx, task, brought, first)
		if err != nil {
			t.Fatal(err)
		}
		if got := results(out); got["taken"] != 4 || got["duplicate"] != 1 || got["skipped"] != 1 || out[0].Missing != 2 || out[4].Reason != "post.note.circle\tLost" {
			t.Errorf("outcomes %+v", out)
		}
		if out, err = h.take(ctx, task, brought[:2], first); err != nil || results(out)["duplicate"] != 2 {
			t.Errorf("a repeat gives %+v, %v", out, err)
		}
		dbtest.Clock(t, h.d).Add(time.Minute)
		h.write(t, mira, post.Draft{Text: "hi @jo", Audience: "followers", Images: []post.Upload{upload(picture(color.White), "bright")}})
		h.exec(t, `insert into mentions (id, account_id, author_id, ref_kind, ref_id, service, place_id) values (1, $1, $2, 'comment', 1, 'page', 0)`, int64(jo.Account), int64(mira.Account))

		one := &sink{media: map[string][]byte{}}
		export(t, h, mira, "posts", one)
		export(t, h, mira, "images", one)
		if len(one.records) != 5 || len(one.media) != 2 || len(one.missing) != 2 {
			t.Fatalf("taken along: %d posts, %d files, %q missing", len(one.records), len(one.media), one.missing)
		}
		own := one.records[4].(archive.Post)
		if own.Text != "hi @jo" || own.Audience != archive.AudienceFollowers || !strings.HasPrefix(own.Origin, "urn:exeunt:post:") {
			t.Errorf("a post written here is taken along as %+v", own)
		}
		if out, err = h.take(ctx, task, one.records, one); err != nil || results(out)["duplicate"] != 5 {
			t.Errorf("one's own archive on top of oneself gives %+v, %v", out, err)
		}
		eraseAll(t, h, mira)
		if out, err = h.take(ctx, task, one.records, one); err != nil || results(out)["taken"] != 5 {
			t.Fatalf("one's own archive after the erasure gives %+v, %v", out, err)
		}
		two := &sink{media: map[string][]byte{}}
		export(t, h, mira, "posts", two)
		export(t, h, mira, "images", two)
		same(t, one, two)
		if n := h.number(t, `select posts from circles where id = 7`); n != 1 {
			t.Errorf("the circle counts %d posts, want 1", n)
		}
	})
}

// eraseAll erases all of an account's posts and images.
func eraseAll(t *testing.T, h *house, v who.Viewer) {
	t.Helper()
	for _, class := range []string{"images", "posts"} {
		err := h.d.Update(t.Context(), func(ctx context.Context) error {
			_, err := h.posts.Holder().Erase(ctx, exit.Task{Subject: exit.Account(v.Account.String()), Class: class, Manner: exit.Erase, Limit: 1000})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// same compares two archives: all but ids, and the names of files that come from them.
func same(t *testing.T, one, two *sink) {
	t.Helper()
	if len(one.records) != len(two.records) {
		t.Fatalf("%d posts, then %d", len(one.records), len(two.records))
	}
	for i := range one.records {
		a, b := one.records[i].(archive.Post), two.records[i].(archive.Post)
		for n := range a.Images {
			if x, y := one.media[a.Images[n].Path], two.media[b.Images[n].Path]; !bytes.Equal(x, y) {
				t.Errorf("image %d of %q is not the same file", n, a.Text)
			}
			if a.Images[n].Missing == "" {
				a.Images[n].Path, b.Images[n].Path = "", ""
			}
		}
		a.ID, b.ID = "", ""
		if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
			t.Errorf("taken along as\n%+v\nand then as\n%+v", a, b)
		}
	}
}

func TestLinks(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		task := exit.Task{Subject: exit.Account(mira.Account.String()), Class: "links", Part: archive.ClassLinks}
		links := []any{
			archive.Link{Kind: "boost", URI: "https://a.example/1", At: archive.At(dbtest.Start)},
			archive.Link{Kind: "like", URI: "https://a.example/1"},
			archive.Link{Kind: "like", URI: "https://a.example/1"},
			archive.Link{Kind: "like"},
		}
		out, err := h.take(t.Context(), task, links, nil)
		if got := results(out); err != nil || got["taken"] != 2 || got["duplicate"] != 1 || got["skipped"] != 1 {
			t.Fatalf("outcomes %+v, %v", out, err)
		}
		s := &sink{}
		export(t, h, mira, "links", s)
		if len(s.records) != 2 || s.records[0] != links[0] || s.records[1] != links[1] {
			t.Errorf("taken along: %+v", s.records)
		}
	})
}
