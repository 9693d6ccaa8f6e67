package post

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/media"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Bounds of what is brought along; archives of other sites allow more than one can write here.
const (
	mostImportedImages = 16
	longestImported    = 400_000 // bytes of one text
	longestURI         = 2000    // bytes
)

// Why something was not taken, and what is said of what was. After a tab stands a circle's name.
const (
	reasonLong   = "post.skip.long"
	reasonImages = "post.skip.images" // they come with their posts
	reasonLink   = "post.skip.link"
	noteDraft    = "post.note.draft"    // a moderator had taken it out: it comes back as a draft
	noteWaits    = "post.note.waits"    // posts of the circle wait for a yes
	noteScreened = "post.note.screened" // words or images that are not let through: it comes back as a draft
	noteCircle   = "post.note.circle"   // stood in a circle of which one is no member: on the own page, only for oneself
)

// Why a file that an archive has was not taken.
const (
	missingTooMany = "more images than a post has here"
	missingRefused = "not an image that can be shown here"
	missingRoom    = "no room left for it here"
)

// Import takes posts and links back in. Original times are kept, nobody is notified, and what is here already, by
// author and origin, is a duplicate.
func (h *Holder) Import(ctx context.Context, t exit.Task, records []any, files exit.Files) (exit.Intake, error) {
	owner, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	var intakes []exit.Intake
	seen := map[string]bool{}
	for from := 0; from < len(records); from += most {
		part := records[from:min(from+most, len(records))]
		var in exit.Intake
		var err error
		switch t.Class {
		case "posts":
			in, err = h.importPosts(ctx, owner, part, seen, files)
		case "links":
			in, err = h.importLinks(owner, part)
		case "drafts":
			in, err = h.importDrafts(ctx, owner, part, seen, files)
		case "images":
			in = skipImages(len(part))
		default:
			err = exit.Fail(exit.Internal, "error.no_class", "class", t.Class)
		}
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", t.Class, err)
		}
		intakes = append(intakes, in)
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := make([]exit.Outcome, 0, len(records))
		for _, in := range intakes {
			part, err := in(ctx)
			if err != nil {
				return nil, fmt.Errorf("import %s: %w", t.Class, err)
			}
			out = append(out, part...)
		}
		return out, nil
	}, nil
}

// skipImages passes over records of images: they come with their posts.
func skipImages(n int) exit.Intake {
	return func(context.Context) ([]exit.Outcome, error) {
		return slices.Repeat([]exit.Outcome{{Result: "skipped", Reason: reasonImages}}, n), nil
	}
}

// originOf gives the URI by which a brought post is known again.
func originOf(a archive.Post) string {
	if a.Origin != "" {
		return a.Origin
	}
	return originPrefix + a.ID
}

// importPosts puts the images of posts that are new here. Seen are the origins of those that came before in the same batch.
func (h *Holder) importPosts(ctx context.Context, owner who.ID, records []any, seen map[string]bool, files exit.Files) (exit.Intake, error) {
	return h.importWritten(ctx, owner, records, seen, files, func(p Post, note string) (Post, string) { return p, note })
}

