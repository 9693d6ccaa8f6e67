package moderate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// ask sends a request through the room's routes.
func (h *house) ask(t *testing.T, v who.Viewer, lang ui.Lang, method, path, form string) (*httptest.ResponseRecorder, error) {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range h.order.Routes() {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, req *http.Request) { failed = rt.Handle(w, req) })
	}
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ctx := ui.WithReader(req.Context(), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, Path: path})))
	return w, failed
}

// see asks a page in both languages for words; one that begins with "-" must not be there.
func (h *house) see(t *testing.T, v who.Viewer, path string, words ...string) {
	t.Helper()
	for _, lang := range []ui.Lang{ui.Chinese, ui.English} {
		w, err := h.ask(t, v, lang, http.MethodGet, path, "")
		if err != nil || w.Code != http.StatusOK {
			t.Errorf("%s opens %s in %v: %d, %v", v.Name, path, lang, w.Code, err)
			continue
		}
		body := w.Body.String()
		for _, word := range words {
			if without, missing := strings.CutPrefix(word, "-"); strings.Contains(body, without) == missing {
				t.Errorf("%s reads %s in %v: %q", v.Name, path, lang, word)
			}
		}
		if strings.Contains(body, ">moderate.") {
			t.Errorf("%s in %v shows a key", path, lang)
		}
	}
}

func (h *house) send(t *testing.T, v who.Viewer, path, form, to string) {
	t.Helper()
	w, err := h.ask(t, v, ui.English, http.MethodPost, path, form)
	if got := w.Header().Get("Location"); err != nil || got != to {
		t.Errorf("%s sends %s: leads to %q, %d, %v; want %q", v.Name, path, got, w.Code, err, to)
	}
}

// TestStory goes by pages from a report to an appeal and its answer.
func TestStory(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		op, owner, mod := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mod", 1)
		mira, jo := h.member(t, "mira", 0), h.member(t, "jo", 0)
		on := h.wrote(t, mira, 7, "buy my tea")
		for _, path := range []string{"/moderation/circle/7", "/moderation/circle/7/appeals", "/moderation/circle/7/sanctions", "/moderation/circle/7/log", "/moderation/circle/7/rules"} {
			h.see(t, mod, path, `aria-current="page"`)
			h.see(t, op, path)
			if _, err := h.ask(t, jo, ui.English, http.MethodGet, path, ""); exit.KindOf(err) != exit.NotFound {
				t.Errorf("a member opens %s: %v", path, err)
			}
		}
		h.see(t, mod, "/moderation/circle/7", `class="empty"`)
		h.see(t, jo, "/report/post/"+on.ID.String(), "buy my tea", `value="spam"`)
		if w, err := h.ask(t, jo, ui.English, http.MethodPost, "/report/post/"+on.ID.String(), "reason=other"); err != nil || w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `value="other" checked`) {
			t.Errorf("other without words: %d, %v", w.Code, err)
		}
		h.send(t, jo, "/report/post/"+on.ID.String(), "reason=spam&words=every+day", "/posts/"+on.ID.String())
		at := "/moderation/case/" + h.only(t, mod, tea).ID.String()
		h.see(t, mod, "/moderation/circle/7", "buy my tea", at)
		h.see(t, mod, at, "buy my tea", "every day", "-/@jo")
		h.see(t, op, at, "every day", "/@jo", "/moderation/account/"+mira.Account.String())
		h.send(t, mod, at, "what=remove&also=mute&days=7&rule=spam&words=no+adverts", "/moderation/circle/7")
		h.see(t, mod, at, "-name=\"also\"")
		h.see(t, mira, moderate.StandingPath, "no adverts", "Tea", "-/@mod", "/appeal")
		mute := h.lastAct(t, op, tea)
		h.send(t, mira, moderate.StandingPath+"/"+mute.ID.String()+"/appeal", "words=it+was+once", moderate.StandingPath)
		h.see(t, mod, "/moderation/circle/7/appeals", "it was once")
		act := "/moderation/acts/" + mute.ID.String()
		h.see(t, mod, act, "it was once", "-name=\"grant\"")
		h.see(t, owner, act, "it was once", `name="grant"`)
		h.see(t, mod, "/moderation/circle/7/sanctions", "mira", act+"/undo")
		h.send(t, owner, act+"/decide", "grant=yes&answer=agreed", "/moderation/circle/7/appeals")
		h.see(t, mira, moderate.StandingPath, "agreed")
		h.see(t, mod, "/moderation/circle/7/sanctions", `class="empty"`)
		h.see(t, mod, "/moderation/circle/7/log", "no adverts", "/@mod")
		if w, _ := h.ask(t, mira, ui.English, http.MethodGet, "/moderation/of/post/"+on.ID.String(), ""); w.Header().Get("Location") != moderate.StandingPath {
			t.Errorf("why leads its author to %q", w.Header().Get("Location"))
		}
	})
}

