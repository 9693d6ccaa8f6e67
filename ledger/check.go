package ledger

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// checkSize bounds what is looped over before anything is.
func (c Certificate) checkSize() error {
	for _, n := range []int{len(c.Receipts), len(c.Promises), len(c.Amendments), len(c.Cancelled), len(c.Exceptions)} {
		if n > MaxReceipts {
			return fmt.Errorf("%w: a list of %d, at most %d", ErrTooLarge, n, MaxReceipts)
		}
	}
	if c.Sunset != nil && (len(c.Sunset.Versions) > MaxVersions || len(c.Sunset.Phases) > len(sunsetWords)) {
		return fmt.Errorf("%w: a sunset of %d versions and %d phases, at most %d and %d", ErrTooLarge, len(c.Sunset.Versions), len(c.Sunset.Phases), MaxVersions, len(sunsetWords))
	}
	return nil
}

// check is the one judgement of a certificate's content: Sign and Verify both
// pass through it.
func (c Certificate) check(v note.Verifier) error {
	if err := c.checkFields(); err != nil {
		return err
	}
	if err := c.checkPromises(); err != nil {
		return err
	}
	if err := c.checkProofs(v); err != nil {
		return err
	}
	sums, err := c.sum()
	if err != nil {
		return err
	}
	if sums != c.Sums {
		return fmt.Errorf("%w: stated %+v, found %+v", ErrSums, c.Sums, sums)
	}
	return nil
}

func (c Certificate) checkFields() error {
	for _, f := range []struct {
		what, value string
		required    bool
	}{
		{"key", c.Key, true},
		{"id", c.ID, true},
		{"journey", c.Journey, true},
		{"policy", c.Policy, true},
		{"plan", c.Plan, true},
		{"zone", c.Zone, true},
		{"extends", c.Extends, c.Version > 1},
	} {
		if err := checkToken(f.what, f.value, f.required); err != nil {
			return err
		}
	}
	if c.Version < 1 || c.Version == 1 && c.Extends != "" {
		return fmt.Errorf("%w: version %d", ErrFormat, c.Version)
	}
	for _, f := range []struct {
		what     string
		value    time.Time
		required bool
	}{
		{"sealed", c.Sealed, true},
		{"issued", c.Issued, true},
		{"cooling_off_ends", c.CoolingOffEnds, false},
		{"hastened", c.Hastened, false},
	} {
		if f.value.IsZero() && !f.required {
			continue
		}
		if err := checkTime(f.what, f.value); err != nil {
			return err
		}
	}
	if c.Issued.Before(c.Sealed) {
		return fmt.Errorf("%w: issued before it was sealed", ErrFormat)
	}
	if err := checkDay("agreed", c.Agreed, true); err != nil {
		return err
	}
	if err := c.checkSunset(); err != nil {
		return err
	}
	return c.checkLists()
}

func (c Certificate) checkLists() error {
	gone := false // was anything made to go, so that its bytes must age out
	for _, p := range c.Promises {
		if err := p.check(); err != nil {
			return err
		}
	}
	for _, a := range c.Amendments {
		if err := a.check(); err != nil {
			return err
		}
	}
	for _, x := range c.Cancelled {
		if err := x.check(); err != nil {
			return err
		}
	}
	for _, x := range c.Exceptions {
		if err := x.check(); err != nil {
			return err
		}
	}
	for _, e := range c.Receipts {
		if err := e.Receipt.check(); err != nil {
			return err
		}
		gone = gone || e.Receipt.Manner == Erase || e.Receipt.Manner == Detach
	}
	if err := checkDay("aged_out.wal", c.AgedOut.WAL, gone); err != nil {
		return err
	}
	return checkDay("aged_out.backups", c.AgedOut.Backups, gone)
}

func (p Promise) check() error {
	for _, f := range []struct {
		what, value string
		required    bool
	}{
		{"step", p.Step, true}, {"act", p.Act, true}, {"holder", p.Holder, p.Class != ""}, {"class", p.Class, p.Manner != ""},
	} {
		if err := checkToken(f.what, f.value, f.required); err != nil {
			return fmt.Errorf("step %q: %w", clip(p.Step), err)
		}
	}
	switch p.Manner {
	case "", Erase, Detach:
		if p.Law != "" || p.Until != "" {
			return fmt.Errorf("%w: step %s has a law or an end date and is no hold", ErrFormat, p.Step)
		}
	case Hold:
	default:
		return fmt.Errorf("%w: step %s: manner %q", ErrFormat, p.Step, clip(p.Manner))
	}
	if err := checkText("law", p.Law, p.Manner == Hold); err != nil {
		return fmt.Errorf("step %s: %w", p.Step, err)
	}
	if err := checkDay("due", p.Due, false); err != nil {
		return fmt.Errorf("step %s: %w", p.Step, err)
	}
	if err := checkDay("until", p.Until, false); err != nil {
		return fmt.Errorf("step %s: %w", p.Step, err)
	}
	return nil
}