// importWritten puts the images of what is new here; as gives how it is kept.
func (h *Holder) importWritten(ctx context.Context, owner who.ID, records []any, seen map[string]bool, files exit.Files, as func(Post, string) (Post, string)) (exit.Intake, error) {
	out := make([]exit.Outcome, len(records))
	posts := make([]archive.Post, len(records))
	origins := make([]string, len(records))
	var own []who.ID
	for i, rec := range records {
		a, ok := rec.(archive.Post)
		if !ok {
			return nil, fmt.Errorf("a record is a %T", rec)
		}
		posts[i], origins[i] = a, originOf(a)
		if id, ok := who.ParseID(strings.TrimPrefix(origins[i], originPrefix)); ok && strings.HasPrefix(origins[i], originPrefix) {
			own = append(own, id)
		}
	}
	known, err := h.room.store.known(ctx, owner, origins, own)
	if err != nil {
		return nil, err
	}
	v := who.Viewer{Account: owner, State: who.Active}
	places, err := h.room.circlesOf(ctx, v, posts)
	if err != nil {
		return nil, err
	}
	var fresh []Post
	var images []Image
	var at []int // of the fresh, among the records
	for i, a := range posts {
		switch {
		case known[origins[i]] || seen[origins[i]]:
			out[i].Result = "duplicate"
			continue
		case len(a.Text)+len(a.Summary) > longestImported || len(origins[i]) > longestURI || len(a.InReplyTo) > longestURI:
			out[i] = exit.Outcome{Result: "skipped", Reason: reasonLong}
			continue
		}
		seen[origins[i]] = true
		p, note := as(h.room.brought(owner, a, origins[i], places))
		taken, err := h.room.bring(ctx, p, a.Images, files)
		if err != nil {
			return nil, err
		}
		out[i] = exit.Outcome{Result: "taken", Reason: note}
		for _, x := range taken {
			if x.Key == "" {
				out[i].Missing++
			}
		}
		p.Images = len(taken)
		fresh, images, at = append(fresh, p), append(images, taken...), append(at, i)
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		notes, err := h.room.take(ctx, owner, slices.Clone(fresh), images)
		done := slices.Clone(out)
		for n, note := range notes {
			if note != "" {
				done[at[n]].Reason = note
			}
		}
		return done, err
	}, nil
}

// circlesOf gives the circles of the posts in which the viewer may write.
func (r *Room) circlesOf(ctx context.Context, v who.Viewer, posts []archive.Post) (map[who.ID]Place, error) {
	var ids []who.ID
	for _, a := range posts {
		if id, ok := who.ParseID(a.Circle); ok && a.Place == "circle" {
			ids = append(ids, id)
		}
	}
	return r.PlacesFor(ctx, v, ids)
}

// PlacesFor gives the circles in which things stand that are brought back, by the ids that their records name: those that are here and that the viewer
// may write in, else those that came back for them.
func (r *Room) PlacesFor(ctx context.Context, v who.Viewer, ids []who.ID) (map[who.ID]Place, error) {
	if r.Places == nil || len(ids) == 0 {
		return nil, nil
	}
	known, err := r.Places.Known(ctx, v, "circle", ids)
	if err != nil {
		return nil, err
	}
	returned, err := r.Places.Returned(ctx, v, "circle", ids)
	for id, in := range returned {
		if was := known[id]; !was.Member || was.Ended {
			known[id] = in
		}
	}
	return known, err
}

// brought gives the post that a record becomes, and what is to be said of it.
func (r *Room) brought(owner who.ID, a archive.Post, origin string, places map[who.ID]Place) (Post, string) {
	p := Post{
		ID: r.DB.IDs.Next(), State: Live, Author: owner, Service: Page, Audience: who.Only(owner), Text: clean(Plain(a.Text)), Summary: clean(Plain(a.Summary)),
		Sensitive: a.Sensitive, Language: clean(a.Language), ReplyTo: clean(a.InReplyTo), Origin: clean(origin), At: a.Published.Time, Edited: a.Edited.Time,
		Card: cardOf(a.Card),
	}
	if a.Place == "circle" {
		id, _ := who.ParseID(a.Circle)
		if in, ok := places[id]; ok && in.Member && !in.Ended {
			p.Service, p.Place, p.Audience, p.In = in.Service, in.ID, in.Audience, in
			return r.broughtInto(p, a, in)
		}
		if a.State != "" {
			p.State = Drafted
		}
		return p, noteCircle + "\t" + clean(a.CircleName)
	}
	switch a.Audience {
	case archive.AudiencePublic:
		p.Audience = who.Public
	case archive.AudienceUnlisted:
		p.Audience = who.Unlisted
	case archive.AudienceFollowers:
		// Those who followed somewhere else are not those who follow here.
		if strings.HasPrefix(origin, originPrefix) {
			p.Audience = who.FollowersOf(owner)
		}
	}
	return p, ""
}

// broughtInto gives how a post stands in the circle it is brought back to. An archive is its bearer's to change: what moderators decide it
// cannot say. So what it was featured and pinned as comes back only for who moderates, and others' posts wait where posts wait.
func (r *Room) broughtInto(p Post, a archive.Post, in Place) (Post, string) {
	if in.Staff {
		p.Featured, p.Pinned = a.Featured.Time, a.Pinned.Time
	}
	switch {
	case a.State == archive.StateWithheld:
		p.State = Drafted
		return p, noteDraft
	case a.State == archive.StateSubmitted, in.Approves && !in.Staff:
		p.State = Submitted
		return p, noteWaits
	}
	return p, ""
}

