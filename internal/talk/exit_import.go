package talk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Why a record is not taken.
const (
	reasonGone     = "talk.skip.gone"     // what it is about is not here any more, or not to be talked about
	reasonReceived = "talk.skip.received" // what others wrote is theirs
	reasonText     = "talk.skip.text"     // empty, or longer than a comment is here
	reasonFiltered = "talk.skip.filtered" // it has words that are not let through there
)

// brought is one record of an import with what it is about.
type brought struct {
	ref     who.Ref
	at      time.Time
	comment archive.Comment
	private bool // of a like
}

// Import takes comments, likes and favourites back in where what they are about still stands and the account may talk
// about it. Original times are kept and nobody is notified; what is here already is a duplicate.
func (h *Holder) Import(_ context.Context, t exit.Task, records []any, _ exit.Files) (exit.Intake, error) {
	owner, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		if t.Part == archive.ClassReceived {
			return slices.Repeat([]exit.Outcome{{Result: "skipped", Reason: reasonReceived}}, len(records)), nil
		}
		out := make([]exit.Outcome, len(records))
		for from := 0; from < len(records); from += most {
			to := min(from+most, len(records))
			if err := h.take(ctx, owner, t.Class, records[from:to], out[from:to]); err != nil {
				return nil, fmt.Errorf("import %s: %w", t.Class, err)
			}
		}
		return out, nil
	}, nil
}

func read(rec any) (brought, error) {
	var b brought
	var on archive.Reference
	switch a := rec.(type) {
	case archive.Comment:
		b.comment, on, b.at = a, a.On, a.Published.Time
	case archive.Like:
		on, b.at, b.private = a.On, a.At.Time, a.Private
	case archive.Favourite:
		on, b.at = a.On, a.At.Time
	default:
		return b, fmt.Errorf("a record is a %T", rec)
	}
	id, _ := who.ParseID(on.ID)
	b.ref = who.Ref{Kind: on.Kind, ID: id}
	return b, nil
}

// draft gives a brought comment as one that is written here.
func (b brought) draft() Draft {
	d := Draft{Text: b.comment.Text}
	if b.comment.Moment != nil {
		at := time.Duration(min(max(-1, *b.comment.Moment), latestMoment.Milliseconds()+1)) * time.Millisecond
		d.Moment = &at
	}
	return d
}

// take stores one chunk, in the transaction of ctx.
func (h *Holder) take(ctx context.Context, owner who.ID, class string, records []any, out []exit.Outcome) error {
	list := make([]brought, len(records))
	refs := make([]who.Ref, len(records))
	for i, rec := range records {
		b, err := read(rec)
		if err != nil {
			return err
		}
		list[i], refs[i] = b, b.ref
	}
	things, pass, err := h.open(ctx, owner, refs)
	if err != nil {
		return err
	}
	for i, b := range list {
		if _, ok := things[b.ref]; !ok {
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonGone}
		}
		if list[i].at.IsZero() || b.at.After(pass.At) {
			list[i].at = pass.At
		}
	}
	if class == "comments" {
		return h.takeComments(ctx, pass, owner, list, things, out)
	}
	return h.takeMarks(ctx, pass, owner, class, list, things, out)
}

// open gives those of the things that the account may talk about now, and the pass to do so.
func (h *Holder) open(ctx context.Context, owner who.ID, refs []who.Ref) (map[who.Ref]service.Thing, service.Pass, error) {
	things, err := h.room.Registry.Things(ctx, who.Viewer{Account: owner, State: who.Active}, refs)
	if err != nil {
		return nil, service.Pass{}, err
	}
	var owners []who.ID
	for ref, t := range things {
		if !t.Talk {
			delete(things, ref)
			continue
		}
		owners = append(owners, t.Owner)
	}
	frozen, err := h.room.store.frozen(ctx, owners)
	if err != nil {
		return nil, service.Pass{}, err
	}
	for ref, t := range things {
		if t.Owner != owner && frozen[t.Owner] {
			delete(things, ref)
		}
	}
	if err := h.unmuted(ctx, owner, things); err != nil {
		return nil, service.Pass{}, err
	}
	owners = slices.DeleteFunc(owners, func(id who.ID) bool { return id != owner && frozen[id] })
	pass, err := h.room.Desk.Enter(ctx, service.Write{By: owner, Onto: owners})
	return things, pass, err
}

// unmuted leaves out the things of places in which the account may not write now.
func (h *Holder) unmuted(ctx context.Context, owner who.ID, things map[who.Ref]service.Thing) error {
	type place struct {
		service string
		id      who.ID
	}
	closed := map[place]bool{}
	for ref, t := range things {
		at := place{t.Service, t.Place}
		if _, asked := closed[at]; !asked {
			_, err := h.room.Desk.Enter(ctx, service.Write{By: owner, Service: t.Service, Place: t.Place})
			if kind := exit.KindOf(err); err != nil && kind != exit.Forbidden && kind != exit.Unavailable {
				return err
			}
			closed[at] = err != nil
		}
		if closed[at] {
			delete(things, ref)
		}
	}
	return nil
}

