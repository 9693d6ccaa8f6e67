package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Allowed reports whether a service, or a place in it, still allows something ([exit.AllowWrite] …) at the instant of a request. It asks what was read with the
// session: pages offer by it, and the fence decides.
func Allowed(ctx context.Context, what, name string, place who.ID) bool {
	return Refused(ctx, what, name, place) == nil
}

// Refused gives the ending by which a service, or a place in it, does not allow something any more at the instant of a request; nil if it is allowed.
func Refused(ctx context.Context, what, name string, place who.ID) *Ending {
	list := SessionOf(ctx).Endings
	if len(list) == 0 {
		return nil
	}
	now := ui.ReaderFrom(ctx).Now
	i := slices.IndexFunc(list, func(e Ending) bool { return e.Covers(name, place) && !e.Allows(what, now) })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// Shut reports whether a viewer is kept from reading what ends at an instant: everybody after the stop, a guest from the instant on that takes [exit.AllowRead].
func (e Ending) Shut(v who.Viewer, at time.Time) bool {
	return !e.Allows(exit.AllowExport, at) || v.Guest() && !e.Allows(exit.AllowRead, at)
}

// ShutToGuests gives the scopes in which nothing is read any more without an account, at the instant of a request. What has stopped is hidden from all by itself.
func ShutToGuests(ctx context.Context) []string {
	var out []string
	now := ui.ReaderFrom(ctx).Now
	for _, e := range SessionOf(ctx).Endings {
		if e.Allows(exit.AllowExport, now) && !e.Allows(exit.AllowRead, now) {
			out = append(out, e.Scope)
		}
	}
	return out
}

// Reads reports whether an ending lets a viewer read, at the instant of a request, what stands in a service and place: whoever has an account until the stop, which hides
// it by itself, and a guest as long as [exit.AllowRead] is there.
func Reads(ctx context.Context, v who.Viewer, name string, place who.ID) bool {
	return !v.Guest() || Allowed(ctx, exit.AllowRead, name, place)
}

// Offer refuses, with Forbidden and the fence's own sentence, to offer a form that a service, or a place in it, does not take any more. The error names the ending.
func Offer(ctx context.Context, what, name string, place who.ID) error {
	if e := Refused(ctx, what, name, place); e != nil {
		return exit.Fail(exit.Forbidden, refusals[what], "date", exit.DateOf(e.Ceases(what), e.Zone), "ending", e.Name)
	}
	return nil
}

// Closed gives the sentence that stands in place of a form which a service, or a place in it, does not take any more, with the way to the notice; nil where the form
// can be offered. What is [exit.AllowWrite] or [exit.AllowJoin].
func Closed(ctx context.Context, what, name string, place who.ID) *ui.Notice {
	e := Refused(ctx, what, name, place)
	if e == nil {
		return nil
	}
	key := closedKeys[what]
	if e.Allows(exit.AllowWrite, ui.ReaderFrom(ctx).Now) {
		key = closedKeys[exit.AllowJoin]
	}
	return &ui.Notice{
		Kind: ui.Info, Sentence: ui.T(ctx, key, "Date", ui.Date(ui.LangOf(ctx), e.Ceases(what), e.Zone)),
		Action: &ui.Link{Text: ui.T(ctx, "sunset_effects.notice"), Href: NoticePath(e.Name)},
	}
}

var closedKeys = ui.Keys("sunset_effects.closed.", "write", "join")

// Stopped reports whether an error is the fence's refusal of what has stopped for good: whoever finishes something there has nothing left to do.
func Stopped(err error) bool { return isRefusal(err, exit.AllowExport) }

// ReadOnly reports whether an error is the fence's refusal of what is not written any more.
func ReadOnly(err error) bool {
	return isRefusal(err, exit.AllowWrite) || isRefusal(err, exit.AllowJoin) || Stopped(err)
}

func isRefusal(err error, what string) bool {
	var e *exit.Error
	return errors.As(err, &e) && e.Kind == exit.Forbidden && e.Key == refusals[what]
}

// Stop gives the instant at which nothing is left to be had: the phase that takes the last away. The erasure that follows is no matter of those who ask.
func (e Ending) Stop() time.Time { return e.Ceases(exit.AllowExport) }

// Announced gives the instant of the first phase.
func (e Ending) Announced() time.Time {
	if len(e.Dates) == 0 {
		return time.Time{}
	}
	return e.Dates[0].At
}

// ParseScope reads what an ending's scope names: a service and a place in it; "" and 0 for the install.
func (e Ending) ParseScope() (name string, place who.ID) {
	s := exit.Account("1").Within(e.Scope)
	place, _ = who.ParseID(s.Place())
	return s.Service(), place
}

// Of gives the ending that what stands in a service and place meets first, of those that are announced; nil if there is none.
func Of(list []Ending, name string, place who.ID, now time.Time) *Ending {
	var found *Ending
	for i, e := range list {
		if !e.Covers(name, place) || e.Announced().After(now) {
			continue
		}
		if found == nil || e.Stop().Before(found.Stop()) {
			found = &list[i]
		}
	}
	return found
}

// What gives the name of what ends, for the reader: a service's, the install's, that of the place where the page is, or that of any place.
func (e Ending) What(ctx context.Context, s []Service) string {
	name, place := e.ParseScope()
	i := slices.IndexFunc(s, func(s Service) bool { return s.Name == name })
	switch {
	case i < 0:
		return ui.SiteName(ctx)
	case place != 0:
		if x := SessionOf(ctx); x.Here != nil && x.Here.ID == e.ID && x.HereName != "" {
			return ui.T(ctx, "sunset_effects.place.named", "Name", x.HereName)
		}
		return ui.T(ctx, "sunset_effects.place", "Service", ui.T(ctx, s[i].Title))
	}
	return ui.T(ctx, s[i].Title)
}

// nextKeys say what a phase brings, with its date.
var nextKeys = ui.Keys("sunset_effects.next.", "no-joins", "read-only", "no-entrance", "export-only", "stopped")

// AsGuest gives the context in which a page is drawn as a guest sees it, whoever asks for it. What guests cannot read any more for an ending is drawn for who has an
// account.
func AsGuest(ctx context.Context) context.Context {
	s := SessionOf(ctx)
	as := &Session{Entrances: s.Entrances, Here: s.Here, Path: s.Path}
	if s.Viewer.Guest() {
		as.Endings = s.Endings
	}
	return WithSession(ctx, as)
}

// EndingWords puts before the description of a feed with what it ends, when, and where the notice is.
func EndingWords(ctx context.Context, description string) string {
	s := SessionOf(ctx)
	if s.Here == nil {
		return description
	}
	words := ui.T(ctx, "sunset_effects.feed", "What", s.Here.What(ctx, servicesOf(s)), "Date", ui.Date(ui.LangOf(ctx), s.Here.Stop(), s.Here.Zone),
		"Notice", ui.Absolute(ctx, NoticePath(s.Here.Name)))
	if description == "" {
		return words
	}
	return words + "\n\n" + description
}

// servicesOf gives the services of a session's entrances: all there are.
func servicesOf(s *Session) []Service {
	out := make([]Service, len(s.Entrances))
	for i, x := range s.Entrances {
		out[i] = x.Service
	}
	return out
}

// endingBar gives the bar of the ending that a page meets; nil where nothing ends.
func endingBar(ctx context.Context, s *Session) *ui.EndingBar {
	e, now := s.Here, ui.ReaderFrom(ctx).Now
	if e == nil || !now.Before(e.Stop()) {
		return nil
	}
	_, next := e.Word(now)
	lang := ui.LangOf(ctx)
	b := &ui.EndingBar{
		Sentence: ui.T(ctx, nextKeys[next.Word], "What", e.What(ctx, servicesOf(s)), "Date", ui.Date(lang, next.At, e.Zone)),
		Notice:   NoticePath(e.Name), At: next.At, Left: next.At.Sub(now),
	}
	if next.Word != exit.Stopped {
		b.Then = ui.T(ctx, "sunset_effects.then", "Date", ui.Date(lang, e.Stop(), e.Zone))
	}
	return b
}
