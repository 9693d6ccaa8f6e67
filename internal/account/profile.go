package account

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a profile, in characters but for the number of links.
const (
	longestDisplay = 50
	longestBio     = 500
	longestLabel   = 40
	longestURL     = 500
	mostLinks      = 5
)

// Profile is how an account shows itself.
type Profile struct {
	Display string // "" where only the name is shown
	Bio     string // lines kept
	Avatar  string // blob key, "" if there is none
	Cover   string // blob key, "" if there is none
	Links   []ProfileLink
}

// ProfileLink is one labelled address on a profile.
type ProfileLink struct{ Label, URL string }

// Ranking says whether an account's home is ranked; the page room asks and stores it. 0: nothing was chosen.
type Ranking int64

// The answers that an account can give.
const (
	Ranked   Ranking = 1
	Unranked Ranking = 2
)

// Settings are what an account chose; "" where it follows the browser or the install.
type Settings struct {
	Language ui.Lang
	Zone     string // of the IANA database
	Theme    ui.Theme
	SeenBy   relation.SeenBy
	Ranking  Ranking
	Unfound  bool // others find neither the account nor what stands on its page by searching
}

// Profile gives an account's profile. It says nothing of who may see it.
func (r *Room) Profile(ctx context.Context, account who.ID) (Profile, error) {
	return r.store.profile(ctx, account)
}

// SetProfile stores the viewer's names, words and links; pictures stay as they are. Invalid says
// which of them cannot be accepted.
func (r *Room) SetProfile(ctx context.Context, v who.Viewer, p Profile) error {
	p, err := cleanProfile(p)
	if err != nil {
		return err
	}
	return r.write(ctx, v, func(ctx context.Context, pass service.Pass) error {
		if err := r.ownName(ctx, v, p.Display); err != nil {
			return err
		}
		if err := r.store.setProfile(ctx, pass, v.Account, p); err != nil {
			return err
		}
		return r.index(ctx, pass, v.Account)
	})
}

// ownName is Invalid for a display name that looks like the name by which another account is found: nobody is taken for somebody else.
func (r *Room) ownName(ctx context.Context, v who.Viewer, display string) error {
	if display == "" {
		return nil
	}
	for _, key := range lookKeys(display) {
		other, err := r.store.named(ctx, key)
		if exit.KindOf(err) == exit.NotFound || err == nil && other.ID == v.Account {
			continue
		}
		if err == nil {
			err = exit.Fail(exit.Invalid, "account.error.display_taken")
		}
		return err
	}
	return nil
}

// write runs a write of the viewer's account through the fence.
func (r *Room) write(ctx context.Context, v who.Viewer, fn func(ctx context.Context, p service.Pass) error) error {
	return r.db.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account})
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
}

func cleanProfile(p Profile) (Profile, error) {
	if who.Hides(strings.TrimSpace(p.Display)) {
		return p, exit.Fail(exit.Invalid, "account.error.display_hidden")
	}
	if who.Mixes(p.Display) {
		return p, exit.Fail(exit.Invalid, "account.error.display_mixed")
	}
	p.Display = cleanLine(p.Display)
	p.Bio = cleanLines(p.Bio)
	if utf8.RuneCountInString(p.Display) > longestDisplay {
		return p, exit.Fail(exit.Invalid, "account.error.display_long", "Count", longestDisplay)
	}
	if utf8.RuneCountInString(p.Bio) > longestBio {
		return p, exit.Fail(exit.Invalid, "account.error.bio_long", "Count", longestBio)
	}
	var links []ProfileLink
	for _, l := range p.Links {
		l.Label, l.URL = cleanLine(l.Label), strings.TrimSpace(l.URL)
		if l.URL == "" && l.Label == "" {
			continue
		}
		address, ok := webAddress(l.URL)
		if !ok {
			return p, exit.Fail(exit.Invalid, "account.error.link_form")
		}
		if l.Label == "" {
			l.Label = address.Host
		}
		if utf8.RuneCountInString(l.Label) > longestLabel {
			return p, exit.Fail(exit.Invalid, "account.error.link_label", "Count", longestLabel)
		}
		links = append(links, ProfileLink{l.Label, address.String()})
	}
	if len(links) > mostLinks {
		return p, exit.Fail(exit.Invalid, "account.error.link_most", "Count", mostLinks)
	}
	p.Links = links
	return p, nil
}

// webAddress reads an address of the web: http or https, with a host, without a user's name.
func webAddress(s string) (*url.URL, bool) {
	if len(s) > longestURL {
		return nil, false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, false
	}
	return u, true
}

