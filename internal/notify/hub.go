package notify

import (
	"context"
	"sync"
	"time"

	"exeunt/internal/who"
)

// How many pages may listen at once, of one account and in all. One more of an account ends its oldest; one more in all is
// turned away, and sees the count when it is loaded again.
const (
	listenersOfOne = 6
	listenersOfAll = 4096
)

// listener is an open page that waits for what is unread to change.
type listener struct {
	account, session who.ID
	wake             chan struct{} // holds one: what matters is that something changed
	ended            chan struct{} // closed when the page is to listen no more
}

// hub knows who listens on this node.
type hub struct {
	mu        sync.Mutex
	listeners map[who.ID][]*listener // by account, the oldest first
	n         int
	closed    bool
}

func newHub() *hub { return &hub{listeners: map[who.ID][]*listener{}} }

// listen adds a listener; nil if there is no room or the server is ending.
func (h *hub) listen(account, session who.ID) *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	if own := h.listeners[account]; len(own) >= listenersOfOne {
		h.drop(own[0])
	}
	if h.closed || h.n >= listenersOfAll {
		return nil
	}
	l := &listener{account, session, make(chan struct{}, 1), make(chan struct{})}
	h.listeners[account] = append(h.listeners[account], l)
	h.n++
	return l
}

// leave takes a listener out; a repeat changes nothing.
func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(l)
}

// drop is leave with the lock held.
func (h *hub) drop(l *listener) {
	own := h.listeners[l.account]
	for i, x := range own {
		if x != l {
			continue
		}
		close(l.ended)
		h.n--
		if len(own) == 1 {
			delete(h.listeners, l.account)
			return
		}
		h.listeners[l.account] = append(own[:i:i], own[i+1:]...)
		return
	}
}

// wake tells the listeners of an account that something may have changed.
func (h *hub) wake(account who.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wakeUp(h.listeners[account])
}

func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, own := range h.listeners {
		wakeUp(own)
	}
}

func wakeUp(list []*listener) {
	for _, l := range list {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// all gives the listeners there are.
func (h *hub) all() (out []*listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, own := range h.listeners {
		out = append(out, own...)
	}
	return out
}

// ending reports whether the server is stopping.
func (h *hub) ending() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// count gives how many listeners there are of an account, of all for 0.
func (h *hub) count(account who.ID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if account == 0 {
		return h.n
	}
	return len(h.listeners[account])
}

// close ends all listeners and takes no more.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, l := range h.all() {
		h.leave(l)
	}
}

const (
	// poll is how often the database is asked for what other nodes changed.
	poll = 2 * time.Second
	// looksBack is over how many polls a look reaches: a transaction that was slow to commit has ids from before.
	looksBack = 5
)

// Run looks for what other nodes changed, for all listeners at once, and ends those whose session is over, until ctx
// ends; then it ends them all.
func (r *Room) Run(ctx context.Context) {
	defer r.Close()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	since := []who.ID{r.DB.IDs.Next()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		listening := r.hub.all()
		if len(listening) > 0 {
			if err := r.look(ctx, listening, since[0]); err != nil && ctx.Err() == nil {
				r.Log.ErrorContext(ctx, "look for notices", "err", err) // the next look reaches as far back
				continue
			}
		}
		since = append(since, r.DB.IDs.Next())
		if len(since) > looksBack {
			since = since[1:]
		}
	}
}

// Close ends all listeners; the server calls it when it is told to stop, before it waits for requests.
func (r *Room) Close() { r.hub.close() }

// look wakes the accounts for which something changed since an id, and ends listeners whose session is over.
func (r *Room) look(ctx context.Context, listening []*listener, since who.ID) error {
	changed, all, err := r.store.changed(ctx, since)
	if err != nil {
		return err
	}
	if all {
		r.hub.wakeAll()
	}
	for _, account := range changed {
		r.hub.wake(account)
	}
	const chunk = 500
	for at := 0; at < len(listening); at += chunk {
		part := listening[at:min(at+chunk, len(listening))]
		sessions := make([]who.ID, len(part))
		for i, l := range part {
			sessions[i] = l.session
		}
		there, err := r.store.sessions(ctx, sessions)
		if err != nil {
			return err
		}
		for _, l := range part {
			if there[l.session] != l.account {
				r.hub.leave(l)
			}
		}
	}
	return nil
}
