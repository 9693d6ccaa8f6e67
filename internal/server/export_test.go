package server

import (
	"context"
	"net/http"
	"time"

	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/sunset"
	"exeunt/internal/talk"
	"exeunt/internal/upload"
)

// Rooms are the rooms that people write in.
type Rooms struct {
	Sunsets   *sunset.Room
	Notices   *notify.Room
	Relations *relation.Room
	Posts     *post.Room
	Talk      *talk.Room
	Circles   *circle.Room
	Search    *search.Room
	Order     *moderate.Room
	Channels  *channel.Room
	Uploads   *upload.Room
}

// RoomsOf gives a house's rooms to tests, which write as people do, through the rooms.
func RoomsOf(h *House) Rooms {
	return Rooms{h.sunsets, h.notices, h.relations, h.posts, h.talks, h.circles, h.search, h.order, h.channels, h.uploads}
}

// GuestServer gives the pages kept for guests over a state and a clock of a test's own: it answers requests for an own page,
// drawn by draw where no page is kept.
func GuestServer(state func(ctx context.Context) (string, error), now func() time.Time, draw http.HandlerFunc) http.Handler {
	g := newGuestPages(state, now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, ok := guestKeyOf("GET /@{name}", r)
		if !ok {
			draw(w, r)
			return
		}
		g.serve(w, r, key, func(w http.ResponseWriter) { draw(w, r) })
	})
}
