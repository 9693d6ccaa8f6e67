package channel

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/notify"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a farewell.
const (
	mostFarewell      = 200 // characters
	mostFarewellLinks = 3
	longestLink       = 500 // bytes
)

// whatFarewell is the code by which a plan names it.
const whatFarewell = "farewell"

// Farewell is what who leaves has left to be read where the channel was, or the whole account: a line and up to three links. It is shown from the day
// on which things begin to go, as long as the name is held, and refers to nobody in the end.
type Farewell struct {
	ID       who.ID
	Scope    string // [Name], or "" for the account
	Words    string
	Links    []string // https
	Redirect bool     // who comes is led to the first link
	At       time.Time
	Offered  bool // the followers were told of the first link: it stands on the channel's page from then on
	Shown    bool
	Until    time.Time // zero until it is shown
	Signed   string    // that it leads to the first link, as the install has signed it (see [ledger.Statement]); only where it is read in somebody's place
}

// clean trims a farewell and refuses, with Invalid, what is too long, hides something, or leads anywhere but to the web.
func (f Farewell) clean() (Farewell, error) {
	f.Words = strings.Join(strings.Fields(norm.NFC.String(f.Words)), " ")
	switch {
	case !utf8.ValidString(f.Words) || utf8.RuneCountInString(f.Words) > mostFarewell:
		return f, exit.Fail(exit.Invalid, "farewell.error.long", "Count", mostFarewell)
	case who.Hides(f.Words):
		return f, exit.Fail(exit.Invalid, "farewell.error.hides")
	}
	var links []string
	for _, l := range f.Links {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		u, err := url.Parse(l)
		if err != nil || u.Scheme != "https" || u.User != nil || !strings.Contains(u.Hostname(), ".") || len(l) > longestLink || who.Hides(l) {
			return f, exit.Fail(exit.Invalid, "farewell.error.link")
		}
		links = append(links, u.String())
	}
	if f.Links = links; len(links) > mostFarewellLinks {
		return f, exit.Fail(exit.Invalid, "farewell.error.links", "Count", mostFarewellLinks)
	}
	switch {
	case f.Words == "" && len(links) == 0:
		return f, exit.Fail(exit.Invalid, "farewell.error.empty")
	case f.Redirect && len(links) == 0:
		return f, exit.Fail(exit.Invalid, "farewell.error.redirect")
	}
	return f, nil
}

// FarewellOf gives what an account has left for a scope; NotFound if there is nothing.
func (r *Room) FarewellOf(ctx context.Context, account who.ID, scope string) (Farewell, error) {
	return r.store.farewell(ctx, account, scope)
}

// Leave keeps what the viewer leaves to be read; a later one takes the place of an earlier one. Conflict once the closing is agreed: its plan says what
// stays.
func (r *Room) Leave(ctx context.Context, v who.Viewer, f Farewell) error {
	f, err := f.clean()
	if err != nil {
		return err
	}
	if f.Scope != "" && f.Scope != Name {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.parting(ctx, v, f.Scope)
		if err != nil {
			return err
		}
		// It stands before others for long, when nobody can be asked any more.
		as := Video{ID: v.Account, Owner: v.Account, Title: f.Words, Text: strings.Join(f.Links, "\n")}
		if err := r.screen(ctx, pass, as, true); err != nil {
			return err
		}
		old, err := r.store.farewell(ctx, v.Account, f.Scope)
		if err != nil && exit.KindOf(err) != exit.NotFound {
			return err
		}
		f.ID, f.Offered = r.DB.IDs.Next(), old.Offered && len(f.Links) > 0 && old.Links[0] == f.Links[0]
		key, ok, err := r.store.nameKey(ctx, v.Account)
		if err != nil || !ok {
			return err
		}
		return r.store.putFarewell(ctx, pass, v.Account, f, r.hashOf(key))
	})
}

// parting lets the viewer say farewell: until the stop, and until their closing is agreed.
func (r *Room) parting(ctx context.Context, v who.Viewer, scope string) (service.Pass, error) {
	pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: scope, Keeps: true})
	if exit.KindOf(err) == exit.Unavailable {
		err = exit.Fail(exit.Conflict, "farewell.error.agreed")
	}
	return pass, err
}

// OfferMove tells all followers of the viewer's channel where it goes, once for each first link: Conflict for a second time, Invalid where the farewell leads nowhere,
// NotFound without a farewell or a channel. From then on the farewell stands on the channel's page.
func (r *Room) OfferMove(ctx context.Context, v who.Viewer) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.parting(ctx, v, Name)
		if err != nil {
			return err
		}
		if _, err := r.mine(ctx, v); err != nil {
			return err
		}
		f, err := r.store.farewell(ctx, v.Account, Name)
		switch {
		case err != nil:
			return err
		case len(f.Links) == 0:
			return exit.Fail(exit.Invalid, "farewell.error.nowhere")
		case f.Offered:
			return exit.Fail(exit.Conflict, "farewell.error.told")
		}
		if err := r.store.offerMove(ctx, pass, f.ID); err != nil {
			return err
		}
		return r.Notices.Spread(ctx, pass, notify.News{Kind: notify.ChannelMoved, By: v.Account, On: who.Ref{Kind: search.Account, ID: v.Account}, Service: Name})
	})
}

