package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Certificate says what was promised, what was done and what is kept. It
// holds no account, no name and no address: its names are those of steps, holders
// and classes. The file is a signed note whose text is the line
// "exeunt certificate v1" and the certificate as indented JSON in this
// order of fields.
type Certificate struct {
	Key string `json:"key"` // the signer's public key in note form; set by [Sign]
	// ID is the certificate's own random name, the same in all its versions.
	ID      string `json:"id"`
	Version int    `json:"version"` // 1, 2, …
	// Extends is the [FileHash] of the version before this one; empty in the first.
	Extends string `json:"extends,omitempty"`
	Trial   bool   `json:"trial"`   // made by a trial install, whose clock can be moved: proves nothing
	Journey string `json:"journey"` // close, sunset …
	Policy  string `json:"policy"`  // hash of the policy
	Plan    string `json:"plan"`    // hash of the plan that was agreed
	Zone    string `json:"zone"`    // IANA name of the zone of the days below
	Agreed  Day    `json:"agreed"`  // the day of the consent
	// CoolingOffEnds is the instant before which nothing irreversible may
	// happen; zero where the journey has no cooling-off.
	CoolingOffEnds time.Time `json:"cooling_off_ends,omitzero"`
	// Hastened is when the person asked for the rest at once; dates no longer bind then.
	Hastened   time.Time      `json:"hastened,omitzero"`
	Sealed     time.Time      `json:"sealed"` // when the run was sealed
	Issued     time.Time      `json:"issued"` // when this version was signed
	Promises   []Promise      `json:"promises"`
	Amendments []Amendment    `json:"amendments,omitempty"`
	Cancelled  []Cancellation `json:"cancelled,omitempty"`
	Exceptions []Exception    `json:"exceptions,omitempty"`
	AgedOut    AgedOut        `json:"aged_out"`
	Sums       Sums           `json:"sums"` // set by [Sign]
	// Sunset is set where a service, a place or the install has ended, and nowhere else.
	Sunset   *Sunset `json:"sunset,omitempty"`
	Head     string  `json:"head"` // the signed head that all proofs lead to
	Receipts []Entry `json:"receipts"`
}

// A Promise is one step of the plan that was agreed. Due is empty where the date was
// unknown then (it counts from the opening of a gate); so is Until for a hold.
type Promise struct {
	Step   string `json:"step"`
	Act    string `json:"act"`
	Holder string `json:"holder,omitempty"`
	Class  string `json:"class,omitempty"`
	Manner string `json:"manner,omitempty"`
	Due    Day    `json:"due,omitempty"`
	Law    string `json:"law,omitempty"`
	Until  Day    `json:"until,omitempty"`
}

// An Amendment is a step that was added to the plan after it was agreed, or that took the place
// of the promise with the same step key (a hold added later, with its law).
type Amendment struct {
	Promise
	Added  Day    `json:"added"`
	Reason string `json:"reason"`
}

// A Cancellation is a promised step that was not carried out, and why.
type Cancellation struct {
	Step   string `json:"step"`
	On     Day    `json:"on"`
	Reason string `json:"reason"`
}

// An Exception is what stays without being a hold: with its basis and its end.
// Step is set where it stands in for the receipt of a promised step, or beside it.
type Exception struct {
	Step   string `json:"step,omitempty"`
	Holder string `json:"holder,omitempty"`
	Class  string `json:"class,omitempty"`
	Law    string `json:"law"` // the lawful basis
	Until  Day    `json:"until"`
	Reason string `json:"reason,omitempty"`
}

// AgedOut is the day by which erased bytes are gone from write-ahead logs and
// from backups too. Both are required as soon as something was erased or detached.
type AgedOut struct {
	WAL     Day `json:"wal,omitempty"`
	Backups Day `json:"backups,omitempty"`
}

// An Entry is a receipt with all that ties it to the log.
type Entry struct {
	Receipt Receipt          `json:"receipt"`
	Salt    Salt             `json:"salt"`
	Index   int64            `json:"index"` // of its leaf in the log, from 0
	Proof   tlog.RecordProof `json:"proof"` // from the leaf to the root of Head
}

