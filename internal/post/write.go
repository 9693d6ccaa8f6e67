package post

import (
	"context"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Upload is one image that somebody sends. Open is called once.
type Upload struct {
	Open func() (io.ReadCloser, error)
	Alt  string
}

// Draft is a post that is to be written, or kept to be written on. On the own page its audience is who.Public, who.Unlisted,
// "followers" or "only"; in a place it is the place's own.
type Draft struct {
	ID       who.ID // the draft that it continues, 0 for none
	Service  string // Page, or the service of the place
	Place    who.ID
	Audience string
	Text     string
	Images   []Upload          // after those that the draft has
	Drop     []who.ID          // images of the draft that are not wanted any more
	Alts     map[who.ID]string // what the draft's images show
	Card     who.Ref           // what it shares, zero for nothing
}

// mostDrafts bounds the drafts of an account.
const mostDrafts = 100

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

// checkText refuses texts that are too long, hide something, or no text.
func checkText(text string, images int, card bool) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return exit.Fail(exit.Invalid, "post.error.text")
	case utf8.RuneCountInString(text) > longestText:
		return exit.Fail(exit.Invalid, "post.error.long", "Most", longestText)
	case Blank(text) && images == 0 && !card:
		return exit.Fail(exit.Invalid, "post.error.empty")
	case turns(text):
		return exit.Fail(exit.Invalid, "post.error.turned")
	case hides(text):
		return exit.Fail(exit.Invalid, "post.error.hidden")
	case images > mostImages:
		return exit.Fail(exit.Invalid, "post.error.images", "Most", mostImages)
	}
	return nil
}

// Blank says whether a text shows nothing: all of it is blank or of no width.
func Blank(text string) bool { return strings.IndexFunc(text, shows) < 0 }

// Hides says whether a text does not say what it shows: it overrides the direction in which it is read, or holds words that cannot be seen.
func Hides(text string) bool { return turns(text) || hides(text) }

// shows says whether a character can be seen: it is neither blank nor of no width.
func shows(c rune) bool {
	return !unicode.IsSpace(c) && !unicode.Is(unicode.Cf, c) && !unicode.IsControl(c) && !unicode.Is(unicode.M, c) && !strings.ContainsRune("\u115f\u1160\u2800\u3164\uffa0", c)
}

// turns says whether a text overrides the direction in which it is read, so that it shows something else than it says (Unicode TR36 and
// CVE-2021-42574). The marks that right-to-left scripts need (U+200E, U+200F, U+061C) stay allowed.
func turns(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 })
}

// hides says whether a text holds characters of no width in numbers that no script and no emoji needs: words hidden from readers and
// moderators. Tags (U+E0000–E007F) belong to flags, and only behind the black flag.
func hides(text string) bool {
	run, flag := 0, false
	for _, c := range text {
		switch {
		case c >= 0xe0000 && c <= 0xe007f:
			if !flag {
				return true
			}
			continue
		case c >= 0x200b && c <= 0x200d || c == 0x2060 || c == 0xfeff || c == 0xad:
			if run++; run > 2 {
				return true
			}
		default:
			run = 0
		}
		flag = c == 0x1f3f4
	}
	return false
}

