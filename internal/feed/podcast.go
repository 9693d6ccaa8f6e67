package feed

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // a name, not a secret: RFC 9562 asks for it
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Podcast is a channel of videos as podcast apps read it: RSS 2.0 with the modules Atom, Content, iTunes (Apple's podcast requirements), Podcast
// (the Podcast Namespace 1.0, https://podcastindex.org/namespace/1.0) and Media RSS 1.5.1. All addresses are whole, and what it names is public. There is no
// itunes:owner: it is an e-mail address for everybody to read, and Apple asks for none.
type Podcast struct {
	Title       string
	Link        string // the page that it follows
	Self        string // its own address
	Description string
	Language    string // BCP 47
	Author      string
	Category    string    // one of Apple's (https://podcasters.apple.com/support/1691-apple-podcasts-categories)
	Explicit    bool      // it is not for children
	Image       string    // "" for none
	Episodes    []Episode // newest first
}

// Episode is a video.
type Episode struct {
	Title       string
	Link        string // its page, and what it is known by
	At, Changed time.Time
	Text        string // plain words
	HTML        string // safe to show; its addresses are whole
	Categories  []string
	Duration    time.Duration
	Image       string // its poster, "" for none
	Files       []File // the first is what apps fetch; the others are the same in other qualities. At least one
	Transcripts []Transcript
}

// File is one form of a video.
type File struct {
	URL, Type     string
	Bytes         int64
	Width, Height int // pixels; 0: not known
	Bitrate       int // bits a second; 0: not known
}

// Transcript is a video's subtitles.
type Transcript struct{ URL, Type, Language string }

// MostEpisodes is how many episodes a podcast has at most.
const MostEpisodes = 100

type podcastRSS struct {
	XMLName xml.Name       `xml:"rss"`
	Version string         `xml:"version,attr"`
	Atom    string         `xml:"xmlns:atom,attr"`
	Content string         `xml:"xmlns:content,attr"`
	ITunes  string         `xml:"xmlns:itunes,attr"`
	Podcast string         `xml:"xmlns:podcast,attr"`
	Media   string         `xml:"xmlns:media,attr"`
	Channel podcastChannel `xml:"channel"`
}

type podcastChannel struct {
	Title       string       `xml:"title"`
	Link        string       `xml:"link"`
	Description string       `xml:"description"`
	Language    string       `xml:"language,omitempty"`
	Published   string       `xml:"pubDate,omitempty"`
	Built       string       `xml:"lastBuildDate,omitempty"`
	Docs        string       `xml:"docs"`
	TTL         int          `xml:"ttl"` // minutes
	Self        self         `xml:"atom:link"`
	Image       *image       `xml:"image"`
	ITunesImage *href        `xml:"itunes:image"`
	Author      string       `xml:"itunes:author,omitempty"`
	Explicit    string       `xml:"itunes:explicit"`
	Type        string       `xml:"itunes:type"`
	Category    appleSubject `xml:"itunes:category"`
	GUID        string       `xml:"podcast:guid"`
	Locked      string       `xml:"podcast:locked"`
	Medium      string       `xml:"podcast:medium"`
	Person      *person      `xml:"podcast:person"`
	Items       []episode    `xml:"item"`
}

type href struct {
	Href string `xml:"href,attr"`
}

type appleSubject struct {
	Text string `xml:"text,attr"`
}

type person struct {
	Role string `xml:"role,attr"`
	Img  string `xml:"img,attr,omitempty"`
	Href string `xml:"href,attr,omitempty"`
	Name string `xml:",chardata"`
}

type episode struct {
	Title       string       `xml:"title"`
	Link        string       `xml:"link"`
	GUID        guid         `xml:"guid"`
	Published   string       `xml:"pubDate"`
	Categories  []string     `xml:"category"`
	Description string       `xml:"description"`
	Content     *cdata       `xml:"content:encoded"`
	Enclosure   enclosure    `xml:"enclosure"`
	Duration    int64        `xml:"itunes:duration,omitempty"` // seconds
	Image       *href        `xml:"itunes:image"`
	Explicit    string       `xml:"itunes:explicit"`
	EpisodeType string       `xml:"itunes:episodeType"`
	Alternates  []alternate  `xml:"podcast:alternateEnclosure"`
	Transcripts []transcript `xml:"podcast:transcript"`
	Group       mediaGroup   `xml:"media:group"`
}

type enclosure struct {
	URL    string `xml:"url,attr"`
	Length int64  `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

type alternate struct {
	Type    string `xml:"type,attr"`
	Length  int64  `xml:"length,attr,omitempty"`
	Bitrate int    `xml:"bitrate,attr,omitempty"`
	Height  int    `xml:"height,attr,omitempty"`
	Title   string `xml:"title,attr,omitempty"`
	Default bool   `xml:"default,attr"`
	Source  struct {
		URI string `xml:"uri,attr"`
	} `xml:"podcast:source"`
}

type transcript struct {
	URL      string `xml:"url,attr"`
	Type     string `xml:"type,attr"`
	Language string `xml:"language,attr,omitempty"`
	Rel      string `xml:"rel,attr"`
}

type mediaGroup struct {
	Content     []mediaContent  `xml:"media:content"`
	Title       string          `xml:"media:title"`
	Description string          `xml:"media:description,omitempty"`
	Thumbnail   *mediaThumbnail `xml:"media:thumbnail"`
	Subtitles   []mediaSubtitle `xml:"media:subTitle"`
}

type mediaContent struct {
	URL       string `xml:"url,attr"`
	FileSize  int64  `xml:"fileSize,attr,omitempty"`
	Type      string `xml:"type,attr"`
	Medium    string `xml:"medium,attr"`
	IsDefault bool   `xml:"isDefault,attr"`
	Bitrate   int    `xml:"bitrate,attr,omitempty"` // kilobits a second
	Duration  int64  `xml:"duration,attr,omitempty"`
	Width     int    `xml:"width,attr,omitempty"`
	Height    int    `xml:"height,attr,omitempty"`
}

type mediaThumbnail struct {
	URL string `xml:"url,attr"`
}

type mediaSubtitle struct {
	Type string `xml:"type,attr"`
	Lang string `xml:"lang,attr,omitempty"`
	Href string `xml:"href,attr"`
}

// podcastSpace is the namespace in which feeds' names are made (Podcast Namespace 1.0, "guid").
var podcastSpace = [16]byte{0xea, 0xd4, 0xc2, 0x36, 0xbf, 0x58, 0x58, 0xc6, 0xa2, 0xc6, 0xa6, 0xb2, 0x8d, 0x12, 0x8c, 0xb6}

// PodcastGUID gives the name by which a podcast is known wherever it moves to: the UUID of version 5 (RFC 9562, 5.5) of its address without
// scheme and trailing slashes.
func PodcastGUID(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		rest = address
	}
	h := sha1.New() //nolint:gosec // see above
	h.Write(podcastSpace[:])
	h.Write([]byte(strings.TrimRight(rest, "/")))
	b := h.Sum(nil)[:16]
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// Changed gives when the podcast last changed, as far as its episodes tell; zero if it has none.
func (p Podcast) Changed() (at time.Time) {
	for _, e := range p.Episodes {
		for _, t := range []time.Time{e.At, e.Changed} {
			if t.After(at) {
				at = t
			}
		}
	}
	return at
}

// Write gives the podcast as a document in UTF-8.
func (p Podcast) Write() ([]byte, error) {
	c := podcastChannel{
		Title: legal(p.Title), Link: p.Link, Description: legal(p.Description), Language: p.Language, Docs: "https://www.rssboard.org/rss-specification", TTL: 15,
		Built: date(p.Changed()), Self: self{p.Self, "self", "application/rss+xml"}, Author: legal(p.Author), Explicit: strconv.FormatBool(p.Explicit), Type: "episodic",
		Category: appleSubject{p.Category}, GUID: PodcastGUID(p.Self), Locked: "no", Medium: "video",
	}
	if c.Description == "" {
		c.Description = c.Title // it must not be missing
	}
	if p.Image != "" {
		c.Image, c.ITunesImage = &image{p.Image, c.Title, p.Link}, &href{p.Image}
	}
	if p.Author != "" {
		c.Person = &person{"host", p.Image, p.Link, c.Author}
	}
	for _, e := range p.Episodes[:min(len(p.Episodes), MostEpisodes)] {
		c.Items = append(c.Items, e.entry(c.Explicit))
	}
	if len(c.Items) > 0 {
		c.Published = c.Items[0].Published
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", " ")
	err := enc.Encode(podcastRSS{
		Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/", ITunes: "http://www.itunes.com/dtds/podcast-1.0.dtd",
		Podcast: "https://podcastindex.org/namespace/1.0", Media: "http://search.yahoo.com/mrss/", Channel: c,
	})
	if err != nil {
		return nil, fmt.Errorf("write podcast: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (e Episode) entry(explicit string) episode {
	first := e.Files[0]
	out := episode{
		Title: legal(e.Title), Link: e.Link, GUID: guid{true, e.Link}, Published: date(e.At), Description: legal(e.Text), Explicit: explicit, EpisodeType: "full",
		Enclosure: enclosure{first.URL, first.Bytes, first.Type}, Duration: int64(e.Duration.Round(time.Second) / time.Second),
		Group: mediaGroup{Title: legal(e.Title), Description: legal(e.Text)},
	}
	for _, c := range e.Categories {
		out.Categories = append(out.Categories, legal(c))
	}
	if e.HTML != "" {
		out.Content = &cdata{legal(e.HTML)}
	}
	if e.Image != "" {
		out.Image, out.Group.Thumbnail = &href{e.Image}, &mediaThumbnail{e.Image}
	}
	for i, f := range e.Files {
		a := alternate{Type: f.Type, Length: f.Bytes, Bitrate: f.Bitrate, Height: f.Height, Default: i == 0}
		if lines := min(f.Height, f.Width); lines > 0 {
			a.Title = fmt.Sprintf("%dp", lines)
		}
		a.Source.URI = f.URL
		out.Alternates = append(out.Alternates, a)
		out.Group.Content = append(out.Group.Content, mediaContent{f.URL, f.Bytes, f.Type, "video", i == 0, f.Bitrate / 1000, out.Duration, f.Width, f.Height})
	}
	for _, t := range e.Transcripts {
		out.Transcripts = append(out.Transcripts, transcript{t.URL, t.Type, t.Language, "captions"})
		out.Group.Subtitles = append(out.Group.Subtitles, mediaSubtitle{t.Type, t.Language, t.URL})
	}
	return out
}

// ServePodcast answers with the podcast as [Serve] does with a feed.
func ServePodcast(w http.ResponseWriter, r *http.Request, p Podcast) error {
	body, err := p.Write()
	if err != nil {
		return err
	}
	serve(w, r, body, p.Changed())
	return nil
}
