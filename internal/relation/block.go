package relation

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Block has neither of two accounts see or reach the other any more: follows end both ways. A repeat
// changes nothing. NotFound for an account that is not there or veiled, Invalid for oneself.
func (r *Room) Block(ctx context.Context, v who.Viewer, account who.ID) error {
	if v.Account == account {
		return exit.Fail(exit.Invalid, "relation.error.block_self")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		// A follow, a comment or a like that is under way between the two commits before the block or sees it.
		if err := r.Desk.Alone(ctx, v.Account); err != nil {
			return err
		}
		// Who may not write for now may still keep others away.
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{account}, Removal: true})
		if err != nil {
			return err
		}
		if _, err := r.store.person(ctx, 0, account); err != nil {
			return err
		}
		_, err = r.store.block(ctx, pass, v.Account, []since{{account, pass.At}})
		return err
	})
}

// Unblock takes a block of the viewer's own back. What it ended stays ended.
func (r *Room) Unblock(ctx context.Context, v who.Viewer, account who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		return r.store.unblock(ctx, pass, v.Account, account)
	})
}

// Blocked gives those of the accounts that have blocked the viewer or are blocked by the viewer, in one query.
func (r *Room) Blocked(ctx context.Context, v who.Viewer, accounts []who.ID) (map[who.ID]bool, error) {
	return r.store.blocked(ctx, v.Account, accounts)
}

// Blocks gives a page of whom the viewer has blocked, the last one first, from below the row before (0: from the top).
func (r *Room) Blocks(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Person, error) {
	return r.store.blocks(ctx, v.Account, before, limit)
}

// Term is for how long somebody or something is muted.
type Term string

// The terms. LessOf mutes nothing: of its source home shows only what others have liked or commented on.
const (
	Day     Term = "day"
	Week    Term = "week"
	Month   Term = "month" // 30 days
	ForGood Term = "good"
	LessOf  Term = "less"
)

var terms = []Term{Day, Week, Month, ForGood, LessOf}

// until gives when a term that begins now ends, by the promise clock; zero: never.
func (t Term) until(now time.Time) time.Time {
	switch t {
	case Day:
		return now.AddDate(0, 0, 1)
	case Week:
		return now.AddDate(0, 0, 7)
	case Month:
		return now.AddDate(0, 0, 30)
	default:
		return time.Time{}
	}
}

// The kinds of refs that can be muted.
const (
	kindAccount = "account"
	kindCircle  = "circle"
	kindTopic   = "topic"
)

// Mute keeps an account, a circle or a topic out of the viewer's home and notices for a term, or has less of it there; a
// later call takes the place of an earlier one. Nobody else learns of it. NotFound for what the viewer
// may not see, Invalid for oneself and for unknown words.
func (r *Room) Mute(ctx context.Context, v who.Viewer, ref who.Ref, term Term) error {
	if !known(term) || ref.Kind != kindAccount && ref.Kind != kindCircle && ref.Kind != kindTopic {
		return exit.Fail(exit.Invalid, "relation.error.term")
	}
	if ref == (who.Ref{Kind: kindAccount, ID: v.Account}) {
		return exit.Fail(exit.Invalid, "relation.error.mute_self")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		w := service.Write{By: v.Account, Removal: true}
		if ref.Kind == kindAccount {
			w.Onto = []who.ID{ref.ID}
		}
		pass, err := r.Desk.Enter(ctx, w)
		if err != nil {
			return err
		}
		if err := r.seesRef(ctx, v, ref); err != nil {
			return err
		}
		m := Mute{Ref: ref, Less: term == LessOf, Since: pass.At, Until: term.until(pass.At)}
		if ref.Kind == kindAccount {
			return r.store.mute(ctx, pass, v.Account, []Mute{m})
		}
		return r.store.quiet(ctx, pass, v.Account, []Mute{m})
	})
}

func known(term Term) bool {
	for _, t := range terms {
		if t == term {
			return true
		}
	}
	return false
}

// seesRef refuses, with NotFound, what the viewer may not see.
func (r *Room) seesRef(ctx context.Context, v who.Viewer, ref who.Ref) error {
	if ref.Kind == kindAccount {
		_, err := r.store.person(ctx, v.Account, ref.ID)
		return err
	}
	_, err := r.Registry.Thing(ctx, v, ref)
	return err
}

// Unmute takes a mute back. It is no error if there is none.
func (r *Room) Unmute(ctx context.Context, v who.Viewer, ref who.Ref) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		return r.store.unmute(ctx, pass, v.Account, ref)
	})
}

// Mute is an account, a circle or a topic that somebody has muted, or of which they want less.
type Mute struct {
	Row   who.ID
	Ref   who.Ref
	Less  bool
	Since time.Time // UTC
	Until time.Time // UTC; zero: for good
}

// MutedPerson is an account that somebody has muted.
type MutedPerson struct {
	Person
	Mute Mute
}

// Mutes gives a page of the accounts that the viewer has muted, the last one first, from below the row before (0: from the top).
func (r *Room) Mutes(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]MutedPerson, error) {
	return r.store.mutes(ctx, v.Account, before, limit)
}

// Quiets gives a page of the circles and topics that the viewer has muted, in the same way.
func (r *Room) Quiets(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Mute, error) {
	return r.store.quiets(ctx, v.Account, before, limit)
}

// Sweep removes up to limit mutes of each kind that have come to their end, by the promise clock, and says how many
// there were of the more numerous kind.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		n, err = r.store.sweep(ctx, now, limit)
		return err
	})
	return n, err
}
