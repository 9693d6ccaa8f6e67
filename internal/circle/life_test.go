package circle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/search"
	"exeunt/internal/who"
)

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		h.circle(owner, "Weekend walks", circle.Open)
		for name, key := range map[string]string{
			"zero\u200bwidth": "name_hides", "turned \u202ename": "name_hides", "Wеekend": "name_mixes", "": "name_empty", strings.Repeat("长", 41): "name_long",
			"WEEKEND  wa1ks": "name_taken", "Ｗeekend walks": "name_taken",
		} {
			_, err := h.Create(ctx, ann, circle.Draft{Name: name, Mode: circle.Open})
			kind := exit.Invalid
			if key == "name_taken" {
				kind = exit.Conflict
			}
			h.refused(err, kind, key)
		}
		// Who stands in no list stands beside no other, and one's own names are one's own.
		for _, d := range []circle.Draft{{Name: "Weekend walks", Mode: circle.Invitation}, {Name: "weekend walks", Mode: circle.Open, Unlisted: true}} {
			id, err := h.Create(ctx, ann, d)
			h.must(err)
			d.Unlisted, d.Mode = false, circle.Open
			h.refused(h.Change(ctx, ann, id, d), exit.Conflict, "name_taken")
		}
		h.circle(owner, "weekend walks", circle.Approval)
		var n int
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from circles`).Scan(&n))
		if n != 4 {
			t.Errorf("%d circles are stored, want 4", n)
		}
	})
}

func TestFoundByCategory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		make := func(name, category string, unlisted bool) who.ID {
			id, err := h.Create(ctx, owner, circle.Draft{Name: name, Intro: "简介" + name, Category: category, Mode: circle.Open, Unlisted: unlisted})
			h.must(err)
			return id
		}
		walks, books, hidden := make("徒步", "outdoors", false), make("读书", "reading", false), make("小圈", "reading", true)
		_, err := h.Create(ctx, owner, circle.Draft{Name: "x", Category: "nonsense", Mode: circle.Open})
		h.refused(err, exit.Invalid, "category")
		for category, want := range map[string][]who.ID{"": {books, walks}, "outdoors": {walks}, "reading": {books}, "games": nil} {
			list, err := h.FoundIn(ctx, ann, category, circle.After{}, 10)
			h.must(err)
			var got []who.ID
			for _, c := range list {
				got = append(got, c.ID)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("in %q found %v, want %v", category, got, want)
			}
		}
		if _, _, err := h.Circle(ctx, ann, hidden); err != nil {
			t.Errorf("whoever knows the address does not open an unlisted circle: %v", err)
		}
		docs, _, more, err := h.Source().Docs(ctx, 0, 10)
		h.must(err)
		if len(docs) != 2 || more || docs[0].Audience != who.Public || !strings.Contains(docs[0].Text, "Outdoors") || !strings.Contains(docs[0].Text, "户外") {
			t.Errorf("found by search: %+v", docs)
		}
		h.must(h.Change(ctx, owner, books, circle.Draft{Name: "读书", Mode: circle.Open, Unlisted: true}))
		h.must(h.End(ctx, owner, walks))
		var n int
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from search_docs where ref_kind = $1`, search.Circle).Scan(&n))
		if n != 0 {
			t.Errorf("%d circles are still in the index", n)
		}
	})
}

