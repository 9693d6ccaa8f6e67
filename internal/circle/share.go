package circle

import (
	"context"

	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// shared gives what other sites show of a circle; nil where a guest does not see it.
func shared(c Circle, name string) *ui.Shared {
	if !maySee(c, Membership{}) {
		return nil
	}
	out := &ui.Shared{Title: name, Path: Path(c.ID), Description: shownIntro(c, Membership{}), Image: service.MediaPath(c.Cover)}
	if out.Image == "" {
		out.Image = service.MediaPath(c.Avatar)
	}
	if mayPreview(c, Membership{}) {
		out.Feed = Path(c.ID) + "/feed.xml"
	}
	return out
}

// shareMenu gives the menu to share a circle with.
func shareMenu(ctx context.Context, c Circle, member bool) *ui.ShareView {
	out := &ui.ShareView{Path: Path(c.ID), Poster: Path(c.ID) + "/poster.png"}
	if member {
		out.Into = "/share/" + c.Ref().Kind + "/" + c.ID.String()
	}
	switch {
	case !maySee(c, Membership{}):
		out.Opens = ui.T(ctx, "circle.share.members")
	case mayPreview(c, Membership{}):
		out.Feed = Path(c.ID) + "/feed.xml"
	}
	return out
}
