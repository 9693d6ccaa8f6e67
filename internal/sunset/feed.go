package sunset

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"

	"exeunt/internal/feed"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// getFeed answers with what was published about endings: an entry for each version, each withdrawal and each end.
func (r *Room) getFeed(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	editions, err := r.store.newestEditions(ctx, feed.Most)
	if err != nil {
		return err
	}
	var ids []who.ID
	for _, e := range editions {
		ids = append(ids, e.sunset)
	}
	sunsets, err := r.store.byIDs(ctx, ids)
	if err != nil {
		return err
	}
	f := feed.Feed{
		Title: ui.T(ctx, "sunset_notice.feed", "Site", ui.SiteName(ctx)), Link: ui.Absolute(ctx, noticesPath), Self: ui.Absolute(ctx, feedPath), Description: ui.T(ctx, "sunset_notice.about"),
		Language: string(ui.LangOf(ctx)),
	}
	for _, e := range editions {
		s, ok := sunsets[e.sunset]
		if !ok || !announced(s, now) {
			continue
		}
		title, _ := inWords(ctx, e.Calendar.Title)
		path := service.NoticePath(s.Name)
		if e.Number == s.Version && s.State != stateOpen {
			f.Items = append(f.Items, feed.Item{Title: title, Link: ui.Absolute(ctx, path) + "#" + s.State, At: s.Ended, Text: stateSentence(ctx, s, now)})
		}
		item := feed.Item{Title: title, Link: fmt.Sprintf("%s#version-%d", ui.Absolute(ctx, path), e.Number), At: e.Published, Text: entryText(e, nextSentence(ctx, e.Calendar, e.Published), title)}
		at := s
		at.Calendar, at.State = e.Calendar, stateOpen
		var b bytes.Buffer
		if err := feedEntry(e, changeWords(ctx, e), calendarRows(ctx, at)).Render(ctx, &b); err != nil {
			return fmt.Errorf("write entry of feed: %w", err)
		}
		item.HTML = b.String()
		f.Items = append(f.Items, item)
	}
	slices.SortStableFunc(f.Items, func(a, b feed.Item) int { return b.At.Compare(a.At) })
	return feed.Serve(w, req, f)
}

// entryText gives an entry's one line: why a later version came, else what comes next.
func entryText(e edition, next, title string) string {
	if e.Why != "" {
		return e.Why
	}
	if next != "" {
		return next
	}
	return title
}
