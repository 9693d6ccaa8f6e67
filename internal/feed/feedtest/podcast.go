package feedtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The namespaces of a podcast.
const (
	itunes  = "http://www.itunes.com/dtds/podcast-1.0.dtd"
	podcast = "https://podcastindex.org/namespace/1.0"
	media   = "http://search.yahoo.com/mrss/"
	content = "http://purl.org/rss/1.0/modules/content/"
)

// Element is an element of a document with all that is in it.
type Element struct {
	Name     xml.Name
	Attrs    map[string]string
	Text     string
	Children []*Element
}

// All gives the children of a name, "podcast:guid" or "title".
func (e *Element) All(name string) (out []*Element) {
	for _, c := range e.Children {
		if c.name() == name {
			out = append(out, c)
		}
	}
	return out
}

// One gives the only child of a name; the test fails if there is none or another.
func (e *Element) One(t testing.TB, name string) *Element {
	t.Helper()
	all := e.All(name)
	if len(all) != 1 {
		t.Fatalf("%s has %d times %s, want one", e.name(), len(all), name)
	}
	return all[0]
}

var prefixes = map[string]string{"": "", atom: "atom:", itunes: "itunes:", podcast: "podcast:", media: "media:", content: "content:"}

func (e *Element) name() string {
	prefix, known := prefixes[e.Name.Space]
	if !known {
		return "{" + e.Name.Space + "}" + e.Name.Local
	}
	return prefix + e.Name.Local
}

// rules say which children and attributes an element may have, and which attributes it must have; "+" marks these.
var rules = map[string]struct{ children, attrs []string }{
	"rss": {[]string{"channel"}, []string{"+version"}},
	"channel": {[]string{
		"title", "link", "description", "language", "pubDate", "lastBuildDate", "docs", "ttl", "atom:link", "image", "itunes:image", "itunes:author", "itunes:explicit", "itunes:type",
		"itunes:category", "podcast:guid", "podcast:locked", "podcast:medium", "podcast:person", "item",
	}, nil},
	"image": {[]string{"url", "title", "link"}, nil},
	"item": {[]string{
		"title", "link", "guid", "pubDate", "category", "description", "content:encoded", "enclosure", "itunes:duration", "itunes:image", "itunes:explicit", "itunes:episodeType",
		"podcast:alternateEnclosure", "podcast:transcript", "media:group",
	}, nil},
	"atom:link": {nil, []string{"+href", "+rel", "type"}}, "guid": {nil, []string{"isPermaLink"}}, "enclosure": {nil, []string{"+url", "+length", "+type"}},
	"itunes:image": {nil, []string{"+href"}}, "itunes:category": {nil, []string{"+text"}}, "podcast:person": {nil, []string{"role", "img", "href"}},
	"podcast:alternateEnclosure": {[]string{"podcast:source"}, []string{"+type", "length", "bitrate", "height", "title", "default"}}, "podcast:source": {nil, []string{"+uri"}},
	"podcast:transcript": {nil, []string{"+url", "+type", "language", "rel"}}, "media:group": {[]string{"media:content", "media:title", "media:description", "media:thumbnail", "media:subTitle"}, nil},
	"media:content":   {nil, []string{"+url", "fileSize", "type", "medium", "isDefault", "bitrate", "duration", "width", "height"}},
	"media:thumbnail": {nil, []string{"+url"}}, "media:subTitle": {nil, []string{"+type", "+lang", "+href"}},
}

// tree reads a document.
func tree(t testing.TB, b []byte) *Element {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	stack := []*Element{{}}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return stack[0].Children[0]
		}
		if err != nil {
			t.Fatalf("the podcast is no XML: %v", err)
		}
		top := stack[len(stack)-1]
		switch x := token.(type) {
		case xml.StartElement:
			e := &Element{Name: x.Name, Attrs: map[string]string{}}
			for _, a := range x.Attr {
				if a.Name.Space != "xmlns" {
					e.Attrs[a.Name.Local] = a.Value
				}
			}
			top.Children, stack = append(top.Children, e), append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.Text += string(x)
		}
	}
}