// veil hides an account in a scope, as a closing does.
func (h *house) veil(t *testing.T, v who.Viewer, scope string) {
	t.Helper()
	h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'veil', 'r', 0)`, int64(v.Account), scope)
}

// TestVeiledAuthors has cases about people who have been hidden since show nothing of them, decided ones too, and go on being decided.
func TestVeiledAuthors(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		op, mod, jo := h.operator(t, "opera"), h.member(t, "mod", 1), h.member(t, "jo", 0)
		stays, all := h.member(t, "stayer", 0), h.member(t, "leaver", 0)
		here := h.member(t, "stepper", 0)
		hide := map[who.Viewer]string{all: "", here: "circle:7"}
		held := h.member(t, "heldback", 0)
		for _, v := range []who.Viewer{stays, all, here, held} {
			on := h.wrote(t, v, 7, "tea of "+v.Name)
			said, err := h.talks.Comment(t.Context(), v, on, talk.Draft{Text: "milk of " + v.Name})
			h.must(t, err)
			var cases []string
			for _, ref := range []who.Ref{on, {Kind: "comment", ID: said}} {
				h.must(t, h.order.Report(t.Context(), jo, ref, "spam", "so said jo"))
				cases = append(cases, "/moderation/case/"+who.ID(h.number(t, `select max(id) from cases`)).String())
			}
			words := []string{"tea of " + v.Name, "milk of " + v.Name}
			for i, at := range cases {
				h.see(t, mod, at, words[i], "/@"+v.Name)
			}
			scope, hidden := hide[v]
			switch {
			case hidden:
				h.veil(t, v, scope)
			case v == held: // what moderation itself has hidden, those who decide go on reading
				h.exec(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, '', 'veil', 'act:1', 0)`, int64(v.Account))
			}
			shown := func(at string, open bool) {
				t.Helper()
				for _, by := range []who.Viewer{mod, op} {
					if !hidden {
						h.see(t, by, at, "of "+v.Name, "/@"+v.Name)
						continue
					}
					h.see(t, by, at, "-of "+v.Name, "-/@"+v.Name, "-"+v.Name)
				}
				for lang, word := range map[ui.Lang]string{ui.Chinese: "已隐去", ui.English: "hidden for now"} {
					w, err := h.ask(t, mod, lang, http.MethodGet, at, "")
					if got := strings.Contains(w.Body.String(), word); err != nil || got != hidden {
						t.Errorf("%s of %s says that its author is hidden: %v, want %v (%v)", at, v.Name, got, hidden, err)
					}
				}
				if open {
					h.see(t, mod, at, `value="keep"`, "so said jo")
				}
			}
			for _, at := range cases {
				shown(at, true)
				h.send(t, mod, at, "what=remove&days=7&rule=spam", "/moderation/circle/7")
				shown(at, false)
				shown("/moderation/acts/"+h.lastAct(t, mod, tea).ID.String(), false)
			}
			if hidden {
				h.see(t, mod, "/moderation/circle/7/log", "-tea of "+v.Name, "-milk of "+v.Name)
			}
		}
	})
}

// TestVeiledAccount has a case about an account that is hidden name nobody.
func TestVeiledAccount(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		op, jo, leaver := h.operator(t, "opera"), h.person(t, "jo"), h.person(t, "leaver")
		h.must(t, h.order.Report(t.Context(), jo, who.Ref{Kind: "account", ID: leaver.Account}, "fraud", ""))
		at := "/moderation/case/" + h.only(t, op, moderate.Everywhere).ID.String()
		more := "/moderation/account/" + leaver.Account.String()
		h.see(t, op, at, "leaver", more)
		h.veil(t, leaver, "page")
		h.see(t, op, at, "leaver", more)
		h.veil(t, leaver, "")
		h.see(t, op, at, "-leaver", more)
	})
}

