package account

import (
	"context"
	"net/http"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const (
	// sessionLife is how long a session lasts after it was last used.
	sessionLife = 30 * 24 * time.Hour
	// seenEvery is how often at most it is noted that a session was used.
	seenEvery = time.Hour
)

// The names of the session's cookie. A browser accepts the __Host- form only with Secure, for
// the whole host and from the host itself (RFC 6265bis, 4.1.3.2).
const (
	cookieName       = "session"
	secureCookieName = "__Host-session"
)

// Token gives the session's token of a request, "" if it has none.
func (r *Room) Token(req *http.Request) string {
	c, err := req.Cookie(r.cookieName(req))
	if err != nil || len(c.Value) != tokenLength {
		return ""
	}
	return c.Value
}

func (r *Room) secure(req *http.Request) bool { return r.Secure || req.TLS != nil }

func (r *Room) cookieName(req *http.Request) string {
	if r.secure(req) {
		return secureCookieName
	}
	return cookieName
}

// SetCookie hands a session's token to the browser; an empty one takes it back.
func (r *Room) SetCookie(w http.ResponseWriter, req *http.Request, token string) {
	age := int(sessionLife / time.Second)
	if token == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: r.cookieName(req), Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.secure(req),
	})
}

// Renew sends the cookie again when its session has been extended; the server calls it for
// signed-in pages.
func (r *Room) Renew(w http.ResponseWriter, req *http.Request, s *service.Session) {
	if s.Extended {
		r.SetCookie(w, req, r.Token(req))
	}
}

// Lookup gives the session of a token: viewer, names, entrances, settings and the time in one query. It
// is nil for a token that is unknown, has ended, or has not been used for 30 days.
func (r *Room) Lookup(ctx context.Context, token string) (*service.Session, error) {
	if len(token) != tokenLength {
		return nil, nil
	}
	machine := r.machine()
	row, ok, err := r.store.session(ctx, digest(token), machine.Add(-sessionLife))
	if err != nil || !ok {
		return nil, err
	}
	s := &row.Session
	s.Entrances = r.Desk.Placed(row.placed)
	if machine.Sub(row.seen) < seenEvery {
		return s, nil
	}
	err = r.exitWrite(ctx, s.Viewer.Account, func(ctx context.Context, p service.Pass) error {
		return r.store.touchSession(ctx, p, s.Viewer.Session, machine)
	})
	if exit.KindOf(err) == exit.NotFound {
		return nil, nil // the account went in this very moment, and the session with it
	}
	s.Extended = err == nil
	return s, err
}

// exitWrite runs a write that freezing never forbids, in a transaction of its own.
func (r *Room) exitWrite(ctx context.Context, account who.ID, fn func(ctx context.Context, p service.Pass) error) error {
	return r.db.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, account)
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
}

// SignOut ends the viewer's session.
func (r *Room) SignOut(ctx context.Context, v who.Viewer) error {
	return r.EndSession(ctx, v, v.Session)
}

// EndSession ends one of the person's sessions. One that is not theirs is left as it is.
func (r *Room) EndSession(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.exitWrite(ctx, v.Account, func(ctx context.Context, p service.Pass) error {
		return r.store.endSession(ctx, p, v.Person, id)
	})
}

// EndOtherSessions ends all of the person's sessions but the viewer's.
func (r *Room) EndOtherSessions(ctx context.Context, v who.Viewer) error {
	return r.exitWrite(ctx, v.Account, func(ctx context.Context, p service.Pass) error {
		return r.store.endOtherSessions(ctx, p, v.Person, v.Session)
	})
}

// EndAllSessions ends all of the person's sessions, the viewer's too.
func (r *Room) EndAllSessions(ctx context.Context, v who.Viewer) error {
	return r.exitWrite(ctx, v.Account, func(ctx context.Context, p service.Pass) error {
		return r.store.endOtherSessions(ctx, p, v.Person, 0)
	})
}

// Sessions lists the person's sessions, newest first, from those older than before (0: from the
// newest).
func (r *Room) Sessions(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Signed, error) {
	return r.store.sessionsOf(ctx, v.Person, before, r.machine().Add(-sessionLife), limit)
}

// families are browsers by a word of their User-Agent, the more particular first: most pretend
// to be others.
var families = []struct{ word, name string }{
	{"MicroMessenger/", "WeChat"},
	{"Edg", "Edge"},
	{"OPR/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"HuaweiBrowser/", "Huawei Browser"},
	{"Firefox/", "Firefox"},
	{"FxiOS/", "Firefox"},
	{"CriOS/", "Chrome"},
	{"Chrome/", "Chrome"},
	{"Safari/", "Safari"},
	{"curl/", "curl"},
}

// browserFamily gives the family of a browser, "" for one that is not known: no version, no
// system, nothing by which a person could be told from another.
func browserFamily(agent string) string {
	for _, f := range families {
		if strings.Contains(agent, f.word) {
			return f.name
		}
	}
	return ""
}
