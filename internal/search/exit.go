package search

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/who"
)

// classDocs is the room's only class: the rows of what belongs to an account, with their terms.
const classDocs = "docs"

// everywhere are the services of which something is found.
var everywhere = []string{"channel", "circle", "page"}

// Holder keeps the index, as far as it belongs to accounts.
type Holder struct{ room *Room }

// Holder gives the room's holder.
func (r *Room) Holder() Holder { return Holder{r} }

// Name is the holder's name.
func (h Holder) Name() string { return "search" }

// Classes declares what the room keeps. It goes after what it was made from, so that nothing can put it back, and is never
// taken along: it is made anew wherever that is brought to.
func (h Holder) Classes() []exit.Class {
	return []exit.Class{{
		Name: classDocs, Services: everywhere, EndsWith: everywhere, Rank: 2, Places: []exit.Place{{Table: "search_docs", Column: "owner_id"}},
	}}
}

// table tells whose a row is; what is erased besides it says [store.remove].
func (h Holder) table() exitsql.Table {
	return exitsql.Table{
		Name: "search_docs", Owner: "owner_id", Key: "id", Bytes: "octet_length(body)", Service: "service", Place: "place_id",
		OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: h.room.DB.Reader,
	}
}

// Erase takes the rows of one chunk out, with their terms: an account's, those in a service, or those in a place.
func (h Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	after := int64(math.MinInt64)
	if t.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(t.Cursor, 10, 64); err != nil {
			return p, fmt.Errorf("erase from index: read cursor: %w", err)
		}
	}
	limit := t.Limit
	if limit <= 0 || limit > mostRemoved {
		limit = mostRemoved
	}
	list, err := h.next(ctx, t, after, limit)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		p.Items, p.Bytes, p.Cursor = p.Items+1, p.Bytes+int64(len(x.body)), strconv.FormatInt(x.id, 10)
	}
	p.Done = len(list) < limit
	return p, h.room.store.remove(ctx, list)
}

// next gives the rows of a chunk, those of an account or of all that ends.
func (h Holder) next(ctx context.Context, t exit.Task, after int64, limit int) ([]row, error) {
	if t.Subject.Ending() {
		return h.room.store.within(ctx, t.Subject.Part(), after, limit)
	}
	own, err := owned(t.Subject)
	if err != nil {
		return nil, err
	}
	list, err := h.room.store.owned(ctx, own, after, limit)
	if err != nil || t.Ends.Kind != "" { // where all ends topics end with the rest
		return list, err
	}
	return list, h.room.store.forgetTopics(ctx, limit)
}

// Ends reports that rows of nobody, those of topics say, go with what they are in.
func (h Holder) Ends(class string) bool { return class == classDocs }

// mostRemoved bounds the rows of one chunk: the terms of each are taken out of the index one by one.
const mostRemoved = 200

// Verify counts rows by their owner, and asks the index itself for the term that all of an owner's have.
func (h Holder) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	left, err := h.table().Verify(ctx, t)
	if err != nil || t.Subject.Ending() {
		return left, err
	}
	own, err := owned(t.Subject)
	if err != nil {
		return left, err
	}
	n, err := h.room.store.indexed(ctx, own)
	left.Left += n
	return left, err
}

// Count counts an account's rows: a forecast.
func (h Holder) Count(ctx context.Context, s exit.Subject, _ string) (exit.Count, error) {
	return h.table().Count(ctx, s)
}

// whose are the rows of an account, in a service and a place of it, "" and 0 for all.
type whose struct {
	account who.ID
	service string
	place   who.ID
}

func owned(s exit.Subject) (w whose, err error) {
	id, ok := who.ParseID(s.ID)
	if !ok || s.Kind != exit.SubjectAccount {
		return w, exit.Fail(exit.Invalid, "error.subject", "text", s.String())
	}
	w = whose{account: id, service: s.Service()}
	if s.Place() != "" {
		if w.place, ok = who.ParseID(s.Place()); !ok {
			return w, exit.Fail(exit.Invalid, "error.subject", "text", s.String())
		}
	}
	return w, nil
}

// term is what all rows of an owner have in the index: in all, in a service, in a place. The owner's id stands last: as long as no term goes on
// behind it, it stays in none of the parts of terms by which SQLite's index finds its pages, which outlive what is deleted.
func (w whose) term() string {
	text := "own" + w.service
	if w.place != 0 {
		text += w.place.String()
	}
	return text + "of" + w.account.String()
}

var (
	_ exit.Holder  = Holder{}
	_ exit.Counter = Holder{}
	_ exit.Ender   = Holder{}
)
