package channel

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Tab is a view of the entrance of videos.
type Tab string

// The views. A guest has the recommended alone.
const (
	TabFollowing   Tab = "following"   // of those whom the viewer follows
	TabFriends     Tab = "friends"     // that the viewer's friends like in public
	TabRecommended Tab = "recommended" // the most talked of, the newest, and what friends like, of what is public
)

// Order says how an account's entrance of videos is ordered.
type Order int64

// The orders. Ranked, by rank.go, is what who never chose has.
const (
	Ranked Order = 1
	Latest Order = 2 // newest first; what friends like: last liked first
)

// SetOrder chooses how the viewer's entrance of videos is ordered.
func (r *Room) SetOrder(ctx context.Context, v who.Viewer, to Order) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account})
		if err != nil {
			return err
		}
		return r.store.setOrder(ctx, pass, v.Account, to)
	})
}

// How many of the newest candidates of each kind take part in ranking.
const (
	windowFollowing = 72
	windowFriends   = 100
	windowHottest   = 120
	windowNewest    = 60
)

// place is where a page of the entrance begins. At the top of a list it is zero. A list that is ranked, or made of friends' likes, is
// dealt out of a window of candidates as they were at Now, with what has come after Mark left out; Shown are its videos that earlier
// pages had, by their short sums. A list that is newest first goes on below a cursor, without what is Shown.
type place struct {
	Now   int64 // promise time, Unix milliseconds
	Mark  who.ID
	Shown []uint32
	Below post.Cursor
}

// sum gives 24 bits of a video's id: within one window, two of a few hundred are hardly ever the same, and then one of the two is not shown.
func sum(id who.ID) uint32 { return uint32(uint64(id) * 0x9e3779b97f4a7c15 >> 40) }

// String gives the place for an address.
func (p place) String() string {
	if p.Below != (post.Cursor{}) && len(p.Shown) == 0 {
		return p.Below.String()
	}
	var b []byte
	for _, s := range p.Shown {
		b = binary.BigEndian.AppendUint32(b, s<<8)
		b = b[:len(b)-1]
	}
	shown := base64.RawURLEncoding.EncodeToString(b)
	if p.Below != (post.Cursor{}) {
		return p.Below.String() + "." + shown
	}
	return fmt.Sprintf("r%d.%d.%s", p.Now, p.Mark, shown)
}

// mostShown bounds what an address can say of earlier pages.
const mostShown = 400

// parsePlace reads what [place.String] wrote; anything else is the top.
func parsePlace(s string) (p place) {
	ranked, is := strings.CutPrefix(s, "r")
	if !is {
		below, shown, _ := strings.Cut(s, ".")
		sums, ok := parseShown(shown)
		if p.Below = post.ParseCursor(below); !ok || p.Below == (post.Cursor{}) {
			return place{}
		}
		p.Shown = sums
		return p
	}
	parts := strings.Split(ranked, ".")
	if len(parts) != 3 {
		return place{}
	}
	now, err := strconv.ParseInt(parts[0], 10, 64)
	mark, okMark := who.ParseID(parts[1])
	sums, okShown := parseShown(parts[2])
	if err != nil || now <= 0 || !okMark || !okShown {
		return place{}
	}
	return place{Now: now, Mark: mark, Shown: sums}
}

// parseShown reads the sums of an address.
func parseShown(s string) (sums []uint32, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b)%3 != 0 || len(b) > 3*mostShown {
		return nil, false
	}
	for ; len(b) > 0; b = b[3:] {
		sums = append(sums, uint32(b[0])<<16|uint32(b[1])<<8|uint32(b[2]))
	}
	return sums, true
}

// Shown is a video of the entrance, with why it stands there.
type Shown struct {
	Video
	signals candidate
	friends []string // names of some of the friends who like it
	topics  []string // of its topics those that the viewer likes
}

// Feed gives a page of a view of the entrance, and the address of the page after it, "" at the end. From is what an earlier page gave.
func (r *Room) Feed(ctx context.Context, v who.Viewer, tab Tab, order Order, from string, limit int) (list []Shown, next string, err error) {
	at := parsePlace(from)
	if v.Guest() {
		tab = TabRecommended
	}
	switch {
	case tab == TabFriends, order != Latest && at.Below == post.Cursor{}:
		return r.dealt(ctx, v, tab, order, at, limit)
	case tab == TabFollowing:
		return r.latest(ctx, v, at, limit, r.store.following)
	default:
		return r.latest(ctx, v, at, limit, r.store.newest)
	}
}

