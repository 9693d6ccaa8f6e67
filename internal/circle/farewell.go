package circle

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a farewell.
const (
	mostFarewell = 200 // characters
	longestLink  = 500 // bytes
)

// Farewell is what owners leave to be read where their circle is, and where it was: a line, and where they went. It stands at the top of the circle's page from
// when it is left; past the end of the circle, and of who left it, it is shown as long as the policy holds names, and refers to nobody then.
type Farewell struct {
	Circle  who.ID
	Words   string
	Link    string // an https address; "" for none
	By      who.ID // who left it; 0: somebody who is gone
	At      time.Time
	Offered bool      // the members were told where to go
	Until   time.Time // it is shown until then, UTC; zero: as long as the circle is there
	Signed  string    // "moved to …" as the install has signed it (see [ledger.Statement]); "" where there is no link
}

// clean trims a farewell and refuses, with Invalid, what is too long, hides something, or leads anywhere but to the web.
func (f Farewell) clean() (Farewell, error) {
	f.Words, f.Link = strings.Join(strings.Fields(norm.NFC.String(f.Words)), " "), strings.TrimSpace(f.Link)
	switch {
	case !printable(f.Words, "") || utf8.RuneCountInString(f.Words) > mostFarewell:
		return f, exit.Fail(exit.Invalid, "circle_farewell.error.long", "Count", mostFarewell)
	case who.Hides(f.Words):
		return f, exit.Fail(exit.Invalid, "circle_farewell.error.hides")
	case f.Words == "" && f.Link == "":
		return f, exit.Fail(exit.Invalid, "circle_farewell.error.empty")
	case f.Link == "":
		return f, nil
	}
	u, err := url.Parse(f.Link)
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.Contains(u.Hostname(), ".") || len(f.Link) > longestLink || who.Hides(f.Link) || strings.ContainsFunc(f.Link, odd) {
		return f, exit.Fail(exit.Invalid, "circle_farewell.error.link")
	}
	// A path reads best as it was typed. A host of other letters could pass for another one.
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		f.Link = u.String()
	}
	return f, nil
}

// FarewellOf gives what was left in a circle. NotFound if nothing was, or the viewer may not know of the circle.
func (r *Room) FarewellOf(ctx context.Context, v who.Viewer, id who.ID) (Farewell, error) {
	if _, _, err := r.Circle(ctx, v, id); err != nil {
		return Farewell{}, err
	}
	return r.farewellIn(ctx, id)
}

// farewellIn gives what was left in a circle and is not over, signed.
func (r *Room) farewellIn(ctx context.Context, id who.ID) (Farewell, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return Farewell{}, err
	}
	f, err := r.store.farewell(ctx, id, now)
	if err != nil {
		return f, err
	}
	return r.signed(f)
}

// signed adds the signed statement where the install knows its own address, and has a key.
func (r *Room) signed(f Farewell) (Farewell, error) {
	if f.Link == "" || r.Key == nil || r.Host == "" {
		return f, nil
	}
	text, err := ledger.SignStatement(ledger.Statement{What: r.Host + Path(f.Circle), To: f.Link, At: f.At, Trial: r.DB.Trial()}, r.Key)
	f.Signed = string(text)
	return f, err
}

// Bid keeps what owners and co-owners leave to be read; a later one takes the place of an earlier one. It is possible in every phase of a sunset until the stop.
func (r *Room) Bid(ctx context.Context, v who.Viewer, id who.ID, words, link string) error {
	f, err := Farewell{Circle: id, Words: words, Link: link, By: v.Account}.clean()
	if err != nil {
		return err
	}
	return r.parting(ctx, v, id, func(ctx context.Context, pass service.Pass, _ Circle) error {
		if err := r.mayBid(ctx, pass, f); err != nil {
			return err
		}
		old, err := r.store.farewell(ctx, id, pass.At)
		if err != nil && exit.KindOf(err) != exit.NotFound {
			return err
		}
		f.At, f.Offered = pass.At, old.Offered && old.Link == f.Link
		return r.store.putFarewell(ctx, pass, f)
	})
}

// parting runs a change by which owners and co-owners say farewell.
func (r *Room) parting(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Circle) error) error {
	return r.keeping(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, c Circle, m Membership) error {
		if !runs(m) {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		return fn(ctx, pass, c)
	})
}

