package talk

import (
	"context"
	"slices"

	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// tellComment tells those whom a new comment concerns: who is answered, whose thing it is about, who is mentioned. Each of
// them once, by what concerns them most.
func (r *Room) tellComment(ctx context.Context, pass service.Pass, c Comment, owner, answered who.ID, mentioned []who.ID) error {
	if r.Notices == nil {
		return nil
	}
	n := notify.Notice{By: c.Author, On: c.Ref(), Service: c.Service, Place: c.Place}
	var told []who.ID
	var list []notify.Notice
	add := func(to who.ID, kind notify.Kind) {
		if to != 0 && !slices.Contains(told, to) {
			n.To, n.Kind = to, kind
			told, list = append(told, to), append(list, n)
		}
	}
	add(answered, notify.Answer)
	add(owner, notify.Comment)
	for _, id := range mentioned {
		add(id, notify.Mention)
	}
	return r.Notices.Add(ctx, pass, list...)
}

// tellLike tells the owner of a thing that it is liked; on false takes it back.
func (r *Room) tellLike(ctx context.Context, pass service.Pass, m markRow, owner who.ID, on bool) error {
	if r.Notices == nil {
		return nil
	}
	n := notify.Notice{To: owner, Kind: notify.Like, By: m.account, On: m.on, Service: m.service, Place: m.place}
	if !on {
		return r.Notices.Take(ctx, pass, n)
	}
	return r.Notices.Add(ctx, pass, n)
}

// forget takes back what was told of a comment that is gone.
func (r *Room) forget(ctx context.Context, pass service.Pass, c Comment) error {
	if r.Notices == nil {
		return nil
	}
	return r.Notices.Forget(ctx, pass, c.Ref())
}
