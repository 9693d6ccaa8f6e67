package moderate

import (
	"context"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// What a moderator does. The names stand in the log.
const (
	Dismiss     = "dismiss" // the reports are looked at; nothing is done
	Remove      = "remove"  // a thing is taken out of sight
	Mute        = "mute"    // an account may not write in a place
	Kick        = "kick"    // a member is taken out
	Ban         = "ban"     // and may not come back
	Limit       = "limit"   // an account may not write anywhere; the operator's
	Suspend     = "suspend" // nor is it seen by others
	Undo        = "undo"    // an act was taken back
	Uphold      = "uphold"  // an appeal was refused
	WordAdded   = "word_added"
	WordGone    = "word_gone"
	LookAdded   = "look_added"
	LookGone    = "look_gone"
	LimitsTaken = "limits" // for new members
	// What other rooms tell of: see [Room.Note].
	AcceptPost  = post.DeedAccept
	RefusePost  = post.DeedRefuse
	Pin         = post.DeedPin
	Unpin       = post.DeedUnpin
	Feature     = post.DeedFeature
	Unfeature   = post.DeedUnfeature
	Close       = post.DeedClose  // a topic takes no further posts
	Reopen      = post.DeedReopen // or takes them again
	Admit       = "admit"         // who asked is a member
	TurnAway    = "turn_away"     // who asked is none
	Revoke      = "revoke"        // invitation links work no longer
	AddTopic    = post.DeedAddTopic
	RenameTopic = post.DeedRenameTopic
	NoticeUp    = "notice_up"   // a notice is put on the board
	NoticeDown  = "notice_down" // or taken off it
	Invite      = "invite"      // an invitation link is made
	// A member has another role than before; Detail is the rank of that one.
	MadeMember    = "made_member"
	MadeModerator = "made_moderator"
	MadeCoOwner   = "made_co_owner"
	Taken         = "taken" // the operator took the whole of a circle along
	Ended         = "ended" // its owner ended a circle
)

// final are the acts that are answers to others and are not taken back themselves; personal those that are laid on somebody, who reads and may appeal
// against them; deeds those of the room of posts, which takes them back; appointed those that give somebody a role, with its rank.
var (
	final     = map[string]bool{Undo: true, Uphold: true, Taken: true, Ended: true}
	personal  = map[string]bool{Remove: true, Mute: true, Kick: true, Ban: true, Limit: true, Suspend: true, RefusePost: true, TurnAway: true}
	deeds     = map[string]bool{AcceptPost: true, RefusePost: true, Pin: true, Unpin: true, Feature: true, Unfeature: true, Close: true, Reopen: true, AddTopic: true, RenameTopic: true}
	appointed = map[string]int{MadeMember: 0, MadeModerator: 1, MadeCoOwner: 2}
)

// The states of an act.
const (
	acting = "active"
	undone = "undone"
)

// Act is something that was done. About and By are 0 once their accounts are gone.
type Act struct {
	ID     who.ID
	Kind   string
	Ref    who.Ref // what it was done to; ID 0 once it is gone with its author
	Place  Place
	About  who.ID
	By     who.ID
	Rule   string // a reason of the closed list
	Words  string // what its author reads
	Detail string // what undoing it needs
	Until  time.Time
	Of     who.ID // the act that was undone
	Case   who.ID
	State  string
	At     time.Time // UTC
}

// Decision is what is done about a case.
type Decision struct {
	Remove bool // take the thing out
	Images bool // and let no image like its own through any more
	Also   string
	Rule   string
	Words  string
	Days   int // of what is laid on its author besides; 0: for good
}

// check refuses what cannot be meant.
func (d *Decision) check() (err error) {
	if d.Words, err = cleanWords(d.Words); err != nil {
		return err
	}
	if (d.Remove || d.Also != "") && !knownReason(d.Rule) {
		return exit.Fail(exit.Invalid, "moderate.error.rule")
	}
	if d.Days < 0 || d.Days > 3650 {
		return exit.Fail(exit.Invalid, "moderate.error.days")
	}
	return nil
}

// Decide closes a case: the thing is taken out or stays, and something may be laid on its author. NotFound for who does not
// answer for it, Invalid for whom it is about, Conflict if it was decided meanwhile.
func (r *Room) Decide(ctx context.Context, v who.Viewer, id who.ID, d Decision) error {
	if err := d.check(); err != nil {
		return err
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		c, err := r.store.oneCase(ctx, id, true)
		if err != nil {
			return err
		}
		if err := r.may(ctx, v, c.Place); err != nil {
			return err
		}
		if c.About == v.Account {
			return exit.Fail(exit.Invalid, "moderate.error.self")
		}
		if !c.Open {
			return exit.Fail(exit.Conflict, "moderate.error.decided")
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: c.Place.Service, Place: c.Place.ID, Keeps: true})
		if err != nil {
			return err
		}
		if err := r.store.closeCase(ctx, pass, id); err != nil {
			return err
		}
		act := Act{Ref: c.Ref, Place: c.Place, About: c.About, By: v.Account, Rule: d.Rule, Words: d.Words, Case: id}
		if !d.Remove && d.Also == "" {
			act.Kind = Dismiss
			return r.act(ctx, pass, &act)
		}
		return r.carryOut(ctx, pass, v, act, d)
	})
}

