package post

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// dropped gives those of the images that are among the ids.
func dropped(images []Image, ids []who.ID) (out []Image) {
	for _, i := range images {
		if slices.Contains(ids, i.ID) {
			out = append(out, i)
		}
	}
	return out
}

// arranged gives a post's images as they are to be: without those that are not wanted, with what they are said to show now, and the new ones last.
func arranged(kept []Image, drop []who.ID, alts map[who.ID]string, fresh []Image) []Image {
	out := make([]Image, 0, len(kept)+len(fresh))
	for _, i := range kept {
		if slices.Contains(drop, i.ID) {
			continue
		}
		if alt, ok := alts[i.ID]; ok {
			i.Alt = alt
		}
		out = append(out, i)
	}
	return append(out, fresh...)
}

// behind gives the position after those of a post's images.
func behind(kept []Image) int {
	if len(kept) == 0 {
		return 0
	}
	return kept[len(kept)-1].Position + 1
}

// described gives what is read of a post: its text, and what its images are said to show.
func described(text string, images []Image) string {
	for _, i := range images {
		if i.Alt != "" {
			text += "\n" + i.Alt
		}
	}
	return text
}

// rearrange stores what becomes of a post's images.
func (r *Room) rearrange(ctx context.Context, pass service.Pass, post who.ID, gone, fresh []Image, alts map[who.ID]string) error {
	if err := r.giveUp(ctx, gone); err != nil {
		return err
	}
	ids := make([]who.ID, len(gone))
	for i, x := range gone {
		ids[i] = x.ID
	}
	if err := r.store.dropImages(ctx, pass, ids); err != nil {
		return err
	}
	if err := r.keep(ctx, pass, fresh); err != nil {
		return err
	}
	return r.store.changeAlts(ctx, pass, post, alts)
}

// keep stores images whose files were put.
func (r *Room) keep(ctx context.Context, pass service.Pass, images []Image) error {
	if err := r.Blobs.Keep(ctx, keysOf(images)...); err != nil {
		return err
	}
	return r.store.addImages(ctx, pass, images)
}

// keysOf gives the blobs of images.
func keysOf(images []Image) (keys []string) {
	for _, i := range images {
		if i.Key != "" {
			keys = append(keys, i.Key, i.Thumb)
		}
	}
	return keys
}

// put decodes the images and puts their files; from is the position of the first. If one is refused, those before it are given up.
func (r *Room) put(ctx context.Context, p Post, from int, uploads []Upload) ([]Image, error) {
	var out []Image
	for n, u := range uploads {
		i, err := r.putUpload(ctx, p.Author, u)
		if err != nil {
			return nil, r.dismiss(ctx, out, err)
		}
		i.ID, i.Post, i.Author, i.Position, i.Alt = r.DB.IDs.Next(), p.ID, p.Author, from+n, strings.TrimSpace(u.Alt)
		out = append(out, i)
	}
	return out, nil
}

func (r *Room) putUpload(ctx context.Context, account who.ID, u Upload) (Image, error) {
	if err := checkAlt(u.Alt); err != nil {
		return Image{}, err
	}
	f, err := u.Open()
	if err != nil {
		return Image{}, err
	}
	i, err := r.putOne(ctx, account, f, media.Limits{})
	return i, errors.Join(err, f.Close())
}

// dismiss gives up the files of images that were put for what was refused, and gives the error for which it was. Files that a transaction has kept stay.
func (r *Room) dismiss(ctx context.Context, images []Image, why error) error {
	if why == nil || len(images) == 0 {
		return why
	}
	err := r.DB.Update(context.WithoutCancel(ctx), func(ctx context.Context) error {
		if err := r.Blobs.Keep(ctx, keysOf(images)...); err != nil {
			return err
		}
		return r.giveUp(ctx, images)
	})
	if err != nil && exit.KindOf(err) != exit.NotFound {
		return errors.Join(why, err)
	}
	return why
}

// putOne decodes one image and puts its two files.
func (r *Room) putOne(ctx context.Context, account who.ID, f io.Reader, l media.Limits) (Image, error) {
	pic, err := media.Image(ctx, f, l)
	if err != nil {
		return Image{}, err
	}
	if r.RoomFor != nil {
		if err := r.RoomFor(ctx, account, int64(len(pic.Bytes)+len(pic.Thumb))); err != nil {
			return Image{}, err
		}
	}
	whole, err := r.Blobs.Put(ctx, account, blob.Posts, pic.Ext, pic.Type, bytes.NewReader(pic.Bytes))
	if err != nil {
		return Image{}, err
	}
	thumb, err := r.Blobs.Put(ctx, account, blob.Posts, pic.ThumbExt, pic.ThumbType, bytes.NewReader(pic.Thumb))
	if err != nil {
		return Image{}, err
	}
	return Image{Key: whole.Key, Thumb: thumb.Key, Type: pic.Type, Width: pic.Width, Height: pic.Height, Bytes: whole.Size + thumb.Size, Look: Look(pic.Thumb)}, nil
}