// let says whether a brought comment may stand where it stood: words that are not let through there are not, however old they are.
func (h *Holder) let(ctx context.Context, pass service.Pass, owner who.ID, t service.Thing, text string) (bool, error) {
	if h.room.Filter == nil {
		return true, nil
	}
	err := h.room.Filter(ctx, pass, owner, t.Service, t.Place, text)
	if kind := exit.KindOf(err); err != nil && (kind == exit.Invalid || kind == exit.Forbidden) {
		return false, nil
	}
	return true, err
}

func (h *Holder) takeMarks(ctx context.Context, pass service.Pass, owner who.ID, class string, bs []brought, things map[who.Ref]service.Thing, out []exit.Outcome) error {
	kinds := map[string][]who.ID{}
	for ref := range things {
		kinds[ref.Kind] = append(kinds[ref.Kind], ref.ID)
	}
	had := map[who.Ref]bool{}
	for kind, ids := range kinds {
		marks, err := h.room.store.marks(ctx, owner, kind, ids)
		if err != nil {
			return err
		}
		for id, m := range marks {
			had[who.Ref{Kind: kind, ID: id}] = m.Liked && class == string(likes) || m.Saved && class == string(favourites)
		}
	}
	var rows []markRow
	fresh := map[string][]who.ID{}
	for i, b := range bs {
		t, ok := things[b.ref]
		switch {
		case !ok:
			continue
		case had[b.ref]:
			out[i].Result = "duplicate"
			continue
		}
		had[b.ref], out[i].Result = true, "taken"
		rows = append(rows, markRow{id: h.room.DB.IDs.Next(), account: owner, on: b.ref, service: t.Service, place: t.Place, at: b.at, private: b.private && h.room.played(b.ref.Kind)})
		fresh[b.ref.Kind] = append(fresh[b.ref.Kind], b.ref.ID)
	}
	if err := h.room.store.addMarks(ctx, pass, list(class), rows); err != nil || class == string(favourites) {
		return err
	}
	for _, k := range h.room.liked() {
		if err := h.room.store.count(ctx, pass, k, "likes", fresh[k.Name], 1); err != nil {
			return err
		}
	}
	return nil
}

func (h *Holder) takeComments(ctx context.Context, pass service.Pass, owner who.ID, bs []brought, things map[who.Ref]service.Thing, out []exit.Outcome) error {
	origins := make([]string, len(bs))
	var own, parents []who.ID
	for i, b := range bs {
		origins[i] = originPrefix + b.comment.ID
		if id, ok := who.ParseID(b.comment.ID); ok {
			own = append(own, id)
		}
		if id, ok := who.ParseID(b.comment.Parent); ok {
			parents = append(parents, id)
		}
	}
	known, err := h.room.store.known(ctx, owner, origins, own)
	if err != nil {
		return err
	}
	above, err := h.room.store.byIDs(ctx, owner, parents)
	if err != nil {
		return err
	}
	var fresh []Comment
	var kept []string
	counts := map[string]map[who.ID]int{}
	for i, b := range bs {
		t, ok := things[b.ref]
		text, bad := cleanComment(strings.ToValidUTF8(b.comment.Text, "\uFFFD"))
		switch {
		case !ok:
			continue
		case known[origins[i]]:
			out[i].Result = "duplicate"
			continue
		case bad != nil || b.comment.Moment != nil && h.room.checkBullet(b.ref, b.draft(), text) != nil:
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonText}
			continue
		}
		may, err := h.let(ctx, pass, owner, t, text)
		if err != nil {
			return err
		}
		if !may {
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonFiltered}
			continue
		}
		known[origins[i]], out[i].Result = true, "taken"
		c := Comment{ID: h.room.DB.IDs.Next(), Author: owner, On: b.ref, Service: t.Service, Place: t.Place, Text: post.Plain(text), At: b.at, Moment: b.draft().Moment}
		c.Parent = parentOf(above, b)
		fresh, kept = append(fresh, c), append(kept, origins[i])
		if c.Moment != nil {
			continue
		}
		if counts[b.ref.Kind] == nil {
			counts[b.ref.Kind] = map[who.ID]int{}
		}
		counts[b.ref.Kind][b.ref.ID]++
	}
	if err := h.room.store.add(ctx, pass, fresh, kept); err != nil {
		return err
	}
	return h.countAll(ctx, pass, counts)
}

// parentOf gives the comment that a brought one answers, if it still stands on the same thing.
func parentOf(above []Comment, b brought) who.ID {
	for _, c := range above {
		if c.ID.String() == b.comment.Parent && c.On == b.ref && c.Parent == 0 && c.Moment == nil && b.comment.Moment == nil {
			return c.ID
		}
	}
	return 0
}

// countAll corrects the counters of what was commented on: one statement for each number of comments that a
// thing got.
func (h *Holder) countAll(ctx context.Context, pass service.Pass, counts map[string]map[who.ID]int) error {
	for _, k := range h.room.counted() {
		same := map[int][]who.ID{}
		for id, n := range counts[k.Name] {
			same[n] = append(same[n], id)
		}
		for n, ids := range same {
			if err := h.room.store.count(ctx, pass, k, "comments", ids, n); err != nil {
				return err
			}
		}
	}
	return nil
}
