package ledger

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Limits of a statement, in bytes.
const (
	maxStatement = 8192
	maxAddress   = 2000
)

// A Statement says where people went: that what was found at an address of an install is found elsewhere, in the words of whoever answered for it there. The
// key vouches that it was said there and when; it vouches for nothing at the other end.
type Statement struct {
	What  string    `json:"what"` // the address that was left: host and path, without scheme ("circles.example/circles/7")
	To    string    `json:"to"`   // an https address
	At    time.Time `json:"at"`   // when it was said, by the clock of promises: UTC, whole seconds
	Trial bool      `json:"trial,omitempty"`
}

// StatementReport is what [VerifyStatement] found.
type StatementReport struct {
	// Key is the key that signed. KeyVerified says that it is the one the caller asked for; without it the text is
	// whole, but anybody may have made it.
	Key         string    `json:"key"`
	KeyVerified bool      `json:"key_verified"`
	Statement   Statement `json:"statement"`
}

const statementHeader = "exeunt statement v1\n"

// SignStatement writes a statement as a signed note (golang.org/x/mod/sumdb/note): the same statement and key give the same bytes. ErrFormat for what [VerifyStatement]
// would refuse.
func SignStatement(s Statement, key *Key) ([]byte, error) {
	s.At = seconds(s.At)
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	data, err := note.Sign(&note.Note{Text: s.text(key.Verifier())}, key)
	if err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	return data, nil
}

// VerifyStatement checks a signed statement offline. vkey is the signer's public key in note form; when it is empty the key that the text names is used, and
// KeyVerified is false. Input may be hostile and is bounded. The errors are [ErrTooLarge], [ErrFormat], [ErrSignature], [ErrKey].
func VerifyStatement(data []byte, vkey string) (StatementReport, error) {
	r, err := verifyStatement(data, strings.TrimSpace(vkey))
	if err != nil {
		return StatementReport{}, fmt.Errorf("verify statement: %w", err)
	}
	return r, nil
}

func verifyStatement(data []byte, vkey string) (StatementReport, error) {
	if len(data) > maxStatement {
		return StatementReport{}, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, len(data), maxStatement)
	}
	text, _, _ := bytes.Cut(data, []byte("\n\n"))
	s, named, err := parseStatement(string(text) + "\n")
	if err != nil {
		return StatementReport{}, err
	}
	key := vkey
	if key == "" {
		key = named
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return StatementReport{}, fmt.Errorf("%w: not a public key in note form: %w", ErrFormat, err)
	}
	signed, err := openNote(data, v)
	if err != nil {
		return StatementReport{}, err
	}
	switch {
	case named != key:
		return StatementReport{}, fmt.Errorf("%w: the statement names another key than the one that signed it", ErrKey)
	case signed != s.text(key):
		return StatementReport{}, fmt.Errorf("%w: not in canonical form", ErrFormat)
	}
	return StatementReport{Key: key, KeyVerified: vkey != "", Statement: s}, nil
}

// text is what is signed: one line a field, to be read by people too.
func (s Statement) text(key string) string {
	var b strings.Builder
	b.WriteString(statementHeader)
	fmt.Fprintf(&b, "what: %s\nto: %s\nat: %s\n", s.What, s.To, s.At.Format(time.RFC3339))
	if s.Trial {
		b.WriteString("trial: yes\n")
	}
	fmt.Fprintf(&b, "key: %s\n", key)
	return b.String()
}

// parseStatement reads the text that [Statement.text] writes, and the key that it names. That nothing else stands in it, whoever verifies it compares.
func parseStatement(text string) (s Statement, key string, err error) {
	body, ok := strings.CutPrefix(text, statementHeader)
	if !ok {
		return s, "", fmt.Errorf("%w: not an exeunt statement v1", ErrFormat)
	}
	fields := map[string]string{}
	for line := range strings.Lines(body) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok || len(fields) > 5 {
			return s, "", fmt.Errorf("%w: a line is no field", ErrFormat)
		}
		fields[name] = value
	}
	s = Statement{What: fields["what"], To: fields["to"], Trial: fields["trial"] == "yes"}
	if s.At, err = time.Parse(time.RFC3339, fields["at"]); err != nil {
		return s, "", fmt.Errorf("%w: time %q", ErrFormat, clip(fields["at"]))
	}
	s.At = s.At.UTC()
	if err := s.check(); err != nil {
		return s, "", err
	}
	return s, fields["key"], checkToken("key", fields["key"], true)
}

func (s Statement) check() error {
	if err := checkAddress("what", s.What); err != nil {
		return err
	}
	if host, path, ok := strings.Cut(s.What, "/"); !ok || host == "" || path == "" || strings.Contains(s.What, "://") {
		return fmt.Errorf("%w: what %q is no host and path", ErrFormat, clip(s.What))
	}
	if err := checkAddress("to", s.To); err != nil {
		return err
	}
	if u, err := url.Parse(s.To); err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
		return fmt.Errorf("%w: to %q is no https address", ErrFormat, clip(s.To))
	}
	return checkTime("at", s.At)
}

// checkAddress allows one printable line of bounded length: it is printed on terminals and pages.
func checkAddress(what, s string) error {
	if s == "" || len(s) > maxAddress || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%w: %s is empty, longer than %d bytes, or cannot be printed", ErrFormat, what, maxAddress)
	}
	return nil
}
