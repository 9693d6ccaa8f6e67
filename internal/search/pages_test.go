package search_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"exeunt/internal/dbtest"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// get asks a page of the room.
func (h *house) get(t *testing.T, v who.Viewer, lang ui.Lang, path string) string {
	t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, r := range h.room.Routes() {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, req *http.Request) { failed = r.Handle(w, req) })
	}
	ctx := ui.WithReader(service.WithSession(t.Context(), &service.Session{Viewer: v, Path: path}), ui.Reader{Lang: lang, Now: dbtest.Start})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	if failed != nil {
		t.Fatalf("%s: %v", path, failed)
	}
	return w.Body.String()
}

func wants(t *testing.T, page string, has []string, lacks ...string) {
	t.Helper()
	for _, x := range has {
		if !strings.Contains(page, x) {
			t.Errorf("the page lacks %q", x)
		}
	}
	for _, x := range lacks {
		if strings.Contains(page, x) {
			t.Errorf("the page has %q", x)
		}
	}
}

func TestPages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana := h.person(t, "ana")
		for i := range who.ID(25) {
			h.put(t, post(i+1, ana, "<script>山</script>里"))
		}
		h.put(t, search.Doc{Ref: who.Ref{Kind: search.Circle, ID: 1}, Service: "circle", Place: 1, Audience: who.Public, Title: "爬山", Text: "一座座山", At: dbtest.Start})
		h.put(t, search.Doc{Ref: who.Ref{Kind: search.Topic, ID: 1}, Audience: who.Public, Title: "山货", At: dbtest.Start})
		q := url.QueryEscape("山")
		for lang, words := range map[ui.Lang][]string{
			ui.Chinese: {"搜一搜", "全部", "圈子", "话题", "更多帖子", "换个更短的词试试", "超过 20 条", "找到 1 条", "找到 25 条", "输入一两个字就能搜"},
			ui.English: {"Search", "All", "Circles", "Topics", "More: Posts", "Try a shorter word", "More than 20 results", "1 result", "25 results", "A letter or two is enough"},
		} {
			wants(t, h.get(t, who.Viewer{}, lang, "/search?q="+q), append([]string{
				`&lt;script&gt;<mark>山</mark>&lt;/script&gt;里`, `爬<mark>山</mark>`, `<mark>山</mark>货`, `value="山"`, `href="/search?q=` + q + `&amp;tab=posts"`,
			}, words[:5]...), "<script>山", words[5])
			wants(t, h.get(t, who.Viewer{}, lang, "/search?q=zz&tab=people"), []string{words[5]}, "<mark>")
			posts := h.get(t, ana, lang, "/search?tab=posts&q="+q)
			wants(t, posts, []string{words[6], "before=", `name="tab" value="posts"`, `hx-get="/search/count?q=` + q + `&amp;tab=posts"`}, "爬")
			if n := strings.Count(posts, "<article"); n != 20 {
				t.Errorf("%d posts on a page, want 20", n)
			}
			_, rest, _ := strings.Cut(posts, "before=")
			before, _, _ := strings.Cut(rest, "&")
			older := h.get(t, ana, lang, "/search?tab=posts&q="+q+"&before="+before)
			if n := strings.Count(older, "<article"); n != 5 {
				t.Errorf("%d posts on the page after it, want 5", n)
			}
			wants(t, older, nil, `rel="next"`, words[6])
			wants(t, h.get(t, ana, lang, "/search?tab=circles&q="+q), []string{words[7]})
			wants(t, h.get(t, ana, lang, "/search/count?tab=posts&q="+q), []string{words[8]}, "<html")
			wants(t, h.get(t, ana, lang, "/search"), []string{words[9], `role="search"`}, `aria-current="page"`)
			wants(t, h.get(t, ana, lang, "/search/suggest?q="+q), []string{`<mark>山</mark>货`, `爬<mark>山</mark>`, `href="/circles/1"`}, "<html", "script&gt;")
			if s := h.get(t, ana, lang, "/search/suggest?q="); strings.TrimSpace(s) != "" {
				t.Errorf("nothing typed suggests %q", s)
			}
			wants(t, h.get(t, ana, lang, "/search?q="+strings.Repeat("a", 5000)), []string{words[5]})
		}
	})
}
