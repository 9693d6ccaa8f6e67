// Package search is the room of what can be found (搜一搜): circles, posts, people and topics by parts of
// words, in whatever script. Rooms put what they have into the index within the transaction of the change.
//
// The index holds, for each thing, its folded text, the characters of that text and each two that follow one another
// (bigrams; Chinese has no blanks between words). What is asked for is looked up by those, and what
// is longer than two characters is then looked for in the text itself: the answer is that of a plain search through everything.
package search

import (
	"context"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The kinds of things that are found.
const (
	Post    = "post"
	Circle  = "circle"
	Account = "account"
	Topic   = "topic"
	Video   = "video"
)

// Doc is what can be found of a thing.
type Doc struct {
	Ref      who.Ref
	Owner    who.ID // the account with which it is veiled and erased; 0 for nobody's
	Service  string // where it stands, for the veil; "" for an account
	Place    who.ID // the circle it stands in, 0 if none
	Audience who.Audience
	Title    string // its name; suggestions begin with it. "" for a post
	Text     string // what else it is found by; mentions as @{id}, which are not searched
	At       time.Time
}

// Source is a room that has things to be found. The index can be made anew from all of them.
type Source interface {
	// Kind is the kind of its refs.
	Kind() string
	// Docs gives those with an id above after, by id, at most limit; more is false at the end. It leaves out what is
	// not to be found (drafts, what is withheld). Inside a transaction it keeps their rows from changing until that ends.
	Docs(ctx context.Context, after who.ID, limit int) (docs []Doc, last who.ID, more bool, err error)
	// Words gives titles and texts of things as they are shown, for excerpts. Whether somebody may see them was asked before.
	Words(ctx context.Context, ids []who.ID) (map[who.ID]Words, error)
}

// Words are what a thing is called and what it says. Category is the key of the words for what it is about, by which it is found in every language; "" for
// none.
type Words struct{ Title, Text, Category string }

// Config is what the room is made with.
type Config struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry // asked whether a viewer may open what was found
	Queue    *job.Queue        // makes the index anew; nil: only by hand
}

// Room is the search room. It is safe for concurrent use once Sources are set, which is done at start. The nil Room
// keeps no index: putting and dropping do nothing.
type Room struct {
	Config
	// Sources are the rooms whose things are found, at most one of a kind.
	Sources []Source
	store   store
}

// New gives the search room.
func New(c Config) *Room { return &Room{Config: c, store: store{c.DB, walked}} }

// Put has things be found, as they are now, in place of what was known of them. It is called in the transaction of
// their change, after it.
func (r *Room) Put(ctx context.Context, pass service.Pass, docs ...Doc) error {
	if r == nil || len(docs) == 0 {
		return nil
	}
	rows := make([]row, len(docs))
	refs := make([]who.Ref, len(docs))
	for i, d := range docs {
		rows[i], refs[i] = rowOf(d), d.Ref
	}
	if err := r.store.drop(ctx, pass, refs); err != nil {
		return err
	}
	return r.store.add(ctx, pass, rows)
}

// Drop has things no longer be found. It is no error if they never were.
func (r *Room) Drop(ctx context.Context, pass service.Pass, refs ...who.Ref) error {
	if r == nil || len(refs) == 0 {
		return nil
	}
	return r.store.drop(ctx, pass, refs)
}
