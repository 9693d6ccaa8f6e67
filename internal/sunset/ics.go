package sunset

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// calendarFile is the notice's calendar for one's own, below its address.
const calendarFile = "/calendar.ics"

// getCalendar answers with the dates as an iCalendar file (RFC 5545): its entries have the same names in every version and are renewed by SEQUENCE; what
// a later version dropped, and what a withdrawal took back, is cancelled.
func (r *Room) getCalendar(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s, err := r.public(ctx, service.ViewerOf(ctx), req.PathValue("sunset"))
	if err != nil {
		return err
	}
	editions, err := r.store.editions(ctx, s.ID)
	if err != nil {
		return err
	}
	ends, err := r.endsName(ctx, s.Calendar.Ends)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+s.Name+`.ics"`)
	http.ServeContent(w, req, "", time.Time{}, strings.NewReader(ui.CalendarICS(icsOf(ctx, s, ends, editions), ui.LangOf(ctx))))
	return nil
}

// icsOf gives the calendar as it is written into a file: its days are those of its own zone.
func icsOf(ctx context.Context, s Sunset, ends string, editions []edition) ui.CalendarView {
	reader := ui.ReaderFrom(ctx)
	reader.Zone = s.Calendar.Zone
	ctx = ui.WithReader(ctx, reader)
	v := calendarOf(ctx, s)
	title, _ := inWords(ctx, s.Calendar.Title)
	v.Title, v.ID, v.Today, v.Revision, v.Link = title, service.NoticePath(s.Name), s.Published, s.Version-1, ui.Absolute(ctx, service.NoticePath(s.Name))
	if s.State == stateWithdrawn {
		v.Revision, v.Today = s.Version, s.Ended
	}
	for _, e := range editions {
		for _, row := range calendarRows(ctx, Sunset{Calendar: e.Calendar, State: s.State, Ended: s.Ended}) {
			if !slices.ContainsFunc(v.Rows, func(x ui.CalendarRow) bool { return x.Key == row.Key }) {
				row.State = ui.CalendarCancelled
				v.Rows = append(v.Rows, row)
			}
		}
	}
	for i := range v.Rows {
		v.Rows[i].Sentence = ui.T(ctx, "sunset_notice.entry", "Ends", ends, "What", v.Rows[i].Sentence)
	}
	return v
}
