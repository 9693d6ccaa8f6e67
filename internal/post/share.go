package post

import (
	"context"

	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// guestSees says whether somebody who is not signed in sees a post on an own page. What stands in a place, a guest may
// preview at best, as long as it is among the latest.
func guestSees(p Post) bool {
	return p.Service == Page && p.State == Live && p.Author != 0 && !p.Veiled && (p.Audience == who.Public || p.Audience == who.Unlisted)
}

// shared gives what other sites show of a post that the viewer sees: they ask for it as guests. Nil where a guest does not see it.
func shared(p Post, v ui.PostView) *ui.Shared {
	if preview := p.In.Guest && p.State == Live && p.Author != 0; !guestSees(p) && !preview {
		return nil
	}
	out := &ui.Shared{Type: "article", Title: v.Author.Name, Description: ui.PlainText(v.Text, v.Mentions, 200), Path: p.Link(), Published: p.At}
	if p.Summary != "" || p.Sensitive {
		out.Description = p.Summary // a warning that shows what it warns of would be none
		return out
	}
	if len(v.Images) > 0 {
		i := v.Images[0]
		out.Image, out.ImageAlt = i.Href, i.Alt
		out.Width, out.Height = i.Width, i.Height
	}
	return out
}

// shareMenu gives the menu to share a post with; nil where there is nothing to share.
func shareMenu(ctx context.Context, p Post, v ui.PostView) *ui.ShareView {
	if p.State != Live || p.Author == 0 {
		return nil
	}
	out := &ui.ShareView{Path: p.Link(), Poster: p.Link() + "/poster.png", Into: v.Share}
	if !guestSees(p) {
		out.Opens = ui.T(ctx, "post.share.some")
	}
	return out
}