func cleanText(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

func checkAlt(alt string) error {
	switch {
	case utf8.RuneCountInString(alt) > longestAlt || !utf8.ValidString(alt) || strings.ContainsRune(alt, 0):
		return exit.Fail(exit.Invalid, "post.error.alt", "Most", longestAlt)
	case Hides(alt):
		return exit.Fail(exit.Invalid, "post.error.alt_hides")
	}
	return nil
}

func checkAlts(alts map[who.ID]string) error {
	for _, alt := range alts {
		if err := checkAlt(alt); err != nil {
			return err
		}
	}
	return nil
}

// Write stores a post of the viewer and gives its id. Where the place asks for a yes first, or Screen holds it, it is
// [Submitted]. Errors: Invalid with the sentence for the field, Forbidden in a place where the viewer may not write, Unavailable
// while the account or the service is frozen.
func (r *Room) Write(ctx context.Context, v who.Viewer, d Draft) (who.ID, error) {
	return r.compose(ctx, v, d, Live)
}

// SaveDraft keeps a post that the viewer writes on later, and gives its id. Nobody else sees it. Errors as those of [Room.Write],
// Conflict if there are too many drafts.
func (r *Room) SaveDraft(ctx context.Context, v who.Viewer, d Draft) (who.ID, error) {
	return r.compose(ctx, v, d, Drafted)
}

// compose stores a draft or the post that it becomes.
func (r *Room) compose(ctx context.Context, v who.Viewer, d Draft, state string) (who.ID, error) {
	d.Text = cleanText(d.Text)
	kept, err := r.resumed(ctx, v, d)
	if err != nil {
		return 0, err
	}
	had := len(kept) - len(dropped(kept, d.Drop))
	if err := checkText(d.Text, had+len(d.Images), d.Card.ID != 0); err != nil {
		return 0, err
	}
	if err := checkAlts(d.Alts); err != nil {
		return 0, err
	}
	p := Post{ID: d.ID, Author: v.Account, Service: d.Service, Place: d.Place, Card: d.Card, State: state}
	if d.ID == 0 {
		p.ID = r.DB.IDs.Next()
	}
	if p.In, p.Audience, err = r.audience(ctx, v, d); err != nil {
		return 0, err
	}
	if err := r.mayShare(ctx, v, d.Card); err != nil {
		return 0, err
	}
	images, err := r.put(ctx, p, behind(kept), d.Images)
	if err != nil {
		return 0, err
	}
	err = r.DB.Update(ctx, func(ctx context.Context) error { return r.write(ctx, v, p, d, images) })
	return p.ID, r.dismiss(ctx, images, err)
}

// resumed gives the images of the draft that is continued; NotFound for what is no draft of the viewer.
func (r *Room) resumed(ctx context.Context, v who.Viewer, d Draft) ([]Image, error) {
	if d.ID == 0 {
		return nil, nil
	}
	p, err := r.store.one(ctx, v.Account, d.ID)
	if err != nil {
		return nil, err
	}
	if !owns(v, p) || p.State != Drafted {
		return nil, exit.Fail(exit.NotFound, "post.error.no_draft")
	}
	images, err := r.store.images(ctx, []who.ID{d.ID})
	return images[d.ID], err
}

// audience asks whether the viewer may write where the draft says, and who will see it.
func (r *Room) audience(ctx context.Context, v who.Viewer, d Draft) (Place, who.Audience, error) {
	if d.Service == Page && d.Place == 0 {
		a, err := audienceOf(d.Audience, v.Account)
		return Place{}, a, err
	}
	if r.Places == nil {
		return Place{}, "", exit.Fail(exit.NotFound, "error.not_found")
	}
	place, err := r.Places.MayPost(ctx, v, d.Service, d.Place)
	return place, place.Audience, err
}

// write is the transaction of [Room.Write] and [Room.SaveDraft].
func (r *Room) write(ctx context.Context, v who.Viewer, p Post, d Draft, images []Image) error {
	// Asked again: another window may have published or deleted the draft meanwhile.
	kept, err := r.resumed(ctx, v, d)
	if err != nil {
		return err
	}
	text, mentioned, err := r.Encode(ctx, v.Account, d.Text)
	if err != nil {
		return err
	}
	pass, err := r.Desk.Enter(ctx, service.Write{By: p.Author, Onto: mentioned, Service: p.Service, Place: p.Place})
	if err != nil {
		return err
	}
	// Asked again, behind the fence: the author may have been taken out of the place while the images came.
	if p.In, p.Audience, err = r.audience(ctx, v, d); err != nil {
		return err
	}
	if d.ID != 0 && p.State == Drafted { // published it would be a new mention
		if text, err = r.keepUnnamed(ctx, v, d.ID, text); err != nil {
			return err
		}
	}
	now := arranged(kept, d.Drop, d.Alts, images)
	p.Text, p.At, p.Images = text, pass.At, len(now)
	if p.State == Live {
		if p.State, err = r.screened(ctx, pass, p, now); err != nil {
			return err
		}
	}
	if err := r.storeWritten(ctx, pass, p, d); err != nil {
		return err
	}
	if err := r.rearrange(ctx, pass, p.ID, dropped(kept, d.Drop), images, d.Alts); err != nil {
		return err
	}
	if err := r.store.mention(ctx, pass, p, mentioned); err != nil {
		return err
	}
	switch p.State {
	case Live:
		return r.publish(ctx, pass, p)
	case Submitted:
		return r.submit(ctx, pass, p)
	}
	return nil
}

// screened gives the state in which a post goes before others: whether it waits for a yes.
func (r *Room) screened(ctx context.Context, pass service.Pass, p Post, images []Image) (string, error) {
	hold := p.In.Approves && !p.In.Staff
	if r.Screen != nil {
		shared, err := r.shared(ctx, p.Author, p)
		if err != nil {
			return "", err
		}
		held, err := r.Screen(ctx, pass, ScreenIn{Author: p.Author, Ref: p.Ref(), In: p.In, Text: described(p.Text, images), Shared: shared[p.Card], Images: images})
		if err != nil {
			return "", err
		}
		hold = hold || held
	}
	if hold {
		return Submitted, nil
	}
	return Live, nil
}

// storeWritten stores the row of a post or draft.
func (r *Room) storeWritten(ctx context.Context, pass service.Pass, p Post, d Draft) error {
	if d.ID != 0 {
		return r.store.resume(ctx, pass, p)
	}
	if p.State == Drafted {
		n, err := r.store.drafts(ctx, p.Author)
		if err != nil {
			return err
		}
		if n >= mostDrafts {
			return exit.Fail(exit.Conflict, "post.error.drafts", "Most", mostDrafts)
		}
	}
	return r.store.add(ctx, pass, []Post{p})
}

// DropDraft deletes a draft of the viewer for good. NotFound for what is none.
func (r *Room) DropDraft(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.standing(ctx, v, id, func(v who.Viewer, p Post) bool { return owns(v, p) && p.State == Drafted })
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.Place, Removal: true})
		if err != nil {
			return err
		}
		return r.erase(ctx, pass, p)
	})
}

// Drafts gives a page of the viewer's drafts, the last saved first.
func (r *Room) Drafts(ctx context.Context, v who.Viewer, c Cursor, limit int) ([]Post, error) {
	return r.own(ctx, v, Drafted, c, limit)
}

// InQueue gives a page of the viewer's posts that wait for a yes, the last sent first.
func (r *Room) InQueue(ctx context.Context, v who.Viewer, c Cursor, limit int) ([]Post, error) {
	return r.own(ctx, v, Submitted, c, limit)
}

func (r *Room) own(ctx context.Context, v who.Viewer, state string, c Cursor, limit int) ([]Post, error) {
	list, err := r.store.kept(ctx, v.Account, state, c, limit)
	if err != nil {
		return nil, err
	}
	err = r.place(ctx, v, list)
	return seen(v, list), err
}
