package circle_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// picture gives a small PNG.
func picture(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 12, 4))
	for x := range 12 {
		m.Set(x, 1, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// keys gives the blobs of an account.
func (h *house) keys(v who.Viewer) []string {
	h.t.Helper()
	if _, err := h.blobs.Drain(h.t.Context(), 0); err != nil {
		h.t.Fatal(err)
	}
	list, err := h.blobs.List(h.t.Context(), blob.Prefix(v.Account), "", 100)
	h.must(err)
	var out []string
	for _, o := range list {
		out = append(out, o.Key)
	}
	return out
}

func TestPictures(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, co, ann, stranger := h.account("owner"), h.account("co"), h.account("ann"), h.account("stranger")
		id := h.circle(owner, "c", circle.Invitation)
		for _, v := range []who.Viewer{co, ann} {
			token, err := h.Invite(ctx, owner, id, circle.DefaultTerms)
			h.must(err)
			_, err = h.JoinBy(ctx, v, token)
			h.must(err)
		}
		h.must(h.Appoint(ctx, owner, id, co.Account, circle.CoOwner))
		red := picture(t, color.RGBA{200, 0, 0, 255})
		h.refused(h.SetPicture(ctx, ann, id, circle.Cover, bytes.NewReader(red)), exit.Forbidden, "owner_only")
		h.refused(h.SetPicture(ctx, owner, id, circle.Cover, strings.NewReader("<svg><script/></svg>")), exit.Invalid, "media.error")
		h.must(h.SetPicture(ctx, co, id, circle.Cover, bytes.NewReader(red)))
		h.must(h.SetPicture(ctx, owner, id, circle.Avatar, bytes.NewReader(red)))
		h.must(h.SetPicture(ctx, owner, id, circle.Cover, bytes.NewReader(picture(t, color.RGBA{0, 0, 200, 255}))))
		c, _, err := h.Circle(ctx, ann, id)
		h.must(err)
		if got := h.keys(owner); len(got) != 2 || !slices.Contains(got, c.Cover) || !slices.Contains(got, c.Avatar) {
			t.Errorf("the owner's files are %v, want cover %s and avatar %s", got, c.Cover, c.Avatar)
		}
		for v, want := range map[who.Viewer]bool{ann: true, stranger: false, {}: false} {
			if may, public, err := h.MayMedia(ctx, v, owner.Account, c.Cover); err != nil || may != want || public {
				t.Errorf("%q may see the cover of a circle by invitation: %v, public %v, %v", v.Name, may, public, err)
			}
		}
		if may, _, err := h.MayMedia(ctx, ann, ann.Account, c.Cover); err != nil || may {
			t.Errorf("a key under another account is shown: %v, %v", may, err)
		}

		// Who takes the circle over has pictures of their own.
		h.must(h.OfferTo(ctx, owner, id, "ann"))
		list, err := h.Offers(ctx, ann, 0, 10)
		h.must(err)
		_, err = h.Take(ctx, ann, list[0].ID)
		h.must(err)
		c, _, err = h.Circle(ctx, ann, id)
		h.must(err)
		if left, got := h.keys(owner), h.keys(ann); len(left) != 0 || len(got) != 2 || !slices.Contains(got, c.Cover) {
			t.Errorf("after the hand-over the old owner keeps %v and the new one has %v, cover %s", left, got, c.Cover)
		}
		h.leaves(ann, "")
		if got := h.keys(ann); len(got) != 0 {
			t.Errorf("erased, the owner still has %v", got)
		}
		if c, _, err := h.Circle(ctx, co, id); err != nil || c.Cover != "" || c.Avatar != "" || c.Owner != co.Account || c.Name != "c" {
			t.Errorf("passed on to who shared it, the circle is %+v, %v", c, err)
		}
	})
}

// bag is a sink that takes files, too.
type bag struct {
	records []any
	files   map[string][]byte
	missing []string
}

func (b *bag) Record(v any) error { b.records = append(b.records, v); return nil }

func (b *bag) Media(name string, _ int64, _ time.Time, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	all, err := io.ReadAll(r)
	if err == nil {
		err = r.Close()
	}
	b.files[name] = all
	return err
}
func (b *bag) Missing(name, _ string) { b.missing = append(b.missing, name) }
func (b *bag) Full() bool             { return false }

