// Package account is the room of who signs in and as whom: people, their accounts (personas,
// personal or organisation), sessions, recovery, one-time links, the operator role, profile
// and settings.
//
// A person signs in and is joined to accounts. Nothing outside this room shows that two
// accounts share a person. Sessions, links and rate limits run by the machine clock, which
// never jumps; when something was made is promise time.
package account

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/install"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Kind is the kind of an account.
type Kind string

// The kinds of accounts. A personal account has one person, an organisation's has one or
// more administrators.
const (
	Personal     Kind = "personal"
	Organisation Kind = "organisation"
)

// ParseKind reads a kind; ok is false for any other word.
func ParseKind(s string) (k Kind, ok bool) {
	k = Kind(s)
	return k, k == Personal || k == Organisation
}

// The roles of a person in an account.
const (
	roleOwner         = "owner"         // of a personal account
	roleAdministrator = "administrator" // of an organisation
)

func (k Kind) role() string {
	if k == Organisation {
		return roleAdministrator
	}
	return roleOwner
}

// mostAdministrators bounds the administrators of an organisation: a sign-in by its name tries
// each one's password.
const mostAdministrators = 10

// mostAccounts bounds the accounts of one person.
const mostAccounts = 20

// Config is what the room is made with.
type Config struct {
	DB   *db.DB
	Desk *service.Desk
	// Blobs keeps avatars and covers.
	Blobs *blob.Store
	// Secret keys what is hashed but has little entropy: held names and the keys of rate limits.
	// At least 32 bytes, the same on every node, see [InstallSecret].
	Secret []byte
	// Hash is the cost of hashing passwords; the zero value is the real one. Only tests set it.
	Hash HashCost
	// SignUpsPerHour bounds sign-ups from one address; 0 means 10.
	SignUpsPerHour int
	// Secure marks cookies Secure even where the request itself came without TLS: behind a proxy.
	Secure bool
	// Host is what people call the install, without scheme: passkeys are for that name. "" takes the request's.
	Host string
	// Slip gives the run that a slip's secret belongs to; it claims a held name back. May be nil:
	// sign-up then asks for no slip.
	Slip func(ctx context.Context, secret string) (run string, err error)
	// Changed is told, in the transaction of the change, that an account of a person is gone or has come back: what waits
	// for it may be asked again after the commit. May be nil.
	Changed func(ctx context.Context, account, person who.ID) error
	// Install says who may sign up and how much room an account has; nil: anybody, and no bound.
	Install *install.Room
	// Dismiss closes an account that was not let in and has it erased. May be nil: nobody is refused then.
	Dismiss func(ctx context.Context, account who.ID) error
	// Stored are the rooms that keep files of accounts: each gives how many bytes, in one query a call. This room counts its own.
	Stored []Stored
	// PhoneCheck and NameCheck look at what somebody wants to bind; nil: the operator looks.
	PhoneCheck PhoneCheck
	NameCheck  NameCheck
	// Search is told of what can be found; nil: nothing is.
	Search *search.Room
}

// Room is the account room. It is safe for concurrent use once Stored is set, which is known when the rooms above it are made.
type Room struct {
	Config
	db     *db.DB
	store  store
	hasher *hasher
	tables exitsql.Tables
}

// New gives the account room.
func New(c Config) *Room {
	if c.SignUpsPerHour == 0 {
		c.SignUpsPerHour = 10
	}
	return &Room{Config: c, db: c.DB, store: store{c.DB}, hasher: newHasher(c.Hash), tables: tables(c.DB)}
}

// Created is what sign-up made. Codes are the recovery codes in the clear, shown this once.
type Created struct {
	Person  who.ID
	Account who.ID
	Codes   []string
	Waits   bool // until the operator has looked
}

// Account is an account as this room's words: never more than is public of it.
type Account struct {
	ID      who.ID
	Name    string
	Kind    Kind
	State   who.State
	Role    string // of the person who asked, "" if nobody did
	Created time.Time
	Display string // "" where none was chosen
	Avatar  string // blob key
}

// Shown gives the name that pages show.
func (a Account) Shown() string {
	if a.Display != "" {
		return a.Display
	}
	return a.Name
}

func (r *Room) machine() time.Time { return r.db.Clock.Now().UTC() }

// errNoAccount is the answer where an account is asked for that does not exist.
func errNoAccount() error { return exit.Fail(exit.NotFound, "account.error.none") }
