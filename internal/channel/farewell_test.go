package channel_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/notify"
	"exeunt/internal/ui"
	"exeunt/ledger"
)

// TestFarewellForm writes a line by the page's form, is told what is wrong with one, and takes it away.
func TestFarewellForm(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx, mira := t.Context(), h.creator("mira")
		h.shows(mira, ui.Chinese, "/exit/farewell?in=channel", []string{"给频道留一句告别的话", "最多 200 个字", `name="link3"`}, []string{"拿掉这句话"})
		h.shows(mira, ui.English, "/exit/farewell", []string{"A last line for the account"}, nil)
		for words, form := range map[string]url.Values{
			"https://": {"in": {"channel"}, "words": {"bye"}, "link1": {"javascript:alert(1)"}},
			"还什么都没写":   {"in": {"channel"}},
			"太长了":      {"in": {"channel"}, "words": {strings.Repeat("长", 201)}},
			"先填第一个链接":  {"in": {"channel"}, "words": {"bye"}, "redirect": {"1"}},
		} {
			status, body, _ := h.visit(mira, ui.Chinese, http.MethodPost, "/exit/farewell", form)
			if status != http.StatusUnprocessableEntity || !strings.Contains(body, words) {
				t.Errorf("%v is answered %d without %s", form, status, words)
			}
		}
		h.sends(mira, "/exit/farewell", url.Values{"in": {"channel"}, "words": {" 在  别处写信 "}, "link1": {"https://example.org/"}, "link3": {"https://example.net/x"}}, "/exit/close?in=channel")
		f, err := h.FarewellOf(ctx, mira.Account, channel.Name)
		h.must(err)
		if f.Words != "在 别处写信" || strings.Join(f.Links, " ") != "https://example.org/ https://example.net/x" || f.Redirect || f.Shown {
			t.Errorf("kept as %+v", f)
		}
		left, err := h.Holder().Left(ctx, exit.Account(mira.Account.String()))
		h.must(err)
		if len(left) != 1 || left[0] != "farewell" {
			t.Errorf("the account leaves %v", left)
		}
		for _, in := range []string{"circle", "channel"} {
			left, err := h.Holder().Left(ctx, exit.Account(mira.Account.String()).Within(in))
			h.must(err)
			if len(left) == 1 != (in == "channel") {
				t.Errorf("closing %s leaves %v", in, left)
			}
		}
		h.shows(mira, ui.Chinese, "/exit/farewell?in=channel", []string{"在 别处写信", "拿掉这句话"}, nil)
		h.sends(mira, "/exit/farewell", url.Values{"in": {"channel"}, "do": {"drop"}}, "/exit/close?in=channel")
		if _, err := h.FarewellOf(ctx, mira.Account, channel.Name); exit.KindOf(err) != exit.NotFound {
			t.Errorf("it is there still: %v", err)
		}
		if status, _, _ := h.visit(mira, ui.Chinese, http.MethodGet, "/exit/farewell?in=circle", nil); status != -int(exit.NotFound) {
			t.Errorf("a circle's farewell is answered %d", status)
		}
	})
}

