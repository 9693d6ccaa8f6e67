package moderate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Sanction is what holds against an account.
type Sanction struct {
	ID      who.ID
	Account who.ID
	What    string // Mute, Ban, Limit, Suspend
	Place   Place
	Act     who.ID
	Rule    string
	Until   time.Time // UTC; zero: for good
	Since   time.Time // UTC
}

// Order is what is to be laid on an account.
type Order struct {
	What  string // Mute, Kick or Ban in a circle; Limit or Suspend everywhere
	Rule  string
	Words string
	Days  int // 0: for good
}

// Lay lays something on an account in a place. NotFound for an account that is not there, Forbidden for those who stand as high, Invalid for what makes no sense there.
func (r *Room) Lay(ctx context.Context, v who.Viewer, p Place, account who.ID, o Order) error {
	d := Decision{Also: o.What, Rule: o.Rule, Words: o.Words, Days: o.Days}
	if err := d.check(); err != nil {
		return err
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		if err := r.may(ctx, v, p); err != nil {
			return err
		}
		if err := r.concerns(ctx, v, p, account); err != nil {
			return err
		}
		if known, err := r.peopleOf(ctx, []who.ID{account}); err != nil || known[account].id == 0 {
			return errors.Join(err, errNone())
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.ID, Keeps: true})
		if err != nil {
			return err
		}
		return r.sanction(ctx, pass, v, Act{
			Kind: o.What, Ref: who.Ref{Kind: kindAccount, ID: account}, Place: p, About: account, By: v.Account, Rule: d.Rule, Words: d.Words,
		}, d.Days)
	})
}

// fits says whether something can be laid on an account in a place.
func fits(what string, p Place) bool {
	if p.ID == 0 {
		return what == Limit || what == Suspend
	}
	return what == Mute || what == Kick || what == Ban
}

// sanction lays what an act says on an account, and tells it.
func (r *Room) sanction(ctx context.Context, pass service.Pass, v who.Viewer, a Act, days int) error {
	if !fits(a.Kind, a.Place) {
		return exit.Fail(exit.Invalid, "moderate.error.unfit")
	}
	if err := r.mayLay(ctx, v, a); err != nil {
		return err
	}
	if days > 0 && a.Kind != Kick {
		a.Until = pass.At.AddDate(0, 0, days)
	}
	if a.Kind == Kick || a.Kind == Ban {
		if err := r.expel(ctx, pass, &a); err != nil {
			return err
		}
	}
	if err := r.act(ctx, pass, &a); err != nil {
		return err
	}
	if a.Kind != Kick {
		if err := r.impose(ctx, pass, a); err != nil {
			return err
		}
	}
	return r.notice(ctx, pass, notify.Notice{To: a.About, Kind: notify.Sanctioned, On: actRef(a.ID), Service: a.Place.Service, Place: a.Place.ID})
}

// expel takes a member out and notes since when they were one.
func (r *Room) expel(ctx context.Context, pass service.Pass, a *Act) error {
	if r.Places == nil {
		return nil
	}
	m, ok, err := r.Places.Member(ctx, a.Place, a.About)
	if err != nil {
		return err
	}
	if ok || m.Asked && a.Kind == Ban {
		a.Detail = strconv.FormatInt(db.Ms(m.Since), 10) + " " + strconv.Itoa(m.Rank)
		if !ok {
			a.Detail = strconv.FormatInt(db.Ms(m.Since), 10) + " " + asked
		}
	} else if a.Kind == Kick {
		return exit.Fail(exit.Conflict, "moderate.error.no_member")
	}
	return r.Places.Expel(ctx, pass, a.Place, a.About)
}

// asked stands in the place of the rank of who had only asked to become a member.
const asked = "asked"

// readmit makes who was taken out a member again, or has them ask again.
func (r *Room) readmit(ctx context.Context, pass service.Pass, a Act) error {
	if r.Places == nil || a.Detail == "" {
		return nil
	}
	since, rank, ranked := strings.Cut(a.Detail, " ")
	ms, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return fmt.Errorf("read since when somebody was a member: %w", err)
	}
	m := Member{Since: db.Time(ms), Asked: rank == asked}
	if ranked && !m.Asked {
		if m.Rank, err = strconv.Atoi(rank); err != nil {
			return fmt.Errorf("read what somebody was: %w", err)
		}
	}
	return r.Places.Readmit(ctx, pass, a.Place, a.About, m)
}

