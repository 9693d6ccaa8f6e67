package exit

import "strings"

// Subject is whom a plan is about. ID must not be reused and should be random: it
// is the only thing the engine ever keeps about somebody.
type Subject struct {
	Kind string // one of the Subject… constants, or a platform's own
	ID   string
	In   string // narrows an account to one service ("circle") or one place ("circle:7"); empty: all of it
}

// Kinds of subjects.
const (
	SubjectPerson  = "person"
	SubjectAccount = "account"
	SubjectPlace   = "place" // a circle or a channel
	SubjectService = "service"
	SubjectInstall = "install"
)

// Account gives the subject of a whole account.
func Account(id string) Subject { return Subject{Kind: SubjectAccount, ID: id} }

// Within narrows the subject to a service or a place ("circle", "circle:7").
func (s Subject) Within(in string) Subject { s.In = in; return s }

// Whole gives the subject without its narrowing.
func (s Subject) Whole() Subject { s.In = ""; return s }

// Service gives the name of the service to which the subject is narrowed, "" if it is not.
func (s Subject) Service() string {
	name, _, _ := strings.Cut(s.In, ":")
	return name
}

// Place gives the id of the place to which the subject is narrowed, "" if it is not.
func (s Subject) Place() string {
	_, id, _ := strings.Cut(s.In, ":")
	return id
}

// Covers reports whether everything of o is also something of s.
func (s Subject) Covers(o Subject) bool {
	if s.Kind != o.Kind || s.ID != o.ID {
		return false
	}
	return s.In == "" || s.In == o.In || (s.Place() == "" && s.In == o.Service())
}

// String gives "account:7", "account:7/circle" or "account:7/circle:9".
func (s Subject) String() string {
	if s.Kind == "" {
		return ""
	}
	t := s.Kind + ":" + s.ID
	if s.In != "" {
		t += "/" + s.In
	}
	return t
}

// ParseSubject reads what [Subject.String] wrote. The empty string is the empty subject.
func ParseSubject(text string) (Subject, error) {
	if text == "" {
		return Subject{}, nil
	}
	head, in, narrowed := strings.Cut(text, "/")
	kind, id, ok := strings.Cut(head, ":")
	if !ok || kind == "" || id == "" || narrowed && in == "" {
		return Subject{}, Fail(Invalid, "error.subject", "text", text)
	}
	return Subject{Kind: kind, ID: id, In: in}, nil
}
