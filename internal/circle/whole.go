package circle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/who"
)

// classWhole is a circle as a whole, as its owner and co-owners take it along: what is in its class [archive.ClassCircles], and posts, pictures,
// comments and notices of everybody who can be seen. It is no class that is erased: all of it belongs to others.
const classWhole = "whole"

// Whole gives the archive's classes of a circle as a whole. Forbidden for who does not run it.
func (h *Holder) Whole(ctx context.Context, s exit.Subject) (class string, parts []string, err error) {
	account, _ := who.ParseID(s.ID)
	id, ok := who.ParseID(s.Place())
	if !ok || s.Service() != Name {
		return "", nil, exit.Fail(exit.NotFound, "error.not_found")
	}
	m, err := h.room.store.membership(ctx, id, account)
	if err == nil && !runs(m) {
		err = exit.Fail(exit.Forbidden, "circle.error.owner_only")
	}
	return classWhole, []string{
		archive.ClassCircles, archive.ClassCirclePosts, archive.ClassCircleImages, archive.ClassCircleComments, archive.ClassCircleNotices,
	}, err
}

// WholeOf gives the circle of a name or an id with its owner, for the operator who takes it along as a whole on somebody's written request. NotFound if there is
// none, Conflict if there are several of that name, or nobody owns it any more: then its posts are taken along by those who wrote them.
func (r *Room) WholeOf(ctx context.Context, nameOrID string) (id, owner who.ID, err error) {
	id, ok := who.ParseID(nameOrID)
	if !ok {
		ids, err := r.store.ofName(ctx, nameOrID)
		switch {
		case err != nil:
			return 0, 0, err
		case len(ids) == 0:
			return 0, 0, errNone()
		case len(ids) > 1:
			return 0, 0, exit.Fail(exit.Conflict, "circle.error.names", "Name", nameOrID)
		}
		id = ids[0]
	}
	if _, _, err := r.store.circle(ctx, id, 0); err != nil {
		return 0, 0, err
	}
	owner, err = r.store.ownerOf(ctx, id)
	if err == nil && owner == 0 {
		err = exit.Fail(exit.Conflict, "circle.error.ownerless")
	}
	return id, owner, err
}

// NoteTaken puts into a circle's log that the operator has taken it along as a whole.
func (r *Room) NoteTaken(ctx context.Context, id, owner who.ID) error {
	if r.Bans == nil {
		return nil
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, owner)
		if err != nil {
			return err
		}
		return r.note(ctx, pass, moderate.Taken, who.Viewer{}, id, 0, "")
	})
}

// words stands for one line of what others wrote: whose it is and its text, as stored.
type words struct {
	id     who.ID
	author who.ID // 0: a member who left
	text   string
}

// exportWhole writes one part of a circle as a whole, oldest first. Who runs it is asked again with each call: a circle
// may be handed on meanwhile.
func (h *Holder) exportWhole(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	if _, _, err := h.Whole(ctx, t.Subject); err != nil {
		return exit.Progress{Cursor: t.Cursor}, err
	}
	switch t.Part {
	case archive.ClassCircles:
		return h.exportMine(ctx, t, after, cut, to)
	case archive.ClassCirclePosts:
		return h.wholePosts(ctx, t, after, cut, to)
	case archive.ClassCircleImages:
		return h.wholeImages(ctx, t, after, cut, to)
	case archive.ClassCircleComments:
		return h.wholeComments(ctx, t, after, cut, to)
	case archive.ClassCircleNotices:
		return h.wholeNotices(ctx, t, after, cut, to)
	}
	return exit.Progress{}, exit.Fail(exit.Internal, "error.no_class", "class", t.Part)
}

// hidden names people of one archive: by their name where they agreed to it, else by a pseudonym that is the same within the
// archive and in no other.
type hidden struct {
	room  *Room
	salt  string
	names map[who.ID]string
}

var mention = regexp.MustCompile(`@\{([0-9]{1,19})\}`)

