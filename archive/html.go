package archive

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// plainText turns a post's HTML into text: paragraphs and line breaks kept, links
// as their whole address, mentions as name@host, hashtags as they read. Scripts,
// styles and markup are dropped. The text is in Unicode form NFC.
func plainText(source string, tags []inTag) string {
	t := &textMaker{tags: tags}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken: // a reader of a string ends, and fails in no other way
			return t.done()
		case html.TextToken:
			t.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, attrs := z.TagName()
			t.start(string(name), z, attrs)
		case html.EndTagToken:
			name, _ := z.TagName()
			t.end(string(name))
		}
	}
}

type textMaker struct {
	tags   []inTag
	out    strings.Builder
	hidden string // the element whose contents are dropped
	quoted bool   // within pre, where white space counts
	link   *struct {
		href, class string
		text        strings.Builder
	}
}

func (t *textMaker) text(s string) {
	if t.hidden != "" {
		return
	}
	if !t.quoted {
		s = strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == '\t' {
				return ' '
			}
			return r
		}, s)
		if out := t.out.String(); t.link == nil && (out == "" || strings.HasSuffix(out, "\n")) {
			s = strings.TrimLeft(s, " ")
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s)
	if t.link != nil {
		t.link.text.WriteString(s)
		return
	}
	t.out.WriteString(s)
}

func (t *textMaker) start(name string, z *html.Tokenizer, more bool) {
	switch name {
	case "script", "style", "template", "noscript", "iframe", "title":
		if t.hidden == "" {
			t.hidden = name
		}
	case "br":
		t.breakLine(1)
	case "p", "div", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6":
		t.paragraph()
	case "pre":
		t.paragraph()
		t.quoted = true
	case "li":
		t.newLine()
		t.text("- ")
	case "a":
		t.endLink()
		t.link = &struct {
			href, class string
			text        strings.Builder
		}{}
		for more {
			var k, v []byte
			k, v, more = z.TagAttr()
			switch string(k) {
			case "href":
				t.link.href = strings.TrimSpace(string(v))
			case "class":
				t.link.class = string(v)
			}
		}
	}
}

func (t *textMaker) end(name string) {
	switch {
	case t.hidden != "":
		if name == t.hidden {
			t.hidden = ""
		}
	case name == "a":
		t.endLink()
	case name == "pre":
		t.quoted = false
		t.paragraph()
	case slices.Contains([]string{"p", "div", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}, name):
		t.paragraph()
	}
}

// endLink writes the pending link.
func (t *textMaker) endLink() {
	if t.link == nil {
		return
	}
	l := t.link
	t.link = nil
	text := strings.TrimSpace(l.text.String())
	classes := strings.Fields(l.class)
	switch {
	case slices.Contains(classes, "hashtag") || strings.HasPrefix(text, "#"):
		t.text(text)
	case slices.Contains(classes, "mention") || strings.HasPrefix(text, "@"):
		t.text(t.mention(text, l.href))
	case !webAddress(l.href):
		t.text(text)
	case text == "" || strings.HasSuffix(l.href, strings.TrimRight(text, "…")) || strings.Contains(l.href, strings.TrimSuffix(text, "…")):
		t.text(l.href)
	default:
		t.text(text + " (" + l.href + ")")
	}
}

// mention names the host, without which a name means nothing elsewhere: from the
// tag with the same address, or the only one with the same name, else from the link.
func (t *textMaker) mention(text, href string) string {
	if strings.Count(text, "@") != 1 || !strings.HasPrefix(text, "@") {
		return text
	}
	u, err := url.Parse(href)
	if err != nil || u.Hostname() == "" {
		return text
	}
	var named []string
	for _, tag := range t.tags {
		if tag.Type != "Mention" {
			continue
		}
		full := "@" + strings.TrimPrefix(tag.Name, "@")
		if full != text && !strings.HasPrefix(full, text+"@") {
			continue
		}
		if tag.Href == href && strings.Count(full, "@") == 2 {
			return full
		}
		if strings.Count(full, "@") == 2 {
			named = append(named, full)
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	return text + "@" + u.Hostname()
}

func (t *textMaker) breakLine(n int) {
	if t.hidden == "" && t.link == nil {
		t.out.WriteString(strings.Repeat("\n", n))
	}
}

// newLine begins a line unless one has just begun.
func (t *textMaker) newLine() {
	t.endLink()
	if s := t.out.String(); s != "" && !strings.HasSuffix(s, "\n") {
		t.breakLine(1)
	}
}

// paragraph leaves one empty line.
func (t *textMaker) paragraph() {
	t.newLine()
	if s := t.out.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
		t.breakLine(1)
	}
}

func (t *textMaker) done() string {
	t.endLink()
	lines := strings.Split(t.out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return norm.NFC.String(strings.ToValidUTF8(strings.TrimSpace(strings.Join(lines, "\n")), "\uFFFD"))
}

// firstAddress is the link in a profile field, or its text if it has none.
func firstAddress(source string) string {
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return plainText(source, nil)
		case html.StartTagToken:
			name, more := z.TagName()
			for string(name) == "a" && more {
				var k, v []byte
				k, v, more = z.TagAttr()
				if string(k) == "href" && webAddress(string(v)) {
					return string(v)
				}
			}
		}
	}
}
