package post

import (
	"context"

	"exeunt/internal/notify"
	"exeunt/internal/service"
)

// lead has notices lead to where something can be done about them.
func (r *Room) lead() {
	if r.Notices == nil {
		return
	}
	r.Notices.Lead[notify.Submitted] = func(n notify.Notice) string { return queueLink(Post{Service: n.Service, Place: n.Place}) }
	r.Notices.Lead[notify.SubmissionRefused] = func(notify.Notice) string { return "/me/drafts" }
}

// publish has a post stand before others, and tells those whom it mentions.
func (r *Room) publish(ctx context.Context, pass service.Pass, p Post) error {
	if err := r.appear(ctx, pass, []Post{p}); err != nil || r.Notices == nil {
		return err
	}
	var list []notify.Notice
	for _, id := range Mentioned(p.Text) {
		list = append(list, notify.Notice{To: id, Kind: notify.Mention, By: p.Author, On: p.Ref(), Service: p.Service, Place: p.Place})
	}
	return r.Notices.Add(ctx, pass, list...)
}
