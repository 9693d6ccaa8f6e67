package post

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Upload is one image that somebody sends. Open is called once.
type Upload struct {
	Open func() (io.ReadCloser, error)
	Alt  string
}

// Draft is a post that is to be written. On the own page its audience is who.Public, who.Unlisted,
// "followers" or "only"; in a place it is the place's own.
type Draft struct {
	Service  string // Page, or the service of the place
	Place    who.ID
	Audience string
	Text     string
	Images   []Upload
}

// audienceOf turns the audience's word into its token.
func audienceOf(word string, author who.ID) (who.Audience, error) {
	switch word {
	case "", "public":
		return who.Public, nil
	case "unlisted":
		return who.Unlisted, nil
	case "followers":
		return who.FollowersOf(author), nil
	case "only":
		return who.Only(author), nil
	}
	return "", exit.Fail(exit.Invalid, "post.error.audience")
}

// checkText refuses texts that are too long or no text.
func checkText(text string, images int) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return exit.Fail(exit.Invalid, "post.error.text")
	case strings.TrimSpace(text) == "" && images == 0:
		return exit.Fail(exit.Invalid, "post.error.empty")
	case utf8.RuneCountInString(text) > longestText:
		return exit.Fail(exit.Invalid, "post.error.long", "Most", longestText)
	case images > mostImages:
		return exit.Fail(exit.Invalid, "post.error.images", "Most", mostImages)
	}
	return nil
}

func cleanText(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

func checkAlt(alt string) error {
	if utf8.RuneCountInString(alt) > longestAlt || !utf8.ValidString(alt) || strings.ContainsRune(alt, 0) {
		return exit.Fail(exit.Invalid, "post.error.alt", "Most", longestAlt)
	}
	return nil
}

// Write stores a post of the viewer and gives its id. Errors: Invalid with the sentence for the field,
// Forbidden in a place where the viewer may not write, Unavailable while the account or the service is frozen.
func (r *Room) Write(ctx context.Context, v who.Viewer, d Draft) (who.ID, error) {
	d.Text = cleanText(d.Text)
	if err := checkText(d.Text, len(d.Images)); err != nil {
		return 0, err
	}
	p := Post{ID: r.DB.IDs.Next(), Author: v.Account, Service: d.Service, Place: d.Place}
	var err error
	if p.Audience, err = r.audience(ctx, v, d); err != nil {
		return 0, err
	}
	images, err := r.put(ctx, p, d.Images)
	if err != nil {
		return 0, err
	}
	p.Images = len(images)
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		return r.write(ctx, p, d.Text, images)
	})
	return p.ID, err
}

// audience asks whether the viewer may write where the draft says, and who will see it.
func (r *Room) audience(ctx context.Context, v who.Viewer, d Draft) (who.Audience, error) {
	if d.Service == Page && d.Place == 0 {
		return audienceOf(d.Audience, v.Account)
	}
	if r.Places == nil {
		return "", exit.Fail(exit.NotFound, "error.not_found")
	}
	place, err := r.Places.MayPost(ctx, v, d.Service, d.Place)
	return place.Audience, err
}

// write is the transaction of [Room.Write].
func (r *Room) write(ctx context.Context, p Post, text string, images []Image) error {
	text, mentioned, err := r.Encode(ctx, text)
	if err != nil {
		return err
	}
	pass, err := r.Desk.Enter(ctx, service.Write{By: p.Author, Onto: mentioned, Service: p.Service, Place: p.Place})
	if err != nil {
		return err
	}
	p.Text, p.At = text, pass.At
	if err := r.store.add(ctx, pass, []Post{p}); err != nil {
		return err
	}
	if err := r.keep(ctx, pass, images); err != nil {
		return err
	}
	if err := r.store.mention(ctx, pass, p, mentioned); err != nil {
		return err
	}
	return r.store.count(ctx, pass, p, 1)
}

