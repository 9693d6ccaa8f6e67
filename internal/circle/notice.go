package circle

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/notify"
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
	if text == "" {
		return exit.Fail(exit.Invalid, "circle.error.notice_empty")
	}
	if !fits(text, mostNotice) {
		return exit.Fail(exit.Invalid, "circle.error.notice_long", "Count", mostNotice)
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
		if err := r.store.addNotice(ctx, pass, r.DB.IDs.Next(), id, v.Account, text, pass.At); err != nil {
			return err
		}
		return r.tellMembers(ctx, pass, c, notify.CircleNotice, v.Account)
	})
}

// Untell takes a notice down for good; owners may, and moderators their own.
func (r *Room) Untell(ctx context.Context, v who.Viewer, id, notice who.ID) error {
	return r.inside(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, _ Circle, m Membership) error {
		if !manages(m) {
			return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
		}
		if !runs(m) {
			author, err := r.store.noticeBy(ctx, id, notice)
			if err != nil {
				return err
			}
			if author != v.Account {
				return exit.Fail(exit.Forbidden, "circle.error.owner_only")
			}
		}
		return r.store.removeNotice(ctx, pass, id, notice)
	})
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
