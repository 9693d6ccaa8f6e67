// Package post is the room of what accounts write: texts with images, on the own page or in a
// place of another service, such as a circle.
package post

import (
	"context"
	"net/url"
	"time"

	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/notify"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"

	"github.com/a-h/templ"
)

// Page is the service of own pages. Posts there have no place: the page is their author's.
const Page = "page"

// The bounds of a post.
const (
	longestText = 5000 // characters
	longestAlt  = 1500 // characters
	mostImages  = 9
)

// Place is where posts stand besides own pages: a circle.
type Place struct {
	Service  string
	ID       who.ID
	Owner    who.ID // 0 if nobody
	Name     string
	Href     string
	Audience who.Audience // of what is written there
	See      bool         // the viewer may see what stands there
	Member   bool         // the viewer is a member, and sees what members see
	Ended    bool         // nobody writes, comments or likes there any more
	Staff    bool         // the viewer moderates there: features, pins, answers submissions, sees what is withheld
	Approves bool         // what the viewer writes there waits for a yes, unless the viewer is staff
	Guest    bool         // the viewer is no member and sees what members see all the same: a preview
}

// Ref names the place: "circle:7".
func (p Place) Ref() who.Ref { return who.Ref{Kind: p.Service, ID: p.ID} }

// Places is what other services tell of the places where posts stand. Each answers in one query.
type Places interface {
	// MayPost gives the place if the viewer may write there: Forbidden or NotFound if not.
	MayPost(ctx context.Context, v who.Viewer, service string, place who.ID) (Place, error)
	// Known gives those of the places that exist, with what the viewer may do there.
	Known(ctx context.Context, v who.Viewer, service string, places []who.ID) (map[who.ID]Place, error)
	// Returned gives, by the places that went, those that the viewer brought back for them.
	Returned(ctx context.Context, v who.Viewer, service string, places []who.ID) (map[who.ID]Place, error)
	// Mine gives the places whose posts belong on the viewer's home, at most 500.
	Mine(ctx context.Context, v who.Viewer) ([]Place, error)
}

// Mark is what the viewer has done with a post.
type Mark struct{ Liked, Saved bool }

// Config is what the room is made with.
type Config struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Blobs    *blob.Store // where images lie
	// RoomFor is a Conflict where an account has no room left for so many bytes more. Nil: there is no bound.
	RoomFor func(ctx context.Context, account who.ID, more int64) error
	// NameKey gives the key under which an account's name is unique.
	NameKey func(name string) string
	Search  *search.Room // has posts and topics found; nil: nothing is
	Notices *notify.Room // tells of submissions; nil: nobody is told
	// Queue erases for good what was deleted, when it can be undone no more. Nil: deleting erases at once.
	Queue *job.Queue
	// Host is the install's own host, for the addresses in archives; may be "".
	Host string
}

// ScreenIn is what is about to stand before others, for [Room.Screen].
type ScreenIn struct {
	Author who.ID
	Ref    who.Ref // of the post; it may not be stored yet
	In     Place   // zero on the own page
	Text   string  // mentions as @{id}
	Shared string  // the words of what it shares in a place; "": nothing
	Images []Image // with what they look like
	Edit   bool    // it stood there before, with other words
}

