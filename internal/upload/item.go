package upload

import (
	"context"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

// ItemState says what became of one of the things that an upload holds.
type ItemState string

// The states of an item.
const (
	ItemWaiting   ItemState = "waiting"
	ItemTaken     ItemState = "taken"
	ItemDuplicate ItemState = "duplicate" // it was here already
	ItemSkipped   ItemState = "skipped"
)

// Item is one of the things that an upload holds.
type Item struct {
	Position int
	Name     string // the file's own, within the upload
	State    ItemState
	Reason   string // the key of the sentence that says why it was skipped, or what was left out; "" for none
	Ref      string // what was made of it, as its kind understands it
}

// Find gives an upload of the account in whatever state; NotFound for another's.
func (r *Room) Find(ctx context.Context, account, id who.ID) (Upload, error) {
	return r.find(ctx, account, id)
}

// Past gives the account's newest uploads of a kind that are whole, at most ten, those that were taken too.
func (r *Room) Past(ctx context.Context, account who.ID, what string) ([]Upload, error) {
	return r.store.past(ctx, account, what)
}

// AddItems says what a whole upload holds, in the order of their positions. It is done once.
func (r *Room) AddItems(ctx context.Context, pass service.Pass, u Upload, items []Item) error {
	return r.store.addItems(ctx, pass, u, items)
}

// SettleItem stores what became of an item, in the transaction in which it happened. Conflict: that is stored already.
func (r *Room) SettleItem(ctx context.Context, pass service.Pass, id who.ID, i Item) error {
	return r.store.settleItem(ctx, pass, id, i)
}

// Items gives up to limit items of an upload from a position on.
func (r *Room) Items(ctx context.Context, id who.ID, from, limit int) ([]Item, error) {
	return r.store.items(ctx, id, from, limit)
}

// Tally counts an upload's items by state.
func (r *Room) Tally(ctx context.Context, id who.ID) (map[ItemState]int64, error) {
	return r.store.tally(ctx, id)
}
