package page

import (
	"context"

	"exeunt/internal/service"
	"exeunt/internal/ui"

	"github.com/a-h/templ"
)

// signUpKind keeps one primary button on the front page: borrowing an account comes first where one can.
func signUpKind(lend templ.Component) ui.ButtonKind {
	if lend != nil {
		return ui.Plain
	}
	return ui.Primary
}

// portrait gives the person's picture.
func (v ownView) portrait() ui.PersonView {
	return ui.PersonView{Name: v.Shown(), Avatar: service.MediaPath(v.Profile.Avatar)}
}

// stats gives the numbers of a page; they lead to the lists where the viewer may see those.
func (v ownView) stats(ctx context.Context) []ui.Stat {
	out := []ui.Stat{
		{Value: ui.Number(v.Following), Label: ui.T(ctx, "page.following")},
		{Value: ui.Number(v.Followers), Label: ui.T(ctx, "page.followers")},
	}
	if v.Lists {
		out[0].Href, out[1].Href = Path(v.Name)+"/following", Path(v.Name)+"/followers"
	}
	return out
}

// earlier says by how much a term of the ranking moves a post up.
func earlier(ctx context.Context, hours int) string {
	return ui.T(ctx, "page.ranking.earlier", "Hours", hours)
}

// atMost is earlier for a term that is bounded.
func atMost(ctx context.Context, hours, most int) string {
	return ui.T(ctx, "page.ranking.at_most", "Hours", hours, "Most", most)
}