// Room is the post room. It is safe for concurrent use once Places and Marks are set, which the
// rooms above it give at start.
type Room struct {
	Config
	Places Places // nil: posts stand on own pages only
	// Marks gives what the viewer has done with the posts, in one query. Nil: nothing can be liked.
	Marks func(ctx context.Context, v who.Viewer, posts []who.ID) (map[who.ID]Mark, error)
	// Beneath draws what stands below a post on its own page: comments and the form for one. Nil: nothing.
	Beneath func(ctx context.Context, v who.Viewer, t service.Thing, query url.Values) (templ.Component, error)
	// Screen looks at what is about to stand before others, in its transaction: hold puts it into the queue of
	// submissions, an error refuses it. Nil: nothing is looked at.
	Screen func(ctx context.Context, pass service.Pass, in ScreenIn) (hold bool, err error)
	// Staff gives the accounts that answer for a place, at most 100: they are told of submissions. Nil: nobody is told.
	Staff func(ctx context.Context, service string, place who.ID) ([]who.ID, error)
	// Noted is told what who answers for a place did there, in the transaction of the act; [Room.Revert] takes it back. Nil: nobody keeps a log.
	Noted func(ctx context.Context, pass service.Pass, v who.Viewer, d Deed) error
	// Shown says whether the viewer decides about a post that was reported, while that waits: then its images open, too. Nil: nobody does.
	Shown func(ctx context.Context, v who.Viewer, p Post) (bool, error)
	// ShownTopics gives those of the topics of channels under which the viewer sees a video. Nil: none.
	ShownTopics func(ctx context.Context, v who.Viewer, ids []who.ID) (map[who.ID]bool, error)
	store       store
}

// New gives the post room.
func New(c Config) *Room {
	r := &Room{Config: c, store: store{c.DB}}
	if c.Queue != nil {
		c.Queue.Handle(eraseJob, r.eraseDeleted)
	}
	r.lead()
	return r
}

// Kind tells the registry of posts.
func (r *Room) Kind() service.Kind {
	return service.Kind{Name: "post", Table: "posts", Counted: true, Hot: hotSQL, Keeper: r, Withhold: r.withhold}
}

// The states of a post. Only a live one is in lists and counts.
const (
	Live      = "live"
	Gone      = "gone"      // a skeleton: it stands because others' comments hang on it
	Drafted   = "draft"     // its author writes on
	Submitted = "submitted" // waits for a yes of who moderates the place
	Withheld  = "withheld"  // taken out by who moderates; its author and they see it
	Deleting  = "deleting"  // deleted, for a moment with a way back; nobody sees it
)

// Post is a post with what is needed to show it and to decide who may.
type Post struct {
	ID        who.ID
	Author    who.ID // 0: a member who left
	Service   string
	Place     who.ID // 0 on a page
	Audience  who.Audience
	Text      string // mentions as @{id}
	Summary   string // a content warning, "" for none
	Sensitive bool
	Language  string
	ReplyTo   string // URI, of imported posts
	Origin    string // URI, of imported posts
	State     string
	At        time.Time // UTC
	Edited    time.Time // UTC, zero if never
	Likes     int
	Comments  int
	Images    int
	Featured  time.Time // UTC, zero if not
	Pinned    time.Time // UTC, zero if not
	Hot       int64     // see hot.go
	Card      who.Ref   // what it shares, zero for nothing
	Deleted   time.Time // UTC of the machine clock, zero unless it is being deleted
	DeletedAs string    // the state that an undo gives back
	Refusal   string    // why it was refused as a submission, "" if it was not

	Name, Display, Avatar string // the author's
	Veiled                bool   // its author is veiled here, and not the viewer
	Blocked               bool   // its author or the viewer has blocked the other
	Followed              bool   // the viewer follows its author
	In                    Place  // where it stands, if not on a page
}

// Ref names the post for other rooms.
func (p Post) Ref() who.Ref { return who.Ref{Kind: "post", ID: p.ID} }

// Link is the address of the post's own page.
func (p Post) Link() string { return "/posts/" + p.ID.String() }

// Author's view, as pages draw it.
func (p Post) author() ui.PersonView {
	if p.Author == 0 || p.Name == "" {
		return ui.PersonView{Left: true}
	}
	v := ui.PersonView{Name: p.Display, Handle: p.Name, Href: "/@" + p.Name, Avatar: service.MediaPath(p.Avatar)}
	if v.Name == "" {
		v.Name = p.Name
	}
	return v
}

// Image is one picture of a post.
type Image struct {
	ID, Post, Author who.ID
	Position         int
	Key, Thumb       string // blob keys, "" if the file is missing
	Type             string
	Width, Height    int
	Bytes            int64 // of both files
	Alt              string
	Look             string // what it looks like, see [Look]; "" if the file is missing
	Missing          string // why the file is not here
	Name             string // what a missing file was called
}
