// Package ledger keeps what a carried-out step of a plan leaves behind: a
// tamper-evident log of receipts, and signed certificates that anybody can
// verify offline.
//
// The log is a Merkle tree (RFC 6962) in the forms of the Go checksum
// database: hashes are stored as golang.org/x/mod/sumdb/tlog lays them out,
// and its size and root hash are signed as a checkpoint
// (https://c2sp.org/tlog-checkpoint) in a note
// (golang.org/x/mod/sumdb/note, Ed25519). A leaf is the hash of a receipt
// with a secret random [Salt] mixed in, so the log itself reveals nothing: not
// whose receipts it holds, not even of which kind.
//
// A [Certificate] opens the leaves of one run to the person it belongs to:
// what was promised, the receipt of each step with its salt and the proof that
// it stands in the log, what is kept under which law until when. It names
// nobody. [Verify] needs the file alone and, to know who signed it, the key.
//
// The usual way of a run:
//
//	salt, err := ledger.NewSalt()                   // once a run, with its first receipt
//	leaf, err := receipt.Leaf(salt)                 // with each receipt
//	first, err := log.Append(ctx, leaves)           // one sequencer, in batches
//	file, err := log.Certify(ctx, certificate)      // when the run is sealed
//	report, err := ledger.Verify(file, vkey)        // anybody, anywhere
//
// [ReceiptOf] and [CertificateOf] put down what a run of package exit did, [ExtensionOf] the end of a hold.
//
// The package reads no clock, opens no connection and knows no database: a
// [Store] does. [Memory] is the smallest one; package ledgersql has a durable one,
// and a book that plugs into [exit.Engine].
package ledger

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a certificate. What exceeds them is refused with [ErrTooLarge]
// before it is read, by [Sign] as well as by [Verify].
const (
	MaxFile     = 16 << 20 // bytes of a certificate
	MaxReceipts = 100_000  // receipts, promises, amendments, exceptions, cancellations: each
	MaxText     = 500      // runes of a law or a reason
	MaxToken    = 200      // bytes of a step key, holder, class, hash …
)

// Errors that callers tell apart with errors.Is. Those about certificates come
// from [Sign], [Verify] and [VerifyExtension].
var (
	// ErrConflict: another sequencer appended in between; nothing was written.
	ErrConflict = errors.New("the log has grown in the meantime")
	// ErrEmpty: the log has no signed head yet.
	ErrEmpty = errors.New("the log is empty")
	// ErrBehind: the log is shorter than a head kept elsewhere says.
	ErrBehind = errors.New("the log is shorter than the kept head")
	// ErrDisagrees: the log is not the one whose head was kept: it was changed or replaced.
	ErrDisagrees = errors.New("the log disagrees with the kept head")

	// ErrTooLarge: beyond [MaxFile] or [MaxReceipts].
	ErrTooLarge = errors.New("too large")
	// ErrFormat: not a certificate, not in canonical form, or a field out of range.
	ErrFormat = errors.New("malformed")
	// ErrSignature: the text is not what was signed.
	ErrSignature = errors.New("the signature does not match")
	// ErrKey: signed by another key than the one given.
	ErrKey = errors.New("signed by another key")
	// ErrProof: a receipt does not stand in the log at its place.
	ErrProof = errors.New("the proof does not lead to the signed head")
	// ErrPromise: a promise without receipt, exception or cancellation, or a receipt that differs from its promise.
	ErrPromise = errors.New("promise and receipt do not match")
	// ErrSums: the stated sums are not those of the receipts.
	ErrSums = errors.New("the sums do not add up")
)

// Day is a calendar day, "2006-01-02", in the policy's zone; empty means none.
type Day string

// DayOf returns the day on which t falls in loc.
func DayOf(t time.Time, loc *time.Location) Day { return Day(t.In(loc).Format(time.DateOnly)) }

// utc returns the day's first second in UTC.
func (d Day) utc() (time.Time, error) {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil || t.Format(time.DateOnly) != string(d) {
		return time.Time{}, fmt.Errorf("%w: day %q", ErrFormat, clip(string(d)))
	}
	return t, nil
}

// SaltSize is the length of a [Salt] in bytes.
const SaltSize = 32

// Salt is the secret that keeps a leaf from being guessed: one a run, made at
// random, kept until the certificate that discloses it to its owner is made.
type Salt [SaltSize]byte

// NewSalt returns a salt from the system's randomness.
func NewSalt() (Salt, error) {
	var s Salt
	if _, err := rand.Read(s[:]); err != nil {
		return Salt{}, fmt.Errorf("make a salt: %w", err)
	}
	return s, nil
}

// String hides the salt: it is a secret until a certificate discloses it.
func (s Salt) String() string { return "salt" }

// MarshalText returns the salt in standard base64.
func (s Salt) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, s[:]), nil
}

// UnmarshalText reads what MarshalText wrote; anything else is [ErrFormat].
func (s *Salt) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(raw) != SaltSize {
		return fmt.Errorf("%w: salt", ErrFormat)
	}
	copy(s[:], raw)
	return nil
}

// checkTime refuses what RFC 3339 cannot write, and dates no receipt can have.
func checkTime(what string, t time.Time) error {
	if y := t.UTC().Year(); y < 1970 || y > 9999 {
		return fmt.Errorf("%w: %s outside the years 1970 to 9999", ErrFormat, what)
	}
	return nil
}

// seconds is the canonical form of a time: UTC, whole seconds.
func seconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// checkToken allows the names that programs give (ASCII without spaces), so
// that a person's name, an address or a control character has no place to be.
func checkToken(what, s string, required bool) error {
	if s == "" && !required {
		return nil
	}
	if s == "" || len(s) > MaxToken {
		return fmt.Errorf("%w: %s is empty or longer than %d bytes", ErrFormat, what, MaxToken)
	}
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return fmt.Errorf("%w: %s %q has a character that is not allowed", ErrFormat, what, clip(s))
		}
	}
	return nil
}

func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '.', '_', ':', '/', '+', '=', '#', '*', '-':
		return true
	}
	return false
}

// checkText allows one printable line in any language. Control and direction
// characters are refused because the text is printed on terminals.
func checkText(what, s string, required bool) error {
	if s == "" && required {
		return fmt.Errorf("%w: %s is missing", ErrFormat, what)
	}
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxText {
		return fmt.Errorf("%w: %s is not UTF-8 or longer than %d characters", ErrFormat, what, MaxText)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%w: %s has a character that cannot be printed", ErrFormat, what)
		}
	}
	return nil
}

func checkDay(what string, d Day, required bool) error {
	if d == "" && !required {
		return nil
	}
	if _, err := d.utc(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// clip shortens hostile text for an error message, which quotes it with %q.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