// File gives back what was taken, as an archive does.
func (b *bag) File(_ context.Context, name string) (io.ReadCloser, int64, error) {
	f, ok := b.files[name]
	if !ok {
		return nil, 0, fmt.Errorf("no file %s", name)
	}
	return io.NopCloser(bytes.NewReader(f)), int64(len(f)), nil
}

// exports takes one part along, whole.
func (h *house) exports(v who.Viewer, in, class, part string) *bag {
	h.t.Helper()
	b := &bag{files: map[string][]byte{}}
	task := h.task(v, in, class, "")
	task.Part, task.Cut = part, h.d.IDs.Next().String()
	p, err := h.holder.Export(h.t.Context(), task, b)
	h.must(err)
	if !p.Done || p.Items < int64(len(b.records)) {
		h.t.Errorf("export of %s %s: %+v with %d records", class, part, p, len(b.records))
	}
	return b
}

func TestWhole(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, open, shy, veiled := h.account("owner"), h.account("opensky"), h.account("shyone"), h.account("veiledone")
		id := h.circle(owner, "c", circle.Open)
		in := "circle:" + id.String()
		for _, v := range []who.Viewer{open, shy, veiled} {
			h.joined(v, id)
		}
		h.must(h.SetNamed(ctx, open, id, true))
		for _, v := range []who.Viewer{owner, open, shy, veiled} {
			_, err := h.posts.Write(ctx, v, post.Draft{Service: circle.Name, Place: id, Text: "写给 @shyone 和 @opensky，" + v.Name[:4]})
			h.must(err)
		}
		h.must(h.Tell(ctx, owner, id, "集合地点改了"))
		h.veil(veiled)

		subject := exit.Account(shy.Account.String()).Within(in)
		_, _, err := h.holder.Whole(ctx, subject)
		h.refused(err, exit.Forbidden, "owner_only")
		class, parts, err := h.holder.Whole(ctx, exit.Account(owner.Account.String()).Within(in))
		h.must(err)
		h.must(h.Appoint(ctx, owner, id, open.Account, circle.CoOwner))
		for _, v := range []who.Viewer{owner, open} {
			if got := h.exports(v, in, class, archive.ClassCircles).records; len(got) != 1 || got[0].(archive.Circle).ID != id.String() {
				t.Errorf("the whole of %s has the circle as %+v", v.Name, got)
			}
			if owned, err := h.Owned(ctx, v.Account, circle.Name); err != nil || len(owned) != 1 || owned[0] != in {
				t.Errorf("%s answers for %v, %v", v.Name, owned, err)
			}
		}
		if got := h.exports(open, in, "circles", archive.ClassCircles).records; len(got) != 0 {
			t.Errorf("a co-owner's own archive has the circle itself: %+v", got)
		}
		if len(parts) != 5 || class != "whole" {
			t.Errorf("a circle as a whole is %s in %v", class, parts)
		}
		_, err = h.holder.Export(ctx, h.task(shy, in, "whole", ""), &bag{})
		h.refused(err, exit.Forbidden, "owner_only")

		var authors []string
		got := h.exports(owner, in, class, archive.ClassCirclePosts)
		for _, r := range got.records {
			p := r.(archive.CirclePost)
			authors = append(authors, p.Author)
			if strings.Contains(p.Text, "@shyone") || strings.Contains(p.Text, "@{") || !strings.Contains(p.Text, "@opensky") || !strings.Contains(p.Text, "@member-") {
				t.Errorf("mentioned in a text of the whole: %q", p.Text)
			}
		}
		if len(authors) != 3 || authors[0] != "owner" || authors[1] != "opensky" || !strings.HasPrefix(authors[2], "member-") {
			t.Errorf("the whole is by %v", authors)
		}
		again := h.exports(owner, in, class, archive.ClassCirclePosts)
		if a := again.records[2].(archive.CirclePost).Author; a == authors[2] {
			t.Errorf("%s has one pseudonym in two archives", a)
		}
		if n := h.exports(owner, in, class, archive.ClassCircleNotices).records; len(n) != 1 || n[0].(archive.CircleNotice).Text != "集合地点改了" {
			t.Errorf("notices %+v", n)
		}
		if c := h.exports(owner, in, class, archive.ClassCircles).records; len(c) != 1 || c[0].(archive.Circle).Members != 4 {
			t.Errorf("the circle itself is %+v", c)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, fresh := h.account("owner"), h.account("fresh")
		want := circle.Draft{
			Name: "周末徒步", Intro: "慢慢走", Category: "outdoors", Rules: "一、不带货\n二、不比速度", Question: "走过哪条路？", Mode: circle.Approval,
			Preview: circle.PreviewPosts, Unlisted: true, Approves: true,
		}
		id, err := h.Create(ctx, owner, want)
		h.must(err)
		in, err := h.Place(ctx, owner, id)
		h.must(err)
		_, err = h.posts.NewTopic(ctx, owner, in, "路线")
		h.must(err)
		h.must(h.SetPicture(ctx, owner, id, circle.Cover, bytes.NewReader(picture(t, color.RGBA{0, 90, 0, 255}))))
		h.must(h.Tell(ctx, owner, id, "周六出发"))
		circles, notices := h.exports(owner, "", "circles", ""), h.exports(owner, "", "notices", "")
		if c := circles.records[0].(archive.Circle); len(circles.files) != 1 || c.Topics == nil || c.Cover == "" {
			t.Fatalf("taken along: %+v and %d files", c, len(circles.files))
		}
		h.leaves(owner, "")

		take := func(class string, b *bag) []exit.Outcome {
			t.Helper()
			store, err := h.holder.Import(ctx, h.task(fresh, "", class, ""), b.records, circles)
			h.must(err)
			var out []exit.Outcome
			h.must(h.inTx(func(ctx context.Context) (err error) { out, err = store(ctx); return err }))
			return out
		}
		for class, b := range map[string]*bag{"circles": circles} {
			if out := take(class, b); len(out) != 1 || out[0].Result != "taken" || out[0].Missing != 0 {
				t.Fatalf("%s: %+v", class, out)
			}
		}
		if out := take("notices", notices); out[0].Result != "taken" {
			t.Errorf("notices: %+v", out)
		}
		mine, err := h.Memberships(ctx, fresh, 0, 10)
		h.must(err)
		if len(mine) != 1 {
			t.Fatalf("brought back: %+v", mine)
		}
		c := mine[0].Circle
		got := circle.Draft{Name: c.Name, Intro: c.Intro, Category: c.Category, Rules: c.Rules, Question: c.Question, Mode: c.Mode, Preview: c.Preview, Unlisted: c.Unlisted, Approves: c.Approves}
		if got != want || c.Cover == "" || c.Owner != fresh.Account {
			t.Errorf("brought back %+v, want %+v", c, want)
		}
		again := h.exports(fresh, "", "circles", "")
		if x := again.records[0].(archive.Circle); fmt.Sprint(x.Topics) != "[路线]" || !bytes.Equal(again.files[x.Cover], circles.files[circles.records[0].(archive.Circle).Cover]) {
			t.Errorf("topics %v, cover of %d bytes", x.Topics, len(again.files[x.Cover]))
		}
		if list, err := h.NoticeBoard(ctx, fresh, c.ID, 0, 10); err != nil || len(list) != 1 || list[0].Text != "周六出发" {
			t.Errorf("notices %+v, %v", list, err)
		}
		if a, b := take("circles", circles), take("notices", notices); a[0].Result != "duplicate" || b[0].Result != "duplicate" {
			t.Errorf("a second time: %+v and %+v", a, b)
		}
		// An archive puts up no more notices than a circle has, and none of tomorrow.
		x := notices.records[0].(archive.CircleNotice)
		many := &bag{}
		for i := range 250 {
			x.Text, x.Published = fmt.Sprint("notice ", i), archive.At(dbtest.Start.AddDate(9, 0, i))
			many.records = append(many.records, x)
		}
		if out := take("notices", many); out[198].Result != "taken" || out[199].Result != "skipped" {
			t.Errorf("the 200th notice is %+v, the next %+v", out[198], out[199])
		}
		list, err := h.NoticeBoard(ctx, fresh, c.ID, 0, 1)
		h.must(err)
		if now, err := h.d.Now(ctx); err != nil || list[0].At.After(now) {
			t.Errorf("a notice is of %v, now it is %v (%v)", list[0].At, now, err)
		}
	})
}