// movedHere gives where a channel's followers were told that it goes, signed, for the channel's page; nil where they were not.
func (r *Room) movedHere(ctx context.Context, c Channel) (*Farewell, error) {
	f, err := r.store.farewell(ctx, c.Account, Name)
	if exit.KindOf(err) == exit.NotFound || err == nil && !f.Offered {
		return nil, nil //nolint:nilnil // what most channels have
	}
	if err == nil {
		f, err = r.signed(f, Path(c.Handle))
	}
	return &f, err
}

// Unleave takes away what the viewer has left, whatever the state of the account.
func (r *Room) Unleave(ctx context.Context, v who.Viewer, scope string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, v.Account)
		if err != nil {
			return err
		}
		return r.store.dropFarewell(ctx, pass, v.Account, scope)
	})
}

// LeftBy reports whether something that was left with a run stands still; a slip of the run takes it away with [Room.UnleaveRun].
func (r *Room) LeftBy(ctx context.Context, run string) (bool, error) { return r.store.leftBy(ctx, run) }

// UnleaveRun takes away what was left with a run. Nobody needs to be signed in: whoever holds the slip has shown who they are.
func (r *Room) UnleaveRun(ctx context.Context, run string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error { return r.store.dropOfRun(ctx, run) })
}

// SweepFarewells removes what has come to its end, up to limit, and gives how many.
func (r *Room) SweepFarewells(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		now, err := r.DB.Now(ctx)
		if err != nil {
			return err
		}
		n, err = r.store.sweepFarewells(ctx, now, limit)
		return err
	})
	return n, err
}

// hashOf gives the keyed hash under which a farewell stands when its account is gone.
func (r *Room) hashOf(nameKey string) string {
	m := hmac.New(sha256.New, r.Secret)
	m.Write([]byte("farewell\x00" + nameKey))
	return hex.EncodeToString(m.Sum(nil))
}

// farewellAt gives what was left for an address that leads nowhere now: a profile's, a channel's, a video's or a collection's. NotFound for any other.
func (r *Room) farewellAt(ctx context.Context, path string) (f Farewell, err error) {
	none := exit.Fail(exit.NotFound, "error.not_found")
	if len(path) > 300 { // of all that is no address of ours nothing is asked
		return f, none
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return f, err
	}
	for prefix, find := range map[string]func(context.Context, who.ID, time.Time) (Farewell, error){
		"/videos/": r.store.farewellOfVideo, "/embed/": r.store.farewellOfVideo, "/collections/": r.store.farewellOfCollection,
	} {
		rest, is := strings.CutPrefix(path, prefix)
		if !is {
			continue
		}
		text, _, _ := strings.Cut(rest, "/")
		id, ok := who.ParseID(text)
		if !ok {
			return f, none
		}
		if f, err = find(ctx, id, now); err != nil {
			return f, err
		}
		return r.signed(f, strings.Replace(prefix, "/embed/", "/videos/", 1)+id.String())
	}
	named, is := strings.CutPrefix(path, "/@")
	if !is {
		return f, none
	}
	name, of, _ := strings.Cut(strings.TrimPrefix(named, "/"), "/") // the server's own routes set a name apart
	if of != "" && of != "channel" && of != "channel/feed.xml" {    // podcast apps stop asking at 410, and follow a 301
		return f, none
	}
	if f, err = r.store.farewellUnder(ctx, r.hashOf(account.NameKey(name)), of == "", now); err != nil {
		return f, err
	}
	what := "/@" + name // as it was asked for: a key is no name that people know
	if of != "" {
		what += "/channel"
	}
	return r.signed(f, what)
}

// signed adds the statement by which the install says that one of its addresses leads to the first link, where it knows its own and has a key. It is made when it is
// read, and kept nowhere: nothing of a name stays.
func (r *Room) signed(f Farewell, path string) (Farewell, error) {
	if len(f.Links) == 0 || r.Key == nil || r.Host == "" {
		return f, nil
	}
	text, err := ledger.SignStatement(ledger.Statement{What: r.Host + path, To: f.Links[0], At: f.At, Trial: r.DB.Trial()}, r.Key)
	if errors.Is(err, ledger.ErrFormat) { // what no statement can hold is shown unsigned
		return f, nil
	}
	f.Signed = string(text)
	return f, err
}