func (r *Room) carryOut(ctx context.Context, pass service.Pass, v who.Viewer, act Act, d Decision) error {
	if d.Remove {
		if d.Images {
			if err := r.blockLooks(ctx, pass, act); err != nil {
				return err
			}
		}
		removal := act
		if err := r.remove(ctx, pass, &removal); err != nil {
			return err
		}
	}
	if d.Also == "" || act.About == 0 {
		return nil
	}
	act.Kind, act.Case = d.Also, 0
	if !d.Remove {
		act.Case = 0
	}
	act.Ref = who.Ref{Kind: kindAccount, ID: act.About}
	return r.sanction(ctx, pass, v, act, d.Days)
}

// remove takes a thing out of sight and tells its author.
func (r *Room) remove(ctx context.Context, pass service.Pass, a *Act) error {
	a.Kind = Remove
	if err := r.withhold(ctx, pass, a.Ref, true); err != nil {
		return err
	}
	if err := r.act(ctx, pass, a); err != nil {
		return err
	}
	return r.notice(ctx, pass, notify.Notice{To: a.About, Kind: notify.Removed, On: actRef(a.ID), Service: a.Place.Service, Place: a.Place.ID})
}

// TakeOut is a decision about a post or a comment that needs no report. Reports of it wait no longer, unless that is taken back. NotFound for who does not
// see it or answer for it, Invalid without a rule and for one's own, Forbidden for those who stand as high there, Conflict for what is out of sight.
func (r *Room) TakeOut(ctx context.Context, v who.Viewer, ref who.Ref, rule, words string) error {
	d := Decision{Remove: true, Rule: rule, Words: words}
	if err := d.check(); err != nil {
		return err
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		t, err := r.inSight(ctx, v, ref)
		if err != nil {
			return err
		}
		a := Act{Ref: ref, Place: placeOf(t), About: t.Owner, By: v.Account, Rule: d.Rule, Words: d.Words}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: a.Place.Service, Place: a.Place.ID, Keeps: true})
		if err != nil {
			return err
		}
		if a.Case, err = r.store.closeCaseOf(ctx, pass, ref); err != nil {
			return err
		}
		if a.Case != 0 {
			a.Detail = undecided
		}
		return r.remove(ctx, pass, &a)
	})
}

// What a removal is that no decision about a case was.
const (
	undecided = "undecided" // nobody has decided its case, which waits again with it
	byHost    = "host"      // whose thing a reported comment stood on took it away; its case goes on waiting
)