// Count is a number of data classes and of items and bytes in them.
type Count struct {
	Classes int   `json:"classes"`
	Items   int64 `json:"items"`
	Bytes   int64 `json:"bytes"`
}

// Sums add up the receipts by manner. A hold that has ended counts in Erased and no longer in Held.
type Sums struct {
	Receipts  int   `json:"receipts"`
	Uncounted int   `json:"uncounted"` // receipts verified empty and not counted
	Erased    Count `json:"erased"`
	Detached  Count `json:"detached"`
	Held      Count `json:"held"`
}

const certificateHeader = "exeunt certificate v1\n"

// FileHash returns the name by which a later version refers to a certificate file:
// "sha256:" and the hash in hexadecimal.
func FileHash(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Sign checks the certificate as [Verify] will, and signs it: what Verify would
// refuse is never issued. It sets Key and Sums, puts times in canonical form
// and leaves c itself as it was. The receipts must have their proofs; [Log.Certify]
// makes them.
func Sign(c Certificate, key *Key) ([]byte, error) {
	if err := c.checkSize(); err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	c = c.canonical()
	c.Key = key.Verifier()
	// Before anything is added up: impossible counts have no sum.
	if err := c.checkFields(); err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	sums, err := c.sum()
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	c.Sums = sums
	if err := c.check(key.NoteVerifier()); err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	text, err := c.text()
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	data, err := note.Sign(&note.Note{Text: text}, key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("sign certificate: %w: %d bytes of at most %d", ErrTooLarge, len(data), MaxFile)
	}
	return data, nil
}

// canonical returns a copy in which equal certificates are equal byte for byte.
func (c Certificate) canonical() Certificate {
	c.CoolingOffEnds, c.Hastened = seconds(c.CoolingOffEnds), seconds(c.Hastened)
	c.Sealed, c.Issued = seconds(c.Sealed), seconds(c.Issued)
	c.Sunset = c.Sunset.canonical()
	c.Receipts = slices.Clone(c.Receipts)
	for i := range c.Receipts {
		e := &c.Receipts[i]
		e.Receipt.Done = seconds(e.Receipt.Done)
		if e.Proof == nil {
			e.Proof = tlog.RecordProof{}
		}
	}
	if c.Receipts == nil {
		c.Receipts = []Entry{}
	}
	if c.Promises == nil {
		c.Promises = []Promise{}
	}
	return c
}

func (c Certificate) text() (string, error) {
	body, err := encode(c, "  ")
	if err != nil {
		return "", fmt.Errorf("encode certificate: %w", err)
	}
	return certificateHeader + string(body), nil
}

// parseText reads the text of a certificate and insists on the one spelling that
// Sign writes: unknown, repeated or reordered fields are refused with it.
func parseText(text string) (Certificate, error) {
	body, ok := strings.CutPrefix(text, certificateHeader)
	if !ok {
		return Certificate{}, fmt.Errorf("%w: not an exeunt certificate v1", ErrFormat)
	}
	var c Certificate
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return Certificate{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Certificate{}, fmt.Errorf("%w: something follows the certificate", ErrFormat)
	}
	if err := c.checkSize(); err != nil {
		return Certificate{}, err
	}
	again, err := c.canonical().text()
	if err != nil {
		return Certificate{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if again != text {
		return Certificate{}, fmt.Errorf("%w: not in canonical form", ErrFormat)
	}
	return c, nil
}

// embeddedKey returns the key a certificate names as its own, before anything
// else in it is believed.
func embeddedKey(data []byte) (string, error) {
	body, ok := bytes.CutPrefix(data, []byte(certificateHeader))
	if !ok {
		return "", fmt.Errorf("%w: not an exeunt certificate v1", ErrFormat)
	}
	var c struct {
		Key string `json:"key"`
	}
	// The first value only: the note's signatures follow it.
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&c); err != nil {
		return "", fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return c.Key, checkToken("key", c.Key, true)
}

func canonicalBase64(s string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && base64.StdEncoding.EncodeToString(raw) == s
}
