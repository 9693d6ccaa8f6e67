package circle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Which is one of a circle's two pictures.
type Which string

// The pictures.
const (
	Avatar Which = "avatar"
	Cover  Which = "cover"
)

// mostPicture bounds an uploaded picture, in bytes.
const mostPicture = 10_000_000

// pictureLimits say how large a picture may come and how large it is kept.
var pictureLimits = map[Which]media.Limits{
	Avatar: {Bytes: mostPicture, Keep: 512, Thumb: 64},
	Cover:  {Bytes: mostPicture, Keep: 1600, Thumb: 64},
}

// SetPicture stores a circle's avatar or cover from an image file; a nil reader removes it. Owner and co-owners may.
// The file is the owner's: it goes when the owner's circles go. It must not be called inside a transaction.
func (r *Room) SetPicture(ctx context.Context, v who.Viewer, id who.ID, which Which, from io.Reader) error {
	c, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return err
	}
	if !runs(m) {
		return exit.Fail(exit.Forbidden, "circle.error.owner_only")
	}
	pic, err := r.putPicture(ctx, c.Owner, which, from, false)
	if err != nil {
		return err
	}
	return r.asOwners(ctx, v, id, func(ctx context.Context, pass service.Pass, now Circle) error {
		switch {
		case now.State == Ended:
			return errEnded()
		case now.Owner != c.Owner:
			return exit.Fail(exit.Conflict, "circle.error.handed_on")
		}
		return r.keepPicture(ctx, pass, id, which, pic)
	}, c.Owner)
}

// picture is a file that was put: its key, "" for none, and its bytes.
type picture struct {
	key   string
	bytes int64
}

// Stored gives how many bytes the pictures of the circles have that accounts own.
func (r *Room) Stored(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	return r.store.pictureBytes(ctx, accounts)
}

// putPicture reads an image and puts it, to be kept by a transaction; none for a nil reader.
func (r *Room) putPicture(ctx context.Context, owner who.ID, which Which, from io.Reader, clean bool) (picture, error) {
	if from == nil {
		return picture{}, nil
	}
	limits := pictureLimits[which]
	limits.KeepClean = clean
	p, err := media.Image(ctx, from, limits)
	if err != nil {
		return picture{}, err
	}
	if r.RoomFor != nil {
		if err := r.RoomFor(ctx, owner, int64(len(p.Bytes))); err != nil {
			return picture{}, err
		}
	}
	b, err := r.Blobs.Put(ctx, owner, blob.Circles, p.Ext, p.Type, bytes.NewReader(p.Bytes))
	return picture{b.Key, b.Size}, err
}

// keepPicture refers to a picture that was put, and gives up the one before.
func (r *Room) keepPicture(ctx context.Context, pass service.Pass, id who.ID, which Which, pic picture) error {
	old, err := r.store.setPicture(ctx, pass, id, which, pic)
	if err != nil {
		return err
	}
	if pic.key != "" {
		if err := r.Blobs.Keep(ctx, pic.key); err != nil {
			return err
		}
	}
	return r.doomPicture(ctx, old)
}

// doomPicture gives up a picture; "" is passed over.
func (r *Room) doomPicture(ctx context.Context, key string) error {
	k, ok := blob.ParseKey(key)
	if !ok {
		return nil // "" and nothing else: what is stored was made by the store
	}
	return r.Blobs.Doom(ctx, k.Account, key)
}

// copies are a circle's pictures as the files of another account.
type copies map[Which]picture

// copyPictures puts copies of a circle's pictures for who takes it over: files belong to one account and go with it. A
// picture whose file is not there is left behind. Conflict where they have no room left for them.
func (r *Room) copyPictures(ctx context.Context, c Circle, to who.ID) (copies, error) {
	out, room := copies{}, int64(0)
	for which, key := range map[Which]string{Avatar: c.Avatar, Cover: c.Cover} {
		k, ok := blob.ParseKey(key)
		if !ok || r.Blobs == nil {
			continue
		}
		size, err := r.Blobs.Size(ctx, key)
		if exit.KindOf(err) == exit.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if room += size; r.RoomFor != nil {
			if err := r.RoomFor(ctx, to, room); err != nil {
				return nil, err
			}
		}
		from, err := r.Blobs.NewReader(ctx, key, 0, -1)
		if exit.KindOf(err) == exit.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		b, err := r.Blobs.Put(ctx, to, blob.Circles, k.Ext, mime.TypeByExtension(k.Ext), from)
		if err = errors.Join(err, from.Close()); err != nil {
			return nil, err
		}
		out[which] = picture{b.Key, b.Size}
	}
	return out, nil
}

// keepCopies puts the copies in the place of a circle's pictures, which are given up.
func (r *Room) keepCopies(ctx context.Context, pass service.Pass, id who.ID, put copies) error {
	if r.Blobs == nil {
		return nil
	}
	for _, which := range []Which{Avatar, Cover} {
		if err := r.keepPicture(ctx, pass, id, which, put[which]); err != nil {
			return err
		}
	}
	return nil
}

// MayMedia answers who may see a picture of a circle: who may know of the circle.
func (r *Room) MayMedia(ctx context.Context, v who.Viewer, owner who.ID, key string) (may, public bool, err error) {
	id, err := r.store.ofPicture(ctx, owner, key)
	if exit.KindOf(err) == exit.NotFound {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	c, m, err := r.store.circle(ctx, id, v.Account)
	if err != nil {
		return false, false, err
	}
	return mayMeet(c, m), maySee(c, Membership{}), nil
}