// latest gives a page of a list that is newest first, without what its place says was shown.
func (r *Room) latest(ctx context.Context, v who.Viewer, at place, limit int, read func(context.Context, who.ID, post.Cursor, int) ([]candidate, error)) ([]Shown, string, error) {
	got, err := read(ctx, v.Account, at.Below, limit+len(at.Shown))
	if err != nil {
		return nil, "", err
	}
	got = slices.DeleteFunc(got, func(c candidate) bool { return slices.Contains(at.Shown, sum(c.ID)) })
	got = got[:min(limit, len(got))]
	list, err := r.whole(ctx, v, got, facts{})
	for i := range list {
		list[i].signals = candidate{} // nothing moved them
	}
	next := place{Shown: at.Shown, Below: cursorAfter(got, limit)}
	if err != nil || next.Below == (post.Cursor{}) {
		return list, "", err
	}
	return list, next.String(), nil
}

// cursorAfter gives the cursor below the last of a full page that is newest first.
func cursorAfter(list []candidate, limit int) post.Cursor {
	if len(list) < limit {
		return post.Cursor{}
	}
	last := list[len(list)-1]
	return post.Cursor{At: db.Ms(last.At), ID: last.ID}
}

// dealt gives a page that is dealt out of a window of candidates.
func (r *Room) dealt(ctx context.Context, v who.Viewer, tab Tab, order Order, at place, limit int) ([]Shown, string, error) {
	if at.Now == 0 {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return nil, "", err
		}
		at = place{Now: db.Ms(now), Mark: r.DB.IDs.Next()}
	}
	window, known, err := r.window(ctx, v, tab, at)
	if err != nil {
		return nil, "", err
	}
	earlier := dealtBefore(window, at.Shown)
	var got []candidate
	if order == Latest {
		got = slices.DeleteFunc(slices.SortedFunc(slices.Values(window), byTime), func(c candidate) bool { return slices.Contains(earlier, c.ID) })
		got = got[:min(limit, len(got))]
	} else {
		got = deal(window, earlier, limit)
	}
	list, err := r.whole(ctx, v, got, known)
	if err != nil {
		return nil, "", err
	}
	if len(got) == limit && len(at.Shown)+limit <= mostShown {
		for _, c := range got {
			at.Shown = append(at.Shown, sum(c.ID))
		}
		return list, at.String(), nil
	}
	on, read, err := r.goesOn(ctx, v, tab, at, window)
	if err != nil || on.Below == (post.Cursor{}) {
		return list, "", err
	}
	if len(got) == limit {
		return list, on.String(), nil
	}
	more, next, err := r.latest(ctx, v, on, limit-len(got), read)
	return append(list, more...), next, err
}

// goesOn gives where a list goes on by time that was dealt out of a window: below the newest that the window has, without what it had of older ones, and how it is
// read. What friends like ends with the window.
func (r *Room) goesOn(ctx context.Context, v who.Viewer, tab Tab, at place, window []candidate) (on place, read func(context.Context, who.ID, post.Cursor, int) ([]candidate, error), err error) {
	switch tab {
	case TabFollowing:
		slices.SortFunc(window, byTime)
		return place{Below: cursorAfter(window, windowFollowing)}, r.store.following, nil
	case TabRecommended:
		newest, err := r.store.newest(ctx, v.Account, post.Cursor{At: at.Now + 1}, windowNewest)
		for _, c := range window {
			if len(at.Shown) < mostShown && !slices.Contains(at.Shown, sum(c.ID)) {
				at.Shown = append(at.Shown, sum(c.ID))
			}
		}
		return place{Shown: at.Shown, Below: cursorAfter(newest, windowNewest)}, r.store.newest, err
	default:
		return on, nil, nil
	}
}

// dealtBefore gives those of a window that earlier pages had, in their order.
func dealtBefore(window []candidate, sums []uint32) []who.ID {
	bySum := make(map[uint32]who.ID, len(window))
	for _, c := range window {
		bySum[sum(c.ID)] = c.ID
	}
	var out []who.ID
	for _, s := range sums {
		if id, ok := bySum[s]; ok {
			out = append(out, id)
		}
	}
	return out
}

// facts are what is told of a page beside its videos.
type facts struct {
	likes  map[who.ID][]friendLike // by video, the last one first
	topics map[who.ID][]videoTopic
	fond   map[who.ID]int
}

// window gives the candidates of a view with all that ranking looks at.
func (r *Room) window(ctx context.Context, v who.Viewer, tab Tab, at place) ([]candidate, facts, error) {
	known, liked, err := r.likedByFriends(ctx, v, at)
	if err != nil {
		return nil, known, err
	}
	window, err := r.candidates(ctx, v, tab, at, liked)
	if err != nil || len(window) == 0 {
		return nil, known, err
	}
	return window, known, r.signals(ctx, v, tab, at, window, &known)
}

// likedByFriends gives what friends of the viewer's like in public, and the last liked of these videos.
func (r *Room) likedByFriends(ctx context.Context, v who.Viewer, at place) (known facts, liked []who.ID, err error) {
	known.likes = map[who.ID][]friendLike{}
	if v.Guest() {
		return known, nil, nil
	}
	likes, err := r.store.friendLikes(ctx, v.Account, at.Mark)
	for _, l := range likes {
		if len(known.likes[l.Video]) == 0 && len(liked) < windowFriends {
			liked = append(liked, l.Video)
		}
		known.likes[l.Video] = append(known.likes[l.Video], l)
	}
	return known, liked, err
}

