package circle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/search"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// lastAct gives what the log of a circle tells of last.
func (h *house) lastAct(v who.Viewer, id who.ID) moderate.Act {
	h.t.Helper()
	acts, err := h.Bans.Log(h.t.Context(), v, moderate.Place{Service: circle.Name, ID: id}, 0, 5)
	h.must(err)
	if len(acts) == 0 {
		h.t.Fatal("nothing is in the log")
	}
	return acts[0]
}

// TestStaffsActsComeBack has what owners and moderators decide about members and links stand in the log, and come back from there.
func TestStaffsActsComeBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, mod, ann := h.account("owner"), h.account("mod"), h.account("ann")
		id := h.circle(owner, "c", circle.Approval)
		took := func(kind string) moderate.Act {
			t.Helper()
			act := h.lastAct(owner, id)
			if act.Kind != kind || act.By != owner.Account {
				t.Errorf("the log has %+v, want %s", act, kind)
			}
			return act
		}
		askers := func(want int) {
			t.Helper()
			if list, err := h.Askers(ctx, owner, id, 0, 10); err != nil || len(list) != want {
				t.Errorf("%d ask, %v; want %d", len(list), err, want)
			}
		}
		_, err := h.Join(ctx, ann, id)
		h.must(err)
		h.must(h.Refuse(ctx, owner, id, ann.Account))
		askers(0)
		refused := took(moderate.TurnAway)
		h.must(h.Bans.Undo(ctx, owner, refused.ID))
		askers(1)
		h.must(h.Accept(ctx, owner, id, ann.Account))
		h.wantMembers(id, 2)
		h.must(h.Bans.Undo(ctx, owner, took(moderate.Admit).ID))
		h.wantMembers(id, 1)
		askers(1)
		h.must(h.Accept(ctx, owner, id, ann.Account))
		admitted := took(moderate.Admit)
		h.must(h.Appoint(ctx, owner, id, ann.Account, circle.Moderator))
		h.refused(h.Bans.Undo(ctx, owner, admitted.ID), exit.Conflict, "other_now")

		// Who is taken out comes back as what they were.
		h.must(h.kicks(ctx, owner, id, ann.Account))
		h.must(h.Bans.Undo(ctx, owner, took(moderate.Kick).ID))
		if _, m, err := h.Circle(ctx, ann, id); err != nil || m.Role != circle.Moderator {
			t.Errorf("back as %q, %v", m.Role, err)
		}

		one, err := h.Invite(ctx, owner, id, circle.DefaultTerms)
		h.must(err)
		_, err = h.Invite(ctx, owner, id, circle.DefaultTerms)
		h.must(err)
		h.must(h.Revoke(ctx, owner, id, 0))
		_, _, err = h.Invited(ctx, mod, one)
		h.refused(err, exit.NotFound, "link")
		h.refused(h.Bans.Undo(ctx, ann, took(moderate.Revoke).ID), exit.Forbidden, "above")
		h.must(h.Bans.Undo(ctx, owner, took(moderate.Revoke).ID))
		if list, err := h.Invites(ctx, owner, id); err != nil || len(list) != 2 {
			t.Errorf("%d links work again, %v", len(list), err)
		}
		if _, err := h.JoinBy(ctx, mod, one); err != nil {
			t.Errorf("a link that works again: %v", err)
		}
		h.must(h.Revoke(ctx, owner, id, 0))
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.d.Exec(ctx, `update circle_invites set expires_at = 1`)
			return err
		}))
		h.refused(h.Bans.Undo(ctx, owner, took(moderate.Revoke).ID), exit.Unavailable, "links_over")
	})
}