// mayBid refuses, with Invalid, words and addresses that the operator's filter does not let through: they stand for long, when nobody can be asked any more.
func (r *Room) mayBid(ctx context.Context, pass service.Pass, f Farewell) error {
	if r.Bans == nil {
		return nil
	}
	hold, err := r.Bans.ScreenPost(ctx, pass, post.ScreenIn{Author: f.By, Text: f.Words + "\n" + f.Link, Edit: true})
	if err == nil && hold {
		err = exit.Fail(exit.Invalid, "moderate.error.held")
	}
	return err
}

// Unbid takes away what was left, whatever is still allowed in the circle; owners and co-owners may.
func (r *Room) Unbid(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, v.Account)
		if err != nil {
			return err
		}
		if err := r.store.lock(ctx, id); err != nil {
			return err
		}
		_, m, err := r.known(ctx, v, id)
		if err != nil {
			return err
		}
		if !runs(m) {
			return exit.Fail(exit.Forbidden, "circle.error.owner_only")
		}
		return r.store.dropFarewell(ctx, pass, id)
	})
}

// OfferMove tells all members where to go, once for each address: Conflict for a second time, Invalid where the farewell leads nowhere.
func (r *Room) OfferMove(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.parting(ctx, v, id, func(ctx context.Context, pass service.Pass, c Circle) error {
		f, err := r.store.farewell(ctx, id, pass.At)
		switch {
		case err != nil:
			return err
		case f.Link == "":
			return exit.Fail(exit.Invalid, "circle_farewell.error.nowhere")
		case f.Offered:
			return exit.Fail(exit.Conflict, "circle_farewell.error.told")
		}
		if err := r.store.offerMove(ctx, pass, id); err != nil {
			return err
		}
		return r.tellMembers(ctx, pass, c, notify.CircleMoved, v.Account)
	})
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

// LeftBy reports whether something that was left with a run stands still; a slip of the run takes it away with [Room.UnleaveRun].
func (r *Room) LeftBy(ctx context.Context, run string) (bool, error) { return r.store.leftBy(ctx, run) }

// UnleaveRun takes away what was left with a run. Nobody needs to be signed in: whoever holds the slip has shown who they are.
func (r *Room) UnleaveRun(ctx context.Context, run string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error { return r.store.dropOfRun(ctx, run) })
}

// FarewellAt gives what was left at a circle's address ("/circles/7", and all below it) that leads nowhere now: the circle has stopped, has ended with its owner's
// leaving, or is gone. It is for the page that answers 410 there, before the erasure and after it, with [FarewellCard] on it. NotFound for any other address.
func (r *Room) FarewellAt(ctx context.Context, path string) (Farewell, error) {
	none := exit.Fail(exit.NotFound, "error.not_found")
	rest, ok := strings.CutPrefix(path, Service.Path+"/")
	if !ok || len(path) > 300 { // of all else nothing is asked
		return Farewell{}, none
	}
	text, _, _ := strings.Cut(rest, "/")
	id, ok := who.ParseID(text)
	if !ok {
		return Farewell{}, none
	}
	return r.FarewellIn(ctx, id)
}

// FarewellIn is [Room.FarewellAt] for a circle: for the addresses of what stood in it.
func (r *Room) FarewellIn(ctx context.Context, id who.ID) (Farewell, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return Farewell{}, err
	}
	f, err := r.store.farewellGone(ctx, id, now)
	if err != nil {
		return f, err
	}
	return r.signed(f)
}

// AsksStatement reports whether a request is for a circle's signed statement as it is: [Room.Answer] has it.
func AsksStatement(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/"+movedName) }

// Answer answers a request for an address of a circle that is gone with what was left to be read there: a page with the status 410, or the signed statement, which
// is there. NotFound if nothing was left; nothing is written then.
func (r *Room) Answer(w http.ResponseWriter, req *http.Request) error {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	f, err := r.FarewellAt(req.Context(), req.URL.Path)
	if err != nil {
		return err
	}
	if AsksStatement(req) {
		return showSigned(w, f)
	}
	// It can be taken away at any time.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	return showFarewell(w, req, f)
}