// obeys checks an element and all in it against the rules.
func (e *Element) obeys(t testing.TB) {
	t.Helper()
	rule := rules[e.name()]
	for _, a := range rule.attrs {
		if name, must := strings.CutPrefix(a, "+"); must && e.Attrs[name] == "" {
			t.Errorf("%s has no %s", e.name(), name)
		}
	}
	for a := range e.Attrs {
		if !slices.Contains(rule.attrs, a) && !slices.Contains(rule.attrs, "+"+a) {
			t.Errorf("%s has an unknown attribute %s", e.name(), a)
		}
	}
	for _, c := range e.Children {
		if !slices.Contains(rule.children, c.name()) {
			t.Errorf("%s must not stand in %s", c.name(), e.name())
		}
		c.obeys(t)
	}
	for name, value := range e.Attrs {
		switch name {
		case "url", "href", "uri", "img":
			address(t, value)
		case "length", "bitrate", "height", "width", "fileSize", "duration":
			if n, err := strconv.ParseInt(value, 10, 64); err != nil || n <= 0 {
				t.Errorf("%s of %s is %q", name, e.name(), value)
			}
		}
	}
}

// categories are Apple's, without what is beneath them.
var categories = []string{
	"Arts", "Business", "Comedy", "Education", "Fiction", "Government", "Health & Fitness", "History", "Kids & Family", "Leisure", "Music", "News", "Religion & Spirituality", "Science",
	"Society & Culture", "Sports", "TV & Film", "Technology", "True Crime",
}

var uuid5 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// CheckPodcast parses a podcast strictly, fails the test on what RSS 2.0, Apple's requirements, the Podcast Namespace and Media RSS do not
// allow, and gives its channel.
func CheckPodcast(t testing.TB, b []byte) *Element {
	t.Helper()
	Check(t, b)
	root := tree(t, b)
	root.obeys(t)
	c := root.One(t, "channel")
	for name, allowed := range map[string][]string{"itunes:explicit": {"true", "false"}, "itunes:type": {"episodic", "serial"}, "podcast:locked": {"yes", "no"}, "podcast:medium": {"video"}} {
		if got := c.One(t, name).Text; !slices.Contains(allowed, got) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := c.One(t, "itunes:category").Attrs["text"]; !slices.Contains(categories, got) {
		t.Errorf("the category %q is not one of Apple's", got)
	}
	if guid := c.One(t, "podcast:guid").Text; !uuid5.MatchString(guid) {
		t.Errorf("the podcast's guid is %q, no UUID of version 5", guid)
	}
	for _, i := range c.All("item") {
		if got, of := i.One(t, "itunes:explicit").Text, c.One(t, "itunes:explicit").Text; got != of {
			t.Errorf("an episode's itunes:explicit is %q, the podcast's %q", got, of)
		}
		i.episode(t)
	}
	return c
}

func (e *Element) episode(t testing.TB) {
	t.Helper()
	file := e.One(t, "enclosure").Attrs
	if !strings.HasPrefix(file["type"], "video/") {
		t.Errorf("an enclosure of type %q", file["type"])
	}
	defaults := 0
	for _, a := range e.All("podcast:alternateEnclosure") {
		source := a.One(t, "podcast:source").Attrs["uri"]
		if a.Attrs["default"] == "true" {
			defaults++
			if source != file["url"] {
				t.Errorf("the default file is %s, the enclosure %s", source, file["url"])
			}
		}
	}
	if defaults != 1 {
		t.Errorf("%d default files", defaults)
	}
	for _, m := range e.One(t, "media:group").All("media:content") {
		if m.Attrs["medium"] != "video" {
			t.Errorf("a medium %q", m.Attrs["medium"])
		}
	}
}
