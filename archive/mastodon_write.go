package archive

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// asPublic addresses everybody: ActivityPub (W3C 2018), section 5.6.
const asPublic = "https://www.w3.org/ns/activitystreams#Public"

// noHost stands for a host that was not given; RFC 2606 keeps it from ever resolving.
const noHost = "exeunt.invalid"

// mastodonContext is the least JSON-LD context that names every term used here.
const mastodonContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` +
	`{"toot":"http://joinmastodon.org/ns#","schema":"http://schema.org#","ostatus":"http://ostatus.org#",` +
	`"manuallyApprovesFollowers":"as:manuallyApprovesFollowers","sensitive":"as:sensitive","Hashtag":"as:Hashtag",` +
	`"Emoji":"toot:Emoji","blurhash":"toot:blurhash","discoverable":"toot:discoverable","indexable":"toot:indexable",` +
	`"memorial":"toot:memorial","votersCount":"toot:votersCount","suspended":"toot:suspended",` +
	`"PropertyValue":"schema:PropertyValue","value":"schema:value",` +
	`"atomUri":"ostatus:atomUri","inReplyToAtomUri":"ostatus:inReplyToAtomUri","conversation":"ostatus:conversation",` +
	`"movedTo":{"@id":"as:movedTo","@type":"@id"},"alsoKnownAs":{"@id":"as:alsoKnownAs","@type":"@id"},` +
	`"featured":{"@id":"toot:featured","@type":"@id"},"featuredTags":{"@id":"toot:featuredTags","@type":"@id"},` +
	`"focalPoint":{"@container":"@list","@id":"toot:focalPoint"}}]`

// Names of the files that wait in spools until Close.
const (
	likesName     = "likes.json"
	bookmarksName = "bookmarks.json"
	outboxName    = "outbox.json"
	actorName     = "actor.json"
	followingName = "following_accounts.csv"
	followersName = "followers.csv"
	blocksName    = "blocked_accounts.csv"
	mutesName     = "muted_accounts.csv"
)

// Tags of the records in the timeline.
const (
	tagPost  = 'P'
	tagBoost = 'B'
)

// index keeps what Mastodon's files and the page need of a record.
func (w *Writer) index(v any) error {
	switch r := v.(type) {
	case Profile:
		w.o.Actor = r
		return nil
	case Post:
		return w.onTimeline(tagPost, r.Published, r)
	case Link:
		return w.indexLink(r)
	case Like:
		if err := w.spoolURI(likesName, r.On.URI); err != nil {
			return err
		}
	case Favourite:
		if err := w.spoolURI(bookmarksName, r.On.URI); err != nil {
			return err
		}
	case Follow:
		if err := w.indexFollow(r); err != nil {
			return err
		}
	case Block:
		if err := w.spoolRow(blocksName, bare(r.Address)); err != nil {
			return err
		}
	case Mute:
		if err := w.indexMute(r); err != nil {
			return err
		}
	}
	return w.onPage(v)
}

func (w *Writer) indexLink(l Link) error {
	switch l.Kind {
	case LinkBoost:
		if err := w.onTimeline(tagBoost, l.At, l); err != nil {
			return err
		}
	case LinkLike:
		if err := w.spoolURI(likesName, l.URI); err != nil {
			return err
		}
	case LinkBookmark:
		if err := w.spoolURI(bookmarksName, l.URI); err != nil {
			return err
		}
	}
	return w.onPage(l)
}

func (w *Writer) onTimeline(tag byte, at Time, v any) error {
	line, err := marshal(v, true)
	if err != nil {
		return err
	}
	return w.posts.add(at.UnixMilli(), append([]byte{tag}, line...))
}

// spool gives the temporary file of a name, made on first use.
func (w *Writer) spool(name string) (*spool, error) {
	if s, ok := w.spools[name]; ok {
		return s, nil
	}
	s, err := newSpool(w.o.Spool)
	if err != nil {
		return nil, err
	}
	w.spools[name] = s
	return s, nil
}

func (w *Writer) spoolURI(name, uri string) error {
	if !webAddress(uri) {
		return nil
	}
	s, err := w.spool(name)
	if err != nil {
		return err
	}
	line, err := marshal(uri, false)
	if err != nil {
		return err
	}
	if s.n > 0 {
		line = append([]byte{','}, line...)
	}
	_, err = s.Write(line)
	return err
}

func webAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

func bare(address string) string { return strings.TrimPrefix(address, "@") }

func (w *Writer) indexFollow(f Follow) error {
	switch w.class.Class {
	case ClassFollowing:
		return w.spoolRow(followingName, bare(f.Address), "true", strconv.FormatBool(f.Notify), "")
	case ClassFollowers:
		return w.spoolRow(followersName, bare(f.Address))
	}
	return nil
}

// indexMute leaves out those of whom the person only wants less: elsewhere they would be muted. Mastodon's file
// knows no end: one that ends is in exeunt/ with it.
func (w *Writer) indexMute(m Mute) error {
	if m.Less {
		return nil
	}
	return w.spoolRow(mutesName, bare(m.Address), "true")
}

// spoolRow adds a row to one of Mastodon's CSV files.
func (w *Writer) spoolRow(name string, row ...string) error {
	s, err := w.spool(name)
	if err != nil {
		return err
	}
	c := csv.NewWriter(s)
	if err := c.Write(row); err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

// writeMastodon writes the files at the root that other programs read.
func (w *Writer) writeMastodon() error {
	if err := w.file(outboxName, w.writeOutbox); err != nil {
		return err
	}
	for _, name := range []string{likesName, bookmarksName} {
		head := `{"@context":"https://www.w3.org/ns/activitystreams","id":"` + name + `","type":"OrderedCollection","orderedItems":[`
		if err := w.fileFromSpool(name, head, "]}\n"); err != nil {
			return err
		}
	}
	if err := w.fileFromSpool(followingName, "Account address,Show boosts,Notify on new posts,Languages\n", ""); err != nil {
		return err
	}
	if err := w.fileFromSpool(followersName, "Account address\n", ""); err != nil {
		return err
	}
	// The list of blocks alone has no head, as Mastodon writes it.
	if err := w.fileFromSpool(blocksName, "", ""); err != nil {
		return err
	}
	if err := w.fileFromSpool(mutesName, "Account address,Hide notifications\n", ""); err != nil {
		return err
	}
	return w.file(actorName, w.writeActor)
}

func (w *Writer) fileFromSpool(name, head, tail string) error {
	return w.file(name, func(out io.Writer) error {
		if _, err := io.WriteString(out, head); err != nil {
			return err
		}
		if s, ok := w.spools[name]; ok {
			r, err := s.reader()
			if err != nil {
				return err
			}
			if _, err := io.Copy(out, r); err != nil {
				return err
			}
		}
		_, err := io.WriteString(out, tail)
		return err
	})
}

func (w *Writer) actorURI() string {
	host := w.o.Host
	if host == "" {
		host = noHost
	}
	return "https://" + host + "/@" + w.o.Actor.Name
}

type asImage struct {
	Type      string `json:"type"`
	MediaType string `json:"mediaType,omitempty"`
	URL       string `json:"url"`
}

type asProperty struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (w *Writer) writeActor(out io.Writer) error {
	a, uri := w.o.Actor, w.actorURI()
	kind := "Person"
	if a.Kind == "organisation" {
		kind = "Organization"
	}
	props := []asProperty{}
	for _, l := range a.Links {
		props = append(props, asProperty{"PropertyValue", l.Label, plainToHTML(l.URL)})
	}
	actor := struct {
		Context    json.RawMessage `json:"@context"`
		ID         string          `json:"id"`
		Type       string          `json:"type"`
		Outbox     string          `json:"outbox"`
		Username   string          `json:"preferredUsername"`
		Name       string          `json:"name"`
		Summary    string          `json:"summary"`
		URL        string          `json:"url"`
		Published  string          `json:"published,omitempty"`
		Tag        []any           `json:"tag"`
		Attachment []asProperty    `json:"attachment"`
		Icon       *asImage        `json:"icon,omitempty"`
		Image      *asImage        `json:"image,omitempty"`
		Likes      string          `json:"likes"`
		Bookmarks  string          `json:"bookmarks"`
	}{
		json.RawMessage(mastodonContext), uri, kind, outboxName, a.Name, a.DisplayName, plainToHTML(a.Bio), uri, seconds(a.Created),
		[]any{},
		props, w.actorImage(a.Avatar), w.actorImage(a.Cover), likesName, bookmarksName,
	}
	return json.NewEncoder(out).Encode(actor)
}

// actorImage names an image only if it is in the archive.
func (w *Writer) actorImage(name string) *asImage {
	if !w.images[name] {
		return nil
	}
	return &asImage{"Image", imageTypes[strings.ToLower(path.Ext(name))], name}
}

// imageTypes is fixed, for what the machine's own table says differs from one to the next.
var imageTypes = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
}

// seconds is the form that Mastodon writes and every reader takes.
func seconds(t Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

type asAttachment struct {
	Type      string  `json:"type"`
	MediaType string  `json:"mediaType"`
	URL       string  `json:"url"`
	Name      *string `json:"name"`
	Width     int     `json:"width,omitempty"`
	Height    int     `json:"height,omitempty"`
}

type asNote struct {
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Summary      *string           `json:"summary"`
	InReplyTo    *string           `json:"inReplyTo"`
	Published    string            `json:"published"`
	URL          string            `json:"url"`
	AttributedTo string            `json:"attributedTo"`
	To           []string          `json:"to"`
	CC           []string          `json:"cc"`
	Sensitive    bool              `json:"sensitive"`
	AtomURI      string            `json:"atomUri"`
	Content      string            `json:"content"`
	ContentMap   map[string]string `json:"contentMap,omitempty"`
	Updated      string            `json:"updated,omitempty"`
	Attachment   []asAttachment    `json:"attachment"`
	Tag          []any             `json:"tag"`
}

type asActivity struct {
	ID        string   `json:"id"`
	Type      string   `json:"type"`
	Actor     string   `json:"actor"`
	Published string   `json:"published"`
	To        []string `json:"to"`
	CC        []string `json:"cc"`
	Object    any      `json:"object"`
}

func (w *Writer) writeOutbox(out io.Writer) error {
	head := `{"@context":` + mastodonContext + `,"id":"outbox.json","type":"OrderedCollection","totalItems":` +
		fmt.Sprint(w.posts.count) + `,"orderedItems":[`
	if _, err := io.WriteString(out, head); err != nil {
		return err
	}
	first := true
	err := w.posts.each(false, func(record []byte) error {
		a, err := w.activity(record)
		if err != nil {
			return err
		}
		line, err := marshal(a, false)
		if err != nil {
			return err
		}
		if !first {
			line = append([]byte{','}, line...)
		}
		first = false
		_, err = out.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, "]}\n")
	return err
}

func (w *Writer) activity(record []byte) (asActivity, error) {
	actor := w.actorURI()
	if record[0] == tagBoost {
		var l Link
		if err := json.Unmarshal(record[1:], &l); err != nil {
			return asActivity{}, err
		}
		sum := sha256.Sum256(record)
		return asActivity{
			ID: actor + "/boosts/" + hex.EncodeToString(sum[:8]), Type: "Announce", Actor: actor, Published: seconds(l.At),
			To: []string{asPublic}, CC: []string{actor + "/followers"}, Object: l.URI,
		}, nil
	}
	var p Post
	if err := json.Unmarshal(record[1:], &p); err != nil {
		return asActivity{}, err
	}
	n := noteOf(p, actor)
	return asActivity{ID: n.ID + "/activity", Type: "Create", Actor: actor, Published: n.Published, To: n.To, CC: n.CC, Object: n}, nil
}

// noteOf writes a post as Mastodon would. A note's id is ours even when the post
// was imported: its origin is named beside it, in atomUri.
func noteOf(p Post, actor string) asNote {
	to, cc := addressees(p.Audience, actor)
	n := asNote{
		ID: actor + "/posts/" + p.ID, Type: "Note", Published: seconds(p.Published), AttributedTo: actor, To: to, CC: cc,
		Sensitive: p.Sensitive, Content: plainToHTML(p.Text), Updated: seconds(p.Edited), Attachment: []asAttachment{}, Tag: []any{},
	}
	n.URL, n.AtomURI = n.ID, n.ID
	if p.Origin != "" {
		n.AtomURI = p.Origin
	}
	if p.Summary != "" {
		n.Summary = &p.Summary
	}
	if p.InReplyTo != "" {
		n.InReplyTo = &p.InReplyTo
	}
	if p.Language != "" {
		n.ContentMap = map[string]string{p.Language: n.Content}
	}
	for _, i := range p.Images {
		a := asAttachment{Type: "Document", MediaType: i.Type, URL: i.Path, Width: i.Width, Height: i.Height}
		if i.Alt != "" {
			a.Name = &i.Alt
		}
		n.Attachment = append(n.Attachment, a)
	}
	return n
}

// addressees are those from which readers tell the audience; what has no
// counterpart is addressed to its author alone, never to more than it was.
func addressees(audience, actor string) (to, cc []string) {
	followers := actor + "/followers"
	switch audience {
	case AudiencePublic:
		return []string{asPublic}, []string{followers}
	case AudienceUnlisted:
		return []string{followers}, []string{asPublic}
	case AudienceFollowers:
		return []string{followers}, []string{}
	}
	return []string{actor}, []string{}
}

var addressPattern = regexp.MustCompile(`https?://[^\s<>"'「」『』（），。；！？、]+`)

// plainToHTML makes the little HTML that Mastodon's readers expect: paragraphs, line breaks, links.
func plainToHTML(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	for para := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		b.WriteString("<p>")
		for i, line := range strings.Split(para, "\n") {
			if i > 0 {
				b.WriteString("<br />")
			}
			at := 0
			for _, m := range addressPattern.FindAllStringIndex(line, -1) {
				link := html.EscapeString(line[m[0]:m[1]])
				b.WriteString(html.EscapeString(line[at:m[0]]) + `<a href="` + link + `" rel="nofollow noopener noreferrer">` + link + `</a>`)
				at = m[1]
			}
			b.WriteString(html.EscapeString(line[at:]))
		}
		b.WriteString("</p>")
	}
	return b.String()
}
