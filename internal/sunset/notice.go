package sunset

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// edition is a published version of a calendar, beside the one before it.
type edition struct {
	Number    int
	Published time.Time // UTC
	Why       string    // the reason for a later version
	Calendar  *exit.SunsetCalendar
	Was       *exit.SunsetCalendar // nil: it is the first
	sunset    who.ID
}

// The names of what a version can change besides phases.
const (
	ChangedLate  = "late"  // until when archives are kept
	ChangedWords = "words" // a text, the address of a successor, the reason for tight dates, the reminders
)

// Change is what a later version of a calendar changed.
type Change struct {
	What    string    // a phase's word, [ChangedLate], [ChangedWords]
	Was, Is time.Time // zero: it was not there, or it is not there any more
}

// Changes compares a version with the one before it, in the order of the calendar.
func Changes(was, is *exit.SunsetCalendar) []Change {
	var out []Change
	for _, word := range calendarWords {
		if a, b := was.At(word), is.At(word); !a.Equal(b) {
			out = append(out, Change{word, a, b})
		}
	}
	if !was.Late.Equal(is.Late) {
		out = append(out, Change{ChangedLate, was.Late, is.Late})
	}
	if !sameWords(was, is) {
		out = append(out, Change{What: ChangedWords})
	}
	return out
}

// calendarWords are the words of a calendar in their order.
var calendarWords = []string{exit.Announced, exit.NoJoins, exit.ReadOnly, exit.NoEntrance, exit.ExportOnly, exit.Stopped, exit.Erased}

func sameWords(a, b *exit.SunsetCalendar) bool {
	for _, pair := range [][2]exit.Words{{a.Title, b.Title}, {a.Reason, b.Reason}, {a.Apology, b.Apology}, {a.Ask, b.Ask}, {a.Charges, b.Charges}} {
		if !maps.Equal(pair[0], pair[1]) {
			return false
		}
	}
	for _, word := range calendarWords {
		if !maps.Equal(saysOf(a, word), saysOf(b, word)) {
			return false
		}
	}
	return a.Successor == b.Successor && a.Override == b.Override && slices.Equal(a.Remind, b.Remind)
}

// saysOf gives what the operator says of a phase.
func saysOf(cal *exit.SunsetCalendar, word string) exit.Words {
	for _, p := range cal.Phases {
		if p.Word == word {
			return p.Says
		}
	}
	return nil
}

// public gives a sunset whose notice the viewer may read: everybody from the announcement on, the operator before. NotFound.
func (r *Room) public(ctx context.Context, v who.Viewer, name string) (Sunset, error) {
	s, err := r.store.byName(ctx, name)
	if err != nil {
		return s, err
	}
	now, err := r.DB.Now(ctx)
	if err == nil && !v.Operator && !announced(s, now) {
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	return s, err
}

// announced reports whether the notice has been put up: one that was withdrawn before its day never was.
func announced(s Sunset, now time.Time) bool {
	at := s.Calendar.At(exit.Announced)
	return !at.After(now) && (s.State != stateWithdrawn || at.Before(s.Ended))
}

// mostStanding bounds how many notices stand on Home: all others are on the list of notices.
const mostStanding = 10

// Standing gives the notices of what is ending now, for Home, the newest first: each stands from its announcement until its end; that of a circle, before its
// members. One that the page's own bar is about is left out.
func (r *Room) Standing(ctx context.Context) ([]ui.Notice, error) {
	// Nearly always nothing ends, and then the database is not asked.
	known, err := r.Desk.Endings(ctx)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return nil, err
	}
	session := service.SessionOf(ctx)
	list, err := r.store.standing(ctx, session.Viewer.Account, now, mostStanding)
	if err != nil {
		return nil, err
	}
	var out []ui.Notice
	for _, s := range list {
		if session.Here != nil && session.Here.ID == s.ID {
			continue
		}
		out = append(out, ui.Notice{
			Kind: ui.Info, Sentence: standingSentence(ctx, s, now), Action: &ui.Link{Text: ui.T(ctx, "sunset_notice.read"), Href: service.NoticePath(s.Name)},
		})
	}
	return out, nil
}

// picture is what an operator puts on a notice.
type picture struct {
	kind          string // "image/jpeg" …
	width, height int    // pixels
	bytes         []byte
}

// pictureSide bounds a notice's picture, in pixels.
const pictureSide = 1280

// SetPicture puts a picture on the notice of a sunset, in place of one that is there; f nil takes it away. It stays with later versions. NotFound, Invalid for
// what is no picture.
func (r *Room) SetPicture(ctx context.Context, name string, f io.Reader) error {
	var p picture
	version := ""
	if f != nil {
		img, err := media.Image(ctx, f, media.Limits{Keep: pictureSide})
		if err != nil {
			return err
		}
		p, version = picture{img.Type, img.Width, img.Height, img.Bytes}, r.DB.IDs.Next().String()
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		s, err := r.store.byName(ctx, name)
		if err != nil {
			return err
		}
		return r.store.setPicture(ctx, s.ID, version, p)
	})
}

func (p picture) reader() io.ReadSeeker { return bytes.NewReader(p.bytes) }
