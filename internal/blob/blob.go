// Package blob keeps files of accounts, in a folder or in an S3 bucket, and their life: a blob is put before the
// transaction that refers to it (and swept after a day if none does), kept by that transaction, doomed by the one that
// deletes the reference, and removed after its commit.
//
// A key is "ACCOUNT/FOLDER/RANDOM.ext". What lies under it never changes. Nothing is shared between accounts.
package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/failpoint"
	"exeunt/internal/who"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// The folders below an account's own prefix.
const (
	Profile  = "profile"  // avatars and covers
	Posts    = "posts"    // images of posts and their thumbnails
	Circles  = "circles"  // covers and avatars of circles, under their owner's account
	Archives = "archives" // volumes made to be taken along
	Imports  = "imports"  // archives sent in, until they are imported

	Channels   = "channel"    // a channel's avatar and cover
	Videos     = "videos"     // originals of videos, their posters and subtitles
	Renditions = "renditions" // what was made from originals for players
	Uploads    = "uploads"    // pieces of files on their way in
)

// Folders gives all folders.
func Folders() []string {
	return []string{Archives, Channels, Circles, Imports, Posts, Profile, Renditions, Uploads, Videos}
}

// Blob is a file that was put.
type Blob struct {
	Key    string
	Size   int64  // bytes
	SHA256 string // of the content, 64 hexadecimal digits
}

// Store keeps blobs. It is safe for use by several goroutines, and any number of stores may share a bucket and a database.
type Store struct {
	DB    *db.DB
	Clock clock.Clock // the machine clock: by it blobs that nobody kept are swept
	// Services are those to which an exit can be narrowed: what is given up in them is removed by a step of this holder.
	Services []string
	// Log takes failures to remove what was given up. Nil: slog.Default.
	Log *slog.Logger

	bucket *blob.Bucket
	root   string // the folder; "" for S3
	prefix string // before each key in a bucket that is shared
	doomed chan who.ID
}

var keyForm = regexp.MustCompile(`^([1-9][0-9]{0,18})/(profile|posts|circles|archives|imports|channel|videos|renditions|uploads)/([a-z2-7]{26})((?:\.[a-z0-9]{1,8}){0,2})$`)

// Key is a key's parts.
type Key struct {
	Account who.ID
	Folder  string
	Name    string // random, then the extension: "abc….jpg"
	Ext     string // ".jpg"
}

// ParseKey reads a key; ok is false for anything that [Store.Put] does not make, such as a path that climbs.
func ParseKey(key string) (k Key, ok bool) {
	m := keyForm.FindStringSubmatch(key)
	if m == nil {
		return Key{}, false
	}
	id, ok := who.ParseID(m[1])
	return Key{Account: id, Folder: m[2], Name: m[3] + m[4], Ext: m[4]}, ok
}

// newKey makes a key of 130 random bits.
func newKey(account who.ID, folder, ext string) (string, error) {
	var b [17]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	name := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))[:26]
	key := account.String() + "/" + folder + "/" + name + ext
	if _, ok := ParseKey(key); !ok {
		return "", fmt.Errorf("make key: folder %q or extension %q", folder, ext)
	}
	return key, nil
}

// gone is what a key answers under which nothing lies.
func gone(err error) error {
	return &exit.Error{Kind: exit.NotFound, Key: "media.error.gone", Err: err}
}

func missing(err error) bool { return gcerrors.Code(err) == gcerrors.NotFound }

