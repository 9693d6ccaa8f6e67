package upload

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Draft is an upload that is about to begin.
type Draft struct {
	What, Name, Type, Detail string
	Length                   int64 // bytes
}

// enter passes the fence for an upload.
func (r *Room) enter(ctx context.Context, account who.ID, what string, removal bool) (service.Pass, error) {
	return r.Desk.Enter(ctx, service.Write{By: account, Service: r.Kinds[what].Service, Removal: removal})
}

// Create begins an upload. Invalid: it is empty, longer than the operator lets it be, or nothing is known of its kind; Conflict: the
// account has no room for it; TooMany: it has too many that are not whole.
func (r *Room) Create(ctx context.Context, account who.ID, d Draft) (Upload, error) {
	return r.create(ctx, account, d, Open)
}

func (r *Room) create(ctx context.Context, account who.ID, d Draft, state State) (Upload, error) {
	kind, known := r.Kinds[d.What]
	longest, err := r.Longest(ctx)
	switch {
	case err != nil:
		return Upload{}, err
	case !known || len(d.Detail) > longestDetail:
		return Upload{}, exit.Fail(exit.Invalid, "upload.error.what")
	case d.Length <= 0:
		return Upload{}, exit.Fail(exit.Invalid, "upload.error.empty")
	case d.Length > longest:
		return Upload{}, tooLong(longest)
	}
	now := r.DB.Clock.Now()
	u := Upload{
		ID: r.DB.IDs.Next(), Account: account, What: d.What, Name: clean(d.Name), Type: d.Type, Detail: d.Detail,
		Length: d.Length, State: state, Created: now, Expires: now.Add(state.term()),
	}
	if state == posted {
		u.Length++ // one byte beyond the bound shows that there is more
	}
	if len(u.Type) > longestType || strings.ContainsFunc(u.Type, unicode.IsControl) {
		u.Type = ""
	}
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		if err := r.room(ctx, account, d.Length); err != nil {
			return err
		}
		pass, err := r.enter(ctx, account, u.What, false)
		if err != nil {
			return err
		}
		n, err := r.store.unfinished(ctx, account)
		if err != nil {
			return err
		}
		if n >= mostOpen {
			return exit.Fail(exit.TooMany, "upload.error.too_many", "Most", mostOpen)
		}
		if kind.Begin != nil {
			if err := kind.Begin(ctx, pass, &u); err != nil {
				return err
			}
		}
		return r.store.add(ctx, pass, u)
	})
	return u, err
}

// room asks for room for so many bytes, one upload of an account after the other: of two that begin at once the second counts the first.
func (r *Room) room(ctx context.Context, account who.ID, length int64) error {
	if r.RoomFor == nil {
		return nil
	}
	if err := r.Desk.Alone(ctx, account); err != nil {
		return err
	}
	return r.RoomFor(ctx, account, length)
}

// tooLong says what the operator's limit is.
func tooLong(longest int64) error {
	return exit.Fail(exit.Invalid, "upload.error.too_long", "MB", longest>>20)
}

// body is what a connection brings of an upload. It ends where the connection does, and remembers why: what came until then is kept.
type body struct {
	from   io.Reader
	extend func() error // moves the deadline of the next read; an error ends the body
	err    error        // why it ended; io.EOF at its end
}

func (b *body) Read(p []byte) (int, error) {
	if b.err == nil && b.extend != nil {
		b.err = b.extend()
	}
	if b.err != nil {
		return 0, io.EOF
	}
	n, err := b.from.Read(p)
	b.err = err
	if n == 0 && err != nil {
		return 0, io.EOF
	}
	return n, nil
}

// cut gives why the body broke off, nil where it came to its end.
func (b *body) cut() error {
	if errors.Is(b.err, io.EOF) {
		return nil
	}
	return b.err
}

// portion is the next piece of a body: it ends at so many bytes, or when it has taken too long.
type portion struct {
	from  io.Reader
	left  int64
	until time.Time
	now   func() time.Time
	begun bool
	ended func() // called once it has come to its end
}

func (p *portion) Read(b []byte) (int, error) {
	if p.left == 0 || p.begun && !p.now().Before(p.until) {
		p.ended()
		return 0, io.EOF
	}
	p.begun = true
	n, err := p.from.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	if err != nil {
		p.ended()
	}
	return n, err
}

// pieceTerm bounds how long a piece may take, its way to the media store included.
const pieceTerm = 5 * time.Minute

// arrival is a piece on its way from a body to the media store.
type arrival struct {
	blob blob.Blob
	err  error
	done chan struct{} // closed when blob and err are there
}

// receive keeps what a body brings, piece by piece, until the upload is whole or the body ends. What has come is kept though whoever
// sent it is gone. It leaves u as it stands then. Conflict: another request has moved the upload on.
//
// While one piece is written to the disk and its row is committed, the next is read: not more than these two are in flight.
func (r *Room) receive(ctx context.Context, u *Upload, b *body) error {
	n, err := r.store.count(ctx, u.ID)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	arrivals, settled := make(chan *arrival), make(chan error, 1)
	go func() { settled <- r.settle(ctx, u, arrivals) }()
	at, length, account := u.Received, u.Length, u.Account // u is moved on beside
	in := bufio.NewReaderSize(b, 256<<10)
	size := r.first()
	for ; at < length; n++ {
		if _, err := in.Peek(1); err != nil {
			break // the body is at its end, or has remembered why it broke off
		}
		if n >= mostPieces+int(length/r.first()) {
			close(arrivals)
			return errors.Join(exit.Fail(exit.TooMany, "upload.error.pieces"), <-settled)
		}
		began := r.DB.Clock.Now()
		a, got := r.arrive(ctx, account, in, min(size, length-at))
		at += got
		if got == size && r.DB.Clock.Now().Sub(began) < shortPiece {
			size = min(r.Piece, 2*size) // each costs two commits and a few calls, whatever its size
		}
		select {
		case arrivals <- a:
		case err := <-settled:
			<-a.done
			return errors.Join(err, r.forget(ctx, a))
		}
	}
	close(arrivals)
	return <-settled
}

