package moderate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// How a copyright complaint is handled, by the promise clock. A complaint is passed on to whose thing it is and to the operator, a counter-notice to
// the claimant; the operator takes the thing out or puts it back (民法典 1195, 1196; 信息网络传播权保护条例 14-17; 17 U.S.C. 512(c), (g)).
const (
	// answerWithin is how long whose thing it is has for a counter-notice, from the complaint and again from the day on which the thing
	// was taken out. The law names no term for it; 电子商务法 43 names 15 days for the other side.
	answerWithin = 15 * 24 * time.Hour
	// contactKept is how long name and address of a claimant without an account are kept after the last step.
	contactKept = 180 * 24 * time.Hour
	// claimKept is how long a complaint is kept after the last step: as long as one can sue over it (民法典 188).
	claimKept = 3 * 365 * 24 * time.Hour
	// longestClaim bounds a statement, in characters.
	longestClaim = 4000
	// claimsADay is how many complaints come from one account or one address within a day of the machine clock.
	claimsADay = 5
)

// What is done about a complaint, as the log tells it; that a thing was taken out for it is [Remove], by the rule "copyright".
const (
	Complained = "claim"
	Countered  = "claim_countered"
	Rejected   = "claim_refused"
	GivenUp    = "claim_withdrawn"

	ruleCopyright = "copyright"
)

// The states of a complaint.
const (
	ClaimOpen      = "open"
	ClaimCountered = "countered"
	ClaimUpheld    = "upheld" // the thing is taken out
	ClaimRefused   = "refused"
	ClaimWithdrawn = "withdrawn"
)

// Claim is a copyright complaint.
type Claim struct {
	ID        who.ID
	On        who.Ref // ID 0 once its owner has left
	Owner     who.ID  // whose thing it is; 0 once they have left
	By        who.ID  // the claimant; 0 for one without an account, or who has left
	Name      string  // of a claimant without an account, as is Email; both are erased in time
	Email     string
	Work      string // what was copied, and where it is
	Statement string
	Counter   string
	Answer    string // the operator's
	State     string
	Act       who.ID    // by which the thing was taken out; 0: it was not
	At        time.Time // all UTC
	AnswerBy  time.Time
	Countered time.Time // zero: not
	Decided   time.Time // zero: not
	EraseAt   time.Time // when Name and Email are erased
}

// ended reports whether nothing more can come of a complaint.
func (c Claim) ended() bool { return c.State == ClaimRefused || c.State == ClaimWithdrawn }

// Complaint is what a claimant writes.
type Complaint struct {
	Name, Email     string // of one without an account
	Work, Statement string
	Faith           bool // they declare that what they write is true and that the work is theirs to speak for
}

// claimable are the kinds of things that one can complain about.
var claimable = map[string]bool{kindVideo: true}

// clean refuses, with Invalid, what is no complaint.
func (d *Complaint) clean(guest bool) (err error) {
	if d.Work, err = cleanClaim(d.Work); err != nil {
		return err
	}
	if d.Statement, err = cleanClaim(d.Statement); err != nil {
		return err
	}
	d.Name, d.Email = strings.Join(strings.Fields(d.Name), " "), strings.TrimSpace(d.Email)
	switch {
	case !d.Faith:
		return exit.Fail(exit.Invalid, "moderate.error.claim_faith")
	case !guest:
		d.Name, d.Email = "", ""
		return nil
	case d.Name == "" || utf8.RuneCountInString(d.Name) > 100 || !utf8.ValidString(d.Name) || who.Hides(d.Name):
		return exit.Fail(exit.Invalid, "moderate.error.claim_name")
	}
	if a, err := mail.ParseAddress(d.Email); err != nil || a.Address != d.Email || len(d.Email) > 254 {
		return exit.Fail(exit.Invalid, "moderate.error.claim_email")
	}
	return nil
}

// cleanClaim gives a text of a complaint as it is stored.
func cleanClaim(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case text == "":
		return "", exit.Fail(exit.Invalid, "moderate.error.claim_words")
	case utf8.RuneCountInString(text) > longestClaim || !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", exit.Fail(exit.Invalid, "moderate.error.words", "Most", longestClaim)
	}
	return text, nil
}

