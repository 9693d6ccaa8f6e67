package channel

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a channel's words.
const (
	mostName  = 40  // characters
	mostBio   = 500 // characters
	mostLinks = 5
	mostLabel = 40  // characters
	mostURL   = 500 // bytes
)

// Link is an address that a channel shows.
type Link struct{ Label, URL string }

// Words is what an owner writes of a channel.
type Words struct {
	Name, Bio string
	Links     []Link
	Downloads bool   // new videos may be downloaded
	Category  string // under which podcast apps list it, one of Apple's; "": the usual one
	Explicit  bool   // podcast apps say that it is not for children
}

// podcastCategories are the names of Apple's podcast categories, by what follows "channel.category." in the key of their words.
var podcastCategories = map[string]string{
	"arts": "Arts", "business": "Business", "comedy": "Comedy", "education": "Education", "family": "Kids & Family", "fiction": "Fiction", "film": "TV & Film", "government": "Government",
	"health": "Health & Fitness", "history": "History", "leisure": "Leisure", "music": "Music", "news": "News", "religion": "Religion & Spirituality", "science": "Science", "society": "Society & Culture",
	"sports": "Sports", "technology": "Technology", "true_crime": "True Crime",
}

var categoryWords = ui.Keys("channel.category.", "arts", "business", "comedy", "education", "family", "fiction", "film", "government", "health", "history", "leisure", "music", "news", "religion",
	"science", "society", "sports", "technology", "true_crime")

// usualCategory is that of channels whose owners have chosen none.
const usualCategory = "society"

// Clean trims the words and refuses, with Invalid, what is too long, hides something or is no address. An unknown category is none.
func (w Words) Clean() (Words, error) {
	w.Name = strings.Join(strings.Fields(norm.NFC.String(w.Name)), " ")
	w.Bio = lines(w.Bio)
	switch {
	case w.Name == "":
		return w, exit.Fail(exit.Invalid, "channel.error.name_empty")
	case !fits(w.Name, mostName, ""):
		return w, exit.Fail(exit.Invalid, "channel.error.name_long", "Count", mostName)
	case who.Hides(w.Name):
		return w, exit.Fail(exit.Invalid, "channel.error.name_hides")
	case who.Mixes(w.Name):
		return w, exit.Fail(exit.Invalid, "channel.error.name_mixes")
	case !fits(w.Bio, mostBio, "\n\t"):
		return w, exit.Fail(exit.Invalid, "channel.error.bio", "Count", mostBio)
	}
	var kept []Link
	for _, l := range w.Links {
		l.Label, l.URL = strings.Join(strings.Fields(l.Label), " "), strings.TrimSpace(l.URL)
		if l == (Link{}) {
			continue
		}
		if !isAddress(l.URL) || !fits(l.Label, mostLabel, "") {
			return w, exit.Fail(exit.Invalid, "channel.error.link")
		}
		kept = append(kept, l)
	}
	if len(kept) > mostLinks {
		return w, exit.Fail(exit.Invalid, "channel.error.links", "Count", mostLinks)
	}
	w.Links = kept
	if podcastCategories[w.Category] == "" {
		w.Category = ""
	}
	return w, nil
}

// isAddress says whether a text is an address of the web that a page may lead to.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(s) <= mostURL && fits(s, mostURL, "")
}

// lines gives a text of several lines as it is stored.
func lines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// fits refuses texts that are too long, broken UTF-8, and control characters other than the allowed ones.
func fits(s string, most int, allowed string) bool {
	return utf8.RuneCountInString(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < ' ' || c == 0x7f) && !strings.ContainsRune(allowed, c)
	})
}

// Open opens the viewer's channel. It is no error if it has one: its words change. Forbidden without the followers that the operator asks for.
func (r *Room) Open(ctx context.Context, v who.Viewer, w Words) error {
	w, err := w.Clean()
	if err != nil {
		return err
	}
	limits, err := r.Limits(ctx)
	if err != nil {
		return err
	}
	return r.entering(ctx, service.Write{By: v.Account, Service: Name, Join: true}, func(ctx context.Context, pass service.Pass) error {
		if err := r.enough(ctx, v, limits.ToOpen, "channel.error.followers_open"); err != nil {
			return err
		}
		if err := r.mayName(ctx, v, w.Name); err != nil {
			return err
		}
		if err := r.maySay(ctx, pass, v, w.Name, w.Bio); err != nil {
			return err
		}
		return r.store.putChannel(ctx, pass, v.Account, w)
	})
}

// Change stores new words of the viewer's channel. NotFound if it has none.
func (r *Room) Change(ctx context.Context, v who.Viewer, w Words) error {
	w, err := w.Clean()
	if err != nil {
		return err
	}
	return r.own(ctx, v, func(ctx context.Context, pass service.Pass) error {
		if _, err := r.mine(ctx, v); err != nil {
			return err
		}
		if err := r.mayName(ctx, v, w.Name); err != nil {
			return err
		}
		if err := r.maySay(ctx, pass, v, w.Name, w.Bio); err != nil {
			return err
		}
		return r.store.putChannel(ctx, pass, v.Account, w)
	})
}

// mayName refuses a name that people would take for that of somebody else's channel: Conflict.
func (r *Room) mayName(ctx context.Context, v who.Viewer, name string) error {
	taken, err := r.store.looksLike(ctx, v.Account, name)
	if err == nil && taken {
		err = exit.Fail(exit.Conflict, "channel.error.name_taken")
	}
	return err
}

// maySay refuses words of a channel or a collection that [Room.Screen] does not let through.
func (r *Room) maySay(ctx context.Context, pass service.Pass, v who.Viewer, words ...string) error {
	if r.Screen == nil {
		return nil
	}
	_, err := r.Screen(ctx, pass, post.ScreenIn{Author: v.Account, Text: strings.Join(words, "\n"), Edit: true})
	return err
}

