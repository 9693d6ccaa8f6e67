package sunset

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// kindTold is the kind of thing that notices of a sunset are about: a telling.
const kindTold = "sunset"

// What is told besides the words of the calendar. A reminder has its days behind it, a version its number.
const (
	toldRemind  = "remind:"
	toldVersion = "version:"
)

// tell tells everybody concerned of a phase, a reminder or a withdrawal: once, however often a step is repeated, and again where its date has moved.
func (r *Room) tell(ctx context.Context, s Sunset, what string) error {
	if r.Notices == nil {
		return nil
	}
	t, version, err := r.news(ctx, s, what)
	if err != nil || t.what == "" {
		return err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	t.id, t.sunset = r.DB.IDs.Next(), s.ID
	fresh, err := r.store.addTelling(ctx, t, version, now)
	if err != nil || !fresh {
		return err
	}
	pass, err := r.Desk.EnterExit(ctx)
	if err != nil {
		return err
	}
	return r.Notices.Spread(ctx, pass, notify.News{Kind: notify.Sunset, On: who.Ref{Kind: kindTold, ID: t.id}})
}

// news gives what is to be told when a step is carried out; nothing for phases that take nothing of note away, nor for what was withdrawn before anybody was told.
func (r *Room) news(ctx context.Context, s Sunset, what string) (t telling, version int, err error) {
	cal := s.Calendar
	if version, err = r.store.heard(ctx, s.ID); err != nil {
		return t, 0, err
	}
	switch {
	case what == exit.Announced && version == 0:
		return telling{what: what, at: cal.At(what)}, s.Version, nil
	case what == exit.Announced && version < s.Version:
		return telling{what: fmt.Sprint(toldVersion, s.Version)}, s.Version, nil
	case what == exit.Announced:
		return t, version, nil
	case what == stateWithdrawn && version == 0:
		return t, version, nil // nobody knows of it
	case what == stateWithdrawn:
		return telling{what: what}, version, nil
	case what == writeless(cal) || what == exit.Stopped:
		return telling{what: what, at: cal.At(what)}, version, nil
	case what == toldExtend:
		return telling{what: what, at: cal.Ceases(exit.AllowExport)}, version, nil
	case strings.HasPrefix(what, toldRemind):
		return telling{what: what, at: cal.At(exit.Stopped)}, version, nil
	case !cal.At(what).IsZero():
		return t, version, nil
	}
	return t, version, errUnknown(what)
}

// writeless gives the word with which writing ceases.
func writeless(cal *exit.SunsetCalendar) string {
	for _, p := range cal.Phases {
		if !slices.Contains(cal.Allowed(p.Word), exit.AllowWrite) {
			return p.Word
		}
	}
	return ""
}

// placed are the tables whose rows stand in a service and place, or in a place of the one service whose they are.
var placed = map[string]concern{
	"posts": {service: "service", place: "place_id"}, "comments": {service: "service", place: "place_id"}, "likes": {service: "service", place: "place_id"},
	"favourites": {service: "service", place: "place_id"}, "circle_members": {place: "circle_id"},
}

// concerns gives the columns by which accounts are found of which something can be taken along out of what ends. What hangs on other rows, as images do
// on posts, is found by those.
func (r *Room) concerns(scope string) []concern {
	if scope == "" {
		return []concern{{table: "accounts", account: "id"}}
	}
	name, _, narrowed := strings.Cut(scope, ":")
	var out []concern
	for _, c := range r.exportedClasses(name) {
		for _, col := range columnsOf(c) {
			x, ok := placed[col[0]]
			if !ok && (narrowed || len(c.Services) != 1) {
				continue
			}
			x.table, x.account = col[0], col[1]
			if !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// audience gives who is told of an ending: everybody of whom something stands in what ends, and the operators of what is theirs to do.
func (r *Room) audience(ctx context.Context, n notify.News, after who.ID, limit int) ([]who.ID, error) {
	told, err := r.store.tellings(ctx, []who.ID{n.On.ID})
	if err != nil || len(told) == 0 {
		return nil, err
	}
	if told[0].what == toldExtend {
		return r.store.operators(ctx, after, limit)
	}
	found, err := r.store.byIDs(ctx, []who.ID{told[0].sunset})
	if err != nil {
		return nil, err
	}
	s, ok := found[told[0].sunset]
	if !ok {
		return nil, nil
	}
	return r.store.concerned(ctx, r.concerns(s.Scope), s.Scope, after, limit)
}

// Kind tells the registry of what was told of endings: each is a sentence for its reader, and leads to the notice.
func (r *Room) Kind() service.Kind {
	return service.Kind{Name: kindTold, Table: "sunset_tellings", Keeper: teller{r}}
}

// teller answers the registry for what was told. The words are made anew for each reader, by the calendar and the archives of that moment.
type teller struct{ room *Room }

// Things gives those of the tellings that exist.
func (k teller) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	told, err := k.room.store.tellings(ctx, ids)
	if err != nil || len(told) == 0 {
		return nil, err
	}
	var of []who.ID
	for _, t := range told {
		of = append(of, t.sunset)
	}
	sunsets, err := k.room.store.byIDs(ctx, of)
	if err != nil {
		return nil, err
	}
	var archives map[who.ID][2]int
	if v.Account != 0 {
		if archives, err = k.room.store.taken(ctx, v.Account, of); err != nil {
			return nil, err
		}
	}
	out := make([]service.Thing, 0, len(told))
	for _, t := range told {
		s, ok := sunsets[t.sunset]
		if !ok {
			continue
		}
		x := service.Thing{
			Ref: who.Ref{Kind: kindTold, ID: t.id}, Title: toldSentence(ctx, s, t), Excerpt: toldArchives(ctx, s, t, archives[s.ID]), Link: service.NoticePath(s.Name), See: true,
		}
		if t.what == toldExtend {
			x.Excerpt, x.Link, x.See = "", namedPath+s.Name, s.State == stateOpen && t.at.Equal(s.Calendar.Ceases(exit.AllowExport)) // else it is done
		}
		out = append(out, x)
	}
	return out, nil
}

var toldWords = ui.Keys("sunset_notice.told.", "announced", "version", "write", "stopped", "remind", "withdrawn")

// toldSentence says what is told, by the dates of today.
func toldSentence(ctx context.Context, s Sunset, t telling) string {
	stop, key := s.Calendar.At(exit.Stopped), t.what
	at := stop
	title, _ := inWords(ctx, s.Calendar.Title)
	switch {
	case s.State == stateWithdrawn:
		key = stateWithdrawn
	case strings.HasPrefix(key, toldVersion):
		key = "version"
	case strings.HasPrefix(key, toldRemind):
		key = "remind"
	case key == toldExtend:
		return ui.T(ctx, "sunset_export.told.extend", "Title", title, "Date", momentOf(ctx, t.at))
	case key != exit.Announced && key != exit.Stopped:
		key, at = "write", t.at
	}
	return ui.T(ctx, toldWords[key], "Title", title, "Date", momentOf(ctx, at))
}

// toldArchives says what its reader may still do: take along what was not fetched yet. made are the archives that were made for them, and those they fetched.
func toldArchives(ctx context.Context, s Sunset, t telling, made [2]int) string {
	switch {
	case s.State == stateWithdrawn || t.what == stateWithdrawn || !ui.ReaderFrom(ctx).Now.Before(s.Calendar.Late):
		return ""
	case made[0] > made[1]:
		return ui.T(ctx, "sunset_notice.archive.waits", "Date", lastMoment(ctx, s.Calendar.Late))
	case made[0] > 0 || s.State == stateEnded:
		return ""
	}
	if now := ui.ReaderFrom(ctx).Now; !now.Before(s.Calendar.At(exit.Stopped)) {
		return ui.T(ctx, "sunset_notice.archive.late", "Date", lastMoment(ctx, s.Calendar.Late))
	}
	return ui.T(ctx, "sunset_notice.archive.any")
}

// mailLines leads from an e-mail to the dates in one's own calendar.
func (r *Room) mailLines(ctx context.Context, on service.Thing) []string {
	if !strings.HasPrefix(on.Link, service.NoticePath("")) {
		return nil
	}
	return []string{ui.T(ctx, "sunset_notice.mail.calendar", "Link", r.Notices.Address(on.Link+calendarFile))}
}
