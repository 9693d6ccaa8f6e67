package moderate

import (
	"context"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// ScreenText looks at texts that are about to stand before others as one thing, the title and the description of a video say: what filters make of
// them as of a post, hold where there is a queue to hold it in. It counts for no rate: see [Room.Take], which knows "video".
// Invalid for words that are not let through, Forbidden for links of new members of a circle.
func (r *Room) ScreenText(ctx context.Context, pass service.Pass, author who.ID, serviceName string, place who.ID, texts ...string) (hold bool, err error) {
	where := places(serviceName, place)
	text := strings.Join(texts, "\n")
	if hold, err = r.words(ctx, where, text); err != nil {
		return false, err
	}
	if len(where) == 1 {
		return false, unheld(hold)
	}
	l, is, err := r.isNew(ctx, pass, where[1], author)
	if err == nil && is && !l.Links && linked(text) {
		err = exit.Fail(exit.Forbidden, "moderate.error.new_links", "Days", l.Days)
	}
	return hold, err
}