// Put stores what r gives under a new key: ext is "" or begins with a dot (".jpg"), and decides the type with which the
// blob is served. The blob is swept a day later unless a transaction has kept it ([Store.Keep]). Put must not be called
// inside a transaction: its first row has to be there even if the process dies while r is read.
func (s *Store) Put(ctx context.Context, account who.ID, folder, ext, contentType string, r io.Reader) (Blob, error) {
	if _, ok := exitsql.Tx(ctx); ok {
		return Blob{}, errors.New("put blob: inside a transaction; put it before")
	}
	key, err := newKey(account, folder, ext)
	if err != nil {
		return Blob{}, err
	}
	if err := s.pend(ctx, key, account); err != nil {
		return Blob{}, err
	}
	sum := &tally{hash: sha256.New()}
	if err := s.write(ctx, key, contentType, io.TeeReader(r, sum)); err != nil {
		// What cannot be removed now is swept tomorrow: its pending row stands.
		return Blob{}, errors.Join(fmt.Errorf("put blob: %w", err), s.abandon(context.WithoutCancel(ctx), key))
	}
	// An erasure or a sweep may have passed meanwhile. It took the row first and then looked for objects, so either it
	// has seen this object or the row is gone by now.
	there, err := s.pending(ctx, key)
	if err != nil {
		return Blob{}, err
	}
	if !there {
		return Blob{}, errors.Join(gone(errors.New("put blob: it was swept while it was written")), s.remove(context.WithoutCancel(ctx), key))
	}
	return Blob{Key: key, Size: sum.n, SHA256: hex.EncodeToString(sum.hash.Sum(nil))}, nil
}

type tally struct {
	hash hash.Hash
	n    int64
}

func (t *tally) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	return t.hash.Write(p)
}

func (s *Store) write(ctx context.Context, key, contentType string, r io.Reader) error {
	// A cancelled context makes Close drop what was written.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.open(ctx, key, contentType)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		cancel()
		if e := w.Close(); e != nil && !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	failpoint.Hit()
	return s.sync(key)
}

// open begins to write an object. In a folder, somebody who removes the account's last file may take away the folder that
// was just made; then it is made again.
func (s *Store) open(ctx context.Context, key, contentType string) (*blob.Writer, error) {
	for try := 0; ; try++ {
		w, err := s.bucket.NewWriter(ctx, s.prefix+key, &blob.WriterOptions{ContentType: contentType, MaxConcurrency: 2})
		if err == nil || try == 3 || s.root == "" || !missing(err) {
			return w, err
		}
	}
}

// abandon removes an object that was not wholly written, and its pending row.
func (s *Store) abandon(ctx context.Context, key string) error {
	if err := s.remove(ctx, key); err != nil {
		return err
	}
	return s.DB.Update(ctx, func(ctx context.Context) error { return s.strikeOff(ctx, "blob_pending", []string{key}) })
}

// Size gives a blob's size in bytes. NotFound: there is none.
func (s *Store) Size(ctx context.Context, key string) (int64, error) {
	if _, ok := ParseKey(key); !ok {
		return 0, gone(nil)
	}
	a, err := s.bucket.Attributes(ctx, s.prefix+key)
	if missing(err) {
		return 0, gone(err)
	}
	if err != nil {
		return 0, fmt.Errorf("look at blob: %w", err)
	}
	return a.Size, nil
}

// NewReader reads length bytes of a blob from an offset on, to its end if length is negative. NotFound: there is none.
func (s *Store) NewReader(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if _, ok := ParseKey(key); !ok {
		return nil, gone(nil)
	}
	r, err := s.bucket.NewRangeReader(ctx, s.prefix+key, offset, length, nil)
	if missing(err) {
		return nil, gone(err)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	return r, nil
}

// Restore puts a blob of a backup back under its own key, without a pending row: the restored database refers to it.
func (s *Store) Restore(ctx context.Context, key, contentType string, r io.Reader) error {
	if _, ok := ParseKey(key); !ok {
		return exit.Fail(exit.Invalid, "media.error.key")
	}
	if err := s.write(ctx, key, contentType, r); err != nil {
		return fmt.Errorf("restore blob: %w", err)
	}
	return nil
}

// Delete removes an object at once. It is for whoever looks after the whole store (backup, restore); rooms doom their blobs.
// A missing one counts as deleted.
func (s *Store) Delete(ctx context.Context, key string) error {
	if _, ok := ParseKey(key); !ok {
		return exit.Fail(exit.Invalid, "media.error.key")
	}
	return s.remove(ctx, key)
}

// Close lets go of the bucket.
func (s *Store) Close() error { return s.bucket.Close() }
