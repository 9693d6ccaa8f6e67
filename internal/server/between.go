package server

import (
	"context"
	"net/http"

	"exeunt/exit"
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

// bid answers a request for an address that leads nowhere with what its owner has left to be read there; NotFound if nothing was left.
func (h *House) bid(w http.ResponseWriter, r *http.Request) error {
	if err := h.channels.Bid(w, r); exit.KindOf(err) != exit.NotFound {
		return err
	}
	return h.circles.Answer(w, r)
}

// lefts is all that people leave to be read, for the slips of their closings.
type lefts struct{ *House }

// LeftBy reports whether something that was left with a run stands still.
func (l lefts) LeftBy(ctx context.Context, run string) (bool, error) {
	if there, err := l.channels.LeftBy(ctx, run); err != nil || there {
		return there, err
	}
	return l.circles.LeftBy(ctx, run)
}
