// Package who has the words for people and what they may see: ids, viewers, audiences. It
// imports nothing of the house but the clock.
package who

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"
	"sync"

	"exeunt/internal/clock"
)

// ID is the id of a row. Ids of people and accounts are random, so that they say nothing and
// are found nowhere by chance; all others grow with time.
type ID int64

// String gives the id in decimal.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// ParseID reads a decimal id; ok is false for anything but a positive one.
func ParseID(s string) (id ID, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return ID(n), err == nil && n > 0
}

// RandomID gives an id of 62 random bits for a person or an account.
func RandomID() ID {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return ID(binary.BigEndian.Uint64(b[:])>>2 | 1<<61)
}

// IDs makes ids that grow with time: 41 bits of milliseconds since 2020, 10 bits that differ
// between processes, 12 bits of a counter.
type IDs struct {
	clock clock.Clock
	node  int64
	mu    sync.Mutex
	last  int64
}

// epoch is 2020-01-01T00:00:00Z in Unix milliseconds.
const epoch = 1577836800000

// NewIDs gives a maker of ids with a random node number.
func NewIDs(c clock.Clock) *IDs {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return &IDs{clock: c, node: int64(binary.BigEndian.Uint16(b[:])&1023) << 12}
}

// Next gives the next id. It is greater than all before it from the same maker.
func (g *IDs) Next() ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	// last counts in steps of 1/4096 ms, so a burst borrows from the next millisecond.
	t := (g.clock.Now().UnixMilli() - epoch) << 12
	if t <= g.last {
		t = g.last + 1
	}
	g.last = t
	return ID(t>>12<<22 | g.node | t&4095)
}

// Viewer is who looks at a page or asks for something. The zero Viewer is a guest.
type Viewer struct {
	Person   ID
	Account  ID
	Session  ID
	Name     string // the account's name, for links
	Operator bool
	State    State // of the account
}

// Guest reports whether nobody is signed in.
func (v Viewer) Guest() bool { return v.Account == 0 }

// State is the state of an account.
type State string

// The states of an account. Closing is cooling-off; closed means that stages run and a return is possible.
const (
	Active      State = "active"
	Hibernating State = "hibernating"
	Closing     State = "closing"
	Closed      State = "closed"
	Gone        State = "gone"
)

// Audience is a token that says who may see something: "public", "unlisted", "circle:7",
// "followers:9", "only:9".
type Audience string

// The audiences without an id.
const (
	Public   Audience = "public"
	Unlisted Audience = "unlisted" // like public, but in no list other than the own page
)

// CircleOnly is the audience of a circle's members.
func CircleOnly(circle ID) Audience { return Audience("circle:" + circle.String()) }

// FollowersOf is the audience of an account's followers.
func FollowersOf(account ID) Audience { return Audience("followers:" + account.String()) }

// Only is the audience of the account alone.
func Only(account ID) Audience { return Audience("only:" + account.String()) }

// Split gives the audience's kind and its id, 0 if it has none.
func (a Audience) Split() (kind string, id ID) {
	kind, text, _ := strings.Cut(string(a), ":")
	id, _ = ParseID(text)
	return kind, id
}

// Ref names something of a room without the room: a post, a comment, a circle, an account.
type Ref struct {
	Kind string
	ID   ID
}

// String gives "post:7".
func (r Ref) String() string { return r.Kind + ":" + r.ID.String() }

// ParseRef reads what [Ref.String] wrote.
func ParseRef(s string) (Ref, bool) {
	kind, text, ok := strings.Cut(s, ":")
	id, good := ParseID(text)
	return Ref{kind, id}, ok && good && kind != ""
}
