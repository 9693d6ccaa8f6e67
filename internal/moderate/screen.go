package moderate

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// fresh is how old, by the machine clock, the lists of what is not let through may be.
const fresh = 10 * time.Second

// mostPlaces bounds for how many places lists are kept.
const mostPlaces = 1000

// nearest is by how many of 64 bits two looks may differ and still be of one image.
const nearest = 4

// lists are what a place does not let through.
type lists struct {
	at     time.Time
	words  []Word
	looks  []uint64
	limits Limits
}

func (r *Room) forget(p Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lists, p)
}

// list gives the lists of a place, at most ten seconds old.
func (r *Room) list(ctx context.Context, p Place) (lists, error) {
	now := r.DB.Clock.Now()
	r.mu.Lock()
	l, ok := r.lists[p]
	r.mu.Unlock()
	if ok && now.Sub(l.at) < fresh {
		return l, nil
	}
	l = lists{at: now}
	var err error
	if l.words, err = r.store.words(ctx, p, mostWordList); err != nil {
		return l, err
	}
	looks, err := r.store.looks(ctx, p, 0, mostLooks)
	if err != nil {
		return l, err
	}
	for _, x := range looks {
		if n, ok := bitsOf(x.Look); ok {
			l.looks = append(l.looks, n)
		}
	}
	if l.limits, err = r.store.limits(ctx, p); err != nil {
		return l, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lists) >= mostPlaces {
		clear(r.lists)
	}
	r.lists[p] = l
	return l, nil
}

// bitsOf reads a look: 16 hexadecimal digits.
func bitsOf(look string) (uint64, bool) {
	n, err := strconv.ParseUint(look, 16, 64)
	return n, err == nil && len(look) == 16
}

// places gives whose lists hold for what is written somewhere: the install's, and the circle's.
func places(serviceName string, place who.ID) []Place {
	if serviceName == kindCircle && place != 0 {
		return []Place{Everywhere, {serviceName, place}}
	}
	return []Place{Everywhere}
}

// words says what the filters make of a text.
func (r *Room) words(ctx context.Context, where []Place, text string) (hold bool, err error) {
	text = fold(text)
	for _, p := range where {
		l, err := r.list(ctx, p)
		if err != nil {
			return false, err
		}
		for _, w := range l.words {
			switch {
			case !has(text, w.key):
			case w.Does == Refuse:
				return false, exit.Fail(exit.Invalid, "moderate.error.filtered", "Word", w.Word)
			default:
				hold = true
			}
		}
	}
	return hold, nil
}

// images refuses images that look like one that is not let through.
func (r *Room) images(ctx context.Context, where []Place, looks []string) error {
	for _, p := range where {
		l, err := r.list(ctx, p)
		if err != nil {
			return err
		}
		for _, look := range looks {
			if n, ok := bitsOf(look); ok && near(n, l.looks) {
				return exit.Fail(exit.Invalid, "moderate.error.image")
			}
		}
	}
	return nil
}

func near(look uint64, list []uint64) bool {
	for _, x := range list {
		if bits.OnesCount64(x^look) <= nearest {
			return true
		}
	}
	return false
}

// ScreenPost looks at a post or a video that is about to stand before others: see [post.Room.Screen]. Each has a rate of its own; a video has no
// queue to wait in, and what a filter would hold is not taken.
func (r *Room) ScreenPost(ctx context.Context, pass service.Pass, in post.ScreenIn) (hold bool, err error) {
	where := places(in.In.Service, in.In.ID)
	looks := make([]string, len(in.Images))
	for i, x := range in.Images {
		looks[i] = x.Look
	}
	if !in.Edit {
		what := kindPost
		if in.Ref.Kind == kindVideo {
			what = kindVideo
		}
		if err := r.Take(ctx, in.Author, what); err != nil {
			return false, err
		}
	}
	if err := r.images(ctx, where, looks); err != nil {
		return false, err
	}
	if hold, err = r.words(ctx, where, in.Text+"\n"+in.Shared); err != nil {
		return false, err
	}
	if len(where) == 1 {
		return false, unheld(hold)
	}
	if !in.In.Staff {
		err = r.newcomer(ctx, pass, where[1], in)
	}
	return hold, err
}

