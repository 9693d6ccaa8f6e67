package relation

import (
	"context"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Kind tells the registry of accounts as things: what one can find, mute, report.
func (r *Room) Kind() service.Kind { return service.Kind{Name: kindAccount, Keeper: r} }

// Things answers the registry for accounts: one sees who is not veiled, no block between.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	return r.store.things(ctx, v, ids)
}

// excerpt gives the beginning of a text, at most 120 characters.
func excerpt(text string) string {
	n := 0
	for i := range text {
		if n++; n > 120 {
			return text[:i] + "…"
		}
	}
	return text
}
