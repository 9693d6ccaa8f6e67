package post

import (
	"context"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// What is done with posts and topics by who answers for their place, as a log names it.
const (
	DeedAccept    = "accept" // a submission stands before others
	DeedRefuse    = "refuse" // a submission is a draft again
	DeedPin       = "pin"
	DeedUnpin     = "unpin"
	DeedFeature   = "feature"
	DeedUnfeature = "unfeature"
	DeedClose     = "topic_closed"
	DeedReopen    = "topic_opened"
)

// Deed is something that who answers for a place did with a post or a topic there.
type Deed struct {
	What    string
	Ref     who.Ref
	Author  who.ID // whose the post is; 0 of a topic
	Service string
	Place   who.ID
	Words   string // what its author reads
}

func (r *Room) noted(ctx context.Context, pass service.Pass, v who.Viewer, d Deed) error {
	if r.Noted == nil {
		return nil
	}
	return r.Noted(ctx, pass, v, d)
}

func deedOn(what string, p Post) Deed {
	return Deed{What: what, Ref: p.Ref(), Author: p.Author, Service: p.Service, Place: p.Place}
}

func deedOnTopic(what string, t Topic) Deed {
	return Deed{What: what, Ref: t.Ref(), Service: t.Service, Place: t.Place}
}

// either gives the first of two deeds for true.
func either(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// Revert takes a deed back, inside the transaction that gave the pass; who may was asked by whoever keeps the log. NotFound for what is
// gone, Conflict for what has become something else meanwhile.
func (r *Room) Revert(ctx context.Context, pass service.Pass, what string, ref who.Ref) error {
	switch what {
	case DeedClose, DeedReopen:
		if _, err := r.store.topic(ctx, ref.ID); err != nil {
			return err
		}
		return r.store.closeTopic(ctx, pass, ref.ID, what != DeedClose)
	}
	p, err := r.store.one(ctx, 0, ref.ID)
	if err != nil {
		return err
	}
	state := Live
	if what == DeedRefuse {
		state = Drafted
	}
	if p.State != state || what == DeedRefuse && p.Refusal == "" {
		return exit.Fail(exit.Conflict, "post.error.other_now")
	}
	switch what {
	case DeedAccept:
		if err := r.vanish(ctx, pass, []Post{p}); err != nil {
			return err
		}
		return r.store.turn(ctx, pass, []who.ID{p.ID}, Live, Submitted)
	case DeedRefuse:
		return r.store.unrefuse(ctx, pass, p.ID)
	case DeedPin, DeedUnpin:
		return r.store.pin(ctx, pass, p, what == DeedUnpin)
	case DeedFeature, DeedUnfeature:
		return r.store.feature(ctx, pass, p.ID, what == DeedUnfeature)
	}
	return exit.Fail(exit.Internal, "error.internal")
}
