package exit

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an [Error] is. The list is closed and its order
// is never changed: kinds travel over the wire and into stored steps.
type Kind int

// The kinds of failure. The zero value is Internal: what nobody has classified is
// never shown to a person in its own words.
const (
	Internal        Kind = iota // unknown: logged in full, shown as an id only
	Invalid                     // the input cannot be accepted as it is
	NotFound                    // there is no such thing, or none that the viewer may know of
	Conflict                    // it no longer fits what is there (a changed plan, a taken name)
	Forbidden                   // the viewer is known and may not
	Unauthenticated             // the viewer is not known, or the proof is wrong
	TooMany                     // asked too often
	Unavailable                 // closed for now: frozen, stopped, or out of reach
)

var kindNames = [...]string{"internal", "invalid", "not found", "conflict", "forbidden", "unauthenticated", "too many", "unavailable"}

// String gives the kind's English name.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return kindNames[Internal]
	}
	return kindNames[k]
}

// Error is the one error type that reaches people. Key names the sentence for the
// person (faces keep it in every language; Args fill its placeholders), Hint is
// for the operator, Err is the cause.
type Error struct {
	Kind Kind
	Key  string
	Args map[string]any
	Hint string
	Err  error
}

// Error gives the kind, the key, the hint and the cause; it is meant for logs.
func (e *Error) Error() string {
	s := e.Kind.String()
	if e.Key != "" {
		s += ": " + e.Key
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fail makes an [Error] of a kind with the key of its sentence; args are pairs of
// a placeholder's name and its value.
func Fail(kind Kind, key string, args ...any) *Error {
	e := &Error{Kind: kind, Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if e.Args == nil {
			e.Args = make(map[string]any, len(args)/2)
		}
		e.Args[fmt.Sprint(args[i])] = args[i+1]
	}
	return e
}

// KindOf gives the kind of the first [Error] in err's chain, Internal for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