// claimed gives a thing that the viewer may complain about: one they see, that is not their own.
func (r *Room) claimed(ctx context.Context, v who.Viewer, ref who.Ref) (service.Thing, error) {
	if !claimable[ref.Kind] {
		return service.Thing{}, errNone()
	}
	t, err := r.Registry.Thing(ctx, v, ref)
	if err == nil && !v.Guest() && t.Owner == v.Account {
		err = exit.Fail(exit.Invalid, "moderate.error.own")
	}
	return t, err
}

// Complain stores a copyright complaint about a thing that the viewer sees; a guest says who they are. token is the secret by which a guest comes
// back: it is given once, and its hash is kept. from is the address where a guest asks from. NotFound, Invalid with a sentence for the form, TooMany.
func (r *Room) Complain(ctx context.Context, v who.Viewer, ref who.Ref, d Complaint, from string) (id who.ID, token string, err error) {
	if err := d.clean(v.Guest()); err != nil {
		return 0, "", err
	}
	t, err := r.claimed(ctx, v, ref)
	if err != nil {
		return 0, "", err
	}
	if r.Attempt != nil {
		key := "claim of " + v.Account.String()
		if v.Guest() {
			key = "claim from " + service.Network(from)
		}
		if err := r.Attempt(ctx, key, claimsADay, 24*time.Hour); err != nil {
			return 0, "", err
		}
	}
	c := Claim{ID: r.DB.IDs.Next(), On: ref, Owner: t.Owner, By: v.Account, Name: d.Name, Email: d.Email, Work: d.Work, Statement: d.Statement, State: ClaimOpen}
	if v.Guest() {
		c.By, token = 0, strings.ToLower(rand.Text())
	}
	return c.ID, token, r.DB.Update(ctx, func(ctx context.Context) error {
		// Who may not write for now may still say what is theirs.
		pass, err := r.Desk.Enter(ctx, service.Write{By: c.By, Onto: []who.ID{c.Owner}, Removal: true})
		if err != nil {
			return err
		}
		c.At, c.AnswerBy, c.EraseAt = pass.At, pass.At.Add(answerWithin), pass.At.Add(contactKept)
		if err := r.store.addClaim(ctx, pass, c, hashOf(token)); err != nil {
			return err
		}
		if err := r.claimAct(ctx, pass, c, Complained, c.By); err != nil {
			return err
		}
		return r.tellClaim(ctx, pass, c, c.By, c.Owner)
	})
}

func hashOf(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// claimAct puts a step into the log. What was written stands in the complaint alone.
func (r *Room) claimAct(ctx context.Context, pass service.Pass, c Claim, kind string, by who.ID) error {
	return r.act(ctx, pass, &Act{Kind: kind, Ref: c.On, About: c.Owner, By: by, Rule: ruleCopyright})
}

func (c Claim) ref() who.Ref { return who.Ref{Kind: "claim", ID: c.ID} }

// tellClaim tells the operators, besides who did it, and the accounts that a complaint concerns.
func (r *Room) tellClaim(ctx context.Context, pass service.Pass, c Claim, by who.ID, to ...who.ID) error {
	ids, err := r.staff(ctx, Everywhere, by)
	if err != nil {
		return err
	}
	var list []notify.Notice
	told := map[who.ID]bool{0: true, by: true}
	for _, id := range append(to, ids...) {
		if !told[id] {
			told[id] = true
			list = append(list, notify.Notice{To: id, Kind: notify.Claim, On: c.ref()})
		}
	}
	return r.notice(ctx, pass, list...)
}

// step is a change of a complaint, inside one transaction: fn changes it and says who is told.
func (r *Room) step(ctx context.Context, v who.Viewer, find func(context.Context) (Claim, error), fn func(ctx context.Context, pass service.Pass, c *Claim) (tell []who.ID, err error)) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		c, err := find(ctx)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		tell, err := fn(ctx, pass, &c)
		if err != nil {
			return err
		}
		c.EraseAt = pass.At.Add(contactKept)
		if err := r.store.setClaim(ctx, pass, c); err != nil {
			return err
		}
		return r.tellClaim(ctx, pass, c, v.Account, tell...)
	})
}

