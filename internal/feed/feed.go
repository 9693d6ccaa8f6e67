// Package feed writes RSS 2.0 (the RSS Advisory Board's specification 2.0.11, with the modules Atom, Content and Media)
// and answers with it. It keeps nothing and knows nothing of accounts: what is given to it is public.
package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Feed is a channel. All addresses are whole.
type Feed struct {
	Title       string
	Link        string // the page that it follows
	Self        string // its own address
	Description string
	Language    string // BCP 47
	Image       string // a square picture, "" for none
	Items       []Item // newest first
}

// Item is one entry.
type Item struct {
	Title      string
	Link       string // its page, and what it is known by
	At         time.Time
	Changed    time.Time // zero: never
	By         string    // who wrote it, "" if nobody is named
	Categories []string
	Text       string // one line of plain words
	HTML       string // the whole of it, safe to show; its addresses are whole
	Pictures   []Picture
}

// Picture is an image of an item.
type Picture struct {
	URL, Type, Alt string
	Width, Height  int // pixels
}

// Most is how many items a feed has at most.
const Most = 20

type rss struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Atom    string   `xml:"xmlns:atom,attr"`
	Content string   `xml:"xmlns:content,attr"`
	DC      string   `xml:"xmlns:dc,attr"`
	Media   string   `xml:"xmlns:media,attr"`
	Channel channel  `xml:"channel"`
}

type channel struct {
	Title       string `xml:"title"`
	Link        string `xml:"link"`
	Description string `xml:"description"`
	Language    string `xml:"language,omitempty"`
	Published   string `xml:"pubDate,omitempty"`
	Built       string `xml:"lastBuildDate,omitempty"`
	Docs        string `xml:"docs"`
	TTL         int    `xml:"ttl"` // minutes
	Self        self   `xml:"atom:link"`
	Image       *image `xml:"image"`
	Items       []item `xml:"item"`
}

type self struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
}

type image struct {
	URL   string `xml:"url"`
	Title string `xml:"title"`
	Link  string `xml:"link"`
}

type item struct {
	Title       string   `xml:"title"`
	Link        string   `xml:"link"`
	GUID        guid     `xml:"guid"`
	Published   string   `xml:"pubDate"`
	By          string   `xml:"dc:creator,omitempty"`
	Categories  []string `xml:"category"`
	Description string   `xml:"description"`
	Content     *cdata   `xml:"content:encoded"`
	Media       []medium `xml:"media:content"`
}

type guid struct {
	PermaLink bool   `xml:"isPermaLink,attr"`
	Value     string `xml:",chardata"`
}

type cdata struct {
	Text string `xml:",cdata"`
}

type medium struct {
	URL    string `xml:"url,attr"`
	Type   string `xml:"type,attr,omitempty"`
	Medium string `xml:"medium,attr"`
	Width  int    `xml:"width,attr,omitempty"`
	Height int    `xml:"height,attr,omitempty"`
	Alt    string `xml:"media:description,omitempty"`
}

// date writes a time as RSS asks (RFC 822 with a year of four digits), UTC.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 +0000")
}

// legal drops what XML 1.0 cannot hold.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r != utf8.RuneError && r < 0xfffe || r >= 0x10000 {
			return r
		}
		return -1
	}, s)
}

// Changed gives when the feed last changed, as far as its items tell; zero if it has none.
func (f Feed) Changed() (at time.Time) {
	for _, i := range f.Items {
		for _, t := range []time.Time{i.At, i.Changed} {
			if t.After(at) {
				at = t
			}
		}
	}
	return at
}

// Write gives the feed as a document in UTF-8.
func (f Feed) Write() ([]byte, error) {
	c := channel{
		Title: legal(f.Title), Link: f.Link, Description: legal(f.Description), Language: f.Language, Docs: "https://www.rssboard.org/rss-specification", TTL: 15,
		Built: date(f.Changed()), Self: self{f.Self, "self", "application/rss+xml"},
	}
	if c.Description == "" {
		c.Description = c.Title // it must not be missing
	}
	if f.Image != "" {
		c.Image = &image{f.Image, c.Title, f.Link}
	}
	for _, i := range f.Items[:min(len(f.Items), Most)] {
		c.Items = append(c.Items, i.entry())
	}
	if len(c.Items) > 0 {
		c.Published = c.Items[0].Published
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	err := e.Encode(rss{
		Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/", DC: "http://purl.org/dc/elements/1.1/",
		Media: "http://search.yahoo.com/mrss/", Channel: c,
	})
	if err != nil {
		return nil, fmt.Errorf("write feed: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (i Item) entry() item {
	out := item{
		Title: legal(i.Title), Link: i.Link, GUID: guid{true, i.Link}, Published: date(i.At), By: legal(i.By), Description: legal(i.Text),
	}
	for _, c := range i.Categories {
		out.Categories = append(out.Categories, legal(c))
	}
	if i.HTML != "" {
		out.Content = &cdata{legal(i.HTML)}
	}
	for _, p := range i.Pictures {
		out.Media = append(out.Media, medium{p.URL, p.Type, "image", p.Width, p.Height, legal(p.Alt)})
	}
	return out
}

// Serve answers with the feed, or with 304 where the reader has it already (RFC 9110, 13.1). It is the same for
// everybody who reads in one language, and asked for anew each time: who leaves is gone from it at once.
func Serve(w http.ResponseWriter, r *http.Request, f Feed) error {
	body, err := f.Write()
	if err != nil {
		return err
	}
	serve(w, r, body, f.Changed())
	return nil
}

// serve answers with a document that last changed at a time.
func serve(w http.ResponseWriter, r *http.Request, body []byte, changed time.Time) {
	sum := sha256.Sum256(body)
	changed = changed.UTC().Truncate(time.Second)
	h := w.Header()
	h.Set("Content-Type", "application/rss+xml; charset=utf-8")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	h.Set("Cache-Control", "public, no-cache")
	h.Set("Vary", "Accept-Language, Cookie")
	// What was deleted leaves an earlier date behind: only the very date that was given says that nothing changed.
	if since, err := http.ParseTime(r.Header.Get("If-Modified-Since")); err == nil && !since.Equal(changed) {
		r = r.Clone(r.Context())
		r.Header.Del("If-Modified-Since")
	}
	http.ServeContent(w, r, "", changed, bytes.NewReader(body))
}
