// Package install is the room of the house itself: what it is called, by which rules people meet in
// it, and who may come in. It keeps nothing of anybody.
package install

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/media"
	"exeunt/internal/ui"
)

// Registration says who can sign up.
type Registration string

// The ways in. A slip's holder, whose name is held, comes back whichever it is.
const (
	Open       Registration = "open"
	Approval   Registration = "approval"   // signs up, and waits until the operator has looked
	Invitation Registration = "invitation" // by a link of the operator's
	Closed     Registration = "closed"
)

func (r Registration) valid() bool {
	return r == Open || r == Approval || r == Invitation || r == Closed
}

// The bounds of what an operator writes, in characters.
const (
	longestName   = 30
	longestSlogan = 80
	longestText   = 20_000
	longestFiling = 60
)

// iconSide is the side of the install's icon in pixels.
const iconSide = 512

// Settings are what the operator decides about the house. The zero value, with Registration Open, is
// a new install's.
type Settings struct {
	Name         string       `json:"name,omitempty"`   // "": the product's own
	Slogan       string       `json:"slogan,omitempty"` // "": the product's own
	Rules        string       `json:"rules,omitempty"`
	Privacy      string       `json:"privacy,omitempty"`
	Contact      string       `json:"contact,omitempty"`
	Filing       string       `json:"filing,omitempty"` // 备案号, shown in the footer
	Registration Registration `json:"registration"`
	Quota        int64        `json:"quota,omitempty"` // bytes of media and archives an account may have; 0: no bound
	Work         int          `json:"work,omitempty"`  // bits of proof of work that signing up asks for; 0: none
	Icon         string       `json:"icon,omitempty"`  // a version; "": the product's own
}

// setting is the name of the row in which the settings stand; settingIcon is that of the picture.
const (
	setting     = "house"
	settingIcon = "house-icon"
)

// fresh is how long settings are taken from memory: an operator's change is seen on every node within it.
const fresh = time.Second

// Clean trims the settings and refuses, with Invalid, what is too long or unknown.
func (s Settings) Clean() (Settings, error) {
	for _, f := range []struct {
		text *string
		most int
		line bool
		key  string
	}{
		{&s.Name, longestName, true, "install.error.name"},
		{&s.Slogan, longestSlogan, true, "install.error.slogan"},
		{&s.Filing, longestFiling, true, "install.error.filing"},
		{&s.Rules, longestText, false, "install.error.rules"},
		{&s.Privacy, longestText, false, "install.error.privacy"},
		{&s.Contact, longestText, false, "install.error.contact"},
	} {
		valid := utf8.ValidString(*f.text)
		*f.text = clean(*f.text, f.line)
		if utf8.RuneCountInString(*f.text) > f.most || !valid {
			return s, exit.Fail(exit.Invalid, f.key, "Most", f.most)
		}
	}
	switch {
	case !s.Registration.valid():
		return s, exit.Fail(exit.Invalid, "install.error.registration")
	case s.Quota < 0 || s.Quota > 1<<50:
		return s, exit.Fail(exit.Invalid, "install.error.quota")
	case s.Work < 0 || s.Work > 24:
		return s, exit.Fail(exit.Invalid, "install.error.work")
	}
	return s, nil
}

// clean drops control characters; a line has no breaks in it.
func clean(text string, line bool) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && (r != '\n' || line) || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// Way is a page for the operator that another room has. Name and About are keys of words.
type Way struct{ Icon, Name, About, Href string }

// Room is the install room. It is safe for concurrent use once Ways is set.
type Room struct {
	// Ways are the other rooms' pages on the operator's desk.
	Ways []Way

	db *db.DB

	mu   sync.Mutex
	read time.Time // machine clock
	now  Settings
}

// New gives the install room.
func New(d *db.DB) *Room { return &Room{db: d} }

// Current gives the settings, at most a second old.
func (r *Room) Current(ctx context.Context) (Settings, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.db.Clock.Now()
	if !r.read.IsZero() && at.Sub(r.read) < fresh && !at.Before(r.read) {
		return r.now, nil
	}
	s := Settings{Registration: Open}
	text, ok, err := r.db.Setting(ctx, setting)
	if err != nil {
		return s, err
	}
	if ok {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return s, fmt.Errorf("read the house's settings: %w", err)
		}
	}
	r.now, r.read = s, at
	return s, nil
}

// Change stores new settings; the icon stays. Invalid says what cannot be accepted.
func (r *Room) Change(ctx context.Context, s Settings) error {
	s, err := s.Clean()
	if err != nil {
		return err
	}
	err = r.db.Update(ctx, func(ctx context.Context) error {
		s.Icon, err = r.icon(ctx)
		if err != nil {
			return err
		}
		return r.put(ctx, s)
	})
	r.forget()
	return err
}

// icon gives the version of the icon that is stored.
func (r *Room) icon(ctx context.Context) (string, error) {
	var s Settings
	text, ok, err := r.db.Setting(ctx, setting)
	if err == nil && ok {
		err = json.Unmarshal([]byte(text), &s)
	}
	if err != nil {
		return "", fmt.Errorf("read the house's settings: %w", err)
	}
	return s.Icon, nil
}

func (r *Room) put(ctx context.Context, s Settings) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the house's settings: %w", err)
	}
	return r.db.SetSetting(ctx, setting, string(body))
}

// forget has the next look read the database.
func (r *Room) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = time.Time{}
}

// ChangeIcon stores a new icon, made square and small; nil takes the product's own again. Invalid for
// what is no picture.
func (r *Room) ChangeIcon(ctx context.Context, f io.Reader) error {
	s, err := r.Current(ctx)
	if err != nil {
		return err
	}
	s.Icon = ""
	var picture []byte
	if f != nil {
		pic, err := media.Image(ctx, f, media.Limits{Keep: 4 * iconSide, Thumb: iconSide / 4})
		if err != nil {
			return err
		}
		if picture, err = media.Square(pic.Bytes, iconSide); err != nil {
			return err
		}
		s.Icon = r.db.IDs.Next().String()
	}
	err = r.db.Update(ctx, func(ctx context.Context) error {
		if err := r.db.SetSetting(ctx, settingIcon, base64.StdEncoding.EncodeToString(picture)); err != nil {
			return err
		}
		return r.put(ctx, s)
	})
	r.forget()
	return err
}

// Icon gives the install's own icon as PNG; NotFound where it has none.
func (r *Room) Icon(ctx context.Context) (io.ReadSeeker, error) {
	text, ok, err := r.db.Setting(ctx, settingIcon)
	if err != nil {
		return nil, err
	}
	if !ok || text == "" {
		return nil, exit.Fail(exit.NotFound, "error.not_found")
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read icon: %w", err)
	}
	return bytes.NewReader(b), nil
}

// Site gives what every page shows of the house.
func (r *Room) Site(ctx context.Context) (ui.Site, error) {
	s, err := r.Current(ctx)
	site := ui.Site{Name: s.Name, Slogan: s.Slogan, Filing: s.Filing}
	if s.Icon != "" {
		site.Icon = IconPath + "?" + s.Icon
	}
	for _, a := range abouts {
		if a.text(s) != "" {
			site.About = append(site.About, a.name)
		}
	}
	return site, err
}