// cardOf gives what a record shares; the zero Ref for nothing, and for what cannot be shared here.
func cardOf(a *archive.Reference) who.Ref {
	if a == nil || carded[a.Kind] == "" {
		return who.Ref{}
	}
	id, _ := who.ParseID(a.ID)
	return who.Ref{Kind: a.Kind, ID: id}
}

// importDrafts puts the images of drafts that are new here, as importPosts does those of posts.
func (h *Holder) importDrafts(ctx context.Context, owner who.ID, records []any, seen map[string]bool, files exit.Files) (exit.Intake, error) {
	posts := make([]any, len(records))
	refusals := map[string]string{}
	for i, rec := range records {
		a, ok := rec.(archive.Draft)
		if !ok {
			return nil, fmt.Errorf("a record is a %T", rec)
		}
		posts[i] = archive.Post{ID: a.ID, Place: a.Place, Circle: a.Circle, CircleName: a.CircleName, Audience: a.Audience, Text: a.Text, Published: a.Saved, Images: a.Images, Card: a.Card}
		refusals[originPrefix+a.ID] = clean(a.Refusal)
	}
	return h.importWritten(ctx, owner, posts, seen, files, func(p Post, note string) (Post, string) {
		p.State, p.Featured, p.Pinned, p.Refusal = Drafted, time.Time{}, time.Time{}, refusals[p.Origin]
		if note == noteWaits || note == noteDraft {
			note = ""
		}
		return p, note
	})
}

func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// bring decodes and puts the images of one record. What is missing or refused stays as a note with the reason.
func (r *Room) bring(ctx context.Context, p Post, images []archive.Image, files exit.Files) ([]Image, error) {
	var out []Image
	for n, a := range images[:min(len(images), mostImportedImages)] {
		i := Image{Missing: a.Missing}
		var err error
		switch {
		case a.Missing != "":
		case n >= mostImages:
			i.Missing = missingTooMany
		default:
			if i, err = r.bringOne(ctx, p.Author, a.Path, files); err != nil {
				return nil, err
			}
		}
		if i.Key == "" {
			i.Type, i.Width, i.Height, i.Name = clean(a.Type), a.Width, a.Height, clean(a.Path)
		}
		i.ID, i.Post, i.Author, i.Position, i.Alt = r.DB.IDs.Next(), p.ID, p.Author, n, clean(a.Alt)
		out = append(out, i)
	}
	return out, nil
}

// bringOne takes one file of an archive. Only what the archive or the file itself is at fault for becomes a note.
func (r *Room) bringOne(ctx context.Context, owner who.ID, name string, files exit.Files) (Image, error) {
	f, _, err := files.File(ctx, name)
	if fault := (*archive.Error)(nil); errors.As(err, &fault) {
		return Image{Missing: archive.MissingAbsent}, nil
	}
	if err != nil {
		return Image{}, err
	}
	i, err := r.putOne(ctx, owner, f, media.Limits{KeepClean: true})
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil && exit.KindOf(err) == exit.Invalid {
		return Image{Missing: missingRefused}, nil
	}
	if err != nil && exit.KindOf(err) == exit.Conflict {
		return Image{Missing: missingRoom}, nil
	}
	return i, err
}

// screenBrought asks Screen about what is brought to stand before others, however old it is, and gives a note for each post that it keeps from that.
func (r *Room) screenBrought(ctx context.Context, pass service.Pass, posts []Post, images []Image) ([]string, error) {
	notes := make([]string, len(posts))
	if r.Screen == nil {
		return notes, nil
	}
	of := map[who.ID][]Image{}
	for _, i := range images {
		of[i.Post] = append(of[i.Post], i)
	}
	if len(posts) == 0 {
		return notes, nil
	}
	shared, err := r.shared(ctx, posts[0].Author, posts...)
	if err != nil {
		return nil, err
	}
	for i, p := range posts {
		if p.State != Live {
			continue
		}
		in := ScreenIn{Author: p.Author, Ref: p.Ref(), In: p.In, Text: described(p.Summary+"\n"+p.Text, of[p.ID]), Shared: shared[p.Card], Images: of[p.ID], Edit: true}
		hold, err := r.Screen(ctx, pass, in)
		switch kind := exit.KindOf(err); {
		case err != nil && (kind == exit.Invalid || kind == exit.Forbidden):
			posts[i].State, notes[i] = Drafted, noteScreened
		case err != nil:
			return nil, err
		case hold:
			posts[i].State, notes[i] = Submitted, noteWaits
		}
	}
	return notes, nil
}

