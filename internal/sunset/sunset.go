// Package sunset ends a service, a place in one, or the whole install on a published calendar, without losing anybody's work. What it promises is a plan of
// package exit, whose steps are the phases, the reminders, everybody's archive and the erasure; what is allowed when is read by the fence of package service
// from dated rows, so that no job has to run at an instant.
package sunset

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/install"
	"exeunt/internal/job"
	"exeunt/internal/leave"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Config is what the room needs.
type Config struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Blobs    *blob.Store
	Queue    *job.Queue
	Engine   *exit.Engine
	Leave    *leave.Room
	Notices  *notify.Room
	Install  *install.Room
	Log      *slog.Logger
	Host     string
	// Owned gives the places of a service that an account answers for, within a scope ("", "circle", "circle:7"): it gets each as a whole.
	Owned func(ctx context.Context, account who.ID, scope string) ([]string, error)
}

// Room plans and carries out endings.
type Room struct {
	Config
	store store
	last  lastForecast
}

// New gives the room. It takes the engine's question whose data there is.
func New(c Config) *Room {
	r := &Room{Config: c, store: store{c.DB, &calendars{}}}
	c.Engine.Whose = r.whose
	c.Leave.Packed = r.packed
	c.Leave.Fetched, c.Leave.MadeFor = r.fetched, r.madeFor
	c.Notices.Once[notify.ArchiveReady] = r.once
	c.Notices.Audiences[notify.Sunset], c.Notices.More[notify.Sunset] = r.audience, r.mailLines
	c.Leave.Endings = r
	c.Queue.Handle(jobHeir, r.heirJob)
	return r
}

// The states of a sunset.
const (
	stateOpen      = "open"
	stateWithdrawn = "withdrawn"
	stateEnded     = "ended"
)

// Sunset is a published calendar with what has become of it.
type Sunset struct {
	ID        who.ID
	Name      string
	Scope     string // "" is the install
	Run       string
	Version   int
	State     string
	Published time.Time // the newest version
	Ended     time.Time // sealed or withdrawn
	Picture   string    // the version of the notice's picture; "" if there is none
	Calendar  *exit.SunsetCalendar
}

// Ask gives the request by which a calendar is planned.
func Ask(cal *exit.SunsetCalendar) exit.Ask {
	return exit.Ask{Subject: cal.Ends, Journey: exit.Sunset, Calendar: string(cal.Source())}
}

// Preview plans a calendar without publishing it. The errors are those of [exit.ParseSunset] and of the plan: Invalid for dates that are over, Conflict for
// dates that come earlier than published ones, or that contradict another sunset's.
func (r *Room) Preview(ctx context.Context, src []byte) (*exit.SunsetCalendar, *exit.Plan, error) {
	cal, err := exit.ParseSunset(src)
	if err != nil {
		return nil, nil, err
	}
	if err := r.known(ctx, cal); err != nil {
		return cal, nil, err
	}
	plan, err := r.Engine.Preview(ctx, Ask(cal))
	return cal, plan, err
}

// known refuses what cannot end here, a name that another ending has, archives that are kept less long than was published, and dates that contradict those of
// another sunset.
func (r *Room) known(ctx context.Context, cal *exit.SunsetCalendar) error {
	part := cal.Ends.Part()
	if cal.Ends.Kind != exit.SubjectInstall {
		s := exit.Account("1").Within(part)
		if _, ok := r.Registry.Service(s.Service()); !ok {
			return exit.Fail(exit.Invalid, "error.no_service", "service", s.Service())
		}
		if _, ok := r.Registry.Kind(s.Service()); s.Place() != "" && !ok { // places are things of their service's own kind
			return exit.Fail(exit.Invalid, "error.no_service", "service", part)
		}
	}
	all, err := r.store.known(ctx, cal)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(o Sunset) bool { return o.State == stateOpen && o.Scope == part }) {
		if err := r.thereIs(ctx, cal.Ends); err != nil {
			return err
		}
	}
	for _, o := range all {
		switch {
		case o.Name == cal.Name && (o.Scope != part || o.State != stateOpen):
			return exit.Fail(exit.Conflict, "sunset.error.name", "name", cal.Name)
		case o.State == stateOpen && o.Scope == part && o.Name != cal.Name:
			return exit.Fail(exit.Conflict, "sunset.error.other", "name", o.Name)
		case o.State == stateOpen && o.Scope == part && cal.Late.Before(o.Calendar.Late) && !cal.At(exit.Erased).Before(o.Calendar.At(exit.Erased)):
			// The plan knows the day alone, and what is wrong with phases.
			return exit.Fail(exit.Conflict, "error.sunset_late", "date", exit.DateOf(o.Calendar.Late.Add(-time.Second), cal.Zone))
		case o.State == stateEnded && cal.Ends.Kind == exit.SubjectInstall && cal.At(exit.Erased).Before(o.Calendar.Late): // its archives are kept still
			return exit.Fail(exit.Conflict, "sunset.error.contradicts", "name", o.Name, "date", exit.DateOf(o.Calendar.Late, o.Calendar.Zone))
		case o.State == stateOpen && o.Scope != part:
			if err := agrees(cal, o.Calendar); err != nil {
				return err
			}
		}
	}
	return nil
}