// hiding reads the names of those who wrote, or are mentioned in, some lines, as far as they agreed.
func (h *Holder) hiding(ctx context.Context, t exit.Task, circle who.ID, list []words) (hidden, error) {
	out := hidden{room: h.room, salt: circle.String() + "\x00" + t.Cut}
	var ids []who.ID
	seen := map[who.ID]bool{}
	add := func(id who.ID) {
		if id != 0 && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, w := range list {
		add(w.author)
		for _, m := range mention.FindAllStringSubmatch(w.text, -1) {
			id, _ := who.ParseID(m[1])
			add(id)
		}
	}
	owner, _ := who.ParseID(t.Subject.ID)
	var err error
	out.names, err = h.room.store.agreed(ctx, circle, owner, ids)
	return out, err
}

// name gives what stands for an account, "" for a member who left.
func (x hidden) name(id who.ID) string {
	if id == 0 {
		return ""
	}
	if n, ok := x.names[id]; ok {
		return n
	}
	m := hmac.New(sha256.New, x.room.Secret)
	m.Write([]byte("whole\x00" + x.salt + "\x00" + id.String()))
	return "member-" + hex.EncodeToString(m.Sum(nil)[:8])
}

// text gives a text with what stands for those whom it mentions.
func (x hidden) text(s string) string {
	return mention.ReplaceAllStringFunc(s, func(m string) string {
		id, _ := who.ParseID(m[2 : len(m)-1])
		return "@" + x.name(id)
	})
}

// kindAccount is a card that names somebody.
const kindAccount = "account"

// card gives what a post shares; of an account what stands for it, and not the account.
func (x hidden) card(ref who.Ref) *archive.Reference {
	switch ref.Kind {
	case "":
		return nil
	case kindAccount:
		return &archive.Reference{Kind: ref.Kind, Excerpt: x.name(ref.ID)}
	}
	return &archive.Reference{Kind: ref.Kind, ID: ref.ID.String()}
}

func (h *Holder) wholePosts(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	_, circle := scope(t)
	list, err := h.room.store.postsWhole(ctx, circle, after, cut, t.Since, most)
	if err != nil {
		return p, err
	}
	ids, lines := make([]who.ID, len(list)), make([]words, len(list))
	for i, x := range list {
		ids[i], lines[i] = x.id, x.words
		if x.card.Kind == kindAccount {
			lines = append(lines, words{author: x.card.ID})
		}
	}
	names, err := h.hiding(ctx, t, who.ID(circle), lines)
	if err != nil {
		return p, err
	}
	images, err := h.room.store.imagesWhole(ctx, ids)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		rec := archive.CirclePost{Author: names.name(x.author), Post: archive.Post{
			ID: x.id.String(), Place: Name, Circle: who.ID(circle).String(), Audience: archive.AudienceCircle, Text: names.text(x.text), Language: x.language,
			Published: archive.At(x.at), Edited: archive.At(x.edited), Likes: x.likes, Comments: x.comments, Sensitive: x.sensitive, Summary: x.summary, Images: images[x.id],
			Card: names.card(x.card), Featured: archive.At(x.featured), Pinned: archive.At(x.pinned),
		}}
		if err := to.Record(rec); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Part, err)
		}
		p.Items, p.Cursor = p.Items+1, x.id.String()
	}
	p.Done = len(list) < most
	return p, nil
}

// imageName gives the name of a post's image in an archive.
func imageName(id who.ID, key string) string { return archive.MediaName(id.String(), path.Ext(key)) }

func (h *Holder) wholeImages(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	_, circle := scope(t)
	list, err := h.room.store.filesWhole(ctx, circle, after, cut, t.Since, most)
	if err != nil {
		return p, err
	}
	for _, f := range list {
		if to.Full() {
			return p, nil
		}
		n, err := h.room.exportFile(ctx, imageName(f.id, f.key), f.key, f.at, to)
		if err != nil {
			return p, fmt.Errorf("export %s: %w", t.Part, err)
		}
		p.Items, p.Bytes, p.Cursor = p.Items+1, p.Bytes+n, f.id.String()
	}
	p.Done = len(list) < most
	return p, nil
}

func (h *Holder) wholeComments(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	_, circle := scope(t)
	list, err := h.room.store.commentsWhole(ctx, circle, after, cut, t.Since, most)
	if err != nil {
		return p, err
	}
	lines := make([]words, len(list))
	for i, x := range list {
		lines[i] = x.words
	}
	names, err := h.hiding(ctx, t, who.ID(circle), lines)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		rec := archive.Comment{
			ID: x.id.String(), On: archive.Reference{Kind: "post", ID: x.post.String()}, Author: names.name(x.author), Text: names.text(x.text), Published: archive.At(x.at),
		}
		if x.parent != 0 {
			rec.Parent = x.parent.String()
		}
		if err := to.Record(rec); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Part, err)
		}
		p.Items, p.Cursor = p.Items+1, x.id.String()
	}
	p.Done = len(list) < most
	return p, nil
}

func (h *Holder) wholeNotices(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	_, circle := scope(t)
	list, err := h.room.store.noticesWhole(ctx, circle, after, cut, most)
	if err != nil {
		return p, err
	}
	lines := make([]words, len(list))
	for i, x := range list {
		lines[i] = x.words
	}
	names, err := h.hiding(ctx, t, who.ID(circle), lines)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		rec := archive.CircleNotice{ID: x.id.String(), Circle: who.ID(circle).String(), Author: names.name(x.author), Text: x.text, Published: archive.At(x.at)}
		if err := to.Record(rec); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Part, err)
		}
		p.Items, p.Cursor = p.Items+1, x.id.String()
	}
	p.Done = len(list) < most
	return p, nil
}