// take stores what was brought, in the transaction of ctx, and gives what is to be said of it besides.
func (r *Room) take(ctx context.Context, owner who.ID, posts []Post, images []Image) ([]string, error) {
	if len(posts) == 0 {
		return nil, nil
	}
	pass, err := r.Desk.Enter(ctx, service.Write{By: owner, Service: Page})
	if err != nil {
		return nil, err
	}
	circles := map[who.ID]bool{}
	for i, p := range posts {
		if p.At.IsZero() || p.At.After(pass.At) {
			posts[i].At = pass.At
		}
		if p.Edited.After(pass.At) {
			posts[i].Edited = time.Time{}
		}
		if p.Place != 0 {
			circles[p.Place] = true
		}
	}
	// A circle is a service of its own: it may take no writes while the page does.
	for id := range circles {
		if _, err := r.Desk.Enter(ctx, service.Write{By: owner, Service: "circle", Place: id}); err != nil {
			return nil, err
		}
	}
	notes, err := r.screenBrought(ctx, pass, posts, images)
	if err != nil {
		return nil, err
	}
	if err := r.returnCards(ctx, owner, posts); err != nil {
		return nil, err
	}
	if err := r.store.add(ctx, pass, posts); err != nil {
		return nil, err
	}
	if err := r.keep(ctx, pass, images); err != nil {
		return nil, err
	}
	return notes, r.appear(ctx, pass, slices.DeleteFunc(slices.Clone(posts), func(p Post) bool { return p.State != Live }))
}

// returnCards has cards of one's own posts show those as they came back, under new ids.
func (r *Room) returnCards(ctx context.Context, owner who.ID, posts []Post) error {
	origins := map[string]who.ID{}
	var asked []string
	for _, p := range posts {
		origins[p.Origin] = p.ID
		if p.Card.Kind == "post" {
			asked = append(asked, originPrefix+p.Card.ID.String())
		}
	}
	if len(asked) == 0 {
		return nil
	}
	back, err := r.store.returned(ctx, owner, asked)
	if err != nil {
		return err
	}
	for i, p := range posts {
		if p.Card.Kind != "post" {
			continue
		}
		old := originPrefix + p.Card.ID.String()
		if id := origins[old]; id != 0 {
			posts[i].Card.ID = id
		} else if id := back[old]; id != 0 {
			posts[i].Card.ID = id
		}
	}
	return nil
}

func (h *Holder) importLinks(owner who.ID, records []any) (exit.Intake, error) {
	read := make([]exit.Outcome, len(records))
	var links []archive.Link
	at := make([]int, 0, len(records))
	for i, rec := range records {
		l, ok := rec.(archive.Link)
		if !ok {
			return nil, fmt.Errorf("a record is a %T", rec)
		}
		if l.URI = clean(l.URI); l.URI == "" || len(l.URI) > longestURI || len(l.Kind) > 40 {
			read[i] = exit.Outcome{Result: "skipped", Reason: reasonLink}
			continue
		}
		l.Kind = clean(l.Kind)
		links, at = append(links, l), append(at, i)
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := slices.Clone(read)
		if len(links) == 0 {
			return out, nil
		}
		pass, err := h.room.Desk.Enter(ctx, service.Write{By: owner, Service: Page})
		if err != nil {
			return nil, err
		}
		had, err := h.room.store.addLinks(ctx, pass, owner, links)
		if err != nil {
			return nil, err
		}
		for n, l := range links {
			key := l.Kind + " " + l.URI
			out[at[n]].Result = "taken"
			if had[key] {
				out[at[n]].Result = "duplicate"
			}
			had[key] = true
		}
		return out, nil
	}, nil
}
