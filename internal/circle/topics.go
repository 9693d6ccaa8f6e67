package circle

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// takeTopics makes the topics of a circle that is brought back. A name that cannot stand here is passed over: it is
// said of the record that carries it, which is taken.
func (r *Room) takeTopics(ctx context.Context, pass service.Pass, id who.ID, names []string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	owner, err := r.store.ownerOf(ctx, id)
	if err != nil || r.Posts == nil {
		return err
	}
	v := who.Viewer{Account: owner, State: who.Active}
	for _, name := range names[:min(len(names), mostTopics)] {
		err := r.Posts.BringTopic(ctx, v, post.Place{Service: Name, ID: id, Staff: true}, name)
		if kind := exit.KindOf(err); err != nil && kind != exit.Invalid && kind != exit.Conflict {
			return err
		}
	}
	return nil
}

// mostTopics bounds the topics of a record that are brought back.
const mostTopics = 100
