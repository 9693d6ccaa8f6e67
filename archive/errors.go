package archive

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrorKind says why an archive was refused.
type ErrorKind string

// The kinds. "archive." and the kind is the key of the sentence a person reads.
const (
	KindUnknown    ErrorKind = "unknown"     // no archive that this package reads
	KindBroken     ErrorKind = "broken"      // zip, tar or gzip is damaged or cut short
	KindJSON       ErrorKind = "json"        // a file is no well-formed JSON of the expected shape
	KindDepth      ErrorKind = "depth"       // JSON nested too deeply
	KindUnsafeName ErrorKind = "unsafe_name" // absolute, climbing or otherwise dangerous path
	KindSpecial    ErrorKind = "special"     // symbolic link, device or other special file
	KindEncrypted  ErrorKind = "encrypted"   // entry protected by a password
	KindDuplicate  ErrorKind = "duplicate"   // two entries of one name
	KindTooMany    ErrorKind = "too_many"    // more entries than the limit
	KindTooLarge   ErrorKind = "too_large"   // larger than the limit
	KindBomb       ErrorKind = "bomb"        // unpacks to absurdly more than it weighs
	KindDamaged    ErrorKind = "damaged"     // contents are not what the manifest says
	KindNoFile     ErrorKind = "no_file"     // the archive does not hold this file, or it is empty
)

// Error is a refusal: one reason, said in one sentence.
type Error struct {
	Kind ErrorKind
	// Name is the entry concerned, empty if it is the whole archive. It comes
	// from the archive: show it as text only.
	Name string
	// Detail is for the operator.
	Detail string
	Err    error
}

// Key is the message key of the sentence for the person, such as "archive.bomb".
func (e *Error) Key() string { return "archive." + string(e.Kind) }

var sentences = map[ErrorKind]string{
	KindUnknown:    "this is neither an archive of ours nor one of Mastodon's",
	KindBroken:     "the archive is damaged or incomplete",
	KindJSON:       "a file in the archive is not valid JSON",
	KindDepth:      "a file in the archive is nested too deeply",
	KindUnsafeName: "the archive holds a file name that could write outside its folder",
	KindSpecial:    "the archive holds a link or a special file",
	KindEncrypted:  "the archive holds a file protected by a password",
	KindDuplicate:  "the archive holds two files of the same name",
	KindTooMany:    "the archive holds too many files",
	KindTooLarge:   "the archive holds something too large",
	KindBomb:       "the archive would unpack to far more than it weighs",
	KindDamaged:    "the archive's contents differ from its manifest",
	KindNoFile:     "the archive does not hold this file",
}

func (e *Error) Error() string {
	s := sentences[e.Kind]
	if e.Name != "" {
		s += ": " + strconv.Quote(shorten(e.Name, 120))
	}
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Is lets errors.Is compare by kind: errors.Is(err, &Error{Kind: KindBomb}).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Name == "" && t.Detail == "" && t.Err == nil
}

func refuse(kind ErrorKind, name, format string, args ...any) *Error {
	return &Error{Kind: kind, Name: name, Detail: fmt.Sprintf(format, args...)}
}

// refuseFor keeps a refusal that is already one and makes others of the given kind.
func refuseFor(kind ErrorKind, name string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		if e.Name == "" {
			named := *e
			named.Name = name
			return &named
		}
		return e
	}
	return &Error{Kind: kind, Name: name, Detail: err.Error(), Err: err}
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
