package account

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Proof is what can be bound to an account.
type Proof string

// What can be bound. Neither is ever needed to leave.
const (
	Phone    Proof = "phone"
	RealName Proof = "name"
)

// proofKinds are all of them, in the order of the pages.
var proofKinds = []Proof{Phone, RealName}

// Verdict is what became of a request to bind something.
type Verdict string

// The verdicts.
const (
	Asked   Verdict = "asked"   // somebody still looks
	Bound   Verdict = "bound"   // it is the person's
	Refused Verdict = "refused" // with a reason
	lapsed  Verdict = "lapsed"  // nobody looked in time
)

// PhoneCheck finds out whether a number is that of whoever typed it. It is called outside any transaction, with a number in the form of
// ITU-T E.164. Asked as the answer leaves the decision to the operator. It decides by the number alone, as by a carrier's answer: a code that it sent
// would have no field to come back in.
type PhoneCheck interface {
	CheckPhone(ctx context.Context, number string) (Verdict, error)
}

// NameCheck finds out whether a name is that of whoever typed it, as [PhoneCheck] does for numbers.
type NameCheck interface {
	CheckName(ctx context.Context, p NameProof) (Verdict, error)
}

// NameProof is what somebody shows of their real name. Photo is nil where none was sent.
type NameProof struct {
	Name     string
	Document string
	Photo    []byte
}

// OperatorLooks is the check that every install has: the request stands in the operator's list.
type OperatorLooks struct{}

// CheckPhone leaves it to the operator.
func (OperatorLooks) CheckPhone(context.Context, string) (Verdict, error) { return Asked, nil }

// CheckName leaves it to the operator.
func (OperatorLooks) CheckName(context.Context, NameProof) (Verdict, error) { return Asked, nil }

// Wanted says of whom something is asked.
type Wanted string

// Of whom the operator asks for a phone number or a real name.
const (
	OfNobody    Wanted = "no"
	WhoLikes    Wanted = "offered"
	OfNewcomers Wanted = "newcomers" // accounts made from then on do not write before
)

// ProofRule is what the operator decided of one proof, and why: the sentence is shown to whoever is asked.
type ProofRule struct {
	Wanted Wanted `json:"wanted"`
	Why    string `json:"why"`
}

// ProofRules are the operator's by proof. The zero value asks nobody for anything.
type ProofRules map[Proof]ProofRule

const (
	settingProofs = "account.proofs"
	longestWhy    = 300
	longestReason = 300
	// materialLife is how long after the decision what was sent to be looked at is kept, promise time: within a day it is gone.
	materialLife = 20 * time.Hour
	// askedLife is how long a request waits before what was sent is erased all the same.
	askedLife = 14 * 24 * time.Hour
	// photoSide is the longest side at which a photo is kept meanwhile, in pixels.
	photoSide = 1600
)

// ProofRules gives what the operator decided.
func (r *Room) ProofRules(ctx context.Context) (ProofRules, error) {
	rules := ProofRules{}
	text, ok, err := r.db.Setting(ctx, settingProofs)
	if err != nil || !ok {
		return rules, err
	}
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		return nil, fmt.Errorf("read rules of proofs: %w", err)
	}
	return rules, nil
}

// offered reports whether an account has to do with proofs: the operator asks for one, or it has bound one.
func (r *Room) offered(ctx context.Context, account who.ID) (yes bool, err error) {
	states, err := r.ProofsOf(ctx, account)
	if err != nil {
		return false, err
	}
	for _, state := range states {
		yes = yes || state.ID != 0
	}
	rules, err := r.ProofRules(ctx)
	for _, rule := range rules {
		yes = yes || rule.Wanted == WhoLikes || rule.Wanted == OfNewcomers
	}
	return yes, err
}

