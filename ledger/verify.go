package ledger

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Report is what [Verify] found in a certificate that holds together. All text in
// it is printable: ASCII names, and one-line laws and reasons.
type Report struct {
	// Key is the key that signed. KeyVerified says that it is the one the caller
	// asked for; without it the file is whole, but anybody may have made it.
	Key         string      `json:"key"`
	KeyVerified bool        `json:"key_verified"`
	File        string      `json:"file"` // [FileHash]
	Certificate Certificate `json:"certificate"`
	Leaves      int64       `json:"leaves"` // of the log at the certificate's head
	Root        tlog.Hash   `json:"root"`
	// Kept is what still remains, with law and end date.
	Kept []Kept `json:"kept,omitempty"`
	// Findings are breaches that the certificate admits by its own dates. The file is
	// genuine all the same; whoever prints it says them.
	Findings []Finding `json:"findings,omitempty"`
}

// A Finding is a step whose receipt shows that it was not done as it should have been.
type Finding struct {
	Code FindingCode `json:"code"`
	Step string      `json:"step"`
}

// FindingCode says what is wrong; pages and the command line have a sentence for each.
type FindingCode string

// Findings. Days are compared so that no reading of the zone makes a false one.
const (
	// BeforeCoolingOff: something irreversible happened before cooling-off had ended.
	BeforeCoolingOff FindingCode = "before-cooling-off"
	// Early: done before its due day, though the person had not asked to hasten; or
	// data under hold went before the hold's end.
	Early FindingCode = "early"
	// Late: done more than two days after its due day, or due later than promised.
	Late FindingCode = "late"
	// AfterIssue: the receipt is dated after the certificate itself.
	AfterIssue FindingCode = "after-issue"
	// MovedEarlier: a date of a sunset came earlier in the end than it was published at first.
	MovedEarlier FindingCode = "moved-earlier"
	// BeforeErasure: done before the instant from which a sunset's calendar says that all is erased.
	BeforeErasure FindingCode = "before-erasure"
)

// FindingCodes returns every code, for those who must have a sentence for each.
func FindingCodes() []FindingCode {
	return []FindingCode{BeforeCoolingOff, Early, Late, AfterIssue, MovedEarlier, BeforeErasure}
}

// Verify checks a certificate offline: its signature, that of the head inside
// by the same key, the proof of every receipt, that every promise has a receipt, an
// exception or a cancellation and no receipt is without a promise, and the sums.
// vkey is the signer's public key in note form; when it is empty the key that
// the file names is used, and Report.KeyVerified is false. Input may be hostile and is bounded.
//
// The errors are [ErrTooLarge], [ErrFormat], [ErrSignature], [ErrKey] (signed by
// another key than vkey), [ErrProof], [ErrPromise], [ErrSums].
func Verify(data []byte, vkey string) (Report, error) {
	r, err := verify(data, strings.TrimSpace(vkey))
	if err != nil {
		return Report{}, fmt.Errorf("verify certificate: %w", err)
	}
	return r, nil
}

func verify(data []byte, vkey string) (Report, error) {
	if len(data) > MaxFile {
		return Report{}, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, len(data), MaxFile)
	}
	key := vkey
	if key == "" {
		var err error
		if key, err = embeddedKey(data); err != nil {
			return Report{}, err
		}
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return Report{}, fmt.Errorf("%w: not a public key in note form: %w", ErrFormat, err)
	}
	text, err := openNote(data, v)
	if err != nil {
		return Report{}, err
	}
	c, err := parseText(text)
	if err != nil {
		return Report{}, err
	}
	if c.Key != key {
		return Report{}, fmt.Errorf("%w: the certificate names another key than the one that signed it", ErrKey)
	}
	if err := c.check(v); err != nil {
		return Report{}, err
	}
	tree, err := OpenHead([]byte(c.Head), v)
	if err != nil {
		return Report{}, err
	}
	return Report{
		Key: key, KeyVerified: vkey != "", File: FileHash(data), Certificate: c,
		Leaves: tree.N, Root: tree.Hash, Kept: c.remaining(), Findings: c.findings(),
	}, nil
}

// VerifyExtension verifies newer and checks that it is the next version of older:
// the same promises, and every receipt, amendment and cancellation of older still
// in it, at the same leaf. A version that takes something back is [ErrPromise].
// Both must be signed by the same key.
func VerifyExtension(older, newer []byte, vkey string) (Report, error) {
	o, err := Verify(older, vkey)
	if err != nil {
		return Report{}, fmt.Errorf("older version: %w", err)
	}
	n, err := Verify(newer, vkey)
	if err != nil {
		return Report{}, fmt.Errorf("newer version: %w", err)
	}
	if err := extends(o, n); err != nil {
		return Report{}, fmt.Errorf("verify certificate: %w", err)
	}
	return n, nil
}

