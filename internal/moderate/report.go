package moderate

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Case is a thing that was reported and waits, or waited, for somebody to decide.
type Case struct {
	ID    who.ID
	Ref   who.Ref
	Place Place
	About who.ID // whose it is; 0 if nobody's any more
	Open  bool
	At    time.Time // of the first report, UTC
}

// Report is what somebody said of a thing. Who it was is for the operator alone.
type Report struct {
	Case   who.ID
	By     who.ID
	Reason string
	Words  string
	At     time.Time // UTC
}

// cleanWords trims words and refuses, with Invalid, what is too long or no text.
func cleanWords(words string) (string, error) {
	words = strings.TrimSpace(strings.ReplaceAll(words, "\r\n", "\n"))
	if utf8.RuneCountInString(words) > longestWords || !utf8.ValidString(words) || strings.ContainsRune(words, 0) {
		return "", exit.Fail(exit.Invalid, "moderate.error.words", "Most", longestWords)
	}
	return words, nil
}

// reported gives a thing that the viewer may report: one they see, that is not their own.
func (r *Room) reported(ctx context.Context, v who.Viewer, ref who.Ref) (service.Thing, error) {
	if _, ok := reportable[ref.Kind]; !ok {
		return service.Thing{}, errNone()
	}
	t, err := r.Registry.Thing(ctx, v, ref)
	if err == nil && t.Owner == v.Account {
		err = exit.Fail(exit.Invalid, "moderate.error.own")
	}
	return t, err
}

// Report tells those who answer for a thing what is wrong with it. A repeat takes the place of the viewer's
// earlier report. NotFound for what the viewer does not see, Invalid for one's own things, unknown reasons and "other" without
// words, TooMany beyond the rate.
func (r *Room) Report(ctx context.Context, v who.Viewer, ref who.Ref, reason, words string) error {
	words, err := cleanWords(words)
	switch {
	case err != nil:
		return err
	case !knownReason(reason):
		return exit.Fail(exit.Invalid, "moderate.error.reason")
	case reason == "other" && words == "":
		return exit.Fail(exit.Invalid, "moderate.error.other")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		t, err := r.reported(ctx, v, ref)
		if err != nil {
			return err
		}
		// Who may not write for now may still say that something is wrong.
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		if err := r.Take(ctx, v.Account, "report"); err != nil {
			return err
		}
		c := Case{ID: r.DB.IDs.Next(), Ref: ref, Place: placeOf(t), About: t.Owner, Open: true, At: pass.At}
		id, fresh, err := r.store.openCase(ctx, pass, c)
		if err != nil {
			return err
		}
		if err := r.store.addReport(ctx, pass, Report{Case: id, By: v.Account, Reason: reason, Words: words}); err != nil || !fresh {
			return err
		}
		return r.tellReport(ctx, pass, c, v.Account)
	})
}

// tellReport tells those who decide about a case: who answers for its place, or the operators where that is nobody but whom it is about.
func (r *Room) tellReport(ctx context.Context, pass service.Pass, c Case, by who.ID) error {
	ids, err := r.staff(ctx, c.Place, c.About)
	if err == nil && len(ids) == 0 {
		ids, err = r.staff(ctx, Everywhere, c.About)
	}
	if err != nil {
		return err
	}
	var list []notify.Notice
	for _, id := range ids {
		if id != by {
			list = append(list, notify.Notice{To: id, Kind: notify.Reported, By: by, On: who.Ref{Kind: "case", ID: c.ID}, Service: c.Place.Service, Place: c.Place.ID})
		}
	}
	return r.notice(ctx, pass, list...)
}

// Queue gives a page of the open cases of a place, the oldest first, from above the case after on. The operator's own place
// has those of all. NotFound for who does not answer for it.
func (r *Room) Queue(ctx context.Context, v who.Viewer, p Place, after who.ID, limit int) ([]Case, error) {
	if err := r.may(ctx, v, p); err != nil {
		return nil, err
	}
	return r.store.queue(ctx, p, after, limit)
}

// Case gives one case with its reports, at most 200. Who reported is 0 but for the operator.
func (r *Room) Case(ctx context.Context, v who.Viewer, id who.ID) (Case, []Report, error) {
	c, err := r.store.oneCase(ctx, id, false)
	if err != nil {
		return c, nil, err
	}
	if err := r.may(ctx, v, c.Place); err != nil {
		return c, nil, err
	}
	reports, err := r.store.reports(ctx, []who.ID{id}, 200)
	if !v.Operator {
		for i := range reports {
			reports[i].By = 0
		}
	}
	return c, reports, err
}
