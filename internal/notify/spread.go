package notify

import (
	"context"
	"fmt"
	"slices"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// jobSpread tells an audience of news, chunk after chunk. Its ref is the spread's id.
const jobSpread = "notify.spread"

// News is what many are told of at once: the followers of a channel of a new video, the members of a circle of its notice board.
type News struct {
	Kind    Kind
	By      who.ID // whose news it is; never told of it, and not named where the kind names nobody
	On      who.Ref
	Service string // "" for what belongs to no service
	Place   who.ID
}

// Audience gives who is to be told of news: at most limit accounts above the account after, in ascending order, each once. It is called
// inside a transaction for every chunk, and gives none when all are told.
type Audience func(ctx context.Context, n News, after who.ID, limit int) ([]who.ID, error)

// Spread tells the audience of a kind of news, however many they are. It stores, inside the transaction of the change, that this is to
// be done, and a job does it, 500 accounts a transaction: how far it has come and the notices of a chunk are committed together, so
// that nobody is told twice and nobody left out. Accounts that come into the audience while it is under way may be told or not.
func (r *Room) Spread(ctx context.Context, pass service.Pass, n News) error {
	k, ok := ruleOf(n.Kind)
	if !ok || k.kind == Announced || r.Audiences[n.Kind] == nil {
		return fmt.Errorf("spread news: %q has no audience", n.Kind)
	}
	id := r.DB.IDs.Next()
	if err := r.store.addSpread(ctx, pass, id, n); err != nil {
		return err
	}
	return r.Queue.Add(ctx, job.Job{Kind: jobSpread, Ref: id.String(), Account: n.By})
}

// spreadJob goes through the audience until it is at its end. A second attempt goes on where the first one came to.
func (r *Room) spreadJob(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return fmt.Errorf("spread news: %q is no id", j.Ref)
	}
	for {
		more := false
		err := r.DB.Update(ctx, func(ctx context.Context) (err error) {
			more, err = r.spreadChunk(ctx, id)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// spreadChunk tells the next accounts. It gives false when there is nothing left to do: all are told, the news was taken back with its
// author's leaving, or its author may not write now.
func (r *Room) spreadChunk(ctx context.Context, id who.ID) (more bool, err error) {
	n, after, ok, err := r.store.spread(ctx, id)
	if err != nil || !ok {
		return false, err
	}
	if err := r.mayTell(ctx, n); err != nil {
		if kind := exit.KindOf(err); kind == exit.Unavailable || kind == exit.Forbidden || kind == exit.NotFound {
			return false, r.store.endSpread(ctx, id)
		}
		return false, err
	}
	audience := r.Audiences[n.Kind]
	if audience == nil {
		return false, fmt.Errorf("spread news: %q has no audience", n.Kind)
	}
	to, err := audience(ctx, n, after, most)
	if err != nil {
		return false, err
	}
	if len(to) == 0 {
		return false, r.store.endSpread(ctx, id)
	}
	// An account that is gone since it was listed has the chunk tried again, without it.
	pass, err := r.Desk.EnterExit(ctx, to...)
	if err != nil {
		return false, err
	}
	asleep, err := r.asleep(ctx, n.Kind, to)
	if err != nil {
		return false, err
	}
	list := make([]Notice, 0, len(to))
	for _, account := range to {
		if account != n.By && !slices.Contains(asleep, account) {
			list = append(list, Notice{To: account, Kind: n.Kind, By: n.By, On: n.On, Service: n.Service, Place: n.Place})
		}
	}
	if err := r.Add(ctx, pass, list...); err != nil {
		return false, err
	}
	return true, r.store.reachSpread(ctx, pass, id, to[len(to)-1])
}

// mayTell asks whether news may go on: whose it is passes the fence as if they told everybody themselves. What the house tells is
// nobody's, and holds when nothing may be written any more.
func (r *Room) mayTell(ctx context.Context, n News) error {
	if n.By == 0 {
		return nil
	}
	_, err := r.Desk.Enter(ctx, service.Write{By: n.By, Service: n.Service, Place: n.Place, Keeps: true})
	return err
}

// asleep gives those of the accounts that are not told of a kind now, because they sleep or leave. What ends a right of theirs is told to them too.
func (r *Room) asleep(ctx context.Context, k Kind, accounts []who.ID) ([]who.ID, error) {
	if rule, _ := ruleOf(k); rule.fixed {
		return nil, nil
	}
	return r.store.frozen(ctx, accounts)
}
