package talk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// most is how many records one call exports or imports at most.
const most = 500

// originPrefix begins the URI of a comment that was written here.
const originPrefix = "urn:exeunt:comment:"

// span is what one call of an export may give.
type span struct {
	service.Span
	thing int64 // of received comments: what the last one is about
}

// spanOf reads a task's span. The cursor of received comments is "thing/comment".
func spanOf(t exit.Task) (span, error) {
	s := span{thing: math.MinInt64}
	thing, after, ok := strings.Cut(t.Cursor, "/")
	if ok {
		n, err := strconv.ParseInt(thing, 10, 64)
		if err != nil {
			return s, fmt.Errorf("read cursor: %w", err)
		}
		s.thing, t.Cursor = n, after
	}
	var err error
	s.Span, err = service.SpanOf(t)
	return s, err
}

// Export writes what the account said, what it was told (by others, under pseudonyms), liked and kept, oldest first.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	s, err := spanOf(t)
	if err != nil {
		return exit.Progress{}, err
	}
	var p exit.Progress
	switch {
	case t.Class == "comments" && t.Part == archive.ClassReceived:
		p, err = h.exportReceived(ctx, t, s, to)
	case t.Class == "comments":
		p, err = h.exportComments(ctx, t, s, to)
	case t.Class == string(likes) || t.Class == string(favourites):
		p, err = h.exportMarks(ctx, t, s, to)
	default:
		err = exit.Fail(exit.Internal, "error.no_class", "class", t.Class)
	}
	if err != nil {
		return p, fmt.Errorf("export %s: %w", t.Class, err)
	}
	return p, nil
}

// references says of things enough to know them by.
func (r *Room) references(ctx context.Context, owner who.ID, refs []who.Ref) (map[who.Ref]archive.Reference, error) {
	things, err := r.Registry.Things(ctx, who.Viewer{Account: owner, State: who.Active}, refs)
	if err != nil {
		return nil, err
	}
	out := make(map[who.Ref]archive.Reference, len(refs))
	for _, ref := range refs {
		a := archive.Reference{Kind: ref.Kind, ID: ref.ID.String(), Excerpt: things[ref].Excerpt}
		if link := things[ref].Link; link != "" && r.Host != "" {
			a.URI = "https://" + r.Host + link
		}
		out[ref] = a
	}
	return out, nil
}

func (h *Holder) exportComments(ctx context.Context, t exit.Task, s span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.written(ctx, s)
	if err != nil {
		return p, err
	}
	refs, texts := make([]who.Ref, len(list)), make([]string, len(list))
	for i, c := range list {
		refs[i], texts[i] = c.On, c.Text
	}
	on, err := h.room.references(ctx, s.Owner, refs)
	if err != nil {
		return p, err
	}
	if texts, err = h.room.Posts.Decode(ctx, 0, texts...); err != nil {
		return p, err
	}
	for i, c := range list {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(record(c, on[c.On], texts[i])); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, c.ID.String()
	}
	p.Done = len(list) < most
	return p, nil
}

func record(c Comment, on archive.Reference, text string) archive.Comment {
	a := archive.Comment{ID: c.ID.String(), On: on, Text: text, Published: archive.At(c.At)}
	if c.Moment != nil {
		ms := c.Moment.Milliseconds()
		a.Moment = &ms
	}
	if c.Parent != 0 {
		a.Parent = c.Parent.String()
	}
	return a
}

// exportReceived writes comments of others on the account's posts and videos, thing by thing.
func (h *Holder) exportReceived(ctx context.Context, t exit.Task, s span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.received(ctx, s)
	if err != nil {
		return p, err
	}
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = post.Anonymous(c.Text)
	}
	for i, c := range list {
		if to.Full() {
			return p, nil
		}
		a := record(c, archive.Reference{Kind: c.On.Kind, ID: c.On.ID.String()}, texts[i])
		a.Author = h.pseudonym(t.Run, c.Author)
		if err := to.Record(a); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, c.On.ID.String()+"/"+c.ID.String()
	}
	p.Done = len(list) < most
	return p, nil
}

// pseudonym gives a name for somebody that is the same within one archive and in no other.
func (h *Holder) pseudonym(run string, account who.ID) string {
	if account == 0 {
		return ""
	}
	m := hmac.New(sha256.New, h.room.Secret)
	m.Write([]byte("received\x00" + run + "\x00" + account.String()))
	return "someone-" + hex.EncodeToString(m.Sum(nil)[:5])
}

func (h *Holder) exportMarks(ctx context.Context, t exit.Task, s span, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	l := list(t.Class)
	rows, err := h.room.store.marksAlong(ctx, s, l)
	if err != nil {
		return p, err
	}
	refs := make([]who.Ref, len(rows))
	for i, m := range rows {
		refs[i] = m.on
	}
	on, err := h.room.references(ctx, s.Owner, refs)
	if err != nil {
		return p, err
	}
	for _, m := range rows {
		if to.Full() {
			return p, nil
		}
		var v any = archive.Like{On: on[m.on], At: archive.At(m.at), Private: m.private}
		if l == favourites {
			v = archive.Favourite{On: on[m.on], At: archive.At(m.at)}
		}
		if err := to.Record(v); err != nil {
			return p, err
		}
		p.Items, p.Cursor = p.Items+1, m.id.String()
	}
	p.Done = len(rows) < most
	return p, nil
}
