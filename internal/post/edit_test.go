package post_test

import (
	"fmt"
	"image/color"
	"net/http/httptest"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// alts gives what the images of a post are said to show, in their order.
func (h *house) alts(t *testing.T, v who.Viewer, id who.ID) (out []string) {
	t.Helper()
	views, err := h.posts.Views(t.Context(), v, []post.Post{mustOne(t, h, v, id)})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range views[0].Images {
		out = append(out, i.Alt)
	}
	return out
}

// TestEditImages takes an image out of a post and adds others, by the form, and leaves no file behind.
func TestEditImages(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		mira := h.person(t, "mira")
		id := h.write(t, mira, post.Draft{Text: "hills", Images: []post.Upload{upload(picture(color.White), "one"), upload(picture(color.Black), "two")}})
		first := h.number(t, `select id from post_images where alt = 'one'`)
		at := "/posts/" + id.String() + "/edit"
		w, err := h.ask(t, mira, ui.English, httptest.NewRequest("GET", at, nil))
		for _, word := range []string{`enctype="multipart/form-data"`, `name="images"`, fmt.Sprintf(`name="drop-%d"`, first)} {
			if err != nil || !strings.Contains(w.Body.String(), word) {
				t.Errorf("the form lacks %s (%v)", word, err)
			}
		}
		req := multi(t, map[string]string{
			"text": "higher hills", "audience": "public", fmt.Sprintf("drop-%d", first): "on",
			fmt.Sprintf("alt-%d", h.number(t, `select id from post_images where alt = 'two'`)): "2", "alts": "three\nfour",
		}, picture(color.White), picture(color.White))
		req.URL.Path = at
		w, err = h.ask(t, mira, ui.English, req)
		post303(t, "edit", w, err, "/posts/"+id.String())
		if got := strings.Join(h.alts(t, mira, id), " "); got != "2 three four" {
			t.Errorf("the images are %q", got)
		}
		if p := mustOne(t, h, mira, id); p.Images != 3 || p.Text != "higher hills" {
			t.Errorf("the post is %+v", p)
		}
		h.wantFiles(t, 6)
		more := make([]post.Upload, 7)
		for i := range more {
			more[i] = upload(picture(color.White), "")
		}
		if err := h.posts.Edit(ctx, mira, id, post.Change{Text: "x", Images: more}); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("ten images: %v", err)
		}
		if err := h.posts.Edit(ctx, mira, id, post.Change{Text: "x", Images: []post.Upload{more[0], upload([]byte("MZ"), "")}}); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("a file that is no image: %v", err)
		}
		if err := h.posts.Edit(ctx, h.person(t, "jo"), id, post.Change{Text: "x", Images: more[:1]}); exit.KindOf(err) != exit.NotFound || err == nil {
			t.Errorf("another adds: %v", err)
		}
		var all []who.ID
		for at := 1; at <= 3; at++ {
			all = append(all, who.ID(h.number(t, `select id from post_images where post_id = $1 and position = $2`, int64(id), at)))
		}
		if err := h.posts.Edit(ctx, mira, id, post.Change{Drop: all}); exit.KindOf(err) != exit.Invalid || err == nil {
			t.Errorf("nothing is left of it: %v", err)
		}
		h.wantFiles(t, 6)
		if err := h.posts.Edit(ctx, mira, id, post.Change{Text: "words alone", Drop: all}); err != nil {
			t.Fatal(err)
		}
		h.wantFiles(t, 0)
		h.members[mira.Account] = true
		in := h.write(t, mira, post.Draft{Service: "circle", Place: 7, Text: "hills"})
		h.approves = true
		if err := h.posts.Edit(ctx, mira, in, post.Change{Text: "hills", Images: more[:1]}); err != nil {
			t.Fatal(err)
		}
		h.wantState(t, mira, in, post.Submitted)
	})
}
