package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// What a step does to a data class. A step with a manner cannot be undone.
const (
	Erase  = "erase"  // gone
	Detach = "detach" // stays as "a member who left"
	Hold   = "hold"   // kept, pseudonymised, because a law says so, until a day
)

// A Receipt is what one carried-out step leaves. Items and bytes are what the
// step worked on: erased, detached or put under hold.
type Receipt struct {
	Step   string    `json:"step"`             // the step's key in its plan
	Act    string    `json:"act"`              // what was done: veil, erase, transfer …
	Holder string    `json:"holder,omitempty"` // who keeps the data
	Class  string    `json:"class,omitempty"`  // which data
	Manner string    `json:"manner,omitempty"` // [Erase], [Detach], [Hold], or empty: nothing irreversible
	Due    Day       `json:"due,omitempty"`    // the date the step had when it was done
	Done   time.Time `json:"done"`             // UTC, whole seconds
	Items  int64     `json:"items"`
	Bytes  int64     `json:"bytes"`
	// Uncounted: the holder cannot count; it verified that nothing is left.
	Uncounted bool `json:"uncounted,omitempty"`
	// Law and Until say why and until when data under hold is kept.
	Law   string `json:"law,omitempty"`
	Until Day    `json:"until,omitempty"`
	// SatisfiedBy names the step of another run that did this one's work.
	SatisfiedBy string `json:"satisfied_by,omitempty"`
	// Settles names the step of the same certificate whose hold or exception has ended with this one.
	Settles string `json:"settles,omitempty"`
}

const receiptPrefix = "exeunt receipt v1\n"

// Canonical returns the one byte form of the receipt: a first line that says
// what it is, then JSON with its fields in fixed order. Times are written in UTC
// without fractions of a second. An impossible receipt is [ErrFormat].
func (r Receipt) Canonical() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.Done = seconds(r.Done)
	body, err := encode(r, "")
	if err != nil {
		return nil, fmt.Errorf("encode receipt %s: %w", r.Step, err)
	}
	return append([]byte(receiptPrefix), bytes.TrimSuffix(body, []byte("\n"))...), nil
}

// Leaf returns the receipt's leaf in the log: the record hash (RFC 6962) of
// HMAC-SHA-256 over [Receipt.Canonical] with the salt as its key. Without the salt
// the leaf says nothing, and no receipt can be guessed from it.
func (r Receipt) Leaf(salt Salt) (tlog.Hash, error) {
	text, err := r.Canonical()
	if err != nil {
		return tlog.Hash{}, err
	}
	mac := hmac.New(sha256.New, salt[:])
	mac.Write(text)
	return tlog.RecordHash(mac.Sum(nil)), nil
}

// Satisfied reports whether another run's step did this one's work.
func (r Receipt) Satisfied() bool { return r.SatisfiedBy != "" }

func (r Receipt) check() error {
	if err := r.promise().check(); err != nil {
		return err
	}
	if err := checkTime("done", r.Done); err != nil {
		return fmt.Errorf("receipt %s: %w", r.Step, err)
	}
	if err := checkToken("satisfied_by", r.SatisfiedBy, false); err != nil {
		return fmt.Errorf("receipt %s: %w", r.Step, err)
	}
	if err := checkToken("settles", r.Settles, false); err != nil {
		return fmt.Errorf("receipt %s: %w", r.Step, err)
	}
	switch {
	case r.Manner == Hold && r.Until == "":
		return fmt.Errorf("%w: receipt %s is a hold without an end date", ErrFormat, r.Step)
	case r.Items < 0 || r.Bytes < 0:
		return fmt.Errorf("%w: receipt %s counts less than nothing", ErrFormat, r.Step)
	case r.Uncounted && (r.Items != 0 || r.Bytes != 0):
		return fmt.Errorf("%w: receipt %s is uncounted and has counts", ErrFormat, r.Step)
	}
	return nil
}

// promise is the part of a receipt that was known when the plan was agreed.
func (r Receipt) promise() Promise {
	return Promise{
		Step: r.Step, Act: r.Act, Holder: r.Holder, Class: r.Class,
		Manner: r.Manner, Due: r.Due, Law: r.Law, Until: r.Until,
	}
}

// encode writes v as JSON that is the same for the same value, readable in
// any language (no HTML escapes), ending in a newline.
func encode(v any, indent string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
