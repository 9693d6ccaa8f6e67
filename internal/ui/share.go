package ui

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Shared is what other sites show of a page whose address is passed on (Open Graph, https://ogp.me; Twitter's
// cards) and what search engines take for its one address. Only what a guest sees belongs here.
type Shared struct {
	Type        string // og:type: "website", "article", "profile", "video.other"; empty: "website"
	Title       string
	Description string    // in plain words; more than 200 characters are cut
	Path        string    // the page's one path
	Image       string    // path of a picture that a guest may see; empty: the install's icon
	ImageAlt    string    // what is on it; empty: not said
	Width       int       // of Image and Video, in pixels; 0: not known
	Height      int       // of Image and Video, in pixels; 0: not known
	Published   time.Time // of an article; zero: not said
	Feed        string    // path of the page's RSS feed; empty: none
	Video       string    // path of a page that plays the video and may stand in others' frames; empty: it is none
	OEmbed      string    // path of what embeds the page elsewhere (https://oembed.com); empty: nothing does
}

// ShareView is what a person shares a page with: a button, an address to copy, a poster.
type ShareView struct {
	Path   string // the page's own
	Opens  string // says who can open it, where not everybody can; empty: everybody
	Poster string // path of its poster; empty: none
	Feed   string // path of its RSS feed; empty: none
	Into   string // where it is shared within the house; empty: nowhere
	Embed  string // the code that puts it into another site; empty: none
}

// Absolute gives the whole address of a path of this site, in ASCII (RFC 3986); without the host where the install does
// not know its own. What is no path of this site is given back.
func Absolute(ctx context.Context, path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || !strings.HasPrefix(path, "/") {
		return path
	}
	return readerFrom(ctx).Site.Base + u.String()
}

// longestDescription bounds what is shown of a text elsewhere, in characters.
const longestDescription = 200

// PlainText gives a stored text as one line of plain words: mentions by their names, no line breaks, at most so many
// characters, cut at a word where there is one.
func PlainText(text string, mentions map[string]Mention, most int) string {
	var b strings.Builder
	for _, s := range spans(text, mentions) {
		switch s.kind {
		case spanBreak:
			b.WriteByte(' ')
		case spanMention:
			if s.text != "" {
				b.WriteString("@" + s.text)
			} else {
				b.WriteString("@…")
			}
		case spanLink:
			b.WriteString(s.text)
		default:
			b.WriteString(s.text)
		}
	}
	return cutPlain(strings.Join(strings.Fields(b.String()), " "), most)
}

func cutPlain(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	cut := string(r[:most-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)*2/3 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,，、") + "…"
}

func (s Shared) kind() string {
	if s.Type == "" {
		return "website"
	}
	return s.Type
}

func (s Shared) about() string {
	return cutPlain(strings.Join(strings.Fields(s.Description), " "), longestDescription)
}

// picture gives the address of the picture: the page's own, or the install's icon.
func (s Shared) picture(ctx context.Context) string {
	switch icon := readerFrom(ctx).Site.Icon; {
	case s.Image != "":
		return Absolute(ctx, s.Image)
	case icon != "":
		return Absolute(ctx, icon)
	}
	return Absolute(ctx, IconPath(512))
}

// card gives the form of Twitter's card: wide where there is a picture of the page's own.
func (s Shared) card() string {
	if s.Image != "" && (s.kind() == "article" || s.Video != "") {
		return "summary_large_image"
	}
	return "summary"
}

// ogLocale gives a language as Open Graph writes it.
func ogLocale(l Lang) string {
	if l == English {
		return "en_GB"
	}
	return "zh_CN"
}

func pixels(n int) string { return fmt.Sprint(n) }
