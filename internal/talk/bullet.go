package talk

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const (
	// longestBullet bounds a bullet comment, in characters.
	longestBullet = 100
	// latestMoment bounds where one can stand; what is played knows how long it is.
	latestMoment = 24 * time.Hour
	// mostBullets bounds how many one call gives.
	mostBullets = 500
)

// Bullet is a bullet comment as a player shows it. It names nobody: who wrote it is told where it is reported.
type Bullet struct {
	ID     string `json:"id"`
	At     int64  `json:"at"` // milliseconds into what is played
	Text   string `json:"text"`
	Mine   bool   `json:"mine,omitempty"`   // the viewer wrote it
	Remove string `json:"remove,omitempty"` // the page on which the viewer can delete it; "" if they may not
}

// checkBullet refuses, with Invalid, what cannot stand at a moment.
func (r *Room) checkBullet(ref who.Ref, d Draft, text string) error {
	switch {
	case !r.played(ref.Kind) || d.Parent != 0 || *d.Moment < 0 || *d.Moment > latestMoment:
		return exit.Fail(exit.Invalid, "talk.error.moment")
	case utf8.RuneCountInString(text) > longestBullet:
		return exit.Fail(exit.Invalid, "talk.error.bullet_long", "Most", longestBullet)
	}
	return nil
}

// parseMoment reads a moment as people write it: seconds, minutes and seconds, or hours too, such as 1:05. What is none is before the beginning, where
// nothing can stand.
func parseMoment(s string) time.Duration {
	parts := strings.Split(strings.ReplaceAll(strings.TrimSpace(s), "：", ":"), ":")
	at := 0
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || len(parts) > 3 || i > 0 && n > 59 {
			return -1
		}
		at = at*60 + int(n)
	}
	return time.Duration(at) * time.Second
}

// Bullets gives the bullet comments on a thing from a moment up to another, without it, in their order, at most limit (and never more than 500). Those that are
// withheld, and those of people who are veiled, muted or blocked, are not among them. NotFound if the viewer may not see the thing.
//
// Bullet comments are in no list of threads, and the thing's count of comments leaves them out.
func (r *Room) Bullets(ctx context.Context, v who.Viewer, ref who.Ref, from, to time.Duration, limit int) ([]Bullet, error) {
	t, err := r.Registry.Thing(ctx, v, ref)
	if err != nil || t.Preview {
		return nil, err
	}
	list, err := r.store.bullets(ctx, v.Account, ref, from, to, min(limit, mostBullets))
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = c.Text
	}
	if texts, err = r.Posts.Decode(ctx, v.Account, texts...); err != nil {
		return nil, err
	}
	out := make([]Bullet, 0, len(list))
	for i, c := range list {
		b := Bullet{ID: c.ID.String(), At: c.Moment.Milliseconds(), Text: texts[i], Mine: !v.Guest() && c.Author == v.Account}
		if removes(v, c, t.Owner) {
			b.Remove = "/talk/comments/" + b.ID + "/delete"
		}
		out = append(out, b)
	}
	return out, nil
}

// Pin has a comment stand first among those on a thing, in place of the one that did, or, on false, where it belongs again. NotFound for
// who does not own the thing, and for answers and bullet comments.
func (r *Room) Pin(ctx context.Context, v who.Viewer, id who.ID, on bool) (about who.Ref, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		c, err := r.pinnable(ctx, v, id)
		if err != nil {
			return err
		}
		about = c.On
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{c.Author}, Service: c.Service, Place: c.Place, Removal: !on})
		if err != nil {
			return err
		}
		return r.store.pin(ctx, pass, c, on)
	})
	return about, err
}

// pinnable gives a comment that the viewer may pin.
func (r *Room) pinnable(ctx context.Context, v who.Viewer, id who.ID) (Comment, error) {
	none := exit.Fail(exit.NotFound, "talk.error.no_comment")
	list, err := r.store.byIDs(ctx, v.Account, []who.ID{id})
	if err != nil {
		return Comment{}, err
	}
	if len(list) == 0 {
		return Comment{}, none
	}
	things, err := r.Registry.Things(ctx, v, []who.Ref{list[0].On})
	if err != nil {
		return Comment{}, err
	}
	if !pins(v, list[0], things[list[0].On], r.played(list[0].On.Kind)) {
		return Comment{}, none
	}
	return list[0], nil
}
