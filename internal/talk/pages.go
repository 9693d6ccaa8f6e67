package talk

import (
	"context"
	"net/url"

	"exeunt/internal/service"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// beneath draws the comments below a post and the form for one.
func (r *Room) beneath(ctx context.Context, v who.Viewer, t service.Thing, query url.Values) (templ.Component, error) {
	return nil, nil
}
