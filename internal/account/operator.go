package account

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/internal/who"
)

// Look is what the operator looks for in the list of accounts. After is the last account of the page before, zero for the first page.
type Look struct {
	Part  string // of a name; "" for all
	After Account
	Limit int
}

// Listed is an account as the operator sees it. Times are UTC, promise time.
type Listed struct {
	Account
	Used    int64 // bytes of files
	Runs    int   // journeys that are open, 99 at most
	Waiting bool  // it waits to be let in
}

// List gives accounts, newest first, with what each uses; what it reads is bounded by the page.
func (r *Room) List(ctx context.Context, l Look) ([]Listed, error) {
	part := NameKey(strings.TrimPrefix(strings.TrimSpace(l.Part), "@"))
	if utf8.RuneCountInString(part) > longestName {
		return nil, nil // no name is so long
	}
	list, err := r.store.list(ctx, part, l.After, l.Limit)
	if err != nil {
		return nil, err
	}
	return list, r.measure(ctx, list)
}

// measure fills in what accounts use.
func (r *Room) measure(ctx context.Context, list []Listed) error {
	ids := make([]who.ID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	used, err := r.Used(ctx, ids...)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Used = used[list[i].ID]
	}
	return nil
}

// Detail gives one account as the operator sees it; NotFound if there is none.
func (r *Room) Detail(ctx context.Context, id who.ID) (Listed, error) {
	x, err := r.store.listed(ctx, id)
	if err != nil {
		return x, err
	}
	one := []Listed{x}
	err = r.measure(ctx, one)
	return one[0], err
}

// MakeResetOf is [Room.MakeReset] for an account by its id.
func (r *Room) MakeResetOf(ctx context.Context, id who.ID) (token string, err error) {
	a, err := r.store.account(ctx, id)
	if err != nil {
		return "", err
	}
	return r.MakeReset(ctx, a.Name)
}

// newest is the key from which a list that begins with the newest starts.
var newest = time.UnixMilli(1 << 52)