// hidden reports whether a character turns or hides the text around it. Joiners are kept:
// scripts and emoji need them.
func hidden(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) && c != '\u200d' && c != '\u200c' || c == utf8.RuneError
}

// cleanLine gives a text of one line: NFC, without controls, blanks folded.
func cleanLine(s string) string {
	s = strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	return strings.Map(func(c rune) rune {
		if hidden(c) {
			return -1
		}
		return c
	}, s)
}

// cleanLines gives a text of several lines: NFC, without controls but line breaks.
func cleanLines(s string) string {
	s = strings.Map(func(c rune) rune {
		if c != '\n' && hidden(c) {
			return -1
		}
		return c
	}, strings.ReplaceAll(norm.NFC.String(s), "\r\n", "\n"))
	return strings.TrimSpace(s)
}

// Which is one of a profile's two pictures.
type Which string

// The pictures.
const (
	Avatar Which = "avatar"
	Cover  Which = "cover"
)

// pictureLimits say how large a picture may come and how large it is kept.
var pictureLimits = map[Which]media.Limits{
	Avatar: {Bytes: mostPicture, Keep: 512, Thumb: 64},
	Cover:  {Bytes: mostPicture, Keep: 1600, Thumb: 64},
}

// mostPicture bounds an uploaded picture, in bytes.
const mostPicture = 10_000_000

// SetPicture stores the viewer's avatar or cover from an image file; a nil reader removes it. It
// must not be called inside a transaction.
func (r *Room) SetPicture(ctx context.Context, v who.Viewer, which Which, from io.Reader) error {
	b, err := r.putPicture(ctx, v.Account, which, from, false)
	if err != nil {
		return err
	}
	return r.write(ctx, v, func(ctx context.Context, pass service.Pass) error {
		return r.keepPicture(ctx, pass, v.Account, which, b)
	})
}

// putPicture reads an image and puts it, to be kept by a transaction; nothing for a nil reader. Conflict where the account has no room
// left for it.
func (r *Room) putPicture(ctx context.Context, account who.ID, which Which, from io.Reader, clean bool) (blob.Blob, error) {
	if from == nil {
		return blob.Blob{}, nil
	}
	limits := pictureLimits[which]
	limits.KeepClean = clean
	p, err := media.Image(ctx, from, limits)
	if err != nil {
		return blob.Blob{}, err
	}
	if err := r.RoomFor(ctx, account, int64(len(p.Bytes))); err != nil {
		return blob.Blob{}, err
	}
	return r.Blobs.Put(ctx, account, blob.Profile, p.Ext, p.Type, bytes.NewReader(p.Bytes))
}

// keepPicture refers to a picture that was put, and gives up the one before.
func (r *Room) keepPicture(ctx context.Context, pass service.Pass, account who.ID, which Which, b blob.Blob) error {
	old, err := r.store.setPicture(ctx, pass, account, which, b.Key, b.Size)
	if err != nil {
		return err
	}
	if b.Key != "" {
		if err := r.Blobs.Keep(ctx, b.Key); err != nil {
			return err
		}
	}
	return r.Blobs.Doom(ctx, account, old)
}

// SettingsOf gives an account's settings.
func (r *Room) SettingsOf(ctx context.Context, account who.ID) (Settings, error) {
	return r.store.settings(ctx, account)
}

// SetSettings stores the viewer's settings. Invalid says which cannot be accepted.
func (r *Room) SetSettings(ctx context.Context, v who.Viewer, s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	return r.write(ctx, v, func(ctx context.Context, pass service.Pass) error {
		return r.store.setSettings(ctx, pass, v.Account, s)
	})
}

func (s Settings) check() error {
	if s.Language != "" && !slices.Contains(ui.Langs(), s.Language) || ui.ParseTheme(string(s.Theme)) != s.Theme {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if !slices.Contains([]relation.SeenBy{relation.ByMe, relation.ByFollowers, relation.ByEveryone}, s.SeenBy) {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if _, ok := zone(s.Zone); !ok {
		return exit.Fail(exit.Invalid, "account.error.zone")
	}
	return nil
}

// zone reads the name of a time zone; nil for "".
func zone(name string) (*time.Location, bool) {
	if name == "" {
		return nil, true
	}
	if name == "Local" || len(name) > 60 {
		return nil, false
	}
	l, err := time.LoadLocation(name)
	return l, err == nil
}

// ZoneOf gives the location of a session's zone, nil where none was chosen.
func ZoneOf(s *service.Session) *time.Location {
	l, _ := zone(s.Zone)
	return l
}
