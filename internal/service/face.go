package service

import (
	"context"
	"net/http"
	"time"

	"exeunt/exit"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Access says who may use a route; finer rules are in each room's access.go.
type Access int

// The kinds of access. On all but Anyone and Leaving an account that is closing or closed is
// led to the Exit Center.
const (
	Anyone   Access = iota // guests too
	Member                 // signed in
	Leaving                // signed in, whatever the account's state: Exit Center, downloads, sign-out
	Operator               // the operator of the install
)

// Route is one page or one form's target. Pattern is that of http.ServeMux ("POST /circles/{id}").
// Handle returns what failed; the server turns it into a page.
type Route struct {
	Pattern string
	Access  Access
	Handle  func(w http.ResponseWriter, r *http.Request) error
	Upload  bool   // takes a large body: the room bounds it itself
	Service string // the service that it belongs to and ends with; "" for what many share. The server fills it in
}

// Session is what the server knows about a request's viewer, read once a request.
type Session struct {
	Viewer      who.Viewer
	DisplayName string
	Avatar      string // a blob key; "" if there is none
	Language    string // the account's settings; "" where nothing was chosen
	Zone        string
	Theme       string
	Restrained  bool // the account may not write anywhere for now
	Extended    bool // it was extended just now: the cookie is to be sent again
	Entrances   []Entrance
	Now         time.Time // promise time, as it was read with the session; zero for a guest
	Trial       *ui.TrialBar
	Flash       *ui.Notice
	Path        string
	Unread      int      // notices that the account has not seen, as [ui.BellView] counts them
	Endings     []Ending // all that are published
	Here        *Ending  // the one with which the page ends; nil: none
	HereName    string   // of the place that ends with it, where the viewer may see it
}

type sessionKey struct{}

// WithSession puts the session into a request's context.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionOf gives the request's session; a guest's if the server put none there.
func SessionOf(ctx context.Context) *Session {
	if s, ok := ctx.Value(sessionKey{}).(*Session); ok {
		return s
	}
	return &Session{}
}

// ViewerOf gives who looks.
func ViewerOf(ctx context.Context) who.Viewer { return SessionOf(ctx).Viewer }

// NoticesPath is where the account sees what happened to it.
const NoticesPath = "/notices"

// StandingPath is where an account reads what holds against it.
const StandingPath = "/me/standing"

// MediaPath gives the address of a blob, "" for no key. The handler there asks the veil.
func MediaPath(key string) string {
	if key == "" {
		return ""
	}
	return "/media/" + key
}

// Frame gives the page's frame for the request's viewer: tabs, trial bar, flash.
func Frame(ctx context.Context, title string) ui.Frame {
	s := SessionOf(ctx)
	f := ui.Frame{Title: title, Path: s.Path, Trial: s.Trial, Flash: s.Flash, Ending: endingBar(ctx, s)}
	for _, e := range s.Entrances {
		if e.Shown && Allowed(ctx, exit.AllowEntrance, e.Service.Name, 0) {
			f.Tabs = append(f.Tabs, ui.Tab{Label: ui.T(ctx, e.Service.Title), Href: e.Service.Path, Icon: e.Service.Icon})
		}
	}
	if s.Viewer.Guest() {
		return f
	}
	if s.Restrained && f.Flash == nil {
		f.Flash = &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "moderate.bar"), Action: &ui.Link{Text: ui.T(ctx, "moderate.bar.more"), Href: StandingPath}}
	}
	f.Bell = &ui.BellView{Href: NoticesPath, Unread: s.Unread, Live: NoticesPath + "/live"}
	f.Viewer = &ui.ViewerView{Name: s.DisplayName, Avatar: MediaPath(s.Avatar), Href: ui.MePath}
	if s.Viewer.State == who.Active && Allowed(ctx, exit.AllowWrite, "", 0) {
		f.WriteHref = "/write"
	}
	return f
}

// Sentence gives an error's words for the reader.
func Sentence(ctx context.Context, e *exit.Error) string {
	args := make([]any, 0, 2*len(e.Args))
	for name, value := range e.Args {
		args = append(args, name, value)
	}
	return ui.Sentence(ctx, e.Key, args...)
}

// flashCookie carries the key of one sentence from a posted form to the page after it.
const flashCookie = "flash"

// Done answers a posted form: it leads to a path of this site, where the sentence of the key is
// shown once. An empty key shows nothing.
func Done(w http.ResponseWriter, r *http.Request, to, key string) error {
	if key != "" {
		http.SetCookie(w, &http.Cookie{Name: flashCookie, Value: key, Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	}
	http.Redirect(w, r, ui.LocalPath(to), http.StatusSeeOther)
	return nil
}

// TakeFlash reads and clears the sentence that [Done] left; nil if there is none. Only keys that
// the languages know are shown.
func TakeFlash(w http.ResponseWriter, r *http.Request) *ui.Notice {
	c, err := r.Cookie(flashCookie)
	if err != nil || r.Method != http.MethodGet {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	if !ui.HasKey(c.Value) {
		return nil
	}
	return &ui.Notice{Kind: ui.Done, Sentence: ui.T(r.Context(), c.Value)}
}
