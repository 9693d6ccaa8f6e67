package archive

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Reasons why an item of an outbox becomes no record.
const (
	SkipActivity   = "unknown-activity"    // neither a post nor a boost
	SkipReference  = "object-by-reference" // a post of which only the address is there
	SkipUnreadable = "unreadable"          // well-formed JSON of an unexpected shape
	SkipNotOwn     = "not-own"             // written by somebody else
	SkipNoTime     = "no-time"             // says not when
)

// mastodonRecords makes the records of a class.
func (r *Reader) mastodonRecords(class string, give func(any) error) error {
	switch class {
	case ClassProfile:
		p, err := r.mastodonProfile()
		if err != nil || p == nil {
			return err
		}
		return give(*p)
	case ClassPosts:
		return r.eachActivity(func(v any, _ string) error {
			if p, ok := v.(Post); ok {
				return give(p)
			}
			return nil
		})
	case ClassLinks:
		err := r.eachActivity(func(v any, _ string) error {
			if l, ok := v.(Link); ok {
				return give(l)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := r.eachURI(likesName, func(uri string) error { return give(Link{Kind: LinkLike, URI: uri}) }); err != nil {
			return err
		}
		return r.eachURI(bookmarksName, func(uri string) error { return give(Link{Kind: LinkBookmark, URI: uri}) })
	case ClassFollowing:
		return r.eachAddress(followingName, func(a string, notify bool) error { return give(Follow{Address: a, Notify: notify}) })
	case ClassFollowers:
		return r.eachAddress(followersName, func(a string, _ bool) error { return give(Follow{Address: a}) })
	case ClassBlocks:
		return r.eachAddress(blocksName, func(a string, _ bool) error { return give(Block{Address: a}) })
	case ClassMutes:
		return r.eachAddress(mutesName, func(a string, _ bool) error { return give(Mute{Address: a}) })
	}
	return nil
}

// eachItem streams orderedItems of a collection. The key may occur twice
// (mastodon#31099): every occurrence is read. totalItems is not looked at.
func (r *Reader) eachItem(name string, fn func(raw json.RawMessage) error) error {
	f, err := r.openEntry(name)
	if errors.Is(err, &Error{Kind: KindNoFile}) {
		return nil
	}
	if err != nil {
		return err
	}
	return jsonFault(name, errors.Join(decodeCollection(f, r.l, fn), f.Close()))
}

func decodeCollection(in io.Reader, l Limits, fn func(raw json.RawMessage) error) error {
	s := newJSONStream(in, l, 2)
	if err := s.delim('{'); err != nil {
		return err
	}
	for s.More() {
		key, err := s.Token()
		if err != nil {
			return unexpectedEnd(err)
		}
		if key != "orderedItems" {
			var skipped json.RawMessage
			if err := s.Decode(&skipped); err != nil {
				return unexpectedEnd(err)
			}
			continue
		}
		t, err := s.Token()
		if err != nil {
			return unexpectedEnd(err)
		}
		if t == nil {
			continue
		}
		if t != json.Delim('[') {
			return fmt.Errorf("orderedItems is no list but %v", describe(t))
		}
		if err := s.array(fn); err != nil {
			return err
		}
	}
	return errors.Join(s.delim('}'), s.end())
}

func (r *Reader) eachURI(name string, fn func(uri string) error) error {
	return r.eachItem(name, func(raw json.RawMessage) error {
		var ref reference
		if json.Unmarshal(raw, &ref) == nil && webAddress(ref.id) {
			return fn(ref.id)
		}
		return nil // counted as skipped by the survey
	})
}

// eachActivity gives a Post or a Link, or nil and the reason why it is neither.
func (r *Reader) eachActivity(fn func(v any, skipped string) error) error {
	return r.eachItem(outboxName, func(raw json.RawMessage) error {
		v, skipped := decodeActivity(raw, r.find)
		return fn(v, skipped)
	})
}

// DecodeActivity turns one activity of an outbox into a [Post] or a [Link], or
// says in one of the Skip words why it is neither. Attachments of the post are
// marked as missing.
func DecodeActivity(raw []byte) (v any, skipped string, err error) {
	s := newJSONStream(bytes.NewReader(raw), DefaultLimits(), 0)
	var one json.RawMessage
	if err := errors.Join(s.Decode(&one), s.end()); err != nil {
		return nil, "", refuseFor(KindJSON, "", err)
	}
	v, skipped = decodeActivity(one, func(string) (string, string) { return "", MissingAbsent })
	return v, skipped, nil
}

// many is a property that may be one value or a list of them, or null.
type many[T any] []T

func (m *many[T]) UnmarshalJSON(b []byte) error {
	*m = nil
	if len(b) > 0 && b[0] == '[' {
		var all []T
		err := json.Unmarshal(b, &all)
		*m = all
		return err
	}
	if string(b) == "null" {
		return nil
	}
	var one T
	err := json.Unmarshal(b, &one)
	*m = many[T]{one}
	return err
}

// reference is an address, or an object of which its id is the address.
type reference struct {
	id     string
	object json.RawMessage
}

func (r *reference) UnmarshalJSON(b []byte) error {
	*r = reference{}
	if len(b) > 0 && b[0] == '{' {
		r.object = slices.Clone(b)
		var o struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal(b, &o)
		r.id = o.ID
		return err
	}
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, &r.id)
}

type inActivity struct {
	Type      string          `json:"type"`
	Actor     reference       `json:"actor"`
	Published Time            `json:"published"`
	To        many[reference] `json:"to"`
	CC        many[reference] `json:"cc"`
	Object    reference       `json:"object"`
}

type inNote struct {
	ID           string             `json:"id"`
	Type         string             `json:"type"`
	Summary      string             `json:"summary"`
	InReplyTo    reference          `json:"inReplyTo"`
	Published    Time               `json:"published"`
	Updated      Time               `json:"updated"`
	AttributedTo reference          `json:"attributedTo"`
	To           many[reference]    `json:"to"`
	CC           many[reference]    `json:"cc"`
	Sensitive    bool               `json:"sensitive"`
	Content      string             `json:"content"`
	ContentMap   map[string]string  `json:"contentMap"`
	Attachment   many[inAttachment] `json:"attachment"`
	Tag          many[inTag]        `json:"tag"`
	OneOf        many[inOption]     `json:"oneOf"`
	AnyOf        many[inOption]     `json:"anyOf"`
}

type inAttachment struct {
	Type      string  `json:"type"`
	MediaType string  `json:"mediaType"`
	URL       string  `json:"url"`
	Name      string  `json:"name"`
	Width     float64 `json:"width"`
	Height    float64 `json:"height"`
}

// inAttachment may be anything, a preview card for instance; what is no object of
// the expected shape has no type and is passed over.
func (a *inAttachment) UnmarshalJSON(b []byte) error {
	type plain inAttachment
	if json.Unmarshal(b, (*plain)(a)) != nil {
		*a = inAttachment{}
	}
	return nil
}

type inTag struct {
	Type string `json:"type"`
	Href string `json:"href"`
	Name string `json:"name"`
}

func (t *inTag) UnmarshalJSON(b []byte) error {
	type plain inTag
	if json.Unmarshal(b, (*plain)(t)) != nil {
		*t = inTag{}
	}
	return nil
}

type inOption struct {
	Name string `json:"name"`
}

func decodeActivity(raw json.RawMessage, find func(string) (entry, missing string)) (v any, skipped string) {
	raw = withoutNUL(raw)
	var a inActivity
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, SkipUnreadable
	}
	switch a.Type {
	case "Announce":
		if !webAddress(a.Object.id) {
			return nil, SkipUnreadable
		}
		return Link{Kind: LinkBoost, URI: a.Object.id, At: a.Published}, ""
	case "Create":
		return postOf(a, find)
	}
	return nil, SkipActivity
}

func postOf(a inActivity, find func(string) (entry, missing string)) (any, string) {
	if a.Object.object == nil {
		return nil, SkipReference
	}
	var n inNote
	if err := json.Unmarshal(a.Object.object, &n); err != nil || n.ID == "" {
		return nil, SkipUnreadable
	}
	switch {
	case n.Type != "Note" && n.Type != "Question" && n.Type != "Article":
		return nil, SkipActivity
	case n.AttributedTo.id != "" && a.Actor.id != "" && n.AttributedTo.id != a.Actor.id:
		return nil, SkipNotOwn
	}
	p := Post{
		ID: n.ID, Origin: n.ID, Place: "page", Audience: audienceOf(a, n), Text: noteText(n), Language: language(n.ContentMap),
		Published: n.Published, Edited: n.Updated, InReplyTo: n.InReplyTo.id, Sensitive: n.Sensitive, Summary: strings.TrimSpace(n.Summary),
	}
	if p.Published.IsZero() {
		p.Published = a.Published
	}
	if p.Published.IsZero() {
		return nil, SkipNoTime
	}
	for _, d := range n.Attachment {
		if d.Type != "Document" || d.URL == "" {
			continue
		}
		i := Image{Type: d.MediaType, Width: pixels(d.Width), Height: pixels(d.Height), Alt: d.Name}
		if i.Path, i.Missing = find(d.URL); i.Missing != "" {
			i.Path = d.URL
		}
		p.Images = append(p.Images, i)
	}
	return p, ""
}

func pixels(f float64) int {
	if f >= 1 && f <= 1<<20 {
		return int(f)
	}
	return 0
}

// audienceOf reads the addressees as Mastodon writes them; an audience that is
// not understood is the narrowest.
func audienceOf(a inActivity, n inNote) string {
	to, cc := n.To, n.CC
	if len(to)+len(cc) == 0 {
		to, cc = a.To, a.CC
	}
	followers := func(r reference) bool {
		if a.Actor.id != "" && r.id == strings.TrimSuffix(a.Actor.id, "/")+"/followers" {
			return true
		}
		return a.Actor.id == "" && strings.HasSuffix(r.id, "/followers")
	}
	switch {
	case slices.ContainsFunc(to, everybody):
		return AudiencePublic
	case slices.ContainsFunc(cc, everybody):
		return AudienceUnlisted
	case slices.ContainsFunc(to, followers), slices.ContainsFunc(cc, followers):
		return AudienceFollowers
	}
	return AudienceDirect
}

// everybody knows the three spellings of the public address: ActivityPub, section 5.6.
func everybody(r reference) bool {
	return r.id == asPublic || r.id == "as:Public" || r.id == "Public"
}

// language takes the only language, or the first by name if there are several.
func language(content map[string]string) string {
	first := ""
	for l := range content {
		if first == "" || l < first {
			first = l
		}
	}
	if len(first) > 35 { // BCP 47, RFC 5646 section 4.4.1
		return ""
	}
	return first
}

// noteText is the post as plain text; a poll's options follow it.
func noteText(n inNote) string {
	content := n.Content
	if content == "" && len(n.ContentMap) > 0 {
		content = n.ContentMap[language(n.ContentMap)]
	}
	// A post names a few people; more tags than this are an attack on the matching.
	text := plainText(content, n.Tag[:min(len(n.Tag), 256)])
	for i, o := range slices.Concat(n.OneOf, n.AnyOf) {
		if i == 0 && text != "" {
			text += "\n"
		}
		text += "\n○ " + strings.TrimSpace(o.Name)
	}
	return strings.TrimSpace(text)
}

// mastodonProfile reads actor.json; nil if there is none.
func (r *Reader) mastodonProfile() (*Profile, error) {
	f, err := r.openEntry(actorName)
	if errors.Is(err, &Error{Kind: KindNoFile}) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	s := newJSONStream(f, r.l, 0)
	if err := errors.Join(s.Decode(&raw), s.end(), f.Close()); err != nil {
		return nil, jsonFault(actorName, err)
	}
	var a struct {
		ID         string           `json:"id"`
		Type       string           `json:"type"`
		Username   string           `json:"preferredUsername"`
		Name       string           `json:"name"`
		Summary    string           `json:"summary"`
		Published  Time             `json:"published"`
		Icon       many[asImage]    `json:"icon"`
		Image      many[asImage]    `json:"image"`
		Attachment many[asProperty] `json:"attachment"`
	}
	if err := json.Unmarshal(withoutNUL(raw), &a); err != nil {
		return nil, jsonFault(actorName, err)
	}
	p := &Profile{
		ID: a.ID, Origin: a.ID, Name: a.Username, DisplayName: a.Name, Bio: plainText(a.Summary, nil), Kind: "personal",
		Created: a.Published, Avatar: r.actorFile("avatar.", a.Icon), Cover: r.actorFile("header.", a.Image),
	}
	if a.Type == "Group" || a.Type == "Organization" {
		p.Kind = "organisation"
	}
	for _, l := range a.Attachment {
		if l.Type == "PropertyValue" {
			p.Links = append(p.Links, ProfileLink{Label: l.Name, URL: firstAddress(l.Value)})
		}
	}
	return p, nil
}

// actorFile finds avatar or header: by its address, else by the beginning of its
// name, for the two may differ in extension.
func (r *Reader) actorFile(prefix string, named []asImage) string {
	for _, i := range named {
		if entry, missing := r.find(i.URL); missing == "" {
			return entry
		}
	}
	for _, name := range r.c.table().names {
		name, ok := strings.CutPrefix(name, r.root)
		if _, missing := r.find(name); ok && strings.HasPrefix(name, prefix) && missing == "" {
			return name
		}
	}
	return ""
}

// eachAddress reads the first column of one of Mastodon's CSV files.
func (r *Reader) eachAddress(name string, fn func(address string, notify bool) error) error {
	f, err := r.openEntry(name)
	if errors.Is(err, &Error{Kind: KindNoFile}) {
		return nil
	}
	if err != nil {
		return err
	}
	err = decodeAddresses(f, fn)
	if err := errors.Join(err, f.Close()); err != nil {
		if c := (*callbackError)(nil); errors.As(err, &c) {
			return c
		}
		return refuseFor(KindBroken, name, err)
	}
	return nil
}

func decodeAddresses(in io.Reader, fn func(address string, notify bool) error) error {
	c := csv.NewReader(&longLineGuard{r: withoutBOM(in), max: 64 << 10})
	c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes = -1, true, true
	notify := -1 // the column of Mastodon's list of follows that says whether one is told of new posts
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		address := strings.TrimPrefix(strings.TrimSpace(row[0]), "@")
		name, host, ok := strings.Cut(address, "@")
		if i := slices.Index(row, "Notify on new posts"); i > 0 {
			notify = i
		}
		if !ok || name == "" || host == "" || strings.ContainsAny(address, " \t\r\n\x00/") {
			continue // a header, or nothing that could be followed
		}
		if err := fn(strings.Clone(address), notify > 0 && notify < len(row) && row[notify] == "true"); err != nil {
			return err
		}
	}
}

// longLineGuard bounds one line; a quoted field may not grow without end either,
// for it is counted from the last quote.
type longLineGuard struct {
	r    io.Reader
	max  int
	line int
}

func (g *longLineGuard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	for _, c := range p[:n] {
		if g.line++; g.line > g.max {
			return 0, refuse(KindTooLarge, "", "one line of more than %d bytes", g.max)
		}
		if c == '\n' {
			g.line = 0
		}
	}
	return n, err
}
