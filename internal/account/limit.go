package account

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
)

// The rate limits. Sign-ins with a right proof do not count.
const (
	signInsPerName    = 10
	signInsPerAddress = 60
	signInWindow      = 15 * time.Minute
	signUpWindow      = time.Hour
	bindsPerHour      = 5 // of an account, and of a number
	bindWindow        = time.Hour
)

// limit says how many attempts of one key there may be within a window.
type limit struct {
	key    string
	most   int
	window time.Duration
}

// take counts one attempt for each of the limits, in a transaction of its own, or is TooMany and
// counts none: who keeps knocking is not kept out for longer.
func (r *Room) take(ctx context.Context, limits ...limit) error {
	return r.db.Update(ctx, func(ctx context.Context) error {
		now := r.machine()
		for _, l := range limits {
			n, oldest, err := r.store.attempt(ctx, l.key, now, l.window)
			if err != nil {
				return err
			}
			if n > int64(l.most) {
				wait := oldest.Add(l.window).Sub(now)
				return exit.Fail(exit.TooMany, "account.error.too_many", "Count", max(1, int((wait+time.Minute-1)/time.Minute)))
			}
		}
		return nil
	})
}

// nameLimit gives the key of the attempts for a name.
func (r *Room) nameLimit(name string) string {
	clean, err := CleanName(name)
	if err != nil {
		clean = "" // all that cannot be names share one count
	}
	return r.keyed("limit", "name "+NameKey(clean))
}

// addressLimit gives the key of the attempts from an address's network.
func (r *Room) addressLimit(what, address string) string {
	return r.keyed("limit", what+" "+service.Network(address))
}

// TakeSignUp counts a sign-up from an address; TooMany once there were ten (or what the
// configuration says) within an hour.
func (r *Room) TakeSignUp(ctx context.Context, address string) error {
	return r.take(ctx, limit{r.addressLimit("sign-up", address), r.SignUpsPerHour, signUpWindow})
}

// Attempt counts an attempt of something that other rooms bound: TooMany once there were most of it within a window of
// machine time, a day at most. What it is about is kept as a keyed hash.
func (r *Room) Attempt(ctx context.Context, what string, most int, window time.Duration) error {
	return r.take(ctx, limit{r.keyed("limit", what), most, window})
}

// Sweep removes up to limit rows of each kind that have had their time: attempts older than a
// day, expired links, invitations and sessions, held names past their date. It gives how many
// went; the server calls it now and then until none is left.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.db.Update(ctx, func(ctx context.Context) error {
		n = 0
		machine := r.machine()
		now, err := r.db.Now(ctx)
		if err != nil {
			return err
		}
		for _, sweep := range []func() (int64, error){
			func() (int64, error) { return r.store.sweepAttempts(ctx, machine.Add(-24*time.Hour), limit) },
			func() (int64, error) { return r.store.sweepLinks(ctx, machine, limit) },
			func() (int64, error) { return r.store.sweepInvites(ctx, machine, limit) },
			func() (int64, error) { return r.store.sweepSessions(ctx, machine.Add(-sessionLife), limit) },
			func() (int64, error) { return r.store.sweepNames(ctx, now, limit) },
			func() (int64, error) { return r.store.sweepSpent(ctx, machine, limit) },
			func() (int64, error) { return r.store.sweepSignUpLinks(ctx, machine, limit) },
			func() (int64, error) { return r.store.sweepProofs(ctx, now, limit) },
		} {
			k, err := sweep()
			if err != nil {
				return err
			}
			n += k
		}
		return nil
	})
	return n, err
}