// restraints gives what the fence and the veil are told of a sanction.
func restraints(what string) []string {
	switch what {
	case Mute, Limit:
		return []string{"mute"}
	case Suspend:
		return []string{"mute", "veil"}
	}
	return nil
}

func reasonOf(act who.ID) string { return "act:" + act.String() }

// impose stores a sanction, in the place of an earlier one of the same kind, and has the fence know it.
func (r *Room) impose(ctx context.Context, pass service.Pass, a Act) error {
	old, err := r.store.sanctionOf(ctx, a.About, a.Kind, a.Place)
	if err != nil {
		return err
	}
	for _, what := range restraints(a.Kind) {
		if old.Act != 0 {
			if err := r.Desk.Restrain(ctx, pass, a.About, a.Place.Service, a.Place.ID, what, reasonOf(old.Act), false); err != nil {
				return err
			}
		}
		if err := r.Desk.Restrain(ctx, pass, a.About, a.Place.Service, a.Place.ID, what, reasonOf(a.ID), true); err != nil {
			return err
		}
	}
	return r.store.addSanction(ctx, pass, Sanction{ID: r.DB.IDs.Next(), Account: a.About, What: a.Kind, Place: a.Place, Act: a.ID, Rule: a.Rule, Until: a.Until, Since: pass.At})
}

// lift takes a sanction away before its end. One that ended, or that another took the place of, is gone already.
func (r *Room) lift(ctx context.Context, pass service.Pass, a Act) error {
	for _, what := range restraints(a.Kind) {
		if err := r.Desk.Restrain(ctx, pass, a.About, a.Place.Service, a.Place.ID, what, reasonOf(a.ID), false); err != nil {
			return err
		}
	}
	return r.store.removeSanction(ctx, pass, a.About, a.ID)
}

// Banned reports whether an account may not come into a place: neither join nor ask nor be invited.
func (r *Room) Banned(ctx context.Context, serviceName string, place, account who.ID) (yes bool, err error) {
	s, err := r.store.sanctionOf(ctx, account, Ban, Place{serviceName, place})
	return s.Act != 0, err
}

// Sanctions gives what holds against the accounts of a place, the last first, from below the row before. In the operator's own place that is what holds
// everywhere.
func (r *Room) Sanctions(ctx context.Context, v who.Viewer, p Place, before who.ID, limit int) ([]Sanction, error) {
	if err := r.may(ctx, v, p); err != nil {
		return nil, err
	}
	return r.store.sanctions(ctx, p, before, limit)
}

// Standing gives what holds against the viewer's own account, at most 100, and a page of what was done about it or its things, the
// last first, from below the act before.
func (r *Room) Standing(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Sanction, []Act, map[who.ID]Appeal, error) {
	own, err := r.store.sanctionsOf(ctx, v.Account, 100)
	if err != nil {
		return nil, nil, nil, err
	}
	acts, err := r.store.actsAbout(ctx, Everywhere, v.Account, before, limit)
	if err != nil {
		return nil, nil, nil, err
	}
	ids := make([]who.ID, len(acts))
	for i := range acts {
		acts[i].By = 0
		ids[i] = acts[i].ID
	}
	list, err := r.store.appealsOf(ctx, ids)
	appeals := make(map[who.ID]Appeal, len(list))
	for _, x := range list {
		appeals[x.Act] = x
	}
	return own, acts, appeals, err
}

// Sweep ends up to limit sanctions whose date has come, by the promise clock, and removes cases that were decided 30 days ago with
// their reports, and copyright complaints and claimants' addresses that have had their time. It says how many there were of the more numerous.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		if n, err = r.store.endSanctions(ctx, now, limit); err != nil {
			return err
		}
		m, err := r.store.sweepCases(ctx, now.Add(-Reversible), limit)
		if err != nil {
			return err
		}
		k, err := r.sweepClaims(ctx, now, limit)
		n = max(n, m, k)
		return err
	})
	return n, err
}