// TestStaffLookUpTheirOwn has a circle's staff open the pages of those they have to do with, and of nobody else.
func TestStaffLookUpTheirOwn(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, mod := h.operator(t, "opera"), h.member(t, "mod", 1)
		at := func(v who.Viewer) string { return "/moderation/circle/7/member/" + v.Account.String() }
		member, wrote, talked, muted := h.member(t, "inside", 0), h.member(t, "wrote", 0), h.member(t, "talked", 0), h.member(t, "muted", 0)
		kicked := h.member(t, "kicked", 0)
		on := h.wrote(t, wrote, 7, "from before")
		_, err := h.talks.Comment(ctx, talked, on, talk.Draft{Text: "so it is"})
		h.must(t, err,
			h.order.Lay(ctx, mod, tea, muted.Account, moderate.Order{What: moderate.Mute, Rule: "spam"}),
			h.order.Lay(ctx, mod, tea, kicked.Account, moderate.Order{What: moderate.Kick, Rule: "spam"}))
		for _, v := range []who.Viewer{wrote, talked, muted} {
			delete(h.ring.members, v.Account)
		}
		for _, v := range []who.Viewer{member, wrote, talked, muted, kicked} {
			h.see(t, mod, at(v), v.Name, `value="ban"`)
		}
		stranger, hidden, drafter := h.person(t, "stranger"), h.person(t, "hidden"), h.member(t, "drafter", 0)
		h.veil(t, hidden, "")
		h.wrote(t, stranger, 0, "on a page of their own")
		_, err = h.posts.SaveDraft(ctx, drafter, post.Draft{Service: "circle", Place: 7, Text: "not yet"})
		h.must(t, err, h.order.Lay(ctx, op, moderate.Everywhere, stranger.Account, moderate.Order{What: moderate.Limit, Rule: "spam", Days: 1}))
		delete(h.ring.members, drafter.Account)
		for _, v := range []who.Viewer{stranger, hidden, drafter} {
			for method, form := range map[string]string{http.MethodGet: "", http.MethodPost: "what=ban&days=0&rule=spam"} {
				w, err := h.ask(t, mod, ui.English, method, at(v), form)
				if err == nil || exit.KindOf(err) != exit.NotFound || strings.Contains(w.Body.String(), v.Name) {
					t.Errorf("%s of %s: %d, %v", method, v.Name, w.Code, err)
				}
			}
			h.wantKind(t, "a ban of "+v.Name, h.order.Lay(ctx, mod, tea, v.Account, moderate.Order{What: moderate.Ban, Rule: "spam"}), exit.NotFound)
			h.see(t, op, at(v), v.Name)
		}
		if n := h.number(t, `select count(*) from sanctions where what = 'ban'`); n != 0 {
			t.Errorf("%d bans of strangers hold", n)
		}
	})
}

func TestOperatorPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		op, owner, mira := h.operator(t, "opera"), h.member(t, "owner", 3), h.member(t, "mira", 0)
		for _, path := range []string{"/moderation", "/moderation/appeals", "/moderation/sanctions", "/moderation/log", "/moderation/rules"} {
			h.see(t, op, path)
		}
		account := "/moderation/account/" + mira.Account.String()
		h.see(t, op, account, "mira", `value="suspend"`)
		h.send(t, op, account, "what=suspend&days=30&rule=fraud&words=papers", "/moderation/sanctions")
		h.see(t, op, "/moderation/sanctions", "mira")
		h.see(t, mira, moderate.StandingPath, "papers")
		member := "/moderation/circle/7/member/" + mira.Account.String()
		h.see(t, owner, member, `value="ban"`, "-value=\"suspend\"", `value="mute" checked`)
		h.see(t, owner, member+"?what=kick", `value="kick" checked`)
		if w, err := h.ask(t, owner, ui.English, http.MethodPost, member, "what=suspend&days=1&rule=spam"); err != nil || w.Code != http.StatusUnprocessableEntity {
			t.Errorf("an owner suspends: %d, %v", w.Code, err)
		}
		h.send(t, owner, member, "what=kick&days=0&rule=spam", "/moderation/circle/7/sanctions")
		h.send(t, owner, "/moderation/circle/7/rules/words", "word=tea+shop&does=hold", "/moderation/circle/7/rules")
		h.send(t, owner, "/moderation/circle/7/rules/limits", "days=3&posts=2&links=1", "/moderation/circle/7/rules")
		h.see(t, owner, "/moderation/circle/7/rules", "tea shop", `value="3"`)
		if w, err := h.ask(t, owner, ui.English, http.MethodPost, "/moderation/circle/7/rules/words", "word=&does=hold"); err != nil || w.Code != http.StatusUnprocessableEntity {
			t.Errorf("no word: %d, %v", w.Code, err)
		}
	})
}
