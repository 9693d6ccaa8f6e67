package circle

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Offer is a circle that its owner offers to somebody to take over.
type Offer struct {
	ID     who.ID
	Circle who.ID
	Name   string // of the circle
	From   Person // its owner
	To     Person // the heir
	Since  time.Time
}

// OfferTo offers a circle to the account of a name. The heir's yes makes it the owner; until then
// nothing changes. A circle has one offer at a time.
func (r *Room) OfferTo(ctx context.Context, v who.Viewer, id who.ID, name string) error {
	heir, err := r.Relations.Named(ctx, v, name)
	if err != nil && exit.KindOf(err) == exit.NotFound {
		return errHeir()
	}
	if err != nil {
		return err
	}
	if err := r.mayInherit(ctx, v.Account, heir.ID); err != nil {
		return err
	}
	return r.handing(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle) error {
		if c.State == Ended {
			return errEnded()
		}
		if err := r.store.withdraw(ctx, pass, id, v.Account); err != nil {
			return err
		}
		if err := r.store.offer(ctx, []who.ID{id}, v.Account, heir.ID, "", pass.At); err != nil {
			return err
		}
		return r.tell(ctx, pass, notify.Notice{To: heir.ID, Kind: notify.CircleOffer, By: v.Account, On: c.Ref()})
	}, heir.ID)
}

// handing runs a change by which an owner hands a circle on, or does not after all. Like closing, which may wait for it, it works in every phase of a sunset
// until the stop.
func (r *Room) handing(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Circle) error, onto ...who.ID) error {
	return r.keeping(ctx, v, id, onto, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !owns(m) {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		return fn(ctx, pass, c)
	})
}

// mayInherit refuses an heir that cannot take anything over.
func (r *Room) mayInherit(ctx context.Context, owner, heir who.ID) error {
	if heir == owner {
		return errHeir()
	}
	open, err := r.store.reachable(ctx, heir)
	if err == nil && !open {
		err = errHeir()
	}
	return err
}

func errHeir() error { return exit.Fail(exit.Invalid, "circle.error.heir") }

// Withdraw takes the viewer's offer of a circle back.
func (r *Room) Withdraw(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.handing(ctx, v, id, func(ctx context.Context, pass service.Pass, _ Circle) error {
		return r.store.withdraw(ctx, pass, id, v.Account)
	})
}

// OfferOf gives the offer that is open for a circle; ok is false if there is none. Only its owner
// may ask.
func (r *Room) OfferOf(ctx context.Context, v who.Viewer, id who.ID) (o Offer, ok bool, err error) {
	return r.store.offerOf(ctx, id, v.Account)
}

// Offers gives a page of what is offered to the viewer, the newest first.
func (r *Room) Offers(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Offer, error) {
	return r.store.offers(ctx, v.Account, before, limit)
}

// Take accepts an offer: the viewer owns the circle from now on, who owned it is a member. Conflict without room for its pictures. It works while the
// owner is leaving, which freezes the owner's account and not what it agreed to hand on, and in every phase of a sunset until the stop.
func (r *Room) Take(ctx context.Context, v who.Viewer, offer who.ID) (circle who.ID, err error) {
	id, owner, err := r.store.offered(ctx, offer, v.Account)
	if err != nil {
		return 0, err
	}
	c, _, err := r.store.circle(ctx, id, v.Account)
	if err != nil {
		return 0, err
	}
	put, err := r.copyPictures(ctx, c, v.Account)
	if err != nil {
		return 0, err
	}
	return id, r.DB.Update(ctx, func(ctx context.Context) error {
		_, now, err := r.store.offered(ctx, offer, v.Account)
		if err != nil {
			return err
		}
		if now != owner {
			return errOffer()
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Place: id, Keeps: true})
		if err != nil {
			return err
		}
		if _, err := r.Desk.EnterExit(ctx, owner); err != nil {
			return err
		}
		if err := r.store.lock(ctx, id); err != nil {
			return err
		}
		if err := r.welcome(ctx, id, v.Account); err != nil {
			return err
		}
		owned, _, err := r.store.totals(ctx, v.Account)
		if err != nil {
			return err
		}
		if owned >= mostOwned {
			return exit.Fail(exit.Conflict, "circle.error.most", "Count", mostOwned)
		}
		if err := r.store.handOver(ctx, pass, id, owner, v.Account); err != nil {
			return err
		}
		if err := r.keepCopies(ctx, pass, id, put); err != nil {
			return err
		}
		if r.Handed != nil {
			if err := r.Handed(ctx, v.Account); err != nil {
				return err
			}
		}
		return r.indexed(ctx, pass, id)
	})
}

// Decline refuses an offer.
func (r *Room) Decline(ctx context.Context, v who.Viewer, offer who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		return r.store.decline(ctx, pass, offer, v.Account)
	})
}
