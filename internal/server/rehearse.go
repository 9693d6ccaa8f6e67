package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/backup"
	"exeunt/internal/db"
	"exeunt/internal/sunset"
	"exeunt/ledger"
)

// Sunset gives the room that ends services, for the command line.
func (h *House) Sunset() *sunset.Room { return h.sunsets }

// RehearsedPhase is what became of a phase in a rehearsal.
type RehearsedPhase struct {
	Word     string        `json:"word"`
	At       time.Time     `json:"at"`
	Before   *sunset.Probe `json:"before,omitempty"` // a minute earlier; nil where the phase had begun when the rehearsal did
	After    sunset.Probe  `json:"after"`
	Took     time.Duration `json:"took"`     // of the machine, with all that was due until then
	Archives int64         `json:"archives"` // made until then
	Failed   int64         `json:"failed"`
}

// RehearsedStep is a step that did not end, or what one erased.
type RehearsedStep struct {
	Key     string         `json:"key"`
	State   exit.StepState `json:"state"`
	Items   int64          `json:"items"`
	Bytes   int64          `json:"bytes"`
	Problem string         `json:"problem,omitempty"`
}

// Rehearsal is what became of a calendar on a copy of the install.
type Rehearsal struct {
	Name        string           `json:"name"`
	Plan        string           `json:"plan"` // hash
	Forecast    sunset.Forecast  `json:"forecast"`
	Phases      []RehearsedPhase `json:"phases"`
	Archives    int64            `json:"archives"`
	Bytes       int64            `json:"bytes"` // of archives
	Failed      int64            `json:"failed"`
	Stuck       int64            `json:"stuck"` // steps of any run that were tried often enough and were not stuck before
	Erased      []RehearsedStep  `json:"erased"`
	Open        []RehearsedStep  `json:"open"` // steps that did not end
	Sealed      bool             `json:"sealed"`
	Left        []sunset.Amount  `json:"left"`        // counted at the end
	Certificate bool             `json:"certificate"` // made, and verified by its own key
	Findings    int              `json:"findings"`    // of that verification
	Took        time.Duration    `json:"took"`
}

// Fine reports whether everything went as the calendar says.
func (r Rehearsal) Fine() bool {
	agree := !slices.ContainsFunc(r.Phases, func(p RehearsedPhase) bool { return !p.After.Agrees || p.Before != nil && !p.Before.Agrees })
	return agree && r.Failed == 0 && r.Stuck == 0 && len(r.Open) == 0 && r.Sealed && len(r.Left) == 0 && r.Certificate && r.Findings == 0
}

// RehearseOptions say where a rehearsal's copy is made.
type RehearseOptions struct {
	AsOf    time.Time // where the copy's clock begins; zero: where the install's stands
	Folder  string    // in which the copy's folder is made; "" is the system's for temporary files
	Scratch string    // PostgreSQL: an empty database for the copy; "": one is made beside the install's, and dropped
}