// first gives the size of the first piece of a connection; later ones grow as long as they come quickly.
func (r *Room) first() int64 { return min(firstPiece, r.Piece) }

// arrive puts the next piece, of so many bytes at most. It comes back when all of it has been read.
func (r *Room) arrive(ctx context.Context, account who.ID, in io.Reader, most int64) (a *arrival, got int64) {
	a = &arrival{done: make(chan struct{})}
	read := make(chan struct{})
	ended := sync.OnceFunc(func() { close(read) })
	now := r.DB.Clock.Now
	p := &portion{from: in, left: most, until: now().Add(longestPiece), now: now, ended: ended}
	go func() {
		ctx, cancel := context.WithTimeout(ctx, pieceTerm)
		defer cancel()
		a.blob, a.err = r.Blobs.Put(ctx, account, blob.Uploads, ".bin", "application/octet-stream", p)
		close(a.done)
		ended()
	}()
	<-read
	return a, most - p.left
}

// settle keeps pieces in their order, as they come. It gives the first failure, after which nothing is kept.
func (r *Room) settle(ctx context.Context, u *Upload, arrivals <-chan *arrival) error {
	for a := range arrivals {
		<-a.done
		if a.err != nil {
			return a.err
		}
		moved := *u
		moved.Received += a.blob.Size
		if moved.Received == moved.Length && moved.State == Open {
			moved.State = Done
		}
		if err := r.keep(ctx, u, moved, &a.blob); err != nil {
			return err
		}
	}
	return nil
}

// forget removes a piece that nothing refers to.
func (r *Room) forget(ctx context.Context, a *arrival) error {
	if a.err != nil {
		return nil //nolint:nilerr // there is none
	}
	return r.Blobs.Delete(ctx, a.blob.Key)
}

// keep stores that an upload has moved on, with a piece or, where it is nil, without one, and says so when it is whole. It leaves u as
// it stands then.
func (r *Room) keep(ctx context.Context, u *Upload, to Upload, b *blob.Blob) error {
	to.Expires = r.DB.Clock.Now().Add(to.State.term())
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.enter(ctx, to.Account, to.What, false)
		if err != nil {
			return err
		}
		if err := r.store.move(ctx, pass, *u, to); err != nil {
			return err
		}
		if b != nil {
			if err := r.store.addPiece(ctx, pass, to, u.Received, *b); err != nil {
				return err
			}
			if err := r.Blobs.Keep(ctx, b.Key); err != nil {
				return err
			}
		}
		if done := r.Kinds[to.What].Done; to.State == Done && done != nil {
			return done(ctx, pass, to)
		}
		return nil
	})
	if err != nil && b != nil && exit.KindOf(err) != exit.Internal {
		// It was refused, so nothing refers to the piece. After any other failure that is not known: it is swept then.
		return errors.Join(err, r.Blobs.Delete(ctx, b.Key))
	}
	if err == nil {
		*u = to
	}
	return err
}

// End takes an upload of the account back, and gives its pieces up. NotFound for another's; Conflict: all of it has come, and it is being
// worked on.
func (r *Room) End(ctx context.Context, account, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		u, err := r.find(ctx, account, id)
		if err != nil {
			return err
		}
		pass, err := r.enter(ctx, account, u.What, true)
		if err != nil {
			return err
		}
		if u.State == Done {
			return exit.Fail(exit.Conflict, "upload.error.whole")
		}
		if ended := r.Kinds[u.What].Ended; ended != nil && u.State != Taken {
			if err := ended(ctx, pass, u); err != nil {
				return err
			}
		}
		return r.store.drop(ctx, pass, `o.id = $1`, int64(id))
	})
}

// Bring takes in a file whose length is not known before its end, through the same store: piece by piece. Most bounds its length in
// bytes; it is told beforehand so that the account has room for it. Invalid: it broke off, and nothing of it is kept.
func (r *Room) Bring(ctx context.Context, account who.ID, d Draft, from io.Reader) (Upload, error) {
	u, err := r.create(ctx, account, d, posted)
	if err != nil {
		return u, err
	}
	b := &body{from: from}
	err = r.receive(ctx, &u, b)
	switch {
	case err == nil && b.cut() != nil:
		err = &exit.Error{Kind: exit.Invalid, Key: "upload.error.cut", Err: b.cut()}
	case err == nil && u.Received == u.Length:
		err = tooLong(d.Length)
	case err == nil && u.Received == 0:
		err = exit.Fail(exit.Invalid, "upload.error.empty")
	}
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		whole := u
		whole.Length, whole.State = u.Received, Done
		if err = r.keep(ctx, &u, whole, nil); err == nil {
			return u, nil
		}
	}
	return u, errors.Join(err, r.End(ctx, account, u.ID))
}