// keepReported takes a comment out of sight that waits to be decided about: see [talk.Room.Reported].
func (r *Room) keepReported(ctx context.Context, pass service.Pass, v who.Viewer, c talk.Comment) (kept bool, err error) {
	p, waits, err := r.store.waits(ctx, c.Ref())
	if err != nil || !waits {
		return false, err
	}
	return true, r.remove(ctx, pass, &Act{Ref: c.Ref(), Place: p, About: c.Author, By: v.Account, Detail: byHost})
}

// Why gives the rule by which a thing is out of sight, in the reader's words; "" if none was named, or it is not.
func (r *Room) Why(ctx context.Context, ref who.Ref) (string, error) {
	a, err := r.store.removalOf(ctx, ref)
	if exit.KindOf(err) == exit.NotFound || err == nil && a.State != acting {
		return "", nil
	}
	return ruleWord(ctx, a.Rule), err
}

func actRef(id who.ID) who.Ref { return who.Ref{Kind: "act", ID: id} }

// withhold has the room of a thing take it out or put it back. Invalid for kinds that cannot be.
func (r *Room) withhold(ctx context.Context, pass service.Pass, ref who.Ref, on bool) error {
	k, ok := r.Registry.Kind(ref.Kind)
	if !ok || k.Withhold == nil {
		return exit.Fail(exit.Invalid, "moderate.error.stays")
	}
	return k.Withhold(ctx, pass, []who.ID{ref.ID}, on)
}

// removable reports whether things of a kind can be taken out.
func (r *Room) removable(kind string) bool {
	k, ok := r.Registry.Kind(kind)
	return ok && k.Withhold != nil
}

// act stores an act and gives it its id.
func (r *Room) act(ctx context.Context, pass service.Pass, a *Act) error {
	a.ID, a.State, a.At = r.DB.IDs.Next(), acting, pass.At
	return r.store.addAct(ctx, pass, *a)
}

// Undo takes an act back; whoever answers for the place may, for 30 days, but not below whoever did it (Forbidden). Conflict for what was taken back or is too long ago,
// Unavailable for what its author's leaving has taken.
func (r *Room) Undo(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		a, err := r.store.oneAct(ctx, id, true)
		if err != nil {
			return err
		}
		if err := r.mayUndo(ctx, v, a); err != nil {
			return err
		}
		if a.About == v.Account {
			return exit.Fail(exit.Invalid, "moderate.error.self")
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: a.Place.Service, Place: a.Place.ID, Removal: true})
		if err != nil {
			return err
		}
		if !undoable(a, pass.At) {
			if lost(a) {
				return exit.Fail(exit.Unavailable, "moderate.error.gone")
			}
			return exit.Fail(exit.Conflict, "moderate.error.late")
		}
		if err := r.undo(ctx, pass, a, v.Account); err != nil {
			return err
		}
		return r.claimFollows(ctx, pass, a, v.Account, "")
	})
}

// undo takes an act back and puts that into the log.
func (r *Room) undo(ctx context.Context, pass service.Pass, a Act, by who.ID) error {
	if err := r.reverse(ctx, pass, a); err != nil {
		return err
	}
	if err := r.store.setActState(ctx, pass, a.ID, undone); err != nil {
		return err
	}
	if err := r.act(ctx, pass, &Act{Kind: Undo, Ref: a.Ref, Place: a.Place, About: a.About, By: by, Of: a.ID}); err != nil {
		return err
	}
	if !personal[a.Kind] {
		return nil
	}
	if out, err := r.store.out(ctx, a); err != nil || out {
		return err
	}
	return r.notice(ctx, pass, notify.Notice{To: a.About, Kind: notify.Restored, On: actRef(a.ID), Service: a.Place.Service, Place: a.Place.ID})
}

