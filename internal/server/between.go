package server

import (
	"context"

	"exeunt/internal/trial"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// What services show of one another passes through here: they never import one another.

// lend gives the offer that lends a visitor an account, nothing where this is no trial install.
func (h *House) lend(context.Context) templ.Component {
	if !h.DB.Trial() {
		return templ.NopComponent
	}
	return trial.Offer()
}

// CircleByName gives the circle that one of an account's circles is called.
func (h *House) CircleByName(ctx context.Context, account who.ID, name string) (who.ID, error) {
	return h.circles.ByName(ctx, account, name)
}