// keep stores images whose files were put.
func (r *Room) keep(ctx context.Context, pass service.Pass, images []Image) error {
	var keys []string
	for _, i := range images {
		if i.Key != "" {
			keys = append(keys, i.Key, i.Thumb)
		}
	}
	if err := r.Blobs.Keep(ctx, keys...); err != nil {
		return err
	}
	return r.store.addImages(ctx, pass, images)
}

// put decodes the images and puts their files. If one is refused, those before it are swept in time.
func (r *Room) put(ctx context.Context, p Post, uploads []Upload) ([]Image, error) {
	var out []Image
	for n, u := range uploads {
		if err := checkAlt(u.Alt); err != nil {
			return nil, err
		}
		f, err := u.Open()
		if err != nil {
			return nil, err
		}
		i, err := r.putOne(ctx, p.Author, f, media.Limits{})
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		i.ID, i.Post, i.Author, i.Position, i.Alt = r.DB.IDs.Next(), p.ID, p.Author, n, strings.TrimSpace(u.Alt)
		out = append(out, i)
	}
	return out, nil
}

// putOne decodes one image and puts its two files.
func (r *Room) putOne(ctx context.Context, account who.ID, f io.Reader, l media.Limits) (Image, error) {
	pic, err := media.Image(ctx, f, l)
	if err != nil {
		return Image{}, err
	}
	whole, err := r.Blobs.Put(ctx, account, blob.Posts, pic.Ext, pic.Type, bytes.NewReader(pic.Bytes))
	if err != nil {
		return Image{}, err
	}
	thumb, err := r.Blobs.Put(ctx, account, blob.Posts, pic.ThumbExt, pic.ThumbType, bytes.NewReader(pic.Thumb))
	if err != nil {
		return Image{}, err
	}
	return Image{Key: whole.Key, Thumb: thumb.Key, Type: pic.Type, Width: pic.Width, Height: pic.Height, Bytes: whole.Size + thumb.Size}, nil
}

// Change is what an author changes of a post. Audience "" leaves it; only a post on the own page has one to choose.
type Change struct {
	Text     string
	Audience string
	Alts     map[who.ID]string // of images
}

// Edit stores a changed post. NotFound for what the viewer may not edit.
func (r *Room) Edit(ctx context.Context, v who.Viewer, id who.ID, c Change) error {
	c.Text = cleanText(c.Text)
	for _, alt := range c.Alts {
		if err := checkAlt(alt); err != nil {
			return err
		}
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.store.one(ctx, v.Account, id)
		if err != nil {
			return err
		}
		if !changes(v, p) {
			return exit.Fail(exit.NotFound, "error.not_found")
		}
		if err := checkText(c.Text, p.Images); err != nil {
			return err
		}
		if c.Audience != "" && p.Service == Page {
			if p.Audience, err = audienceOf(c.Audience, v.Account); err != nil {
				return err
			}
		}
		text, mentioned, err := r.Encode(ctx, c.Text)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: mentioned, Service: p.Service, Place: p.Place})
		if err != nil {
			return err
		}
		p.Text = text
		if err := r.store.change(ctx, pass, p); err != nil {
			return err
		}
		if err := r.store.changeAlts(ctx, pass, p.ID, c.Alts); err != nil {
			return err
		}
		return r.store.mention(ctx, pass, p, mentioned)
	})
}

// Delete takes a post out. Others' living comments stay beneath a skeleton. NotFound for what the viewer may not delete.
func (r *Room) Delete(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.one(ctx, v, id)
		if err != nil {
			return err
		}
		if !removes(v, p) {
			return exit.Fail(exit.NotFound, "error.not_found")
		}
		// The author's freeze does not keep who answers for the place from taking a post out.
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.Place})
		if err != nil {
			return err
		}
		images, err := r.store.images(ctx, []who.ID{p.ID})
		if err != nil {
			return err
		}
		for _, i := range images[p.ID] {
			if err := r.Blobs.Doom(ctx, i.Author, i.Key, i.Thumb); err != nil {
				return err
			}
		}
		if err := r.store.remove(ctx, pass, p); err != nil {
			return err
		}
		return r.store.count(ctx, pass, p, -1)
	})
}
