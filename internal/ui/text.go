package ui

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Mention is a person named in a text, by the id in "@{id}", or a topic, by "#" and
// its key (see [TopicKey]); the caller resolves them in one call for the whole page.
type Mention struct {
	Name string // shown after the @
	Href string
}

// spanKind says what a piece of text is.
type spanKind int

const (
	spanText spanKind = iota
	spanBreak
	spanLink
	spanMention
	spanTopic
)

type span struct {
	kind spanKind
	text string
	href string
}

// longestLinkShown is how many characters of an address are shown.
const longestLinkShown = 40

// spans cuts a stored text into plain text, line breaks, http(s) links and
// mentions. Nothing in it is taken as markup.
func spans(text string, mentions map[string]Mention) []span {
	var out []span
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if i > 0 {
			out = append(out, span{kind: spanBreak})
		}
		out = lineSpans(out, line, mentions)
	}
	return out
}

func lineSpans(out []span, line string, mentions map[string]Mention) []span {
	plain := 0
	flush := func(to int) {
		if to > plain {
			out = append(out, span{kind: spanText, text: line[plain:to]})
		}
	}
	for i := 0; i < len(line); {
		rest := line[i:]
		if strings.HasPrefix(rest, "https://") || strings.HasPrefix(rest, "http://") {
			if n, href := linkAt(rest); n > 0 {
				flush(i)
				out = append(out, span{kind: spanLink, text: shortLink(rest[:n]), href: href})
				i += n
				plain = i
				continue
			}
		}
		if strings.HasPrefix(rest, "@{") {
			if id, _, ok := strings.Cut(rest[2:], "}"); ok && len(id) <= 40 {
				flush(i)
				out = append(out, mentionSpan(id, mentions))
				i += len(id) + 3
				plain = i
				continue
			}
		}
		c, n := utf8.DecodeRuneInString(rest)
		if c == '#' && !joins(line[:i]) {
			if name, length := hashtagAt(rest); length > 0 {
				flush(i)
				out = append(out, span{kind: spanTopic, text: rest[:length], href: mentions["#"+TopicKey(name)].Href})
				i += length
				plain = i
				continue
			}
		}
		i += n
	}
	flush(len(line))
	return out
}

func mentionSpan(id string, mentions map[string]Mention) span {
	m, ok := mentions[id]
	if !ok {
		return span{kind: spanMention}
	}
	return span{kind: spanMention, text: m.Name, href: m.Href}
}

// LongestTopic bounds the name of a topic, in characters.
const LongestTopic = 30

// joins reports whether a # after the text belongs to what stands before it: a word or an address.
func joins(before string) bool {
	c, _ := utf8.DecodeLastRuneInString(before)
	return before != "" && c < 128 && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-+@/&#", c))
}

// hashtagAt returns the name of the topic at the start of s, which begins with #, and how many bytes
// it takes with # and, where it is written on both sides, the second #. 0 if there is none.
func hashtagAt(s string) (string, int) {
	end, letters, count := len(s), false, 0
	for i, c := range s[1:] {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.Is(unicode.M, c) && c != '_' {
			end = i + 1
			break
		}
		letters = letters || unicode.IsLetter(c)
		count++
	}
	if !letters || count > LongestTopic {
		return "", 0
	}
	name := s[1:end]
	if strings.HasPrefix(s[end:], "#") {
		end++
	}
	return name, end
}

// Hashtags returns the names of the topics that a text has inline: "#" and letters, digits or
// underscores, at the start of a word.
func Hashtags(text string) []string {
	var out []string
	for _, s := range spans(text, nil) {
		if s.kind == spanTopic {
			out = append(out, strings.Trim(s.text, "#"))
		}
	}
	return out
}

// TopicKey returns what tells topics apart: their name without regard to case and width.
func TopicKey(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

// linkAt returns the length of the address at the start of s and its target, or
// 0. Punctuation that ends a sentence is not part of it, nor are 汉字.
func linkAt(s string) (int, string) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r < 0x21 || r > 0x7e || strings.ContainsRune(`<>"'{}|\^`+"`", r)
	})
	if end < 0 {
		end = len(s)
	}
	link := strings.TrimRight(s[:end], ".,;:!?")
	if strings.HasSuffix(link, ")") && strings.Count(link, ")") > strings.Count(link, "(") {
		link = link[:len(link)-1]
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.User != nil {
		return 0, ""
	}
	return len(link), u.String()
}

func shortLink(link string) string {
	_, s, _ := strings.Cut(link, "://")
	s = strings.TrimSuffix(s, "/")
	if len(s) > longestLinkShown {
		return s[:longestLinkShown-1] + "…"
	}
	return s
}

// initial is the character shown where a person has no picture.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		return "·"
	}
	return strings.ToUpper(string(r))
}
