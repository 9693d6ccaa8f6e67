package post

import (
	"context"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// What is done with posts and topics by who answers for their place, as a log names it.
const (
	DeedAccept      = "accept" // a submission stands before others
	DeedRefuse      = "refuse" // a submission is a draft again
	DeedPin         = "pin"
	DeedUnpin       = "unpin"
	DeedFeature     = "feature"
	DeedUnfeature   = "unfeature"
	DeedClose       = "topic_closed"
	DeedReopen      = "topic_opened"
	DeedAddTopic    = "topic_added"
	DeedRenameTopic = "topic_renamed"
)

// Deed is something that who answers for a place did with a post or a topic there.
type Deed struct {
	What    string
	Ref     who.Ref
	Author  who.ID // whose the post is; 0 of a topic
	Service string
	Place   who.ID
	Words   string // what its author reads
	Detail  string // what taking it back needs
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
func (r *Room) Revert(ctx context.Context, pass service.Pass, d Deed) error {
	what, ref := d.What, d.Ref
	switch what {
	case DeedClose, DeedReopen, DeedAddTopic, DeedRenameTopic:
		return r.revertTopic(ctx, pass, d)
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

// revertTopic takes a deed on a topic back. A topic that was added goes; the posts that name it stay, with its name as plain text.
func (r *Room) revertTopic(ctx context.Context, pass service.Pass, d Deed) error {
	t, err := r.store.topic(ctx, d.Ref.ID)
	if err != nil {
		return err
	}
	switch d.What {
	case DeedAddTopic:
		if err := r.store.dropTopic(ctx, pass, t.ID); err != nil || r.Search == nil {
			return err
		}
		return r.Search.Drop(ctx, pass, t.Ref())
	case DeedRenameTopic:
		old, now, _ := strings.Cut(d.Detail, renamed)
		if t.Name != now {
			return exit.Fail(exit.Conflict, "post.error.other_now")
		}
		t.Name = old
		return r.renameTopic(ctx, pass, t)
	}
	return r.store.closeTopic(ctx, pass, t.ID, d.What != DeedClose)
}

// renamed stands between the name that a topic had and the one that it was given; no name has it.
const renamed = " → "
