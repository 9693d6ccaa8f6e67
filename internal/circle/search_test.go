package circle_test

import (
	"net/url"
	"strings"
	"testing"

	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/ui"
)

// TestSearchSaysWhy has what a search shows name whom a post mentions, and say that a circle was found by what it is about.
func TestSearchSaysWhy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("annabel")
		_, err := h.Create(ctx, owner, circle.Draft{Name: "周末一起走", Intro: "慢慢走", Category: "outdoors", Mode: circle.Open})
		h.must(err)
		_, err = h.posts.Write(ctx, owner, post.Draft{Service: post.Page, Text: "和 @annabel 去山里"})
		h.must(err)
		for _, x := range []struct {
			typed, tab string
			lang       ui.Lang
			want       []string
			not        []string
		}{
			{"山里", "posts", ui.Chinese, []string{"@annabel", "<mark>山里</mark>"}, []string{"@…"}},
			{"户外", "circles", ui.Chinese, []string{"周末一起走", "分类：", "<mark>户外</mark>"}, nil},
			{"outdoors", "circles", ui.English, []string{"周末一起走", "Category:", "<mark>Outdoors</mark>"}, nil},
			{"outdoors", "circles", ui.Chinese, []string{"周末一起走", "分类：", "户外"}, nil},
			{"慢慢", "circles", ui.Chinese, []string{"<mark>慢慢</mark>"}, []string{"分类："}},
		} {
			_, body, _ := h.visit(ann, x.lang, "GET", "/search?"+url.Values{"q": {x.typed}, "tab": {x.tab}}.Encode(), nil)
			for _, w := range x.want {
				if !strings.Contains(body, w) {
					t.Errorf("%q in %v shows no %q", x.typed, x.lang, w)
				}
			}
			for _, w := range x.not {
				if strings.Contains(body, w) {
					t.Errorf("%q in %v shows %q", x.typed, x.lang, w)
				}
			}
		}
		// Who is hidden is not named there, either.
		h.veil(ann)
		if _, body, _ := h.visit(owner, ui.Chinese, "GET", "/search?tab=posts&q="+url.QueryEscape("山里"), nil); strings.Contains(body, "annabel") || !strings.Contains(body, "@…") {
			t.Error("a mention of who is hidden names them")
		}
	})
}