// enough asks for the followers that an ability needs.
func (r *Room) enough(ctx context.Context, v who.Viewer, need int64, key string) error {
	if need == 0 {
		return nil
	}
	_, followers, err := r.Relations.Totals(ctx, v.Account)
	if err == nil && followers < need {
		err = exit.Fail(exit.Forbidden, key, "Need", need, "Have", followers)
	}
	return err
}

// own runs a change of the viewer's own, through the fence.
func (r *Room) own(ctx context.Context, v who.Viewer, fn func(context.Context, service.Pass) error) error {
	return r.entering(ctx, service.Write{By: v.Account, Service: Name}, fn)
}

// entering runs a change behind the fence.
func (r *Room) entering(ctx context.Context, w service.Write, fn func(context.Context, service.Pass) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, w)
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
}

// errNone is what a channel answers that is not there, as far as the viewer is concerned.
func errNone() error { return exit.Fail(exit.NotFound, "channel.error.none") }

// mine gives the viewer's own channel; NotFound if there is none.
func (r *Room) mine(ctx context.Context, v who.Viewer) (Channel, error) {
	return r.Channel(ctx, v, v.Account)
}

// Opened tells whether the account has a channel.
func (r *Room) Opened(ctx context.Context, account who.ID) (bool, error) {
	list, err := r.store.channels(ctx, account, []who.ID{account})
	return len(list) > 0, err
}

// Channel gives an account's channel as the viewer may see it. NotFound if there is none, it is veiled, or one of the two has blocked the other.
func (r *Room) Channel(ctx context.Context, v who.Viewer, account who.ID) (Channel, error) {
	list, err := r.store.channels(ctx, v.Account, []who.ID{account})
	if err != nil {
		return Channel{}, err
	}
	if len(list) == 0 || !seesChannel(v, list[0]) {
		return Channel{}, errNone()
	}
	return list[0], nil
}

// LinkTo leads to an account's channel, by the channel's name; nil if the viewer sees none.
func (r *Room) LinkTo(ctx context.Context, v who.Viewer, account who.ID) (*ui.Link, error) {
	c, err := r.Channel(ctx, v, account)
	if exit.KindOf(err) == exit.NotFound || err == nil && !service.Reads(ctx, v, Name, 0) {
		return nil, nil //nolint:nilnil // there is none to be seen
	}
	return &ui.Link{Text: c.Name, Href: Path(c.Handle)}, err
}

// Named gives the channel of an account's name; errors are those of [Room.Channel].
func (r *Room) Named(ctx context.Context, v who.Viewer, name string) (Channel, error) {
	p, err := r.Relations.Named(ctx, v, name)
	if exit.KindOf(err) == exit.NotFound {
		return Channel{}, errNone()
	}
	if err != nil {
		return Channel{}, err
	}
	return r.Channel(ctx, v, p.ID)
}

// Which is one of a channel's two pictures.
type Which string

// The pictures.
const (
	Avatar Which = "avatar"
	Cover  Which = "cover"
)

// mostPicture bounds an uploaded picture, in bytes.
const mostPicture = 10_000_000

// pictureLimits say how large a picture may come and how large it is kept.
var pictureLimits = map[Which]media.Limits{
	Avatar: {Bytes: mostPicture, Keep: 512, Thumb: 64},
	Cover:  {Bytes: mostPicture, Keep: 1600, Thumb: 64},
}

// SetPicture stores the avatar or cover of the viewer's channel from an image file; a nil reader removes it. It must not be called inside a
// transaction.
func (r *Room) SetPicture(ctx context.Context, v who.Viewer, which Which, from io.Reader) error {
	if _, err := r.mine(ctx, v); err != nil {
		return err
	}
	var key string
	if from != nil {
		p, err := media.Image(ctx, from, pictureLimits[which])
		if err != nil {
			return err
		}
		if err := r.roomFor(ctx, v.Account, int64(len(p.Bytes))); err != nil {
			return err
		}
		b, err := r.Blobs.Put(ctx, v.Account, blob.Channels, p.Ext, p.Type, bytes.NewReader(p.Bytes))
		if err != nil {
			return err
		}
		key = b.Key
	}
	return r.own(ctx, v, func(ctx context.Context, pass service.Pass) error {
		c, err := r.mine(ctx, v)
		if err != nil {
			return err
		}
		old := c.Avatar
		if which == Cover {
			old = c.Cover
		}
		if err := r.store.setPicture(ctx, pass, v.Account, which, key); err != nil {
			return err
		}
		if key != "" {
			if err := r.Blobs.Keep(ctx, key); err != nil {
				return err
			}
		}
		return r.Blobs.Doom(ctx, v.Account, old)
	})
}

// roomFor is a Conflict where the account has no room left for so many bytes more.
func (r *Room) roomFor(ctx context.Context, account who.ID, more int64) error {
	if r.Accounts == nil {
		return nil
	}
	return r.Accounts.RoomFor(ctx, account, more)
}

// Grant gives a channel a badge in the operator's words, or takes it away where they are "".
func (r *Room) Grant(ctx context.Context, v who.Viewer, account who.ID, words string) error {
	words = strings.Join(strings.Fields(words), " ")
	if !v.Operator {
		return exit.Fail(exit.Forbidden, "channel.error.operator")
	}
	if !fits(words, mostLabel, "") {
		return exit.Fail(exit.Invalid, "channel.error.badge", "Count", mostLabel)
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{account}})
		if err != nil {
			return err
		}
		n, err := r.store.setBadge(ctx, pass, account, words)
		if err == nil && n == 0 {
			err = errNone()
		}
		return err
	})
}
