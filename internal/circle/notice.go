package circle

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Notice is what owners and moderators tell a circle (公告).
type Notice struct {
	ID   who.ID
	By   Person // ID 0: somebody who has left
	Text string
	At   time.Time // UTC
	New  bool      // the viewer has not seen it yet
}

// NoticeBoard gives a page of a circle's notices, the newest first, from below the id before (0: from the top).
// Forbidden for who is no member.
func (r *Room) NoticeBoard(ctx context.Context, v who.Viewer, id, before who.ID, limit int) ([]Notice, error) {
	_, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return nil, err
	}
	if !mayRead(m) {
		return nil, exit.Fail(exit.Forbidden, "circle.error.members_only")
	}
	list, err := r.store.notices(ctx, meeting(v, m), id, before, limit)
	for i := range list {
		list[i].New = list[i].ID > m.Seen && list[i].By.ID != v.Account
	}
	return list, err
}

// Tell puts a notice up; owners and moderators may.
func (r *Room) Tell(ctx context.Context, v who.Viewer, id who.ID, text string) error {
	text = lines(text)
	if post.Blank(text) {
		return exit.Fail(exit.Invalid, "circle.error.notice_empty")
	}
	if !fits(text, mostNotice) {
		return exit.Fail(exit.Invalid, "circle.error.notice_long", "Count", mostNotice)
	}
	if post.Hides(text) {
		return exit.Fail(exit.Invalid, "circle.error.notice_hides")
	}
	return r.inside(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		switch {
		case !manages(m):
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		case c.State == Ended:
			return errEnded()
		}
		n, err := r.store.countNotices(ctx, id)
		if err != nil {
			return err
		}
		if n >= mostNotices {
			return exit.Fail(exit.TooMany, "circle.error.most_notices", "Count", mostNotices)
		}
		notice := r.DB.IDs.Next()
		if err := r.store.addNotice(ctx, pass, notice, id, v.Account, text, pass.At); err != nil {
			return err
		}
		if err := r.noteOn(ctx, pass, v, moderate.Act{Kind: moderate.NoticeUp, Ref: who.Ref{Kind: kindNotice, ID: notice}, Place: orderOf(id), About: v.Account}); err != nil {
			return err
		}
		return r.tellMembers(ctx, pass, c, notify.CircleNotice, v.Account)
	})
}

// Untell takes a notice down; owners may, and moderators their own. The log of the circle tells of it, where it can be undone; it is
// erased once it cannot any more, or goes with its author.
func (r *Room) Untell(ctx context.Context, v who.Viewer, id, notice who.ID) error {
	return r.keeping(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, _ Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		author, up, err := r.store.noticeBy(ctx, id, notice)
		if err != nil {
			return err
		}
		if !runs(m) && author != v.Account {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		if !up {
			return nil
		}
		if err := r.store.takeDown(ctx, pass, id, notice); err != nil {
			return err
		}
		return r.noteOn(ctx, pass, v, moderate.Act{Kind: moderate.NoticeDown, Ref: who.Ref{Kind: kindNotice, ID: notice}, Place: orderOf(id), About: author})
	})
}

// Sweep erases, by the promise clock, up to limit notices that were taken down too long ago to be put up again.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		n, err = r.store.sweepNotices(ctx, now.Add(-moderate.Reversible), limit)
		return err
	})
	return n, err
}

// See remembers that the viewer has seen a circle's notices up to one. Who may write nothing now, sleeping or
// leaving, goes on seeing them as new.
func (r *Room) See(ctx context.Context, v who.Viewer, id, notice who.ID) error {
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Place: id, Removal: true})
		if err != nil {
			return err
		}
		return r.store.see(ctx, pass, id, v.Account, notice)
	})
	if kind := exit.KindOf(err); kind == exit.Unavailable || kind == exit.Forbidden {
		return nil
	}
	return err
}

// NoticeKind tells the registry of notices, as the log of a circle names them.
func (r *Room) NoticeKind() service.Kind {
	return service.Kind{Name: kindNotice, Table: "circle_notices", Keeper: noticeKeeper{r}}
}

// noticeKeeper answers the registry for notices: who answers for their circle reads those that were taken down, too, others none.
type noticeKeeper struct{ room *Room }

// Things gives those of the notices that exist.
func (k noticeKeeper) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := k.room.store.noticesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	circles := make([]who.ID, len(list))
	for i, n := range list {
		circles[i] = n.circle
	}
	known, err := k.room.store.circles(ctx, v.Account, circles)
	if err != nil {
		return nil, err
	}
	staffed := map[who.ID]bool{}
	for _, x := range known {
		staffed[x.ID] = manages(x.Membership) && !x.Withheld
	}
	out := make([]service.Thing, len(list))
	for i, n := range list {
		out[i] = service.Thing{
			Ref: who.Ref{Kind: kindNotice, ID: n.id}, Owner: n.author, Service: Name, Place: n.circle, Excerpt: cut(n.text, 120), Link: Path(n.circle) + "/notices",
			See: (staffed[n.circle] || v.Operator) && !n.veiled,
		}
	}
	return out, nil
}