// TestWithheldCircle takes a circle out of sight as a whole: others find nothing of it, its members read why, its owner appeals, and all comes back.
func TestWithheldCircle(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.moderated()
		owner, mod, ann, stranger, op := h.account("owner"), h.account("mod"), h.account("ann"), h.account("stranger"), h.account("op")
		op.Operator = true
		id, err := h.Create(ctx, owner, circle.Draft{Name: "坏圈子", Intro: "不该有的话", Rules: "规矩", Mode: circle.Open, Preview: circle.PreviewPosts})
		h.must(err)
		h.joined(mod, id)
		h.joined(ann, id)
		h.must(h.Appoint(ctx, owner, id, mod.Account, circle.Moderator))
		token, err := h.Invite(ctx, owner, id, circle.DefaultTerms)
		h.must(err)
		on, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "圈里的帖子"})
		h.must(err)
		path, ref := circle.Path(id), who.Ref{Kind: circle.Name, ID: id}
		found := func() (docs int) {
			t.Helper()
			h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from search_docs where ref_kind = $1`, search.Circle).Scan(&docs))
			return docs
		}
		if list, err := h.Found(ctx, stranger, circle.After{}, 5); err != nil || len(list) != 1 || found() != 1 {
			t.Fatalf("before it is withheld: %v, %v", list, err)
		}
		h.must(h.Bans.Report(ctx, stranger, ref, "hate", ""))
		cases, err := h.Bans.Queue(ctx, op, moderate.Everywhere, 0, 5)
		h.must(err)
		h.refused(h.Bans.Decide(ctx, owner, cases[0].ID, moderate.Decision{}), exit.NotFound, "not_found")
		h.must(h.Bans.Decide(ctx, op, cases[0].ID, moderate.Decision{Remove: true, Rule: "hate", Words: "这些话不能留"}))

		for _, v := range []who.Viewer{stranger, {}} {
			for _, at := range []string{path, path + "/rules", "/join/" + token} {
				if status, body, _ := h.visit(v, ui.Chinese, "GET", at, nil); status != -int(exit.NotFound) || strings.Contains(body, "坏圈子") {
					t.Errorf("%q opens %s: %d", v.Name, at, status)
				}
			}
			if list, err := h.Found(ctx, v, circle.After{}, 5); err != nil || len(list) != 0 {
				t.Errorf("%q finds %v, %v", v.Name, list, err)
			}
		}
		if n := found(); n != 0 {
			t.Errorf("%d circles are in the index", n)
		}
		for _, v := range []who.Viewer{owner, mod, ann} {
			for lang, words := range map[ui.Lang][]string{ui.Chinese: {"隐去了这个圈子", "依据的规则"}, ui.English: {"out of sight", "By the rule"}} {
				_, body, _ := h.visit(v, lang, "GET", path, nil)
				for _, w := range words {
					if !strings.Contains(body, w) {
						t.Errorf("%s reads no %q", v.Name, w)
					}
				}
				if strings.Contains(body, "不该有的话") || strings.Contains(body, "圈里的帖子") || strings.Contains(body, moderate.StandingPath) != (v == owner) {
					t.Errorf("%s reads more than that, or the way to appeal is missing", v.Name)
				}
			}
			for _, at := range []string{"/members", "/rules", "/notices", "/board", "/settings", "/invite"} {
				if status, _, _ := h.visit(v, ui.Chinese, "GET", path+at, nil); status != -int(exit.Unavailable) {
					t.Errorf("%s opens %s: %d", v.Name, at, status)
				}
			}
			_, err := h.posts.Write(ctx, v, post.Draft{Service: circle.Name, Place: id, Text: "还写"})
			h.refused(err, exit.Unavailable, "withheld")
			if got, err := h.Moderates(ctx, v, circle.Name, id); err != nil || got {
				t.Errorf("%s moderates there, %v", v.Name, err)
			}
			if things, err := h.Things(ctx, v, []who.ID{id}); err != nil || things[0].See != (v == owner) {
				t.Errorf("%s meets it elsewhere: %v, %v", v.Name, things[0].See, err)
			}
			if mine, err := h.Mine(ctx, v); err != nil || len(mine) != 0 {
				t.Errorf("%s has it on the home page, %v", v.Name, err)
			}
			if _, err := h.posts.One(ctx, v, on); (err == nil) != (v == ann) {
				t.Errorf("%s opens the post: %v", v.Name, err)
			}
		}
		h.refused(h.Change(ctx, owner, id, circle.Draft{Name: "好圈子", Mode: circle.Open}), exit.Unavailable, "withheld")
		h.must(h.Leave(ctx, mod, id))

		_, acts, _, err := h.Bans.Standing(ctx, owner, 0, 5)
		if err != nil || len(acts) != 1 || acts[0].Ref != ref || acts[0].Words != "这些话不能留" {
			t.Fatalf("the owner reads %+v, %v", acts, err)
		}
		h.must(h.Bans.Appeal(ctx, owner, acts[0].ID, "已经改了"))
		h.must(h.Bans.Settle(ctx, op, acts[0].ID, true, "好"))
		if c, _, err := h.Circle(ctx, stranger, id); err != nil || c.Withheld || found() != 1 {
			t.Errorf("back as %+v, %v", c, err)
		}
		if _, err := h.posts.One(ctx, stranger, on); err != nil {
			t.Errorf("its posts are back: %v", err)
		}
	})
}

// TestNoticeForEveryMember tells each member of a large circle of its notice board once.
func TestNoticeForEveryMember(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		const crowd = 1200
		owner := h.account("owner")
		id := h.circle(owner, "c", circle.Open)
		h.must(h.inTx(func(ctx context.Context) error {
			for from := 0; from < crowd; from += 300 {
				var accounts, standings, members []string
				for n := from + 1000; n < from+1300; n++ {
					accounts = append(accounts, fmt.Sprintf(`(%d, 'm%d', 'm%d', 'personal', 'active', 0)`, n, n, n))
					standings = append(standings, fmt.Sprintf(`(%d, 1)`, n))
					members = append(members, fmt.Sprintf(`(%d, %d, %d, 'member', 'active', 0)`, n, id, n))
				}
				for _, q := range []string{
					`insert into accounts (id, name, name_key, kind, state, created_at) values ` + strings.Join(accounts, ", "),
					`insert into standings (account_id, version) values ` + strings.Join(standings, ", "),
					`insert into circle_members (id, circle_id, account_id, role, state, created_at) values ` + strings.Join(members, ", "),
				} {
					if _, err := h.d.Exec(ctx, q); err != nil {
						return err
					}
				}
			}
			_, err := h.d.Exec(ctx, `insert into reasons (account_id, what, scope, reason, since) values (1007, 'veil', '', 'test', 0)`)
			return err
		}))
		h.must(h.Tell(ctx, owner, id, "周六改在东门集合"))
		h.works()
		var rows, told, own int
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*), count(distinct account_id), coalesce(sum(case when account_id in ($1, 1007) then 1 else 0 end), 0) from notices where kind = 'circle_notice'`,
			int64(owner.Account)).Scan(&rows, &told, &own))
		if rows != crowd-1 || told != crowd-1 || own != 0 {
			t.Errorf("%d notices for %d members, %d for who wrote it or is hidden; want one for each of %d", rows, told, own, crowd-1)
		}
	})
}