// byID finds a complaint for a step, and keeps it from being changed by others.
func (r *Room) byID(id who.ID) func(context.Context) (Claim, error) {
	return func(ctx context.Context) (Claim, error) { return r.store.oneClaim(ctx, id, true) }
}

// Counter is what whose thing it is says to a complaint: that it is theirs, in good faith. NotFound for others, Conflict when it is too late, said
// already or ended.
func (r *Room) Counter(ctx context.Context, v who.Viewer, id who.ID, words string, faith bool) error {
	words, err := cleanClaim(words)
	if err != nil {
		return err
	}
	if !faith {
		return exit.Fail(exit.Invalid, "moderate.error.claim_faith")
	}
	return r.step(ctx, v, r.byID(id), func(ctx context.Context, pass service.Pass, c *Claim) ([]who.ID, error) {
		switch {
		case v.Guest() || c.Owner != v.Account:
			return nil, errNone()
		case c.State != ClaimOpen && c.State != ClaimUpheld || !c.Countered.IsZero():
			return nil, exit.Fail(exit.Conflict, "moderate.error.claim_over")
		case pass.At.After(c.AnswerBy):
			return nil, exit.Fail(exit.Conflict, "moderate.error.claim_late")
		}
		c.Counter, c.Countered, c.State = words, pass.At, ClaimCountered
		return []who.ID{c.By}, r.claimAct(ctx, pass, *c, Countered, v.Account)
	})
}

// DecideClaim is the operator's word: the thing is taken out, or stays, and is put back where it was taken out for this complaint. What was taken out
// can be answered within another 15 days, and decided about again then. NotFound for others, Conflict for what has ended.
func (r *Room) DecideClaim(ctx context.Context, v who.Viewer, id who.ID, uphold bool, words string) error {
	words, err := cleanWords(words)
	if err != nil {
		return err
	}
	return r.step(ctx, v, r.byID(id), func(ctx context.Context, pass service.Pass, c *Claim) ([]who.ID, error) {
		switch {
		case v.Guest() || !v.Operator:
			return nil, errNone()
		case c.Owner == v.Account || c.By == v.Account:
			return nil, exit.Fail(exit.Forbidden, "moderate.error.claim_own")
		case c.ended() || c.State == ClaimUpheld && uphold:
			return nil, exit.Fail(exit.Conflict, "moderate.error.decided")
		}
		if err := r.store.setJudge(ctx, pass, c.ID, v.Account); err != nil {
			return nil, err
		}
		c.Answer, c.Decided = words, pass.At
		if !uphold {
			c.State = ClaimRefused
			return []who.ID{c.Owner, c.By}, r.putBack(ctx, pass, c, Rejected, v.Account)
		}
		c.State = ClaimUpheld
		if c.Countered.IsZero() {
			c.AnswerBy = pass.At.Add(answerWithin)
		}
		return []who.ID{c.Owner, c.By}, r.takeDown(ctx, pass, c, v.Account)
	})
}

// takeDown takes the thing of a complaint out, unless it is. Its owner can appeal against that as against any removal.
func (r *Room) takeDown(ctx context.Context, pass service.Pass, c *Claim, by who.ID) error {
	if c.Act != 0 {
		a, err := r.store.oneAct(ctx, c.Act, true)
		if err != nil || a.State == acting {
			return err
		}
	}
	a := Act{Ref: c.On, About: c.Owner, By: by, Rule: ruleCopyright}
	if err := r.remove(ctx, pass, &a); err != nil {
		return err
	}
	c.Act = a.ID
	return nil
}