// TestChannelMoves leaves a line from the channel's own page, comes back to it, and tells each follower once for each first link; the line then stands on the page, signed.
func TestChannelMoves(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx, mira, ann, bob, stranger := t.Context(), h.creator("mira"), h.account("ann"), h.account("bob"), h.account("stranger")
		key, err := ledger.NewKey("films.example")
		h.must(err)
		h.Key, h.Host = key, "films.example"
		h.must(h.Relations.Follow(ctx, ann, mira.Account))
		h.refused(h.OfferMove(ctx, mira), exit.NotFound, "error.not_found")
		h.refused(h.OfferMove(ctx, stranger), exit.NotFound, "")
		form, own := "/exit/farewell?in=channel&from=channel", channel.Path(mira.Name)
		from := func(more url.Values) url.Values {
			more.Set("in", "channel")
			more.Set("from", "channel")
			return more
		}
		h.shows(mira, ui.Chinese, form, []string{`href="` + own + `"`, `value="channel"`}, []string{"告诉所有粉丝"})
		h.sends(mira, "/exit/farewell", from(url.Values{"words": {"别处见"}}), form)
		h.refused(h.OfferMove(ctx, mira), exit.Invalid, "farewell.error.nowhere")
		h.sends(mira, "/exit/farewell", from(url.Values{"words": {"别处见"}, "link1": {"https://films.example.org/"}}), form)
		h.shows(mira, ui.Chinese, form, []string{"告诉所有粉丝"}, nil)
		h.shows(ann, ui.Chinese, own, nil, []string{"别处见"})
		h.sends(mira, "/exit/farewell", from(url.Values{"do": {"tell"}}), form)
		h.work()
		if h.told(ann, notify.ChannelMoved) != 1 || h.told(mira, notify.ChannelMoved) != 0 || h.told(bob, notify.ChannelMoved) != 0 {
			t.Errorf("told: follower %d, owner %d, stranger %d", h.told(ann, notify.ChannelMoved), h.told(mira, notify.ChannelMoved), h.told(bob, notify.ChannelMoved))
		}
		h.shows(ann, ui.English, own, []string{"别处见", `href="https://films.example.org/"`, "Signed by this site", `href="/about/key"`}, []string{form})
		h.shows(mira, ui.Chinese, own, []string{`from=channel"`}, nil)
		h.shows(mira, ui.Chinese, form, []string{"已经告诉过所有粉丝"}, []string{"<span>告诉所有粉丝</span>"})
		status, text, _ := h.visit(ann, ui.English, http.MethodGet, own+"?statement", nil)
		if r, err := ledger.VerifyStatement([]byte(text), key.Verifier()); status != http.StatusOK || err != nil || r.Statement.What != "films.example"+own || r.Statement.To != "https://films.example.org/" {
			t.Errorf("signed as %d %q: %+v, %v", status, text, r, err)
		}
		h.refused(h.OfferMove(ctx, mira), exit.Conflict, "farewell.error.told")
		h.must(h.Leave(ctx, mira, channel.Farewell{Scope: channel.Name, Words: "other words", Links: []string{"https://films.example.org/"}}))
		h.refused(h.OfferMove(ctx, mira), exit.Conflict, "farewell.error.told")
		h.must(h.Relations.Follow(ctx, bob, mira.Account))
		h.must(h.Leave(ctx, mira, channel.Farewell{Scope: channel.Name, Links: []string{"https://films.example.net/"}}))
		h.shows(ann, ui.English, own, nil, []string{"films.example.net"})
		h.must(h.OfferMove(ctx, mira))
		h.work()
		if h.told(ann, notify.ChannelMoved) != 1 || h.told(bob, notify.ChannelMoved) != 1 {
			t.Errorf("of another link: told before %d, since %d", h.told(ann, notify.ChannelMoved), h.told(bob, notify.ChannelMoved))
		}
		h.sends(mira, "/exit/farewell", from(url.Values{"do": {"drop"}}), form)
		h.shows(ann, ui.English, own, nil, []string{"films.example.net"})
	})
}

// TestFarewellLinks lets a farewell lead to the open web alone.
func TestFarewellLinks(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		mira := h.creator("mira")
		for _, link := range []string{"http://example.org/", "https://localhost/", "https://user:pass@example.org/", "//example.org", "data:text/html,x", "https://example.org/" + strings.Repeat("x", 600), "https://exa\u202emple.org/"} {
			h.refused(h.Leave(t.Context(), mira, channel.Farewell{Scope: channel.Name, Links: []string{link}}), exit.Invalid, "farewell.error.link")
		}
		h.refuse = "forbidden"
		h.refused(h.Leave(t.Context(), mira, channel.Farewell{Scope: channel.Name, Words: "forbidden words"}), exit.Invalid, "moderate.error.filtered")
		four := []string{"https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/"}
		h.refused(h.Leave(t.Context(), mira, channel.Farewell{Scope: channel.Name, Links: four}), exit.Invalid, "farewell.error.links")
	})
}