// thereIs refuses, with Invalid, a circle that does not exist.
func (r *Room) thereIs(ctx context.Context, ends exit.Subject) error {
	ref, place := refOf(ends)
	if !place {
		return nil
	}
	things, err := r.Registry.Things(ctx, service.ViewerOf(ctx), []who.Ref{ref})
	if err != nil {
		return err
	}
	if _, ok := things[ref]; !ok {
		return exit.Fail(exit.Invalid, errNoPlace)
	}
	return nil
}

// agrees refuses two calendars of which the wider one takes away what the narrower one has promised for longer.
func agrees(a, b *exit.SunsetCalendar) error {
	wide, narrow := a, b
	if !covers(wide.Ends, narrow.Ends) {
		if wide, narrow = b, a; !covers(wide.Ends, narrow.Ends) {
			return nil
		}
	}
	for _, what := range []string{exit.AllowJoin, exit.AllowWrite, exit.AllowEntrance, exit.AllowRead, exit.AllowExport} {
		if wide.Ceases(what).Before(narrow.Ceases(what)) {
			return exit.Fail(exit.Conflict, "sunset.error.contradicts", "name", b.Name, "date", exit.DateOf(b.Ceases(what), b.Zone))
		}
	}
	if wide.At(exit.Erased).Before(narrow.At(exit.Erased)) || wide.At(exit.Erased).Before(narrow.Late) {
		return exit.Fail(exit.Conflict, "sunset.error.contradicts", "name", b.Name, "date", exit.DateOf(b.At(exit.Erased), b.Zone))
	}
	return nil
}

// covers reports whether the end of one thing is the end of another too.
func covers(wide, narrow exit.Subject) bool {
	return wide.Kind == exit.SubjectInstall || exit.Account("1").Within(wide.Part()).Covers(exit.Account("1").Within(narrow.Part()))
}

// Publish publishes a calendar whose plan is still the one that was previewed, or postpones the one of its name: phases that were reached stay, later dates take
// the place of earlier ones. Why is the reason for a postponement, shown on the notice. Conflict for a plan that has changed, a calendar that is too short for all
// archives (unless its override says why), and all that [Room.Preview] refuses.
func (r *Room) Publish(ctx context.Context, src []byte, hash, why string) (Sunset, error) {
	cal, _, err := r.Preview(ctx, src)
	if err != nil {
		return Sunset{}, err
	}
	if err := r.longEnough(ctx, cal); err != nil {
		return Sunset{}, err
	}
	var s Sunset
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		// One calendar at a time: two of different things can contradict each other too.
		if err := r.Desk.AloneIn(ctx, kindTold); err != nil {
			return err
		}
		if err := r.Desk.AloneIn(ctx, serviceOf(cal.Ends)); err != nil {
			return err
		}
		if err := r.known(ctx, cal); err != nil {
			return err
		}
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		if s, err = r.store.put(ctx, r.DB.IDs.Next(), cal, why, now); err != nil {
			return err
		}
		run, _, err := r.Engine.Agree(ctx, Ask(cal), hash, "operator")
		if err != nil {
			return err
		}
		s.Run = run.ID
		if err := r.store.setRun(ctx, s.ID, run.ID); err != nil {
			return err
		}
		return r.remember(ctx, run, cal, why)
	})
	r.Desk.Forget()
	return s, err
}

// Withdraw takes a sunset back before its first irreversible step: everything opens again. NotFound if none of the name is under way, Conflict once erasing
// has begun.
func (r *Room) Withdraw(ctx context.Context, name string) error {
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		s, err := r.store.byName(ctx, name)
		if err != nil {
			return err
		}
		if err := r.Desk.AloneIn(ctx, serviceOf(s.Calendar.Ends)); err != nil {
			return err
		}
		// The plan goes by what ends, which may end by another calendar now.
		if s, err = r.store.byName(ctx, name); err == nil && s.State != stateOpen {
			err = exit.Fail(exit.NotFound, "error.nothing_to_withdraw")
		}
		if err != nil {
			return err
		}
		ask := exit.Ask{Subject: s.Calendar.Ends, Journey: exit.Withdraw}
		plan, err := r.Engine.Preview(ctx, ask)
		if err != nil {
			return err
		}
		_, _, err = r.Engine.Agree(ctx, ask, plan.Hash(), "operator")
		return err
	})
	r.Desk.Forget()
	return err
}

// serviceOf gives the service whose writes an ending concerns, "" for all.
func serviceOf(ends exit.Subject) string { return exit.Account("1").Within(ends.Part()).Service() }

// Page gives at most limit sunsets, whatever has become of them, the newest first, from below an id (0: from the newest).
func (r *Room) Page(ctx context.Context, before who.ID, limit int) ([]Sunset, error) {
	return r.store.page(ctx, before, limit)
}

// Named gives a sunset by its name; NotFound.
func (r *Room) Named(ctx context.Context, name string) (Sunset, error) {
	return r.store.byName(ctx, name)
}

var errNoSunset = errors.New("a step of a sunset that is not there")

// of gives the sunset that a step of a run is about.
func (r *Room) of(ctx context.Context, t exit.Task) (Sunset, error) {
	s, err := r.store.open(ctx, t.Subject.Part())
	if exit.KindOf(err) == exit.NotFound {
		return s, fmt.Errorf("%s of %s: %w", t.Step, t.Subject, errNoSunset)
	}
	return s, err
}