func (a Amendment) check() error {
	if err := a.Promise.check(); err != nil {
		return fmt.Errorf("amendment: %w", err)
	}
	if err := checkDay("added", a.Added, true); err != nil {
		return fmt.Errorf("amendment %s: %w", a.Step, err)
	}
	if err := checkText("reason", a.Reason, true); err != nil {
		return fmt.Errorf("amendment %s: %w", a.Step, err)
	}
	return nil
}

func (x Cancellation) check() error {
	if err := checkToken("step", x.Step, true); err != nil {
		return fmt.Errorf("cancellation: %w", err)
	}
	if err := checkDay("on", x.On, true); err != nil {
		return fmt.Errorf("cancellation %s: %w", x.Step, err)
	}
	if err := checkText("reason", x.Reason, true); err != nil {
		return fmt.Errorf("cancellation %s: %w", x.Step, err)
	}
	return nil
}

func (x Exception) check() error {
	for _, f := range []struct {
		what, value string
		required    bool
	}{
		{"step", x.Step, x.Class == ""}, {"holder", x.Holder, x.Class != ""}, {"class", x.Class, false},
	} {
		if err := checkToken(f.what, f.value, f.required); err != nil {
			return fmt.Errorf("exception: %w", err)
		}
	}
	if err := checkText("law", x.Law, true); err != nil {
		return fmt.Errorf("exception %s%s: %w", x.Step, x.Class, err)
	}
	if err := checkText("reason", x.Reason, false); err != nil {
		return fmt.Errorf("exception %s%s: %w", x.Step, x.Class, err)
	}
	return checkDay("exception: until", x.Until, true)
}

// checkProofs leads every receipt through its salted leaf and its proof to the
// root hash of the one signed head.
func (c Certificate) checkProofs(v note.Verifier) error {
	tree, err := OpenHead([]byte(c.Head), v)
	if err != nil {
		return err
	}
	leaves := make(map[int64]bool, len(c.Receipts))
	for _, e := range c.Receipts {
		if leaves[e.Index] {
			return fmt.Errorf("%w: two receipts at leaf %d", ErrProof, e.Index)
		}
		leaves[e.Index] = true
		leaf, err := e.Receipt.Leaf(e.Salt)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(e.Proof, tree.N, tree.Hash, e.Index, leaf); err != nil {
			return fmt.Errorf("%w: receipt %s at leaf %d of %d", ErrProof, e.Receipt.Step, e.Index, tree.N)
		}
	}
	return nil
}

// sum adds up the receipts by manner; a sum that does not fit is ErrSums.
func (c Certificate) sum() (Sums, error) {
	settled := c.settled()
	classes := make(map[string]bool)
	var s Sums
	for _, e := range c.Receipts {
		r := e.Receipt
		s.Receipts++
		if r.Uncounted {
			s.Uncounted++
		}
		var n *Count
		switch {
		case r.Manner == Erase:
			n = &s.Erased
		case r.Manner == Detach:
			n = &s.Detached
		case r.Manner == Hold && !settled[r.Step]:
			n = &s.Held
		default:
			continue
		}
		if n.Items > math.MaxInt64-r.Items || n.Bytes > math.MaxInt64-r.Bytes {
			return Sums{}, fmt.Errorf("%w: more than can be counted", ErrSums)
		}
		n.Items += r.Items
		n.Bytes += r.Bytes
		// Tokens hold no space, so the key is unambiguous.
		if key := r.Manner + " " + r.Holder + " " + r.Class; !classes[key] {
			classes[key] = true
			n.Classes++
		}
	}
	return s, nil
}

// settled returns the steps whose hold or exception has ended.
func (c Certificate) settled() map[string]bool {
	m := make(map[string]bool)
	for _, e := range c.Receipts {
		if e.Receipt.Settles != "" {
			m[e.Receipt.Settles] = true
		}
	}
	return m
}
