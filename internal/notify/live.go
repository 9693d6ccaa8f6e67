package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"exeunt/internal/clock"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

const (
	// heartbeat keeps proxies from ending a stream on which nothing happens, and finds out who is gone.
	heartbeat = 20 * time.Second
	// calm is how long a stream rests after it has looked: a burst of likes is one change.
	calm = 300 * time.Millisecond
	// patience is how long a browser may take to read what it is sent.
	patience = 10 * time.Second
	// reconnect is after how long a browser comes back when the server was stopped.
	reconnect = 5 * time.Second
)

// getLive is the stream of server-sent events (WHATWG HTML, 9.2) by which a page's bell follows: "unread" with
// the count and its words, first as it is now and then on each change; "end" where the page is to ask no more.
func (r *Room) getLive(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	l := r.hub.listen(v.Account, v.Session)
	if l == nil {
		w.WriteHeader(http.StatusNoContent) // by which the browser does not try again
		return nil
	}
	defer r.hub.leave(l)
	s := &stream{w: w, out: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s.write(fmt.Sprintf("retry: %d\n\n", reconnect.Milliseconds()))
	if err := r.follow(ctx, l, s); err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow notices: %w", err)
	}
	return nil
}

// follow sends what changes until the page, the session or the server ends.
func (r *Room) follow(ctx context.Context, l *listener, s *stream) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	rest := time.NewTimer(calm)
	defer rest.Stop()
	last := -1
	for s.err == nil {
		n, err := r.Unread(ctx, l.account)
		if err != nil {
			return err
		}
		if n != last {
			last = n
			s.unread(ctx, n)
		}
		rest.Reset(calm)
		select { // what comes meanwhile waits in the channel
		case <-rest.C:
		case <-ctx.Done():
			return nil
		case <-l.ended:
		}
		for woken := false; !woken && s.err == nil; {
			select {
			case <-ctx.Done():
				return nil
			case <-l.ended:
				if !r.hub.ending() {
					s.write("event: end\ndata:\n\n")
				}
				return nil
			case <-beat.C:
				s.write(":\n\n")
			case <-l.wake:
				woken = true
			}
		}
	}
	return nil // whoever listened is gone
}

// stream writes events; its first error ends it.
type stream struct {
	w   http.ResponseWriter
	out *http.ResponseController
	err error
}

func (s *stream) unread(ctx context.Context, n int) {
	b := ui.BellView{Unread: n}
	body, err := json.Marshal(struct {
		Count string `json:"count"`
		Label string `json:"label"`
	}{b.Count(), b.Label(ctx)})
	if err != nil {
		s.err = err
		return
	}
	s.write("event: unread\ndata: " + string(body) + "\n\n")
}

func (s *stream) write(text string) {
	if s.err != nil {
		return
	}
	// The deadline is one of the network's own, whatever clock the install has.
	if s.err = s.out.SetWriteDeadline(clock.System{}.Now().Add(patience)); s.err != nil {
		return
	}
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = s.out.Flush()
	}
}

// Listening gives how many pages of an account listen on this node, of all accounts for 0.
func (r *Room) Listening(account who.ID) int { return r.hub.count(account) }