// TestOrderComesBack has what a circle is kept in order by stand in its archive, and come back with it when it has ended: what is pinned, featured and
// shared, topics open and closed, words and images that are not let through, what new members may.
func TestOrderComesBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, ann, fresh := h.account("owner"), h.account("annabel"), h.account("fresh")
		id := h.circle(owner, "c", circle.Open)
		h.joined(ann, id)
		in, err := h.Place(ctx, owner, id)
		h.must(err)
		_, err = h.posts.NewTopic(ctx, owner, in, "路线")
		h.must(err)
		old, err := h.posts.NewTopic(ctx, owner, in, "旧事")
		h.must(err)
		write := func(v who.Viewer, text string, card who.Ref) who.ID {
			t.Helper()
			p, err := h.posts.Write(ctx, v, post.Draft{Service: circle.Name, Place: id, Text: text, Card: card})
			h.must(err)
			dbtest.Clock(t, h.d).Add(time.Second)
			return p
		}
		first := write(owner, "去年的 #旧事", who.Ref{})
		write(owner, "再看一遍", who.Ref{Kind: "post", ID: first})
		meet := write(ann, "见见我", who.Ref{})
		for _, err := range []error{
			h.posts.Feature(ctx, owner, first, true), h.posts.Pin(ctx, owner, first, true), h.posts.CloseTopic(ctx, owner, old, true),
			h.Bans.AddWord(ctx, owner, moderate.Place{Service: circle.Name, ID: id}, "代购", moderate.Hold),
			h.Bans.AddWord(ctx, owner, moderate.Place{Service: circle.Name, ID: id}, "free money", moderate.Refuse),
			h.Bans.SetLimits(ctx, owner, moderate.Place{Service: circle.Name, ID: id}, moderate.Limits{Days: 7, Posts: 3, Images: true}),
			h.inTx(func(ctx context.Context) error {
				if _, err := h.d.Exec(ctx, `update posts set card_kind = 'account', card_id = author_id where id = $1`, int64(meet)); err != nil {
					return err
				}
				_, err := h.d.Exec(ctx, `insert into image_blocks (id, service, place_id, look, created_at) values (1, 'circle', $1, '00ff00ff00ff00ff', 0), (2, 'circle', $1, 'ff00ff00ff00ff00', 0)`, int64(id))
				return err
			}),
		} {
			h.must(err)
		}

		order := func(v who.Viewer, id who.ID) (c archive.Circle, posts []archive.CirclePost) {
			t.Helper()
			in := "circle:" + id.String()
			c = h.exports(v, in, "whole", archive.ClassCircles).records[0].(archive.Circle)
			for _, r := range h.exports(v, in, "whole", archive.ClassCirclePosts).records {
				posts = append(posts, r.(archive.CirclePost))
			}
			return c, posts
		}
		was, posts := order(owner, id)
		if len(was.Topics) != 2 || fmt.Sprint(was.ClosedTopics) != "[旧事]" || len(was.FilteredWords) != 2 || len(was.BlockedImages) != 2 || *was.NewMembers != (archive.NewMemberLimits{Days: 7, Posts: 3, Images: true}) {
			t.Fatalf("the whole has the circle as %+v", was)
		}
		if p := posts[0]; p.Pinned.IsZero() || p.Featured.IsZero() || p.Card != nil || posts[1].Card == nil || *posts[1].Card != (archive.Reference{Kind: "post", ID: first.String()}) {
			t.Errorf("the whole has the posts %+v and %+v", p, posts[1])
		}
		if p := posts[2]; !strings.HasPrefix(p.Author, "member-") || len(p.Author) != len("member-")+16 || p.Card == nil || *p.Card != (archive.Reference{Kind: "account", Excerpt: p.Author}) {
			t.Errorf("the card of %s shares %+v", p.Author, p.Card)
		}

		mine := &bag{files: map[string][]byte{}}
		_, err = h.posts.Holder().Export(ctx, h.task(owner, "", "posts", ""), mine)
		h.must(err)
		circles := h.exports(owner, "", "circles", "")
		h.must(h.End(ctx, owner, id))
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.posts.Holder().Erase(ctx, h.task(owner, "", "posts", ""))
			return err
		}))
		h.leaves(owner, "")
		for _, x := range []struct {
			class string
			to    exit.Importer
			from  *bag
		}{{"circles", h.holder, circles}, {"posts", h.posts.Holder(), mine}} {
			task := h.task(fresh, "", x.class, "")
			task.Part = map[string]string{"posts": archive.ClassPosts}[x.class]
			store, err := x.to.Import(ctx, task, x.from.records, x.from)
			h.must(err)
			h.must(h.inTx(func(ctx context.Context) error {
				out, err := store(ctx)
				for _, o := range out {
					if o.Result != "taken" || o.Reason != "" {
						t.Errorf("%s come back as %+v", x.class, o)
					}
				}
				return err
			}))
		}
		mems, err := h.Memberships(ctx, fresh, 0, 10)
		h.must(err)
		now, back := order(fresh, mems[0].ID)
		if fmt.Sprint(now.Topics, now.ClosedTopics, now.FilteredWords, now.BlockedImages, *now.NewMembers) != fmt.Sprint(was.Topics, was.ClosedTopics, was.FilteredWords, was.BlockedImages, *was.NewMembers) {
			t.Errorf("the circle had %+v and has %+v", was, now)
		}
		if len(back) != 2 || !back[0].Pinned.Equal(posts[0].Pinned.Time) || !back[0].Featured.Equal(posts[0].Featured.Time) || back[1].Card == nil || back[1].Card.ID != back[0].ID {
			t.Errorf("the posts came back as %+v", back)
		}
		place, err := h.Place(ctx, fresh, mems[0].ID)
		h.must(err)
		topics, err := h.posts.Topics(ctx, fresh, place)
		h.must(err)
		if len(topics) != 2 || topics[0].Name != "旧事" || !topics[0].Closed || topics[0].Posts != 1 || topics[1].Closed {
			t.Errorf("the topics came back as %+v", topics)
		}
		if _, err := h.posts.Write(ctx, fresh, post.Draft{Service: circle.Name, Place: mems[0].ID, Text: "Free  MONEY"}); exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is filtered again is taken: %v", err)
		}
	})
}