func TestQuestion(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann, bob := h.account("owner"), h.account("ann"), h.account("bob")
		id, err := h.Create(ctx, owner, circle.Draft{Name: "读书", Mode: circle.Approval, Question: "最近读的是哪一本？"})
		h.must(err)
		_, err = h.Join(ctx, ann, id)
		h.refused(err, exit.Invalid, "answer_empty")
		_, err = h.JoinWith(ctx, ann, id, strings.Repeat("长", 501))
		h.refused(err, exit.Invalid, "answer_long")
		_, err = h.JoinWith(ctx, ann, id, "a\u202eb")
		h.refused(err, exit.Invalid, "answer_hides")
		_, err = h.JoinWith(ctx, ann, id, "\u200b")
		h.refused(err, exit.Invalid, "answer_empty")
		if s, err := h.JoinWith(ctx, ann, id, "《边城》"); err != nil || s != circle.Asked {
			t.Fatalf("asked: %q, %v", s, err)
		}
		_, err = h.JoinWith(ctx, bob, id, "不告诉你")
		h.must(err)
		if n, err := h.notices.Unread(ctx, owner.Account); err != nil || n != 2 {
			t.Errorf("the owner has %d notices, %v", n, err)
		}
		list, err := h.Askers(ctx, owner, id, 0, 10)
		h.must(err)
		if len(list) != 2 || list[1].Answer != "《边城》" {
			t.Fatalf("askers %+v", list)
		}
		h.must(h.Accept(ctx, owner, id, ann.Account))
		h.must(h.Refuse(ctx, owner, id, bob.Account))
		if n, err := h.notices.Unread(ctx, ann.Account); err != nil || n != 1 {
			t.Errorf("who was let in has %d notices, %v", n, err)
		}
		var left int
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from circle_members where answer <> ''`).Scan(&left))
		if left != 0 {
			t.Errorf("%d answers are kept after the answer to them", left)
		}
	})
}

func TestPreview(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Approval)
		welcome, err := h.posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: id, Text: "欢迎"})
		h.must(err)
		h.must(h.posts.Pin(ctx, owner, welcome, true))
		for i := range 12 {
			_, err := h.posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: id, Text: fmt.Sprint("第", i, "条")})
			h.must(err)
		}
		for _, want := range []struct {
			preview circle.Preview
			intro   bool
			posts   int
		}{{circle.PreviewNothing, false, 0}, {circle.PreviewIntro, true, 0}, {circle.PreviewPosts, true, 10}} {
			h.must(h.Change(ctx, owner, id, circle.Draft{Name: "c", Intro: "关于这里", Mode: circle.Approval, Preview: want.preview}))
			for _, v := range []who.Viewer{{}, ann} {
				_, body, _ := h.visit(v, "zh-CN", "GET", circle.Path(id), nil)
				if got := strings.Count(body, `<article class="card post"`); strings.Contains(body, "关于这里") != want.intro || got != want.posts {
					t.Errorf("with %s a guest sees %d posts, the words: %v", want.preview, got, strings.Contains(body, "关于这里"))
				}
				if at := strings.Index(body, "欢迎"); (at >= 0) != (want.posts > 0) || at > strings.Index(body, "第11条") {
					t.Errorf("with %s a guest does not see what is pinned first: %d", want.preview, at)
				}
			}
			things, err := h.Things(ctx, ann, []who.ID{id})
			h.must(err)
			if (things[0].Excerpt != "") != want.intro {
				t.Errorf("with %s others are told %q", want.preview, things[0].Excerpt)
			}
		}
		if _, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "x"}); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("a guest writes: %v", err)
		}
	})
}

func TestNotices(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, mod, ann, bob := h.account("owner"), h.account("mod"), h.account("ann"), h.account("bob")
		id := h.circle(owner, "c", circle.Open)
		h.joined(mod, id)
		h.joined(ann, id)
		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Moderator))
		h.refused(h.Tell(ctx, ann, id, "我也来"), exit.Forbidden, "moderators_only")
		h.refused(h.Tell(ctx, mod, id, " \n"), exit.Invalid, "notice_empty")
		h.refused(h.Tell(ctx, mod, id, strings.Repeat("长", 1001)), exit.Invalid, "notice_long")
		h.refused(h.Tell(ctx, mod, id, "a\u202eb"), exit.Invalid, "notice_hides")
		h.refused(h.Tell(ctx, mod, id, "\u200b"), exit.Invalid, "notice_empty")
		h.must(h.Tell(ctx, mod, id, "周六改在东门集合"))
		h.works()
		_, err := h.NoticeBoard(ctx, bob, id, 0, 10)
		h.refused(err, exit.Forbidden, "members_only")
		if n, err := h.notices.Unread(ctx, ann.Account); err != nil || n != 1 {
			t.Errorf("a member has %d notices, %v", n, err)
		}
		if n, err := h.notices.Unread(ctx, bob.Account); err != nil || n != 0 {
			t.Errorf("a stranger has %d notices, %v", n, err)
		}
		isNew := func(v who.Viewer) bool {
			t.Helper()
			list, err := h.NoticeBoard(ctx, v, id, 0, 10)
			h.must(err)
			return list[0].New
		}
		if !isNew(ann) || isNew(mod) {
			t.Error("a notice is new to those who did not write it")
		}
		list, err := h.NoticeBoard(ctx, ann, id, 0, 10)
		h.must(err)
		h.must(h.See(ctx, ann, id, list[0].ID))
		h.must(h.See(ctx, ann, id, 1))
		if isNew(ann) || !isNew(owner) {
			t.Error("who has seen it has, and nobody else")
		}
		h.refused(h.Untell(ctx, ann, id, list[0].ID), exit.Forbidden, "moderators_only")
		// A moderator takes down their own alone; who shares a block with its author reads a notice without the name.
		h.must(h.Tell(ctx, owner, id, "圈规改了一条"))
		all, err := h.NoticeBoard(ctx, mod, id, 0, 10)
		h.must(err)
		h.refused(h.Untell(ctx, mod, id, all[0].ID), exit.Forbidden, "owner_only")
		h.must(h.Untell(ctx, owner, id, all[0].ID))
		h.must(h.Relations.Block(ctx, ann, mod.Account))
		for v, want := range map[who.Viewer]who.ID{ann: 0, owner: mod.Account} {
			if list, err := h.NoticeBoard(ctx, v, id, 0, 10); err != nil || len(list) != 1 || list[0].By.ID != want {
				t.Errorf("%d reads %+v, %v", v.Account, list, err)
			}
		}
		h.must(h.Untell(ctx, owner, id, list[0].ID))
		if list, err := h.NoticeBoard(ctx, ann, id, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("notices %v, %v", list, err)
		}
	})
}

func TestInvitationTerms(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann, bob := h.account("owner"), h.account("ann"), h.account("bob")
		id := h.circle(owner, "c", circle.Invitation)
		for _, terms := range []circle.Terms{{}, {Life: time.Hour, People: 10}, {Life: 24 * time.Hour, People: 7}, {Life: -24 * time.Hour, People: 1}} {
			_, err := h.Invite(ctx, owner, id, terms)
			h.refused(err, exit.Invalid, "terms")
		}
		one, err := h.Invite(ctx, owner, id, circle.Terms{Life: 24 * time.Hour, People: 1})
		h.must(err)
		many, err := h.Invite(ctx, owner, id, circle.Terms{Life: 30 * 24 * time.Hour, People: 10})
		h.must(err)
		list, err := h.Invites(ctx, owner, id)
		h.must(err)
		if len(list) != 2 || list[0].People != 10 || list[0].Left != 10 || !list[0].Until.Equal(list[0].Made.Add(30*24*time.Hour)) || list[1].By.ID != owner.Account {
			t.Errorf("links %+v", list)
		}
		_, err = h.JoinBy(ctx, ann, one)
		h.must(err)
		_, err = h.JoinBy(ctx, bob, one)
		h.refused(err, exit.NotFound, "link")
		_, err = h.Invites(ctx, ann, id)
		h.refused(err, exit.Forbidden, "moderators_only")
		h.must(h.Revoke(ctx, owner, id, list[0].ID))
		_, err = h.JoinBy(ctx, bob, many)
		h.refused(err, exit.NotFound, "link")
		if list, err := h.Invites(ctx, owner, id); err != nil || len(list) != 0 {
			t.Errorf("links %+v, %v", list, err)
		}
	})
}

func TestCoOwners(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, co, late, mod, ann := h.account("owner"), h.account("co"), h.account("late"), h.account("mod"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		for _, v := range []who.Viewer{co, late, mod, ann} {
			h.joined(v, id)
		}
		h.must(h.Appoint(ctx, owner, id, co.Account, circle.CoOwner))
		h.must(h.Appoint(ctx, owner, id, late.Account, circle.CoOwner))
		h.must(h.Appoint(ctx, co, id, mod.Account, circle.Moderator))
		h.refused(h.Appoint(ctx, co, id, ann.Account, circle.CoOwner), exit.Forbidden, "owner_only")
		h.refused(h.Appoint(ctx, co, id, late.Account, circle.Member), exit.Forbidden, "owner_only")
		h.refused(h.Appoint(ctx, mod, id, ann.Account, circle.Moderator), exit.Forbidden, "owner_only")
		h.must(h.Change(ctx, co, id, circle.Draft{Name: "c2", Mode: circle.Open}))
		h.refused(h.End(ctx, co, id), exit.Forbidden, "owner_only")
		h.refused(h.OfferTo(ctx, co, id, "ann"), exit.Forbidden, "owner_only")
		h.refused(h.kicks(ctx, co, id, late.Account), exit.Forbidden, "rank")
		h.refused(h.kicks(ctx, mod, id, co.Account), exit.Forbidden, "rank")
		if _, err := h.Board(ctx, co, id, time.UTC); err != nil {
			t.Errorf("a co-owner has no board: %v", err)
		}
		_, err := h.Board(ctx, mod, id, time.UTC)
		h.refused(err, exit.Forbidden, "owner_only")
		for v, want := range map[who.Viewer]bool{owner: true, co: true, mod: true, ann: false, {}: false} {
			if got, err := h.Moderates(ctx, v, circle.Name, id); err != nil || got != want {
				t.Errorf("%s moderates %v, %v", v.Name, got, err)
			}
		}

		list, err := h.holder.Bindings(ctx, exit.Account(owner.Account.String()))
		if err != nil || len(list) != 1 || list[0].Code != "circle_shared" || list[0].Fixes[0] != "co_owner" {
			t.Errorf("bindings %+v, %v", list, err)
		}
		h.leaves(owner, "")
		c, m, err := h.Circle(ctx, co, id)
		h.must(err)
		if c.State != circle.Living || c.Owner != co.Account || m.Role != circle.Owner || c.Name != "c2" {
			t.Errorf("the circle is %+v, and who shared it longest %+v", c, m)
		}
		h.wantMembers(id, 4)
		// Who is veiled takes nothing over.
		h.veil(late)
		h.leaves(co, "")
		if c, _, err := h.Circle(ctx, ann, id); err != nil || c.State != circle.Ended || c.Name != "" {
			t.Errorf("without anybody to go to the circle is %+v, %v", c, err)
		}
	})
}

// veil keeps others from seeing an account.
func (h *house) veil(v who.Viewer) {
	h.t.Helper()
	h.must(h.inTx(func(ctx context.Context) error {
		_, err := h.d.Exec(ctx, `insert into reasons (account_id, what, scope, reason, since) values ($1, 'veil', '', 'test', 0)`, int64(v.Account))
		return err
	}))
}

func TestFindMembers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, stranger := h.account("owner"), h.account("stranger")
		id := h.circle(owner, "c", circle.Open)
		for _, name := range []string{"林小满", "林立夏", "under_score", "percent"} {
			h.joined(h.account(name), id)
		}
		for text, want := range map[string][]string{"林": {"林立夏", "林小满"}, "立夏": {"林立夏"}, "UNDER": {"under_score"}, "r_s": {"under_score"}, "_x": nil, "%": nil, "own": {"owner"}, "stranger": nil, " ": nil} {
			list, err := h.FindMembers(ctx, owner, id, text, 0, 10)
			h.must(err)
			var got []string
			for _, p := range list {
				got = append(got, p.Name)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%q finds %v, want %v", text, got, want)
			}
		}
		_, err := h.FindMembers(ctx, stranger, id, "林", 0, 10)
		h.refused(err, exit.Forbidden, "members_only")
	})
}

func TestBoard(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		id, other := h.circle(owner, "c", circle.Open), h.circle(owner, "d", circle.Open)
		h.joined(ann, id)
		for _, in := range []who.ID{id, id, other} {
			_, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: in, Text: "写一条"})
			if in == other {
				h.refused(err, exit.Forbidden, "members_only")
				continue
			}
			h.must(err)
		}
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.d.Exec(ctx, `update circle_members set created_at = created_at - 86400000 * 3 where circle_id = $1 and account_id = $2`, int64(id), int64(owner.Account))
			return err
		}))
		b, err := h.Board(ctx, owner, id, time.FixedZone("east", 8*3600))
		h.must(err)
		last, before := b.Days[29], b.Days[25]
		if len(b.Days) != 30 || b.Members != 2 || b.Posts != 2 || last.Posts != 2 || last.Active != 1 || last.Joined != 1 || last.Members != 2 || before.Members != 0 || b.Days[26].Members != 1 {
			t.Errorf("the board is %+v", b)
		}
		_, err = h.Board(ctx, ann, id, time.UTC)
		h.refused(err, exit.Forbidden, "owner_only")
	})
}
