package channel_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/ui"
)

// TestFarewellForm writes a line by the page's form, is told what is wrong with one, and takes it away.
func TestFarewellForm(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx, mira := t.Context(), h.creator("mira")
		h.shows(mira, ui.Chinese, "/exit/farewell?in=channel", []string{"给频道留一句告别的话", "最多 200 个字", `name="link3"`}, []string{"拿掉这句话"})
		h.shows(mira, ui.English, "/exit/farewell", []string{"Leave a line where the account was"}, nil)
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