func extends(older, newer Report) error {
	o, n := older.Certificate, newer.Certificate
	switch {
	case older.Key != newer.Key:
		return fmt.Errorf("%w: the versions have different keys", ErrKey)
	case n.Extends != older.File || n.Version != o.Version+1 || n.ID != o.ID:
		return fmt.Errorf("%w: version %d is not the next of this version %d", ErrPromise, n.Version, o.Version)
	case newer.Leaves < older.Leaves:
		return fmt.Errorf("%w: the newer head is the shorter log", ErrProof)
	case n.terms() != o.terms() || !sameSunset(n.Sunset, o.Sunset):
		return fmt.Errorf("%w: the versions differ in what was agreed", ErrPromise)
	case !hasPrefix(n.Promises, o.Promises) || len(n.Promises) != len(o.Promises),
		!hasPrefix(n.Amendments, o.Amendments), !hasPrefix(n.Cancelled, o.Cancelled), !hasPrefix(n.Exceptions, o.Exceptions):
		return fmt.Errorf("%w: the newer version takes something back", ErrPromise)
	case len(n.Receipts) < len(o.Receipts):
		return fmt.Errorf("%w: the newer version lacks receipts", ErrPromise)
	}
	for i, e := range o.Receipts {
		f := n.Receipts[i]
		if e.Index != f.Index || e.Salt != f.Salt || e.Receipt != f.Receipt {
			return fmt.Errorf("%w: receipt %s differs between the versions", ErrPromise, e.Receipt.Step)
		}
	}
	return nil
}

// terms is what all versions of a certificate have in common.
type terms struct {
	trial                               bool
	journey, policy, plan, zone         string
	agreed                              Day
	coolingOffEnds, hastened, runSealed time.Time
}

func (c Certificate) terms() terms {
	return terms{
		trial: c.Trial, journey: c.Journey, policy: c.Policy, plan: c.Plan, zone: c.Zone, agreed: c.Agreed,
		coolingOffEnds: c.CoolingOffEnds, hastened: c.Hastened, runSealed: c.Sealed,
	}
}

func hasPrefix[T comparable](list, prefix []T) bool {
	if len(list) < len(prefix) {
		return false
	}
	for i := range prefix {
		if list[i] != prefix[i] {
			return false
		}
	}
	return true
}

// remaining is what is kept and not settled since.
func (c Certificate) remaining() []Kept {
	settled := c.settled()
	var list []Kept
	for _, k := range c.kept() {
		if k.Step == "" || !settled[k.Step] {
			list = append(list, k)
		}
	}
	return list
}

// Zones reach from UTC-12 to UTC+14: a day has begun nowhere before its UTC
// midnight minus 14 hours, and has ended everywhere 36 hours after it.
const (
	eastmost = 14 * time.Hour
	dayEnds  = 36 * time.Hour
	grace    = 48 * time.Hour
)

func (c Certificate) findings() []Finding {
	var list []Finding
	add := func(code FindingCode, step string) { list = append(list, Finding{Code: code, Step: step}) }
	promised := make(map[string]Day, len(c.Promises))
	for _, p := range c.Promises {
		promised[p.Step] = p.Due
	}
	for _, a := range c.Amendments {
		promised[a.Step] = a.Due
	}
	kept := c.keptSteps()
	for _, e := range c.Receipts {
		r := e.Receipt
		// What another run did lawfully earlier was not this run's act; its own
		// certificate answers for it.
		if r.Manner != "" && !r.Satisfied() && !c.CoolingOffEnds.IsZero() && r.Done.Before(c.CoolingOffEnds) {
			add(BeforeCoolingOff, r.Step)
		}
		bound := c.Hastened.IsZero() || r.Done.Before(c.Hastened)
		if bound && !r.Satisfied() && beforeDay(r.Done, r.Due) ||
			r.Settles != "" && beforeDay(r.Done, kept[r.Settles].Until) {
			add(Early, r.Step)
		}
		if due := promised[r.Step]; afterDay(r.Done, r.Due) || due != "" && r.Due > due {
			add(Late, r.Step)
		}
		if r.Done.After(c.Issued) {
			add(AfterIssue, r.Step)
		}
	}
	c.Sunset.findings(c.Receipts, add)
	return list
}

// beforeDay reports whether t is before d in every zone. Days were checked before.
func beforeDay(t time.Time, d Day) bool {
	start, err := d.utc()
	return d != "" && err == nil && t.Before(start.Add(-eastmost))
}

// afterDay reports whether t is after d, and the grace, in every zone.
func afterDay(t time.Time, d Day) bool {
	start, err := d.utc()
	return d != "" && err == nil && t.After(start.Add(dayEnds+grace))
}