// reverse does the opposite of an act.
func (r *Room) reverse(ctx context.Context, pass service.Pass, a Act) error {
	switch a.Kind {
	case Dismiss:
		return r.store.reopenCase(ctx, pass, a.Case)
	case Remove:
		if a.Detail == undecided {
			if err := r.store.reopenCase(ctx, pass, a.Case); err != nil {
				return err
			}
		}
		if out, err := r.store.out(ctx, a); err != nil || out {
			return err
		}
		return r.withhold(ctx, pass, a.Ref, false)
	case Mute, Limit, Suspend:
		return r.lift(ctx, pass, a)
	case Ban:
		if err := r.lift(ctx, pass, a); err != nil {
			return err
		}
		return r.readmit(ctx, pass, a)
	case Kick:
		return r.readmit(ctx, pass, a)
	case Admit, TurnAway, Invite, Revoke, NoticeUp, NoticeDown, MadeMember, MadeModerator, MadeCoOwner:
		if r.Places == nil {
			return errNone()
		}
		return r.Places.Revert(ctx, pass, a)
	}
	if deeds[a.Kind] {
		return r.revert(ctx, pass, a)
	}
	return r.reverseRule(ctx, pass, a)
}

// revert has the room of posts take a deed back.
func (r *Room) revert(ctx context.Context, pass service.Pass, a Act) error {
	switch err := r.Posts.Revert(ctx, pass, post.Deed{What: a.Kind, Ref: a.Ref, Service: a.Place.Service, Place: a.Place.ID, Detail: a.Detail}); exit.KindOf(err) {
	case exit.NotFound:
		return exit.Fail(exit.Unavailable, "moderate.error.gone")
	default:
		return err
	}
}

// Note puts into the log what another room did for who answers for a place, inside the transaction that gave the pass. What it is about is no longer told
// of somebody who did it to themselves.
func (r *Room) Note(ctx context.Context, pass service.Pass, a Act) error {
	if a.About == a.By {
		a.About = 0
	}
	return r.act(ctx, pass, &a)
}

// noted is what the room of posts tells of: see [post.Room.Noted].
func (r *Room) noted(ctx context.Context, pass service.Pass, v who.Viewer, d post.Deed) error {
	return r.Note(ctx, pass, Act{Kind: d.What, Ref: d.Ref, Place: Place{d.Service, d.Place}, About: d.Author, By: v.Account, Words: d.Words, Detail: d.Detail})
}

// Log gives a page of what was done in a place, the last act first, from below the act before (0: from the top). The operator's own
// place has that of all. NotFound for who does not answer for it.
func (r *Room) Log(ctx context.Context, v who.Viewer, p Place, before who.ID, limit int) ([]Act, error) {
	if err := r.may(ctx, v, p); err != nil {
		return nil, err
	}
	return r.store.acts(ctx, p, before, limit)
}

// Earlier gives the last acts about an account, at most limit: in a circle those of that circle, for the operator all.
func (r *Room) Earlier(ctx context.Context, v who.Viewer, p Place, about who.ID, limit int) ([]Act, error) {
	if err := r.may(ctx, v, p); err != nil || about == 0 {
		return nil, err
	}
	return r.store.actsAbout(ctx, p, about, 0, limit)
}

// One gives an act with the appeal against it, if there is one; for who answers for its place, and, without who acted, for
// whom it is about. NotFound for others.
func (r *Room) One(ctx context.Context, v who.Viewer, id who.ID) (Act, *Appeal, error) {
	a, err := r.store.oneAct(ctx, id, false)
	if err != nil {
		return a, nil, err
	}
	if a.About == v.Account && !v.Guest() {
		a.By = 0
	} else if err := r.may(ctx, v, a.Place); err != nil {
		return a, nil, err
	}
	list, err := r.store.appealsOf(ctx, []who.ID{id})
	if i := slices.IndexFunc(list, func(x Appeal) bool { return x.Act == id }); i >= 0 {
		return a, &list[i], err
	}
	return a, nil, err
}
