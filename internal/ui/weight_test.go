package ui_test

import (
	"strings"
	"testing"
	"time"

	"exeunt/internal/ui"
)

// TestPostWeight bounds what a post costs besides its own words: a list has twenty of them. Nothing of it is taken away: what acts does so without scripts.
func TestPostWeight(t *testing.T) {
	const id = "1234567890123456789"
	p := ui.PostView{
		ID: id, Href: "/posts/" + id, Author: ui.PersonView{Name: "林间", Href: "/@linjian"}, At: today.Add(-time.Hour), Place: &ui.Link{Text: "山野步道", Href: "/circles/" + id},
		Audience: ui.AudienceCircle, Like: ui.LikeView{ID: id, Action: "/talk/post/" + id + "/like", Back: "/"}, Saved: &ui.SaveView{Action: "/talk/post/" + id + "/save", Back: "/"},
		Share: "/share/post/" + id, Menu: []ui.Action{{Label: "静音", Href: "/mute/post/" + id, Icon: "eye-off"}, {Label: "举报", Href: "/report/post/" + id, Icon: "flag"}},
	}
	var b strings.Builder
	if err := ui.PostCard(p).Render(readerOf(ui.Chinese, ui.ThemeAuto), &b); err != nil {
		t.Fatal(err)
	}
	card := b.String()
	if most := 2650; len(card) > most {
		t.Errorf("a post costs %d bytes, want %d at most:\n%s", len(card), most, card)
	}
	for _, want := range []string{
		`<form class="act-box" id="like-` + id + `" method="post" action="/talk/post/` + id + `/like" hx-post>`, `method="post" action="/talk/post/` + id + `/save"`, `name="back" value="/"`, `aria-pressed="false"`,
		`aria-labelledby="by-` + id + `"`, `<p class="post-name" id="by-` + id + `"`, "举报", "山野步道",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("a post has no %s:\n%s", want, card)
		}
	}
}
