package circle

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// most is how many records one call exports at most, mostCircles how many circles: with what is not let through in them each may weigh half a megabyte.
const (
	most        = 500
	mostCircles = 10
)

// originPrefix begins the URI of a circle that was made here: the same circle brought back is known by it.
const originPrefix = "urn:exeunt:circle:"

// Export writes memberships, circles owned with their pictures, or notices, oldest first; the class "whole" is a circle
// as a whole, see whole.go.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	after, cut, err := bounds(t)
	if err != nil {
		return exit.Progress{Cursor: t.Cursor}, err
	}
	switch t.Class {
	case classWhole:
		return h.exportWhole(ctx, t, after, cut, to)
	case classNotices:
		return h.exportNotices(ctx, t, after, cut, to)
	case classFarewells:
		return h.exportFarewells(ctx, t, after, cut, to)
	}
	return h.exportMine(ctx, t, after, cut, to)
}

// exportMine writes memberships, or circles with their pictures: those that the account owns, or one as part of the whole.
func (h *Holder) exportMine(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	limit := most
	if t.Class != classMembers {
		limit = mostCircles
	}
	list, err := h.room.store.along(ctx, t, after, cut, limit)
	if err != nil {
		return p, err
	}
	var order map[who.ID]*kept
	if t.Class != classMembers {
		if order, err = h.room.keptIn(ctx, list); err != nil {
			return p, err
		}
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(record(t.Class, x, order[x.ID])); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		if t.Class != classMembers {
			n, err := h.room.exportPictures(ctx, x.Circle, to)
			if err != nil {
				return p, fmt.Errorf("export %s: %w", t.Class, err)
			}
			p.Bytes += n
		}
		p.Items, p.Cursor = p.Items+1, x.Row.String()
	}
	p.Done = len(list) < limit
	return p, nil
}

func record(class string, x exported, order *kept) any {
	if class != classMembers {
		c := archive.Circle{
			ID: x.ID.String(), Name: x.Name, Intro: x.Intro, JoinMode: string(x.Mode), Created: archive.At(x.Created), Members: x.Members, Posts: x.posts,
			Category: x.Category, Rules: x.Rules, Question: x.Question, Preview: string(x.Preview), Unlisted: x.Unlisted, Approves: x.Approves,
			Cover: pictureName(x.ID, Cover, x.Cover), Avatar: pictureName(x.ID, Avatar, x.Avatar),
		}
		order.into(&c)
		return c
	}
	return archive.Membership{Circle: x.ID.String(), Name: x.Name, Role: string(x.Role), Joined: archive.At(x.Since), Named: x.Named}
}

// pictureName gives the name of a circle's picture in an archive.
func pictureName(id who.ID, which Which, key string) string {
	k, ok := blob.ParseKey(key)
	if !ok {
		return ""
	}
	return "circles/" + id.String() + "/" + string(which) + k.Ext
}

// exportPictures hands a circle's pictures over and gives their bytes.
func (r *Room) exportPictures(ctx context.Context, c Circle, to exit.Sink) (n int64, err error) {
	for _, p := range []struct {
		which Which
		key   string
	}{{Cover, c.Cover}, {Avatar, c.Avatar}} {
		if p.key == "" {
			continue
		}
		size, err := r.exportFile(ctx, pictureName(c.ID, p.which, p.key), p.key, c.Created, to)
		if err != nil {
			return n, err
		}
		n += size
	}
	return n, nil
}