// ScreenComment looks at a comment that is about to stand before others. What a filter would hold is not taken: comments have no queue.
func (r *Room) ScreenComment(ctx context.Context, pass service.Pass, author who.ID, serviceName string, place who.ID, text string) error {
	if err := r.Take(ctx, author, "comment"); err != nil {
		return err
	}
	return r.FilterComment(ctx, pass, author, serviceName, place, text)
}

// FilterComment is ScreenComment for a comment that is brought along, which counts for no rate.
func (r *Room) FilterComment(ctx context.Context, pass service.Pass, author who.ID, serviceName string, place who.ID, text string) error {
	where := places(serviceName, place)
	hold, err := r.words(ctx, where, text)
	if err == nil {
		err = unheld(hold)
	}
	if err != nil || len(where) == 1 {
		return err
	}
	l, is, err := r.isNew(ctx, pass, where[1], author)
	if err == nil && is && !l.Links && linked(text) {
		err = exit.Fail(exit.Forbidden, "moderate.error.new_links", "Days", l.Days)
	}
	return err
}

// unheld refuses what a filter would hold where there is no queue to hold it in.
func unheld(hold bool) error {
	if !hold {
		return nil
	}
	return exit.Fail(exit.Invalid, "moderate.error.held")
}

func linked(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "http://") || strings.Contains(text, "https://")
}

// isNew reports whether an account is a new member of a place that limits them.
func (r *Room) isNew(ctx context.Context, pass service.Pass, p Place, account who.ID) (l Limits, is bool, err error) {
	all, err := r.list(ctx, p)
	if err != nil || all.limits.Days == 0 || r.Places == nil {
		return all.limits, false, err
	}
	m, ok, err := r.Places.Member(ctx, p, account)
	return all.limits, ok && m.Rank == 0 && pass.At.Before(m.Since.AddDate(0, 0, all.limits.Days)), err
}

// newcomer refuses what new members may not do yet.
func (r *Room) newcomer(ctx context.Context, pass service.Pass, p Place, in post.ScreenIn) error {
	l, is, err := r.isNew(ctx, pass, p, in.Author)
	if err != nil || !is {
		return err
	}
	switch {
	case !l.Links && linked(in.Text):
		return exit.Fail(exit.Forbidden, "moderate.error.new_links", "Days", l.Days)
	case !l.Images && len(in.Images) > 0:
		return exit.Fail(exit.Forbidden, "moderate.error.new_images", "Days", l.Days)
	case in.Edit:
		return nil
	}
	// Counted apart from the posts: one that is deleted and written anew is a post of that day, too.
	n, err := r.store.attempt(ctx, r.counting("new "+p.ref(), in.Author), r.DB.Clock.Now(), 24*time.Hour)
	if err == nil && n > int64(l.Posts) {
		err = exit.Fail(exit.TooMany, "moderate.error.new_posts", "Days", l.Days, "Count", l.Posts)
	}
	return err
}

// counting gives the key under which is counted what an account does; it names nobody.
func (r *Room) counting(what string, account who.ID) string {
	mac := hmac.New(sha256.New, r.Secret)
	_, _ = mac.Write([]byte("rate " + what + " " + account.String())) // never fails (hash.Hash)
	return hex.EncodeToString(mac.Sum(nil))
}

// Take counts that an account does something, inside the transaction in which it does; TooMany beyond what an hour of the machine
// clock has. What is refused is not counted: the transaction is rolled back.
func (r *Room) Take(ctx context.Context, account who.ID, what string) error {
	for _, rate := range r.Rates {
		if rate.What != what {
			continue
		}
		n, err := r.store.attempt(ctx, r.counting(what, account), r.DB.Clock.Now(), time.Hour)
		if err == nil && n > int64(rate.Most) {
			err = exit.Fail(exit.TooMany, "moderate.error.rate", "Count", rate.Most)
		}
		return err
	}
	return nil
}
