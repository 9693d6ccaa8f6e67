package circle_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// wants asks for a page and wants words in it and others not.
func (h *house) wants(v who.Viewer, lang ui.Lang, path string, words, not []string) {
	h.t.Helper()
	status, body, _ := h.visit(v, lang, http.MethodGet, path, nil)
	if status != http.StatusOK {
		h.t.Fatalf("GET %s gives %d: %s", path, status, body)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			h.t.Errorf("GET %s in %s has no %q", path, lang, w)
		}
	}
	for _, w := range not {
		if strings.Contains(body, w) {
			h.t.Errorf("GET %s in %s has %q", path, lang, w)
		}
	}
	if key := regexp.MustCompile(`>\s*(circle|ui)\.[a-z_.]+\s*<`).FindString(body); key != "" {
		h.t.Errorf("GET %s in %s shows a key: %s", path, lang, key)
	}
}

// posts a form and wants to be led to a path.
func (h *house) sends(v who.Viewer, path string, form url.Values, to string) string {
	h.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	status, body, at := h.visit(v, ui.Chinese, http.MethodPost, path, form)
	if status != http.StatusSeeOther || to != "*" && at != to {
		h.t.Fatalf("POST %s gives %d to %q, want %q: %.300s", path, status, at, to, body)
	}
	return at
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, ann, guest := h.account("owner"), h.account("ann"), who.Viewer{}
		at := h.sends(owner, "/circles/new", url.Values{"name": {"周末徒步"}, "intro": {"慢慢走 <b>"}, "mode": {"open"}}, "*")
		id, ok := who.ParseID(strings.TrimPrefix(at, "/circles/"))
		if !ok {
			t.Fatalf("a new circle is at %q", at)
		}
		h.wants(guest, ui.Chinese, at, []string{"周末徒步", "慢慢走 &lt;b&gt;", "登录", "只有成员看得到"}, []string{"<b>", "/write?in=", "/members\""})
		h.wants(ann, ui.English, "/circles", []string{"Circles to join", "周末徒步", "Open to all"}, []string{"My circles</h2><article"})
		h.sends(ann, at+"/join", nil, at)
		if _, err := h.posts.Write(t.Context(), ann, post.Draft{Service: circle.Name, Place: id, Text: "第一条"}); err != nil {
			t.Fatal(err)
		}
		h.wants(owner, ui.Chinese, at, []string{"第一条", "/write?in=circle:" + id.String(), "2 位成员", "圈子设置"}, nil)
		h.wants(ann, ui.English, at, []string{"第一条", "2 members", "Leave"}, []string{"/settings\"", "/invite\""})
		h.wants(owner, ui.English, at+"/members", []string{"Owner and moderators", "ann", "Make moderator", "Remove"}, nil)
		h.wants(ann, ui.Chinese, at+"/members", []string{"圈主和管理员", "@owner"}, []string{"移出"})
		h.sends(owner, at+"/members/"+ann.Account.String()+"/moderator", nil, at+"/members")
		h.wants(owner, ui.Chinese, at+"/members", []string{"改回成员"}, nil)
		h.wants(ann, ui.Chinese, at+"/leave", []string{
			"留着，还是我的名字", "/exit/close?in=circle:" + id.String() + `"`,
			"/exit/close?in=circle:" + id.String() + "&amp;choice.post.posts=detach&amp;choice.talk.comments=detach",
		}, nil)
		h.wants(owner, ui.English, at+"/leave", []string{"You own this circle", at + "/settings#heir-title"}, []string{`action="` + at + `/leave"`})
		h.sends(ann, at+"/leave", nil, "/circles")
		h.wantMembers(id, 1)
	})
}

func TestFormsKeepWhatWasTyped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner := h.account("owner")
		status, body, _ := h.visit(owner, ui.English, http.MethodPost, "/circles/new", url.Values{"name": {strings.Repeat("n", 41)}, "intro": {"typed with care"}, "mode": {"approval"}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, "at most 40 characters") || !strings.Contains(body, "typed with care") || !strings.Contains(body, `value="approval" checked`) {
			t.Errorf("a name that is too long gives %d: %s", status, body)
		}
		id := h.circle(owner, "c", circle.Open)
		status, body, _ = h.visit(owner, ui.Chinese, http.MethodPost, circle.Path(id)+"/heir", url.Values{"heir": {"nobody here"}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, "找不到这个接手人") || !strings.Contains(body, "nobody here") {
			t.Errorf("an unknown heir gives %d", status)
		}
	})
}

func TestInvitationPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "藏起来的", circle.Invitation)
		at := circle.Path(id)
		if status, _, _ := h.visit(ann, ui.Chinese, http.MethodGet, at, nil); status != -int(exit.NotFound) {
			t.Errorf("a stranger opens a circle by invitation: %d", status)
		}
		status, body, _ := h.visit(owner, ui.Chinese, http.MethodPost, at+"/invite", url.Values{})
		link := regexp.MustCompile(`http://example\.com(/join/[A-Z0-9]+)`).FindStringSubmatch(body)
		if status != http.StatusOK || link == nil {
			t.Fatalf("no link: %d %s", status, body)
		}
		h.wants(owner, ui.English, at+"/invite", []string{"Make a link"}, []string{link[1]})
		h.wants(who.Viewer{}, ui.English, link[1], []string{"藏起来的", "Sign in or sign up first"}, []string{at})
		h.wants(ann, ui.Chinese, link[1], []string{"藏起来的", "加入"}, nil)
		h.sends(ann, link[1], nil, at)
		h.sends(owner, at+"/invite/revoke", nil, at+"/invite")
		if status, _, _ := h.visit(h.account("bob"), ui.Chinese, http.MethodGet, link[1], nil); status != -int(exit.NotFound) {
			t.Errorf("a revoked link gives %d", status)
		}
	})
}

func TestHandingOnPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, heir := h.account("owner"), h.account("heir")
		one, two := h.circle(owner, "one", circle.Open), h.circle(owner, "two", circle.Open)
		for _, id := range []who.ID{one, two} {
			h.sends(owner, circle.Path(id)+"/heir", url.Values{"heir": {"heir"}}, circle.Path(id)+"/settings")
		}
		h.wants(owner, ui.Chinese, circle.Path(one)+"/settings", []string{"正在等对方答复", "@heir"}, nil)
		h.wants(heir, ui.English, "/circles", []string{"2 circles are offered to you"}, nil)
		h.wants(heir, ui.Chinese, "/circles/offers", []string{"one", "two", "请你接手"}, nil)
		list, err := h.Offers(t.Context(), heir, 0, 10)
		h.must(err)
		h.sends(heir, fmt.Sprintf("/circles/offers/%d/take", list[1].ID), nil, circle.Path(one))
		h.sends(heir, fmt.Sprintf("/circles/offers/%d/decline", list[0].ID), nil, "/circles/offers")
		h.wants(heir, ui.English, circle.Path(one)+"/settings", []string{"End this circle"}, nil)
		h.moderated()
		h.wants(heir, ui.Chinese, circle.Path(one)+"/end", []string{"不能撤销", "同时删除", "/exit/take-along?in=circle:"}, nil)
		h.wants(heir, ui.English, circle.Path(one)+"/end", []string{"cannot be undone", "Deleted with it", `method="post" action="` + circle.Path(one) + `/end"`}, nil)
		if status, _, _ := h.visit(owner, ui.Chinese, http.MethodGet, circle.Path(one)+"/end", nil); status != -int(exit.Forbidden) {
			t.Errorf("who handed it on is asked whether it ends: %d", status)
		}
		h.sends(heir, circle.Path(one)+"/end", nil, circle.Path(one))
		h.wants(heir, ui.English, "/moderation/circle/"+one.String()+"/log", []string{"Ended by its owner"}, nil)
		h.wants(heir, ui.English, circle.Path(one), []string{"This circle has ended"}, []string{"/write?in="})
		if status, _, _ := h.visit(owner, ui.Chinese, http.MethodPost, circle.Path(one)+"/end", url.Values{}); status != -int(exit.Forbidden) {
			t.Errorf("who handed it on ends it: %d", status)
		}
	})
}