// exportFile hands one file over; what is not there is noted.
func (r *Room) exportFile(ctx context.Context, name, key string, at time.Time, to exit.Sink) (int64, error) {
	size, err := r.Blobs.Size(ctx, key)
	if exit.KindOf(err) == exit.NotFound {
		to.Missing(name, archive.MissingAbsent)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return size, to.Media(name, size, at, func() (io.ReadCloser, error) { return r.Blobs.NewReader(ctx, key, 0, -1) })
}

func (h *Holder) exportNotices(ctx context.Context, t exit.Task, after, cut int64, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	list, err := h.room.store.noticesAlong(ctx, t, after, cut, most)
	if err != nil {
		return p, err
	}
	for _, n := range list {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(archive.CircleNotice{ID: n.id.String(), Circle: n.circle.String(), CircleName: n.name, Text: n.text, Published: archive.At(db.Time(n.at))}); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		p.Items, p.Cursor = p.Items+1, n.id.String()
	}
	p.Done = len(list) < most
	return p, nil
}

// bounds reads an export's cursor and cut.
func bounds(t exit.Task) (after, cut int64, err error) {
	cut = math.MaxInt64
	for _, b := range []struct {
		text string
		to   *int64
	}{{t.Cursor, &after}, {t.Cut, &cut}} {
		if b.text == "" {
			continue
		}
		if *b.to, err = strconv.ParseInt(b.text, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("read cursor: %w", err)
		}
	}
	return after, cut, nil
}

// Why something was not taken.
const (
	reasonNameless = "circle.skip.nameless" // a circle without words that can stand here
	reasonMost     = "circle.skip.most"
	reasonNotices  = "circle.skip.notices"
	reasonNotHere  = "circle.skip.not_here" // a notice of a circle that is not one's own here
)

// Import takes circles that an account owned back in, with their ways and pictures, and the notices it wrote in them.
// Members are not brought back: who joins says so themselves. What is here already is a duplicate.
func (h *Holder) Import(ctx context.Context, t exit.Task, records []any, files exit.Files) (exit.Intake, error) {
	owner, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	list := make([]brought, len(records))
	for i, rec := range records {
		switch x := rec.(type) {
		case archive.Circle:
			b, err := h.room.bring(ctx, owner, x, files)
			if err != nil {
				return nil, fmt.Errorf("import %s: %w", t.Class, err)
			}
			list[i] = b
		case archive.CircleNotice:
			list[i].notice = x
		default:
			return nil, fmt.Errorf("import %s: a record is a %T", t.Class, rec)
		}
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		pass, err := h.room.Desk.Enter(ctx, service.Write{By: owner, Service: Name, Join: t.Class != classNotices})
		if err != nil {
			return nil, err
		}
		here, err := h.room.store.broughtBack(ctx, owner)
		if err != nil {
			return nil, err
		}
		out := make([]exit.Outcome, len(list))
		for i, b := range list {
			if t.Class == classNotices {
				out[i], err = h.room.takeNotice(ctx, pass, owner, b.notice, here)
			} else {
				out[i], err = h.room.takeCircle(ctx, pass, owner, b, here)
			}
			if err != nil {
				return nil, fmt.Errorf("import %s: %w", t.Class, err)
			}
		}
		return out, nil
	}, nil
}

// brought is a record of an import, and what was put for it.
type brought struct {
	notice  archive.CircleNotice
	draft   Draft
	origin  string
	skip    string
	put     copies
	missing int
	order   kept
}

// bring reads a circle's record and puts its pictures where it is new here.
func (r *Room) bring(ctx context.Context, owner who.ID, x archive.Circle, files exit.Files) (brought, error) {
	b := brought{origin: originPrefix + x.ID, put: copies{}, order: keptOf(x)}
	d, err := Draft{
		Name: cutTo(x.Name, mostName), Intro: cutTo(x.Intro, mostIntro), Category: x.Category, Rules: cutTo(x.Rules, mostRules), Question: cutTo(x.Question, mostQuestion),
		Mode: JoinMode(x.JoinMode), Preview: Preview(x.Preview), Unlisted: x.Unlisted, Approves: x.Approves,
	}.known().Clean()
	if err != nil || len(x.ID) > 40 { // Clean refuses and does nothing else
		b.skip = reasonNameless
		return b, nil //nolint:nilerr // the record is told to be skipped, with the reason
	}
	b.draft = d
	here, err := r.store.broughtBack(ctx, owner)
	if err != nil || here[b.origin] != 0 {
		return b, err
	}
	for which, entry := range map[Which]string{Cover: x.Cover, Avatar: x.Avatar} {
		if entry == "" {
			continue
		}
		pic, err := r.bringPicture(ctx, owner, which, entry, files)
		if kind := exit.KindOf(err); err != nil && (kind == exit.NotFound || kind == exit.Invalid || kind == exit.Conflict) {
			b.missing++
			continue
		}
		if err != nil {
			return b, err
		}
		b.put[which] = pic
	}
	return b, nil
}

// known replaces choices that this install does not know by the ordinary ones.
func (d Draft) known() Draft {
	if !d.Mode.valid() {
		d.Mode = Approval
	}
	if !d.Preview.valid() {
		d.Preview = PreviewIntro
	}
	if !isCategory(d.Category) {
		d.Category = otherCategory
	}
	return d
}

// cutTo gives the first characters of a text.
func cutTo(s string, most int) string {
	r := []rune(s)
	return string(r[:min(len(r), most)])
}

func (r *Room) bringPicture(ctx context.Context, owner who.ID, which Which, entry string, files exit.Files) (pic picture, err error) {
	if files == nil {
		return pic, exit.Fail(exit.NotFound, "media.error.gone")
	}
	f, size, err := files.File(ctx, entry)
	if err != nil {
		return pic, &exit.Error{Kind: exit.NotFound, Key: "media.error.gone", Err: err}
	}
	if size > mostPicture {
		err = exit.Fail(exit.Invalid, "media.error.too_heavy", "MB", mostPicture/1_000_000)
	} else {
		pic, err = r.putPicture(ctx, owner, which, f, true)
	}
	if e := f.Close(); err == nil && e != nil {
		err = fmt.Errorf("read picture: %w", e)
	}
	return pic, err
}

func (r *Room) takeCircle(ctx context.Context, pass service.Pass, owner who.ID, b brought, here map[string]who.ID) (exit.Outcome, error) {
	switch {
	case b.skip != "":
		return exit.Outcome{Result: "skipped", Reason: b.skip}, nil
	case here[b.origin] != 0:
		return exit.Outcome{Result: "duplicate"}, nil
	}
	owned, _, err := r.store.totals(ctx, owner)
	if err != nil {
		return exit.Outcome{}, err
	}
	if owned >= mostOwned {
		return exit.Outcome{Result: "skipped", Reason: reasonMost}, nil
	}
	// A name that meanwhile is somebody else's is no reason to lose the circle: it comes back in no list.
	if err := r.mayName(ctx, owner, b.draft); err != nil {
		if exit.KindOf(err) != exit.Conflict {
			return exit.Outcome{}, err
		}
		b.draft.Unlisted = true
	}
	// One whose words are not let through is seen by those alone whom its owner lets in, who cannot change it without changing them.
	if err := r.maySay(ctx, pass, owner, b.draft); err != nil {
		if exit.KindOf(err) != exit.Invalid {
			return exit.Outcome{}, err
		}
		b.draft.Unlisted, b.draft.Mode = true, Invitation
	}
	id := r.DB.IDs.Next()
	if err := r.raise(ctx, pass, id, owner, b.draft, b.origin); err != nil {
		return exit.Outcome{}, err
	}
	for which, pic := range b.put {
		if err := r.keepPicture(ctx, pass, id, which, pic); err != nil {
			return exit.Outcome{}, err
		}
	}
	here[b.origin] = id
	return exit.Outcome{Result: "taken", Missing: b.missing}, r.takeKept(ctx, pass, id, owner, b.order)
}

func (r *Room) takeNotice(ctx context.Context, pass service.Pass, owner who.ID, x archive.CircleNotice, here map[string]who.ID) (exit.Outcome, error) {
	id, text := here[originPrefix+x.Circle], lines(x.Text)
	if id == 0 || text == "" || !fits(text, mostNotice) {
		return exit.Outcome{Result: "skipped", Reason: reasonNotHere}, nil
	}
	at := x.Published.Time
	if at.IsZero() || at.After(pass.At) {
		at = pass.At
	}
	there, err := r.store.hasNotice(ctx, id, owner, text, db.Ms(at))
	if err != nil || there {
		return exit.Outcome{Result: "duplicate"}, err
	}
	n, err := r.store.countNotices(ctx, id)
	if err != nil || n >= mostNotices {
		return exit.Outcome{Result: "skipped", Reason: reasonNotices}, err
	}
	return exit.Outcome{Result: "taken"}, r.store.addNotice(ctx, pass, r.DB.IDs.Next(), id, owner, text, at)
}