// RehearseSunset carries a whole calendar out on a copy of the install in compressed time: the install is saved, the copy has database, media, list outside and key of
// its own, sends no e-mail, and is gone in the end. Nothing of the install changes. The errors are those of [sunset.Room.Publish] on the copy; what goes
// wrong while time passes stands in the report.
func (h *House) RehearseSunset(ctx context.Context, src []byte, o RehearseOptions, wait func(context.Context) error) (out Rehearsal, err error) {
	if _, err := exit.ParseSunset(src); err != nil {
		return out, err
	}
	began := h.Options.Clock.Now()
	dir, err := os.MkdirTemp(o.Folder, "exeunt-rehearsal-")
	if err != nil {
		return out, fmt.Errorf("make folder for the copy: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	copied, undo, err := h.copyTo(ctx, dir, o)
	defer func() { err = errors.Join(err, undo(context.WithoutCancel(ctx))) }()
	if err != nil {
		return out, err
	}
	out, err = copied.goThrough(ctx, src, wait)
	out.Took = h.Options.Clock.Now().Sub(began)
	return out, errors.Join(err, copied.Close())
}

// nobody takes the e-mail of a copy: without a mail server what is queued would wait for one.
type nobody struct{}

func (nobody) Send(context.Context, string, []byte) error { return nil }

func (nobody) Sender() mail.Address { return mail.Address{Address: "nobody@localhost"} }

// copyTo makes a copy of the install as a trial install of its own. What undo takes back is there even when it fails.
func (h *House) copyTo(ctx context.Context, dir string, o RehearseOptions) (copied *House, undo func(context.Context) error, err error) {
	undo = func(context.Context) error { return nil }
	now, err := h.DB.Now(ctx)
	if err != nil {
		return nil, undo, err
	}
	saved := filepath.Join(dir, "backup")
	m, err := backup.Save(ctx, h.DB, h.Blobs, saved, now)
	if err != nil {
		return nil, undo, fmt.Errorf("save the install: %w", err)
	}
	// Everything is named: what the copy remembers is the install's own media and list.
	opt := Options{
		Data: filepath.Join(dir, "data"), Media: filepath.Join(dir, "data", "media"), Outside: filepath.Join(dir, "data", "outside"),
		Host: h.Options.Host, Log: h.Options.Log, Clock: h.Options.Clock, Hash: h.Options.Hash, Mail: nobody{},
	}
	if h.DB.SQLite() {
		if err := backup.PlaceSQLite(saved, opt.database()); err != nil {
			return nil, undo, err
		}
	} else if opt.Database, undo, err = h.scratch(ctx, o.Scratch); err != nil {
		return nil, undo, err
	}
	if o.AsOf.IsZero() {
		o.AsOf = now
	}
	if err := h.begin(ctx, opt, saved, m, o.AsOf); err != nil {
		return nil, undo, err
	}
	if copied, err = Open(ctx, opt); err != nil {
		return nil, undo, fmt.Errorf("open the copy: %w", err)
	}
	if err := backup.RestoreMedia(ctx, copied.Blobs, saved, m); err != nil {
		return nil, undo, errors.Join(err, copied.Close())
	}
	if err := copied.Leave.Adopt(ctx); err != nil {
		return nil, undo, errors.Join(fmt.Errorf("give the copy's log a key of its own: %w", err), copied.Close())
	}
	return copied, undo, nil
}

// begin fills the copy's database where that is still to be done, and sets its clock.
func (h *House) begin(ctx context.Context, opt Options, saved string, m backup.Manifest, at time.Time) (err error) {
	d, err := db.Open(ctx, opt.database(), opt.Clock)
	if err != nil {
		return fmt.Errorf("open the copy's database: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if !d.SQLite() {
		if err := backup.RestorePostgres(ctx, d, saved, m); err != nil {
			return fmt.Errorf("fill the copy's database: %w", err)
		}
	}
	return d.Rehearse(ctx, at)
}

// scratch gives an empty PostgreSQL database. A schema beside the install's tables would not do: the fence's locks are a whole database's.
func (h *House) scratch(ctx context.Context, given string) (address string, drop func(context.Context) error, err error) {
	drop = func(context.Context) error { return nil }
	if given != "" {
		return given, drop, nil
	}
	u, err := url.Parse(h.Options.Database)
	if err != nil {
		return "", drop, exit.Fail(exit.Invalid, "sunset_forecast.error.scratch") // the parser's own words would show the password
	}
	name := "exeunt_rehearsal_" + strings.ToLower(rand.Text()[:12])
	if _, err := h.DB.Writer.ExecContext(ctx, `create database "`+name+`"`); err != nil {
		return "", drop, &exit.Error{Kind: exit.Forbidden, Key: "sunset_forecast.error.scratch", Err: err}
	}
	u.Path = "/" + name
	asked := u.Query() // which counts for more than the path
	asked.Del("dbname")
	asked.Del("database")
	u.RawQuery = asked.Encode()
	return u.String(), func(ctx context.Context) error {
		if _, err := h.DB.Writer.ExecContext(ctx, `drop database "`+name+`" with (force)`); err != nil {
			return fmt.Errorf("drop the copy's database %s: %w", name, err)
		}
		return nil
	}, nil
}

// goThrough publishes a calendar and goes from phase to phase until everything is over.
func (h *House) goThrough(ctx context.Context, src []byte, wait func(context.Context) error) (Rehearsal, error) {
	cal, plan, err := h.sunsets.Preview(ctx, src)
	if err != nil {
		return Rehearsal{}, err
	}
	if err := h.notBefore(ctx, cal); err != nil {
		return Rehearsal{}, err
	}
	out := Rehearsal{Name: cal.Name, Plan: plan.Hash()}
	stuck, err := h.sunsets.StuckSteps(ctx)
	if err != nil {
		return out, err
	}
	if out.Forecast, err = h.sunsets.Forecast(ctx, cal); err != nil {
		return out, err
	}
	s, err := h.sunsets.Publish(ctx, src, plan.Hash(), "")
	if err != nil {
		return out, err
	}
	for _, p := range cal.Phases {
		x, err := h.reach(ctx, cal, p, wait)
		if err != nil {
			return out, fmt.Errorf("go to %s: %w", p.Word, err)
		}
		out.Phases = append(out.Phases, x)
	}
	// Archives are kept until then; a day later they are gone.
	last := cal.At(exit.Erased)
	if cal.Late.After(last) {
		last = cal.Late
	}
	if err := h.travelTo(ctx, last.AddDate(0, 0, 1), wait); err != nil {
		return out, err
	}
	if _, err := h.Blobs.Sweep(ctx); err != nil { // a server does so all along
		return out, err
	}
	if err := h.conclude(ctx, cal, s.Run, &out); err != nil {
		return out, err
	}
	out.Stuck, err = h.sunsets.StuckSteps(ctx)
	out.Stuck -= stuck
	return out, err
}

// notBefore refuses to begin before the calendar's earlier version was published: what would be certified could not have been.
func (h *House) notBefore(ctx context.Context, cal *exit.SunsetCalendar) error {
	now, err := h.DB.Now(ctx)
	if err != nil {
		return err
	}
	s, err := h.sunsets.Named(ctx, cal.Name)
	if exit.KindOf(err) == exit.NotFound {
		return nil
	}
	if err == nil && s.Published.After(now) {
		err = exit.Fail(exit.Invalid, "sunset_forecast.error.as_of", "name", cal.Name, "date", exit.DateOf(s.Published, cal.Zone))
	}
	return err
}

// reach goes to a phase, with a look a minute before.
func (h *House) reach(ctx context.Context, cal *exit.SunsetCalendar, p exit.Phase, wait func(context.Context) error) (RehearsedPhase, error) {
	out := RehearsedPhase{Word: p.Word, At: p.At}
	began := h.Options.Clock.Now()
	now, err := h.DB.Now(ctx)
	if err != nil {
		return out, err
	}
	if eve := p.At.Add(-time.Minute); eve.After(now) {
		if err := h.travelTo(ctx, eve, wait); err != nil {
			return out, err
		}
		before, err := h.sunsets.Probe(ctx, cal)
		if err != nil {
			return out, err
		}
		out.Before = &before
	}
	if err := h.travelTo(ctx, p.At, wait); err != nil {
		return out, err
	}
	if out.After, err = h.sunsets.Probe(ctx, cal); err != nil {
		return out, err
	}
	status, err := h.sunsets.Status(ctx, cal.Name)
	if err != nil {
		return out, err
	}
	out.Archives, out.Failed = status.Made, status.Failed
	out.Took = h.Options.Clock.Now().Sub(began)
	return out, nil
}

// travelTo moves on to an instant, and does what is due there.
func (h *House) travelTo(ctx context.Context, to time.Time, wait func(context.Context) error) error {
	now, err := h.DB.Now(ctx)
	if err != nil {
		return err
	}
	return h.Travel(ctx, max(0, to.Sub(now)), wait)
}

// conclude looks at what has become of everything.
func (h *House) conclude(ctx context.Context, cal *exit.SunsetCalendar, id string, out *Rehearsal) error {
	run, steps, err := h.DB.Runs.Load(ctx, id)
	if err != nil {
		return err
	}
	var held []string
	out.Erased, out.Open = []RehearsedStep{}, []RehearsedStep{}
	out.Sealed = run.State == exit.RunSealed
	for _, s := range steps {
		x := RehearsedStep{s.Key, s.State, s.Items, s.Bytes, s.Problem}
		switch {
		case !s.State.Ended():
			out.Open = append(out.Open, x)
		case s.Act == exit.ActHold:
			held = append(held, s.ClassID())
		case s.Act == exit.ActErase && s.Items > 0:
			out.Erased = append(out.Erased, x)
		}
	}
	status, err := h.sunsets.Status(ctx, cal.Name)
	if err != nil {
		return err
	}
	out.Archives, out.Bytes, out.Failed = status.Made, status.Bytes, status.Failed
	if out.Left, err = h.sunsets.Remains(ctx, cal, held); err != nil {
		return err
	}
	body, err := h.Leave.Certificate(ctx, id)
	if exit.KindOf(err) == exit.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	report, err := ledger.Verify(body, h.Leave.Key.Verifier())
	if err != nil {
		return fmt.Errorf("verify the rehearsal's certificate: %w", err)
	}
	out.Certificate, out.Findings = true, len(report.Findings)
	return nil
}
