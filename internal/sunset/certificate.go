package sunset

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"
)

// certificateRoutes are the room's routes of certificates, which everybody may read: they name nobody.
func (r *Room) certificateRoutes() []service.Route {
	return []service.Route{{Pattern: "GET /sunsets/{name}/certificate", Access: service.Anyone, Handle: r.getCertificate}}
}

// getCertificate sends the certificate of a sunset that has ended; NotFound before.
func (r *Room) getCertificate(w http.ResponseWriter, req *http.Request) error {
	s, err := r.Named(req.Context(), req.PathValue("name"))
	if err != nil {
		return err
	}
	file, err := r.Leave.Certificate(req.Context(), s.Run)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `inline; filename="`+s.Name+`-certificate.txt"`)
	_, err = w.Write(file)
	return err
}

// Certified gives what the certificate of a sunset's run says of its dates and archives.
func (r *Room) Certified(ctx context.Context, run exit.Run) (*ledger.Sunset, error) {
	s, err := r.store.one(ctx, `run = $1`, run.ID)
	if err != nil {
		return nil, fmt.Errorf("find sunset of run %s: %w", run.ID, err)
	}
	out := &ledger.Sunset{Notice: s.Name, Ends: s.Calendar.Ends.Part(), Override: oneLine(s.Calendar.Override)}
	if out.Ends == "" {
		out.Ends = exit.SubjectInstall
	}
	if out.Versions, err = r.store.certifiedVersions(ctx, s.ID); err != nil {
		return nil, err
	}
	phases, err := r.store.certifiedPhases(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Calendar.Phases { // one that a later version has left out ends nothing
		i := slices.IndexFunc(phases, func(x ledger.SunsetPhase) bool { return x.Word == p.Word })
		if i < 0 {
			return nil, fmt.Errorf("phase %s of sunset %s: %w", p.Word, s.Name, errNoSunset)
		}
		out.Phases = append(out.Phases, phases[i])
	}
	if out.Archives, err = r.store.certifiedArchives(ctx, s.ID); err != nil {
		return nil, err
	}
	until, err := r.store.keptUntil(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if until.Before(s.Calendar.Late) {
		until = s.Calendar.Late
	}
	out.Archives.KeptUntil = ledger.DayOf(until.Add(-time.Second), s.Calendar.Zone)
	return out, nil
}

// oneLine gives an operator's reason as a certificate can hold it: one line without what cannot be printed.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, text)
	line := []rune(strings.Join(strings.Fields(text), " "))
	return string(line[:min(len(line), ledger.MaxText)])
}

// Republish stores a calendar again that was published at an instant as a run's.
func (r *Room) Republish(ctx context.Context, cal *exit.SunsetCalendar, run, why string, at time.Time) error {
	s, err := r.store.put(ctx, r.DB.IDs.Next(), cal, why, at)
	if err != nil {
		return err
	}
	r.Desk.Forget()
	return r.store.setRun(ctx, s.ID, run)
}

// Reached notes again when a phase began to hold, and takes away what it takes away.
func (r *Room) Reached(ctx context.Context, name, word string, at time.Time) error {
	s, err := r.Named(ctx, name)
	if err != nil || s.State == stateWithdrawn {
		return err
	}
	if _, err := r.store.reached(ctx, s.ID, word, at); err != nil || slices.Contains(s.Calendar.Allowed(word), exit.AllowExport) {
		return err
	}
	return r.store.shut(ctx, s.Scope, true)
}

// Over notes again when the sunset of a run was sealed or withdrawn.
func (r *Room) Over(ctx context.Context, run string, at time.Time) error {
	return r.store.over(ctx, run, at)
}

// CatchUp takes out of sight what has stopped by now: after a restore, before anything is served.
func (r *Room) CatchUp(ctx context.Context) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		for before := who.ID(0); ; {
			list, err := r.store.page(ctx, before, noticesAPage)
			if err != nil || len(list) == 0 {
				return err
			}
			for _, s := range list {
				if before = s.ID; s.State == stateWithdrawn || s.Calendar.Ceases(exit.AllowExport).After(now) {
					continue
				}
				if err := r.store.shut(ctx, s.Scope, true); err != nil {
					return err
				}
			}
		}
	})
}

// remember puts a calendar that is published on the list outside the database.
func (r *Room) remember(ctx context.Context, run exit.Run, cal *exit.SunsetCalendar, why string) error {
	return r.Leave.Remember(ctx, leave.Published(run, Ask(cal), why))
}

var _ leave.Endings = (*Room)(nil)
