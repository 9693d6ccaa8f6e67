package sunset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Probe is what was possible at an instant, found by trying.
type Probe struct {
	At      time.Time `json:"at"`      // promise time
	Allowed []string  `json:"allowed"` // [exit.AllowWrite] …
	Agrees  bool      `json:"agrees"`  // it is what the calendar says
}

// errTried takes back what was tried.
var errTried = errors.New("tried")

// Probe tries what is still allowed of what a calendar ends: joining, writing and taking away at the fence, as any account, in a transaction that is taken back;
// the entrance and reading without an account by what pages go by. Where there is no account nothing can be tried at the fence, and nobody could.
func (r *Room) Probe(ctx context.Context, cal *exit.SunsetCalendar) (Probe, error) {
	p := Probe{Allowed: []string{}}
	r.Desk.Forget()
	name, id, _ := strings.Cut(cal.Ends.Part(), ":")
	place, _ := who.ParseID(id)
	account, err := r.store.next(ctx, [][2]string{{"accounts", "id"}}, 0)
	if err != nil {
		return p, err
	}
	tries := []struct {
		what  string
		write service.Write
	}{
		{exit.AllowJoin, service.Write{Join: true}}, {exit.AllowWrite, service.Write{}}, {exit.AllowExport, service.Write{Removal: true}},
	}
	allowed := map[string]bool{}
	for _, x := range tries {
		if account == 0 {
			break
		}
		x.write.By, x.write.Service, x.write.Place = account, name, place
		if allowed[x.what], err = r.try(ctx, x.write); err != nil {
			return p, fmt.Errorf("try to %s: %w", x.what, err)
		}
	}
	if p.At, err = r.DB.Now(ctx); err != nil {
		return p, err
	}
	for _, what := range []string{exit.AllowEntrance, exit.AllowRead} {
		if allowed[what], err = r.Desk.Still(ctx, what, name, place, p.At); err != nil {
			return p, err
		}
	}
	p.Agrees = true
	for _, what := range []string{exit.AllowJoin, exit.AllowWrite, exit.AllowEntrance, exit.AllowRead, exit.AllowExport} {
		if allowed[what] {
			p.Allowed = append(p.Allowed, what)
		}
		end := cal.Ceases(what)
		said := end.IsZero() || p.At.Before(end)
		tried := account != 0 || what == exit.AllowEntrance || what == exit.AllowRead
		p.Agrees = p.Agrees && (!tried || said == allowed[what])
	}
	return p, nil
}

// try asks the fence to let a write through, and takes it back.
func (r *Room) try(ctx context.Context, w service.Write) (bool, error) {
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		if _, err := r.Desk.Enter(ctx, w); err != nil {
			return err
		}
		return errTried
	})
	switch key := keyOf(err); {
	case errors.Is(err, errTried), key == "error.frozen", key == "error.muted": // what stands in the way is the account's own
		return true, nil
	case slices.Contains([]string{"error.sunset_write", "error.sunset_join", "error.sunset_stopped"}, key):
		return false, nil
	}
	return false, err
}

// StuckSteps counts the steps of all runs, whoever's, that were tried often enough and wait for the operator.
func (r *Room) StuckSteps(ctx context.Context) (int64, error) { return r.store.stuckSteps(ctx) }

// Remains counts, by the counters and not by what erased or verified, what is left of what a calendar ends: of everybody, and by class. What a law holds is left
// out.
func (r *Room) Remains(ctx context.Context, cal *exit.SunsetCalendar, held []string) ([]Amount, error) {
	left := []Amount{}
	for _, h := range r.Engine.Holders {
		counter, ok := h.(exit.Counter)
		if !ok {
			continue
		}
		for _, c := range h.Classes() {
			fact := exit.ClassFact{Holder: h.Name(), Class: c}
			if slices.Contains(held, fact.ID()) || !inService(c, serviceOf(cal.Ends)) {
				continue
			}
			a := Amount{Class: fact.ID()}
			for after := ""; ; {
				s, ok, err := r.whose(ctx, fact, cal.Ends, after)
				if err != nil {
					return nil, err
				}
				if !ok {
					break
				}
				n, err := remaining(ctx, counter, s, c)
				if err != nil {
					return nil, fmt.Errorf("count %s: %w", fact.ID(), err)
				}
				after, a.Items, a.Bytes = s.String(), a.Items+n.Items, a.Bytes+n.Bytes
			}
			if a.Items > 0 {
				left = append(left, a)
			}
		}
	}
	return left, nil
}

// remaining counts a class of one account. Files lie together, whatever part they are of: of a part it counts those that were given up.
func remaining(ctx context.Context, counter exit.Counter, s exit.Subject, c exit.Class) (exit.Count, error) {
	h, ok := counter.(exit.Holder)
	if s.In == "" || !c.Outside || !ok {
		return counter.Count(ctx, s, c.Name)
	}
	left, err := h.Verify(ctx, exit.Task{Subject: s, Class: c.Name})
	return exit.Count{Items: left.Left}, err
}
