// Package upload is the room in which large files arrive, by the tus protocol, version 1.0.0 (tus.io/protocols/resumable-upload), with
// its extensions creation, creation-with-upload, expiration and termination. What has come of a file is kept in pieces, each of them a
// blob: a piece, its row and the upload's offset are one transaction, so that a connection that is cut, or a server that is killed, loses
// what is in flight at most, two pieces of some hundred milliseconds or of 4 MiB, and an upload's offset is the sum of its pieces at every moment.
//
// Another room takes files in by telling [Room.Kinds] of them, by the word that stands as "what" in an upload's metadata:
//
//	uploads.Kinds["video"] = upload.Kind{
//		Service: "channel",
//		Begin:   …, // in the transaction that begins an upload: u.Detail is what the page sent, "" for nothing; it checks it
//		            // (the video is the account's own and waits for a file) or makes what the file is for, and sets u.Detail to its id
//		Done:    …, // in the transaction that receives the last byte: here a job is put into the queue
//		Page:    …, // where the person is led when all has come, "/videos/ID/edit"
//	}
//
// The job then reads the whole with [Room.Open] and gives the pieces up with [Room.Taken], in the transaction in which it stores what
// became of them. A page has a place to upload from with the component [Field].
package upload

import (
	"context"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// The bounds of uploads. Instants are the machine clock's.
const (
	firstPiece   = 4 << 20                // bytes
	largestPiece = 64 << 20               // bytes, of a fast connection
	shortPiece   = 300 * time.Millisecond // what comes in less may be twice as large the next time
	longestPiece = 10 * time.Second       // of a slow connection: then what has come is kept
	mostPieces   = 20_000                 // of one upload, beyond those that are full
	mostOpen     = 20                     // uploads of one account that are not whole
	openTerm     = 7 * 24 * time.Hour     // from the last piece on
	doneTerm     = 30 * 24 * time.Hour    // from the last byte on
	postedTerm   = time.Hour              // of one that cannot be gone on with, from the last piece on
)

// State says how far an upload is.
type State string

// The states of an upload.
const (
	Open  State = "open"
	Done  State = "done"  // all of it has come
	Taken State = "taken" // its pieces have been given up
	// posted is one that an ordinary form brings: its length is not known before its end, and it cannot be gone on with.
	posted State = "posted"
)

// term is how long an upload in this state is kept from now on.
func (s State) term() time.Duration {
	switch s {
	case Done:
		return doneTerm
	case posted:
		return postedTerm
	case Open, Taken:
	}
	return openTerm
}

// Upload is a file on its way in.
type Upload struct {
	ID, Account who.ID
	What        string // its kind
	Name        string // the file's own name, without a path; "" where it was not told
	Type        string // the content type that the browser believes in: never trusted; "" where it was not told
	Detail      string // what the file is for, as its kind understands it
	Length      int64  // bytes
	Received    int64  // bytes
	State       State
	Created     time.Time // machine clock
	Expires     time.Time // machine clock
}

// Kind is what another room makes of uploads. Its functions may be nil.
type Kind struct {
	// Service is whose fence an upload passes: while the account's part there is frozen, nothing is received.
	Service string
	// Begin is called in the transaction that begins an upload, with its id; it may change Detail.
	Begin func(ctx context.Context, pass service.Pass, u *Upload) error
	// Done is called in the transaction that receives the last byte.
	Done func(ctx context.Context, pass service.Pass, u Upload) error
	// Ended is called in the transaction in which the person takes an upload back. One that expires just goes.
	Ended func(ctx context.Context, pass service.Pass, u Upload) error
	// Page gives the address of the page about what was uploaded.
	Page func(u Upload) string
}

// Config is what the room is made with.
type Config struct {
	DB    *db.DB
	Desk  *service.Desk
	Blobs *blob.Store
	// RoomFor is a Conflict where the account has no room for so many bytes more.
	RoomFor func(ctx context.Context, account who.ID, more int64) error
	// Piece is how many bytes a piece has at most; 0: 64 MiB.
	Piece int64
}

// Room is the upload room. It is safe for concurrent use once Kinds is set.
type Room struct {
	Config
	// Kinds says what is uploaded, by the word for it.
	Kinds map[string]Kind

	store   store
	closing chan struct{}
	once    sync.Once
}

// New gives the upload room.
func New(c Config) *Room {
	if c.Piece <= 0 {
		c.Piece = largestPiece
	}
	return &Room{Config: c, Kinds: map[string]Kind{}, store: store{c.DB}, closing: make(chan struct{})}
}

// Close breaks off the uploads that are under way, for a server that stops: what has come of them is kept.
func (r *Room) Close() { r.once.Do(func() { close(r.closing) }) }

// closed reports whether the server stops.
func (r *Room) closed() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// find gives an upload of the account; NotFound for another's.
func (r *Room) find(ctx context.Context, account, id who.ID) (Upload, error) {
	u, err := r.store.byID(ctx, id)
	if err == nil && !owns(account, u) {
		err = exit.Fail(exit.NotFound, "upload.error.gone")
	}
	return u, err
}

// List gives the account's uploads that can be gone on with, the newest first; there are few.
func (r *Room) List(ctx context.Context, account who.ID) ([]Upload, error) {
	return r.store.open(ctx, account, r.DB.Clock.Now())
}

// Stored gives how many bytes uploads take of accounts' room: for one that is not whole yet, what it will.
func (r *Room) Stored(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	return r.store.bytes(ctx, accounts)
}

// Taken gives an upload's pieces up, in the transaction that stores what became of them. It is no failure if that was done before;
// NotFound where the upload is gone.
func (r *Room) Taken(ctx context.Context, pass service.Pass, id who.ID) error {
	return r.store.take(ctx, pass, id)
}

// Drop forgets the account's uploads of a kind that are for something which is erased in this transaction, and gives their pieces up.
func (r *Room) Drop(ctx context.Context, pass service.Pass, account who.ID, what, detail string) error {
	return r.store.drop(ctx, pass, `o.account_id = $1 and o.what = $2 and o.detail = $3`, int64(account), what, detail)
}

// Sweep forgets up to limit uploads that have had their time, and gives their pieces up. It gives how many there were.
func (r *Room) Sweep(ctx context.Context, limit int) (n int64, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		n, err = r.store.sweep(ctx, r.DB.Clock.Now(), limit)
		return err
	})
	return n, err
}
