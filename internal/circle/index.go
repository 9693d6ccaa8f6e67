package circle

import (
	"context"

	"exeunt/internal/notify"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// indexed has a circle be found as it is now, or not any more where it is in no list.
func (r *Room) indexed(ctx context.Context, pass service.Pass, id who.ID) error {
	if r.Search == nil {
		return nil
	}
	x, err := r.store.doc(ctx, id)
	if err != nil {
		return err
	}
	if x.Ref == (who.Ref{}) {
		return r.Search.Drop(ctx, pass, who.Ref{Kind: Name, ID: id})
	}
	return r.Search.Put(ctx, pass, x)
}

// lead has notices lead to where something can be done about them.
func (r *Room) lead() {
	if r.Notices == nil {
		return
	}
	r.Notices.Lead[notify.CircleOffer] = func(notify.Notice) string { return "/circles/offers" }
	r.Notices.Lead[notify.CircleAsked] = func(n notify.Notice) string { return "/circles/" + n.On.ID.String() + "/members" }
	r.Notices.Audiences[notify.CircleNotice] = r.audience
	r.Notices.Audiences[notify.CircleMoved] = r.audience
	r.Notices.Lead[notify.CircleMoved] = func(n notify.Notice) string { return Path(n.On.ID) }
	r.Notices.Lead[notify.CircleNotice] = func(n notify.Notice) string { return "/circles/" + n.On.ID.String() + "/notices" }
}

// tell tells accounts what happened, within the transaction of the change.
func (r *Room) tell(ctx context.Context, pass service.Pass, list ...notify.Notice) error {
	if r.Notices == nil || len(list) == 0 {
		return nil
	}
	for i := range list {
		list[i].Service, list[i].Place = Name, list[i].On.ID
	}
	return r.Notices.Add(ctx, pass, list...)
}

// tellStaff tells owners and moderators.
func (r *Room) tellStaff(ctx context.Context, pass service.Pass, c Circle, kind notify.Kind, by who.ID) error {
	if r.Notices == nil {
		return nil
	}
	staff, err := r.store.memberIDs(ctx, c.ID, true, 0, mostModerators+mostCoOwners+1)
	if err != nil {
		return err
	}
	return r.tell(ctx, pass, notices(staff, kind, by, c)...)
}

// tellMembers tells all members of a circle, however many they are, by a job that goes through them.
func (r *Room) tellMembers(ctx context.Context, pass service.Pass, c Circle, kind notify.Kind, by who.ID) error {
	if r.Notices == nil {
		return nil
	}
	return r.Notices.Spread(ctx, pass, notify.News{Kind: kind, By: by, On: c.Ref(), Service: Name, Place: c.ID})
}

// audience is who is told of what stands on a circle's notice board.
func (r *Room) audience(ctx context.Context, n notify.News, after who.ID, limit int) ([]who.ID, error) {
	return r.store.memberIDs(ctx, n.On.ID, false, after, limit)
}

func notices(to []who.ID, kind notify.Kind, by who.ID, c Circle) []notify.Notice {
	out := make([]notify.Notice, 0, len(to))
	for _, id := range to {
		if id != by {
			out = append(out, notify.Notice{To: id, Kind: kind, By: by, On: c.Ref()})
		}
	}
	return out
}

// source has the search room make its index anew from circles.
type source struct{ room *Room }

// Source gives the circles as things to be found.
func (r *Room) Source() search.Source { return source{r} }

// Kind is the kind of circles' refs.
func (source) Kind() string { return search.Circle }

// Docs gives those circles above an id that can be found.
func (s source) Docs(ctx context.Context, after who.ID, limit int) (docs []search.Doc, last who.ID, more bool, err error) {
	docs, err = s.room.store.docs(ctx, after, limit)
	if n := len(docs); n > 0 {
		last = docs[n-1].Ref.ID
	}
	return docs, last, len(docs) == limit, err
}

// Words gives names and descriptions of circles, as guests may read them.
func (s source) Words(ctx context.Context, ids []who.ID) (map[who.ID]search.Words, error) {
	list, err := s.room.store.circles(ctx, 0, ids)
	out := make(map[who.ID]search.Words, len(list))
	for _, x := range list {
		out[x.ID] = search.Words{Title: x.Name, Text: shownIntro(x.Circle, Membership{}), Category: categoryWords[x.Category]}
	}
	return out, err
}