// SetProofRules stores what the operator decided. Whoever asks says why: without it, or for another word than those above, Invalid. What
// is asked of nobody any more keeps nobody from writing.
func (r *Room) SetProofRules(ctx context.Context, rules ProofRules) error {
	clean := ProofRules{}
	for _, kind := range proofKinds {
		rule := rules[kind]
		rule.Why = cleanLines(rule.Why)
		if !slices.Contains([]Wanted{OfNobody, WhoLikes, OfNewcomers}, rule.Wanted) {
			return exit.Fail(exit.Invalid, "account.error.choice")
		}
		if utf8.RuneCountInString(rule.Why) > longestWhy || rule.Why == "" && rule.Wanted != OfNobody {
			return exit.Fail(exit.Invalid, "account.error.why", "Count", longestWhy)
		}
		clean[kind] = rule
	}
	b, err := json.Marshal(clean)
	if err != nil {
		return fmt.Errorf("write rules of proofs: %w", err)
	}
	if err := r.db.SetSetting(ctx, settingProofs, string(b)); err != nil {
		return err
	}
	for _, kind := range proofKinds {
		if clean[kind].Wanted != OfNewcomers {
			if err := r.liftAll(ctx, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

func proofReason(kind Proof) string { return "proof:" + string(kind) }

// liftAll takes what kept accounts from writing until they had bound something away, a few at a time.
func (r *Room) liftAll(ctx context.Context, kind Proof) error {
	const batch = 100
	for {
		ids, err := r.store.restrained(ctx, proofReason(kind), batch)
		if err != nil {
			return err
		}
		for _, id := range ids {
			err := r.alone(ctx, id, func(ctx context.Context, pass service.Pass) error { return r.demand(ctx, pass, kind, id, false) })
			if err != nil && exit.KindOf(err) != exit.NotFound {
				return err
			}
		}
		if len(ids) < batch {
			return nil
		}
	}
}

// demand keeps an account from writing until it has bound something, or lets it.
func (r *Room) demand(ctx context.Context, pass service.Pass, kind Proof, account who.ID, on bool) error {
	return r.Desk.Restrain(ctx, pass, account, "", 0, "mute", proofReason(kind), on)
}

// alone runs a change of what an account may do, in a transaction of its own: no write of the account is under way meanwhile.
func (r *Room) alone(ctx context.Context, account who.ID, fn func(ctx context.Context, p service.Pass) error) error {
	return r.db.Update(ctx, func(ctx context.Context) error {
		if err := r.Desk.Alone(ctx, account); err != nil {
			return err
		}
		pass, err := r.Desk.EnterExit(ctx, account)
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
}

// demandOf asks of a new account what the operator asks of newcomers, in the transaction that makes it.
func (r *Room) demandOf(ctx context.Context, account who.ID) error {
	rules, err := r.ProofRules(ctx)
	if err != nil {
		return err
	}
	return r.alone(ctx, account, func(ctx context.Context, pass service.Pass) error {
		for _, kind := range proofKinds {
			if rules[kind].Wanted != OfNewcomers {
				continue
			}
			if err := r.demand(ctx, pass, kind, account, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// ProofState is where an account stands with one proof. Times are promise time, UTC.
type ProofState struct {
	ID       who.ID
	Kind     Proof
	State    Verdict // "" where nothing was asked
	Reason   string  // of a refusal
	Asked    time.Time
	Decided  time.Time // zero before
	Material string    // what was sent, as long as it is kept
	Photo    bool      // one is kept
	Account  string    // its name, for the operator
	Twice    bool      // another account has bound the same number
	lifts    bool      // it let the account write
}

// ProofsOf gives where an account stands with each proof.
func (r *Room) ProofsOf(ctx context.Context, account who.ID) (map[Proof]ProofState, error) {
	out := map[Proof]ProofState{}
	for _, kind := range proofKinds {
		p, err := r.store.proof(ctx, account, kind)
		if err != nil {
			return nil, err
		}
		out[kind] = p
	}
	return out, nil
}

// cleanNumber gives a number as ITU-T E.164 writes it, with its plus; one without a country is read as typed.
func cleanNumber(typed string) (string, error) {
	var b strings.Builder
	for i, c := range strings.TrimSpace(typed) {
		switch {
		case c >= '0' && c <= '9', c == '+' && i == 0:
			b.WriteRune(c)
		case strings.ContainsRune(" -().\u00a0", c):
		default:
			return "", exit.Fail(exit.Invalid, "account.error.number")
		}
	}
	if n := len(strings.TrimPrefix(b.String(), "+")); n < 6 || n > 15 {
		return "", exit.Fail(exit.Invalid, "account.error.number")
	}
	return b.String(), nil
}

// asked is NotFound where the operator asks nobody for it.
func (r *Room) asked(ctx context.Context, kind Proof) error {
	rules, err := r.ProofRules(ctx)
	if err == nil && (rules[kind].Wanted == "" || rules[kind].Wanted == OfNobody) {
		err = exit.Fail(exit.NotFound, "account.error.not_asked")
	}
	return err
}

// BindPhone asks to bind a number to the viewer's account. A request that waits is replaced; what is bound must be unbound first (Conflict).
func (r *Room) BindPhone(ctx context.Context, v who.Viewer, typed string) error {
	number, err := cleanNumber(typed)
	if err != nil {
		return err
	}
	if err := r.asked(ctx, Phone); err != nil {
		return err
	}
	hash := r.keyed("phone", number)
	if err := r.take(ctx, r.bindsOf(v), limit{r.keyed("limit", "bind "+hash), bindsPerHour, bindWindow}); err != nil {
		return err
	}
	var check PhoneCheck = OperatorLooks{}
	if r.PhoneCheck != nil {
		check = r.PhoneCheck
	}
	verdict, err := check.CheckPhone(ctx, number)
	if err != nil {
		return fmt.Errorf("check number: %w", err)
	}
	return r.bind(ctx, v, Phone, verdict, hash, number, nil)
}

// bindsOf limits what an account asks to bind: each request is a check that costs somebody something.
func (r *Room) bindsOf(v who.Viewer) limit {
	return limit{r.keyed("limit", "bind "+v.Account.String()), bindsPerHour, bindWindow}
}

// BindName asks to bind a real name to the viewer, as [Room.BindPhone] does a number. The photo's reader may be nil.
func (r *Room) BindName(ctx context.Context, v who.Viewer, name, document string, photo io.Reader) error {
	p := NameProof{Name: cleanLine(name), Document: cleanLines(document)}
	if n := utf8.RuneCountInString(p.Name); n < 2 || n > longestDisplay {
		return exit.Fail(exit.Invalid, "account.error.real_name", "Count", longestDisplay)
	}
	if utf8.RuneCountInString(p.Document) > longestWhy || p.Document == "" && photo == nil {
		return exit.Fail(exit.Invalid, "account.error.document", "Count", longestWhy)
	}
	if err := r.asked(ctx, RealName); err != nil {
		return err
	}
	if err := r.take(ctx, r.bindsOf(v)); err != nil {
		return err
	}
	if photo != nil {
		pic, err := media.Image(ctx, photo, media.Limits{Bytes: mostPicture, Keep: photoSide, Thumb: 64})
		if err != nil {
			return err
		}
		p.Photo = pic.Bytes
	}
	var check NameCheck = OperatorLooks{}
	if r.NameCheck != nil {
		check = r.NameCheck
	}
	verdict, err := check.CheckName(ctx, p)
	if err != nil {
		return fmt.Errorf("check name: %w", err)
	}
	return r.bind(ctx, v, RealName, verdict, "", strings.TrimSpace(p.Name+"\n"+p.Document), p.Photo)
}

// bind stores a request with what its check said.
func (r *Room) bind(ctx context.Context, v who.Viewer, kind Proof, verdict Verdict, hash, material string, photo []byte) error {
	return r.alone(ctx, v.Account, func(ctx context.Context, pass service.Pass) error {
		had, err := r.store.proof(ctx, v.Account, kind)
		if err != nil {
			return err
		}
		if had.State == Bound {
			return exit.Fail(exit.Conflict, "account.error.bound")
		}
		id := r.db.IDs.Next()
		if err := r.store.putProof(ctx, pass, id, v.Account, kind, hash, material, photo, pass.At.Add(askedLife)); err != nil {
			return err
		}
		if verdict == Asked {
			return nil
		}
		return r.decide(ctx, pass, id, verdict == Bound, "")
	})
}

// Unbind takes what the viewer has bound, or asked to, away. Where that let the account write, it does not write until it is bound again,
// as long as the operator asks newcomers for it.
func (r *Room) Unbind(ctx context.Context, v who.Viewer, kind Proof) error {
	rules, err := r.ProofRules(ctx)
	if err != nil {
		return err
	}
	return r.alone(ctx, v.Account, func(ctx context.Context, pass service.Pass) error {
		had, err := r.store.proof(ctx, v.Account, kind)
		if err != nil || had.ID == 0 {
			return err
		}
		if err := r.store.dropProof(ctx, pass, v.Account, kind); err != nil || !had.lifts || rules[kind].Wanted != OfNewcomers {
			return err
		}
		return r.demand(ctx, pass, kind, v.Account, true)
	})
}

// ProofRequests lists what waits for the operator, the longest first, after one of them (0: from the first).
func (r *Room) ProofRequests(ctx context.Context, after who.ID, limit int) ([]ProofState, error) {
	return r.store.proofRequests(ctx, after, limit)
}

// ProofPhoto gives the photo of a request; NotFound where there is none, or none any more.
func (r *Room) ProofPhoto(ctx context.Context, id who.ID) ([]byte, error) {
	return r.store.proofPhoto(ctx, id)
}

// Decide answers a request. A refusal says why (Invalid without); NotFound for what is not waiting any more. What was sent is erased within a day.
func (r *Room) Decide(ctx context.Context, id who.ID, yes bool, reason string) error {
	reason = cleanLines(reason)
	if !yes && reason == "" || utf8.RuneCountInString(reason) > longestReason {
		return exit.Fail(exit.Invalid, "account.error.reason", "Count", longestReason)
	}
	account, _, err := r.store.waitingProof(ctx, id)
	if err != nil {
		return err
	}
	return r.alone(ctx, account, func(ctx context.Context, pass service.Pass) error { return r.decide(ctx, pass, id, yes, reason) })
}

func (r *Room) decide(ctx context.Context, pass service.Pass, id who.ID, yes bool, reason string) error {
	account, kind, err := r.store.waitingProof(ctx, id)
	if err != nil {
		return err
	}
	state := Refused
	if yes {
		state, reason = Bound, ""
	}
	held, err := r.store.restrainedOf(ctx, proofReason(kind), []who.ID{account})
	if err != nil {
		return err
	}
	lifts := yes && len(held) > 0
	if err := r.store.decideProof(ctx, pass, id, state, reason, lifts, pass.At.Add(materialLife)); err != nil || !lifts {
		return err
	}
	return r.demand(ctx, pass, kind, account, false)
}
