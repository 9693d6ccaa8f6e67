// Package feedtest checks feeds by the rules of RSS 2.0.
package feedtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/mail"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Channel is what a reader sees of a feed.
type Channel struct {
	Title       string `xml:"title"`
	Links       []Link `xml:"link"`
	Description string `xml:"description"`
	Built       string `xml:"lastBuildDate"`
	Items       []Item `xml:"item"`
}

// Link is a link of the channel, or, with attributes, that of Atom.
type Link struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
	Href    string `xml:"href,attr"`
	Rel     string `xml:"rel,attr"`
	Type    string `xml:"type,attr"`
}

// Item is an entry as a reader sees it.
type Item struct {
	Title string `xml:"title"`
	Link  string `xml:"link"`
	GUID  struct {
		PermaLink string `xml:"isPermaLink,attr"`
		Value     string `xml:",chardata"`
	} `xml:"guid"`
	Published   string   `xml:"pubDate"`
	By          string   `xml:"http://purl.org/dc/elements/1.1/ creator"`
	Categories  []string `xml:"category"`
	Description string   `xml:"description"`
	Content     string   `xml:"http://purl.org/rss/1.0/modules/content/ encoded"`
	Media       []struct {
		URL    string `xml:"url,attr"`
		Medium string `xml:"medium,attr"`
	} `xml:"http://search.yahoo.com/mrss/ content"`
}

const atom = "http://www.w3.org/2005/Atom"

// Check parses a feed strictly and fails the test on what RSS 2.0 does not allow.
func Check(t testing.TB, b []byte) Channel {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the feed is no XML: %v\n%s", err, b)
		}
	}
	var doc struct {
		XMLName  xml.Name  `xml:"rss"`
		Version  string    `xml:"version,attr"`
		Channels []Channel `xml:"channel"`
	}
	if err := xml.Unmarshal(b, &doc); err != nil {
		t.Fatalf("the feed is no RSS: %v\n%s", err, b)
	}
	if doc.Version != "2.0" || len(doc.Channels) != 1 {
		t.Fatalf("version %q, %d channels", doc.Version, len(doc.Channels))
	}
	c := doc.Channels[0]
	c.check(t)
	for _, i := range c.Items {
		i.check(t)
	}
	return c
}

func (c Channel) check(t testing.TB) {
	t.Helper()
	if c.Title == "" || c.Description == "" {
		t.Error("a channel without title or description")
	}
	if c.Built != "" {
		date(t, c.Built)
	}
	var plain, self int
	for _, l := range c.Links {
		if l.XMLName.Space != atom {
			plain++
			address(t, l.Text)
			continue
		}
		if l.Rel == "self" && l.Type == "application/rss+xml" {
			self++
			address(t, l.Href)
		}
	}
	if plain != 1 || self != 1 {
		t.Errorf("%d links, %d of itself", plain, self)
	}
	had := map[string]bool{}
	var before time.Time
	for _, i := range c.Items {
		if had[i.GUID.Value] {
			t.Errorf("the guid %s is there twice", i.GUID.Value)
		}
		had[i.GUID.Value] = true
		if at := date(t, i.Published); !before.IsZero() && at.After(before) {
			t.Error("the items are not newest first")
		} else {
			before = at
		}
	}
}

func (i Item) check(t testing.TB) {
	t.Helper()
	if i.Title == "" && i.Description == "" {
		t.Error("an item with neither title nor description")
	}
	address(t, i.Link)
	if i.GUID.PermaLink != "false" {
		address(t, i.GUID.Value)
	}
	for _, m := range i.Media {
		address(t, m.URL)
	}
	for _, bad := range []string{"<script", "javascript:", " onload=", " onerror=", `href="/`, `src="/`} {
		if strings.Contains(strings.ToLower(i.Content), bad) {
			t.Errorf("the content of %s has %q", i.Link, bad)
		}
	}
}

func date(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := mail.ParseDate(s)
	if err != nil {
		t.Errorf("%q is no date: %v", s, err)
	}
	return at
}

func address(t testing.TB, s string) {
	t.Helper()
	if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Errorf("%q is no whole address in ASCII", s)
	}
}
