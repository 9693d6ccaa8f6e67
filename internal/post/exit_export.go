package post

import (
	"context"
	"fmt"
	"io"
	"path"
	"strconv"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// most is how many records one call exports or imports at most.
const most = 100

// originPrefix begins the URI of a post that was written here: the same post brought back is known by it.
const originPrefix = "urn:exeunt:post:"

// Export writes posts and drafts as records, images as files, links as records, oldest first.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	s, err := service.SpanOf(t)
	if err != nil {
		return exit.Progress{}, err
	}
	var p exit.Progress
	switch t.Class {
	case "posts":
		p, err = h.exportPosts(ctx, t, s, to)
	case "drafts":
		p, err = h.exportDrafts(ctx, t, s, to)
	case "images":
		p, err = h.exportImages(ctx, t, s, to)
	case "links":
		p, err = h.exportLinks(ctx, t, s, to)
	default:
		return p, exit.Fail(exit.Internal, "error.no_class", "class", t.Class)
	}
	if err != nil {
		return p, fmt.Errorf("export %s: %w", t.Class, err)
	}
	return p, nil
}

func (h *Holder) exportPosts(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	return h.exportWritten(ctx, t, s, to, false, func(x Post, images []Image, place string) any { return record(x, images, place) })
}

func (h *Holder) exportDrafts(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	return h.exportWritten(ctx, t, s, to, true, func(x Post, images []Image, place string) any {
		p := record(x, images, place)
		return archive.Draft{
			ID: p.ID, Place: p.Place, Circle: p.Circle, CircleName: p.CircleName, Audience: p.Audience, Text: p.Text, Saved: p.Published, Images: p.Images, Card: p.Card, Refusal: x.Refusal,
		}
	})
}

// exportWritten writes the next posts or drafts as records.
func (h *Holder) exportWritten(ctx context.Context, t exit.Task, s service.Span, to exit.Sink, drafts bool, as func(Post, []Image, string) any) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	posts, err := h.room.store.along(ctx, s, drafts)
	if err != nil {
		return p, err
	}
	ids, texts := make([]who.ID, len(posts)), make([]string, len(posts))
	for i, x := range posts {
		ids[i], texts[i] = x.ID, x.Text
	}
	images, err := h.room.store.images(ctx, ids)
	if err != nil {
		return p, err
	}
	if texts, err = h.room.Decode(ctx, 0, texts...); err != nil {
		return p, err
	}
	places, err := h.room.placeNames(ctx, s.Owner, posts)
	if err != nil {
		return p, err
	}
	for i, x := range posts {
		if to.Full() {
			return p, nil
		}
		x.Text = texts[i]
		if err := to.Record(as(x, images[x.ID], places[x.Place])); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, x.ID.String()
	}
	p.Done = len(posts) < most
	return p, nil
}

// placeNames gives the names of the circles in which the posts stand.
func (r *Room) placeNames(ctx context.Context, owner who.ID, posts []Post) (map[who.ID]string, error) {
	if err := r.place(ctx, who.Viewer{Account: owner, State: who.Active}, posts); err != nil {
		return nil, err
	}
	out := map[who.ID]string{}
	for _, p := range posts {
		out[p.Place] = p.In.Name
	}
	return out, nil
}

// record gives a post as it is taken along.
func record(p Post, images []Image, place string) archive.Post {
	a := archive.Post{
		ID: p.ID.String(), Origin: p.Origin, Place: p.Service, Text: p.Text, Language: p.Language, Published: archive.At(p.At),
		Edited: archive.At(p.Edited), Likes: int64(p.Likes), Comments: int64(p.Comments), InReplyTo: p.ReplyTo, Sensitive: p.Sensitive, Summary: p.Summary,
	}
	if a.Origin == "" {
		a.Origin = originPrefix + a.ID
	}
	a.Featured, a.Pinned = archive.At(p.Featured), archive.At(p.Pinned)
	if p.Card.Kind != "" {
		a.Card = &archive.Reference{Kind: p.Card.Kind, ID: p.Card.ID.String()}
	}
	switch p.State {
	case Submitted:
		a.State = archive.StateSubmitted
	case Withheld:
		a.State = archive.StateWithheld
	}
	if p.Place != 0 {
		a.Circle, a.CircleName = p.Place.String(), place
	}
	switch kind, _ := p.Audience.Split(); kind {
	case "public":
		a.Audience = archive.AudiencePublic
	case "unlisted":
		a.Audience = archive.AudienceUnlisted
	case "followers":
		a.Audience = archive.AudienceFollowers
	case "circle":
		a.Audience = archive.AudienceCircle
	default:
		a.Audience = archive.AudienceOnlyMe
	}
	for _, i := range images {
		x := archive.Image{Type: i.Type, Width: i.Width, Height: i.Height, Alt: i.Alt, Missing: i.Missing, Path: i.Name}
		if i.Key != "" {
			x.Path = fileName(i)
		}
		a.Images = append(a.Images, x)
	}
	return a
}

// fileName gives the name of an image in an archive.
func fileName(i Image) string { return archive.MediaName(i.ID.String(), path.Ext(i.Key)) }

func (h *Holder) exportImages(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	images, at, err := h.room.store.imagesAlong(ctx, s)
	if err != nil {
		return p, err
	}
	for n, i := range images {
		if to.Full() {
			return p, nil
		}
		size, err := h.exportImage(ctx, i, at[n], to)
		if err != nil {
			return p, err
		}
		p.Items, p.Bytes, p.Cursor = p.Items+1, p.Bytes+size, i.ID.String()
	}
	p.Done = len(images) < most
	return p, nil
}

// exportImage hands over one file; what is not there is noted with the reason.
func (h *Holder) exportImage(ctx context.Context, i Image, at time.Time, to exit.Sink) (int64, error) {
	if i.Key == "" {
		to.Missing(i.Name, i.Missing)
		return 0, nil
	}
	size, err := h.room.Blobs.Size(ctx, i.Key)
	if exit.KindOf(err) == exit.NotFound {
		to.Missing(fileName(i), "not in the store")
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return size, to.Media(fileName(i), size, at, func() (io.ReadCloser, error) { return h.room.Blobs.NewReader(ctx, i.Key, 0, -1) })
}

func (h *Holder) exportLinks(ctx context.Context, t exit.Task, s service.Span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	if t.Subject.In != "" && t.Subject.Service() != Page {
		return exit.Progress{Done: true}, nil
	}
	links, err := h.room.store.linksAlong(ctx, s)
	if err != nil {
		return p, err
	}
	for _, l := range links {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(l.link); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, strconv.FormatInt(l.id, 10)
	}
	p.Done = len(links) < most
	return p, nil
}
