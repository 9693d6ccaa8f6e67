package post

import (
	"context"
	"strings"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// longestReason bounds the reason for which a submission is refused, in characters.
const longestReason = 500

// AcceptSubmission lets a submitted post be seen, as of now, and tells its author. NotFound for what the viewer may not decide.
func (r *Room) AcceptSubmission(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.decide(ctx, v, id, notify.SubmissionAccepted, false, func(ctx context.Context, pass service.Pass, p Post) error {
		if err := r.store.accept(ctx, pass, p); err != nil {
			return err
		}
		if err := r.noted(ctx, pass, v, deedOn(DeedAccept, p)); err != nil {
			return err
		}
		p.State, p.At = Live, pass.At
		return r.publish(ctx, pass, p)
	})
}

// RefuseSubmission gives a submitted post back to its author, as a draft with the reason, and tells the author. NotFound for
// what the viewer may not decide, Invalid without a reason.
func (r *Room) RefuseSubmission(ctx context.Context, v who.Viewer, id who.ID, reason string) error {
	reason = cleanText(reason)
	switch {
	case reason == "":
		return exit.Fail(exit.Invalid, "post.error.no_reason")
	case !utf8.ValidString(reason) || strings.ContainsRune(reason, 0) || utf8.RuneCountInString(reason) > longestReason:
		return exit.Fail(exit.Invalid, "post.error.long_reason", "Most", longestReason)
	}
	return r.decide(ctx, v, id, notify.SubmissionRefused, true, func(ctx context.Context, pass service.Pass, p Post) error {
		if err := r.store.refuse(ctx, pass, p.ID, reason); err != nil {
			return err
		}
		d := deedOn(DeedRefuse, p)
		d.Words = reason
		return r.noted(ctx, pass, v, d)
	})
}

// decide runs a decision on a submission and tells its author. One that keeps order goes on while the place is being ended.
func (r *Room) decide(ctx context.Context, v who.Viewer, id who.ID, kind notify.Kind, keeps bool, fn func(context.Context, service.Pass, Post) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.standing(ctx, v, id, decides)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{p.Author}, Service: p.Service, Place: p.Place, Keeps: keeps})
		if err != nil {
			return err
		}
		if err := fn(ctx, pass, p); err != nil || r.Notices == nil {
			return err
		}
		return r.Notices.Add(ctx, pass, notify.Notice{To: p.Author, Kind: kind, By: v.Account, On: p.Ref(), Service: p.Service, Place: p.Place})
	})
}

// submit tells who answers for the place that a post waits.
func (r *Room) submit(ctx context.Context, pass service.Pass, p Post) error {
	if r.Notices == nil || r.Staff == nil || p.Service == Page {
		return nil
	}
	staff, err := r.Staff(ctx, p.Service, p.Place)
	if err != nil {
		return err
	}
	list := make([]notify.Notice, len(staff))
	for i, account := range staff {
		list[i] = notify.Notice{To: account, Kind: notify.Submitted, By: p.Author, On: p.Ref(), Service: p.Service, Place: p.Place}
	}
	return r.Notices.Add(ctx, pass, list...)
}

// queueLink leads to the submissions of the place in which a post stands.
func queueLink(p Post) string {
	if p.Service == Page {
		return "/submissions/page"
	}
	return "/submissions/" + p.Service + "/" + p.Place.String()
}