// putBack ends a complaint: what was taken out for it is seen again.
func (r *Room) putBack(ctx context.Context, pass service.Pass, c *Claim, kind string, by who.ID) error {
	if err := r.claimAct(ctx, pass, *c, kind, by); err != nil || c.Act == 0 {
		return err
	}
	a, err := r.store.oneAct(ctx, c.Act, true)
	if err != nil || a.State != acting || a.About == 0 {
		return err
	}
	return r.undo(ctx, pass, a, by)
}

// claimFollows refuses the complaint for which a thing was taken out that is seen again: its owner's appeal was granted, or who did it took it back. The
// claimant and whose thing it is are told, and read the answer with the date.
func (r *Room) claimFollows(ctx context.Context, pass service.Pass, a Act, by who.ID, answer string) error {
	if a.Kind != Remove || a.Rule != ruleCopyright {
		return nil
	}
	c, err := r.store.claimBy(ctx, a.ID)
	if exit.KindOf(err) == exit.NotFound || err == nil && c.ended() {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.store.setJudge(ctx, pass, c.ID, by); err != nil {
		return err
	}
	c.State, c.Decided, c.Answer, c.EraseAt = ClaimRefused, pass.At, answer, pass.At.Add(contactKept)
	if err := r.store.setClaim(ctx, pass, c); err != nil {
		return err
	}
	if err := r.claimAct(ctx, pass, c, Rejected, by); err != nil {
		return err
	}
	return r.tellClaim(ctx, pass, c, by, c.Owner, c.By)
}

// Withdraw ends a complaint of the viewer's own, or, of a guest's, the one of the token. NotFound for others, Conflict for what has ended.
func (r *Room) Withdraw(ctx context.Context, v who.Viewer, id who.ID, token string) error {
	find := r.byID(id)
	if token != "" {
		find = func(ctx context.Context) (Claim, error) { return r.store.claimOf(ctx, hashOf(token), true) }
	}
	return r.step(ctx, v, find, func(ctx context.Context, pass service.Pass, c *Claim) ([]who.ID, error) {
		switch {
		case token == "" && (v.Guest() || c.By != v.Account):
			return nil, errNone()
		case c.ended():
			return nil, exit.Fail(exit.Conflict, "moderate.error.claim_over")
		}
		c.State, c.Decided = ClaimWithdrawn, pass.At
		return []who.ID{c.Owner}, r.putBack(ctx, pass, c, GivenUp, c.By)
	})
}

// Claim gives one complaint: to whom it is about, to the claimant, and to the operator. Name and address of a claimant without an account are the operator's
// and their own to read. NotFound for others.
func (r *Room) Claim(ctx context.Context, v who.Viewer, id who.ID) (Claim, error) {
	c, err := r.store.oneClaim(ctx, id, false)
	if err != nil {
		return c, err
	}
	if v.Guest() || !v.Operator && v.Account != c.Owner && v.Account != c.By {
		return Claim{}, errNone()
	}
	if !v.Operator {
		c.Email = ""
	}
	return c, nil
}

// ClaimOf gives the complaint of a token.
func (r *Room) ClaimOf(ctx context.Context, token string) (Claim, error) {
	if token == "" {
		return Claim{}, errNone()
	}
	return r.store.claimOf(ctx, hashOf(token), false)
}

// Claims gives a page of the complaints that wait for the operator or, ended, of all others: the oldest first, or the last first, from the one before
// on. NotFound for others.
func (r *Room) Claims(ctx context.Context, v who.Viewer, ended bool, from who.ID, limit int) ([]Claim, error) {
	if v.Guest() || !v.Operator {
		return nil, errNone()
	}
	return r.store.claims(ctx, ended, from, limit)
}

// OwnClaims gives a page of the complaints by the viewer and about their things, the last first, from below the one before (0: from the top).
func (r *Room) OwnClaims(ctx context.Context, v who.Viewer, before who.ID, limit int) ([]Claim, error) {
	return r.store.ownClaims(ctx, v.Account, before, limit)
}

// sweepClaims erases, by the promise clock, up to limit contacts and complaints that have had their time.
func (r *Room) sweepClaims(ctx context.Context, now time.Time, limit int) (int64, error) {
	return r.store.sweepClaims(ctx, now, now.Add(-claimKept), limit)
}