// whyShown says why a video stands where it stands in the viewer's entrance, as a page of the entrance would say it now; "" where the viewer's
// entrance is newest first, or the video stands in none of its lists.
func (r *Room) whyShown(ctx context.Context, v who.Viewer, id who.ID) (string, error) {
	if !v.Guest() {
		if order, err := r.store.order(ctx, v.Account); err != nil || order == Latest {
			return "", err
		}
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return "", err
	}
	at := place{Now: db.Ms(now), Mark: r.DB.IDs.Next()}
	known, _, err := r.likedByFriends(ctx, v, at)
	if err != nil {
		return "", err
	}
	one, err := r.store.chosen(ctx, v.Account, []who.ID{id})
	if err != nil || len(one) == 0 {
		return "", err
	}
	if err := r.signals(ctx, v, TabRecommended, at, one, &known); err != nil {
		return "", err
	}
	list, err := r.whole(ctx, v, one, known)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].why(ctx), nil
}

// candidates gives the videos of a view's window, each once.
func (r *Room) candidates(ctx context.Context, v who.Viewer, tab Tab, at place, liked []who.ID) (window []candidate, err error) {
	if tab == TabFollowing {
		return r.store.following(ctx, v.Account, post.Cursor{At: at.Now + 1}, windowFollowing)
	}
	if len(liked) > 0 {
		if window, err = r.store.chosen(ctx, v.Account, liked); err != nil || tab == TabFriends {
			return window, err
		}
	}
	if tab == TabFriends {
		return nil, nil
	}
	hot, err := r.store.hottest(ctx, v.Account, at.Now, windowHottest)
	if err != nil {
		return nil, err
	}
	fresh, err := r.store.newest(ctx, v.Account, post.Cursor{At: at.Now + 1}, windowNewest)
	for _, c := range append(hot, fresh...) {
		if !slices.ContainsFunc(window, func(d candidate) bool { return d.ID == c.ID }) {
			window = append(window, c)
		}
	}
	return window, err
}

// signals fills in what ranking looks at.
func (r *Room) signals(ctx context.Context, v who.Viewer, tab Tab, at place, window []candidate, known *facts) (err error) {
	ids := make([]who.ID, len(window))
	for i, c := range window {
		ids[i] = c.ID
	}
	if known.topics, err = r.store.topicsOf(ctx, ids); err != nil {
		return err
	}
	less := map[who.Ref]bool{}
	if !v.Guest() {
		if known.fond, err = r.store.fond(ctx, v.Account, time.UnixMilli(at.Now).AddDate(0, 0, -fondDays), at.Mark); err != nil {
			return err
		}
		if less, err = r.store.less(ctx, v.Account, at.Now); err != nil {
			return err
		}
	}
	for i := range window {
		c := &window[i]
		c.Friends = len(known.likes[c.ID])
		if less[who.Ref{Kind: "account", ID: c.Owner}] {
			c.Less++
		}
		if tab == TabFriends && c.Friends > 0 {
			c.Liked = known.likes[c.ID][0].ID
		}
		for _, t := range known.topics[c.ID] {
			c.Topics = append(c.Topics, t.ID)
			c.Fond += known.fond[t.ID]
			if less[who.Ref{Kind: "topic", ID: t.ID}] {
				c.Less++
			}
		}
	}
	return nil
}

// friendsTold is how many friends a video names.
const friendsTold = 3

// whole reads the videos of a page, asks again whether the viewer sees each, and names what is told of them.
func (r *Room) whole(ctx context.Context, v who.Viewer, page []candidate, known facts) ([]Shown, error) {
	if len(page) == 0 {
		return nil, nil
	}
	var ids, friends []who.ID
	for _, c := range page {
		ids = append(ids, c.ID)
		for _, l := range known.likes[c.ID][:min(friendsTold, len(known.likes[c.ID]))] {
			friends = append(friends, l.Account)
		}
	}
	videos, err := r.store.byIDs(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	names, err := r.store.shownNames(ctx, friends)
	if err != nil {
		return nil, err
	}
	var out []Shown
	for _, c := range page {
		i := slices.IndexFunc(videos, func(x Video) bool { return x.ID == c.ID })
		if i < 0 || !sees(v, videos[i]) {
			continue
		}
		s := Shown{Video: videos[i], signals: c}
		for _, l := range known.likes[c.ID][:min(friendsTold, len(known.likes[c.ID]))] {
			s.friends = append(s.friends, names[l.Account])
		}
		for _, t := range known.topics[c.ID] {
			if known.fond[t.ID] > 0 {
				s.topics = append(s.topics, t.Name)
			}
		}
		out = append(out, s)
	}
	return out, nil
}