// TestHostileOrder passes over what no list of a circle would take.
func TestHostileOrder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner := h.account("owner")
		c := archive.Circle{
			ID: "1", Name: "c", Topics: []string{"a b", "茶", "茶", "a\x00"}, ClosedTopics: []string{"茶", "酒"}, NewMembers: &archive.NewMemberLimits{Days: 4000, Posts: -1},
			FilteredWords: []archive.FilteredWord{{Word: "x", Does: "erase"}, {Word: strings.Repeat("长", 99), Does: "hold"}, {Word: " ", Does: "hold"}, {Word: "好\x00", Does: "hold"}, {Word: "ＯＫ", Does: "hold"}, {Word: "ok", Does: "refuse"}},
			BlockedImages: []string{"", "0", "zzzzzzzzzzzzzzzz", "0123456789abcdef", "0123456789abcdef"},
		}
		for i := range 3000 {
			c.FilteredWords = append(c.FilteredWords, archive.FilteredWord{Word: fmt.Sprint("word ", i), Does: "hold"})
		}
		for i := range 12000 {
			c.BlockedImages = append(c.BlockedImages, fmt.Sprintf("%016x", i))
		}
		store, err := h.holder.Import(ctx, h.task(owner, "", "circles", ""), []any{c}, nil)
		h.must(err)
		h.must(h.inTx(func(ctx context.Context) error { _, err := store(ctx); return err }))
		got := h.exports(owner, "", "circles", "").records[0].(archive.Circle)
		if fmt.Sprint(got.Topics, got.ClosedTopics) != "[茶] [茶]" || got.NewMembers != nil || len(got.FilteredWords) > 1000 || len(got.FilteredWords) < 990 || len(got.BlockedImages) > 10000 || len(got.BlockedImages) < 9990 {
			t.Errorf("topics %v, closed %v, limits %+v, %d words, %d images", got.Topics, got.ClosedTopics, got.NewMembers, len(got.FilteredWords), len(got.BlockedImages))
		}
		for _, w := range got.FilteredWords {
			if w.Word == "x" || w.Word == "ok" || strings.Contains(w.Word, "长长") || strings.Contains(w.Word, "\x00") {
				t.Errorf("the filter took %+v", w)
			}
		}
	})
}
