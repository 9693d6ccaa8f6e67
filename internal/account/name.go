package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/who"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a name, in characters after NFKC.
const (
	shortestName = 2
	longestName  = 30
)

// CleanName gives the form in which a name is stored: NFKC, without blanks around it and a
// leading @. A name has 2 to 30 characters: letters and digits of any script with their marks,
// and underscores, at least one letter or digit. Anything else is Invalid; so controls that
// turn or hide text (bidi, zero-width) are never part of a name.
func CleanName(typed string) (string, error) {
	if len(typed) > 16*longestName || !utf8.ValidString(typed) {
		return "", exit.Fail(exit.Invalid, "account.error.name_form")
	}
	name := norm.NFKC.String(strings.TrimPrefix(strings.TrimSpace(typed), "@"))
	if n := utf8.RuneCountInString(name); n < shortestName || n > longestName {
		return "", exit.Fail(exit.Invalid, "account.error.name_length")
	}
	marks, words := 0, 0
	for i, c := range name {
		switch {
		case unicode.IsLetter(c) || unicode.Is(unicode.Nd, c):
			marks = 0
			words++
		case c == '_':
			marks = 2 // no mark on an underscore
		case unicode.Is(unicode.M, c) && i > 0 && marks < 2:
			marks++
		default:
			return "", exit.Fail(exit.Invalid, "account.error.name_form")
		}
	}
	if words == 0 {
		return "", exit.Fail(exit.Invalid, "account.error.name_form")
	}
	return name, nil
}

// newName is [CleanName] for a name that is taken now: it mixes no scripts within a word that are taken for one another. Names that do and were
// taken before still sign in.
func newName(typed string) (string, error) {
	name, err := CleanName(typed)
	if err == nil && who.Mixes(name) {
		err = exit.Fail(exit.Invalid, "account.error.name_mixed")
	}
	return name, err
}

// NameKey gives the key under which a clean name is unique: names that look alike have one.
func NameKey(name string) string { return who.Looks(name) }

// lookKeys gives the keys of all that a name can be read as: a capital I is an i that is drawn as an l.
func lookKeys(name string) []string {
	keys := []string{NameKey(name)}
	if strings.ContainsRune(name, 'I') {
		keys = append(keys, NameKey(strings.ReplaceAll(name, "I", "l")))
	}
	return keys
}

// keyed gives the keyed hash under which something with little entropy is stored.
func (r *Room) keyed(use, text string) string {
	m := hmac.New(sha256.New, r.Secret)
	m.Write([]byte(use))
	m.Write([]byte{0})
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func (r *Room) heldKey(nameKey string) string { return r.keyed("held-name", nameKey) }
