package post

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// mostMentions bounds the accounts that one text mentions; further names stay plain text.
const mostMentions = 50

var stored = regexp.MustCompile(`@\{([0-9]{1,19})\}`)

// unnamed is what stands for a mention of who is not there for the reader to see.
const unnamed = "@…"

var storedOrUnnamed = regexp.MustCompile(stored.String() + "|" + unnamed)

// typed gives the spans of a text that read as @name: an @ at the start of a word, then letters,
// digits, marks and underscores.
func typed(text string) [][2]int {
	var out [][2]int
	start, before := -1, rune(' ')
	for i, c := range text + " " {
		inName := unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.Is(unicode.M, c) || c == '_'
		if start >= 0 && !inName {
			if i > start+1 {
				out = append(out, [2]int{start, i})
			}
			start = -1
		}
		if c == '@' && !asciiWord(before) {
			start = i
		}
		before = c
	}
	return out
}

// asciiWord keeps addresses such as me@host from being mentions.
func asciiWord(c rune) bool {
	return c < 128 && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("._-+@/", c))
}

// Plain takes the form of a stored mention out of a text that somebody typed or brought along: it
// would name an account that nobody looked up.
func Plain(text string) string { return strings.ReplaceAll(text, "@{", "@ {") }

// Encode turns the @name of a text that somebody typed into @{id} and gives the accounts it mentions. Names that nobody has, of accounts
// that cannot be written to now, and of those that who types has blocked or is blocked by, stay as they were typed.
func (r *Room) Encode(ctx context.Context, by who.ID, text string) (string, []who.ID, error) {
	text = Plain(text)
	spans := typed(text)
	spans = spans[:min(len(spans), mostMentions)]
	keys := make([]string, 0, len(spans))
	for _, s := range spans {
		keys = append(keys, r.NameKey(text[s[0]+1:s[1]]))
	}
	found, err := r.store.named(ctx, by, keys)
	if err != nil || len(found) == 0 {
		return text, nil, err
	}
	var b strings.Builder
	var ids []who.ID
	at := 0
	for i, s := range spans {
		id, ok := found[keys[i]]
		if !ok {
			continue
		}
		b.WriteString(text[at:s[0]] + "@{" + id.String() + "}")
		at = s[1]
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	b.WriteString(text[at:])
	return b.String(), ids, nil
}

// Mentioned gives the accounts that stored texts mention.
func Mentioned(texts ...string) []who.ID {
	var out []who.ID
	for _, text := range texts {
		for _, m := range stored.FindAllStringSubmatch(text, -1) {
			if id, ok := who.ParseID(m[1]); ok && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// Mentions gives what pages show a viewer for the mentions of the texts, in at most one query. Who blocks the viewer, or is blocked, is not named.
func (r *Room) Mentions(ctx context.Context, viewer who.ID, texts ...string) (map[string]ui.Mention, error) {
	names, err := r.store.names(ctx, viewer, Mentioned(texts...))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	out := make(map[string]ui.Mention, len(names))
	for id, name := range names {
		out[id.String()] = ui.Mention{Name: name, Href: "/@" + name}
	}
	return out, nil
}

// Decode gives stored texts as one would have typed them: @name, "@…" for who is not there for the viewer to see (0: for everybody).
func (r *Room) Decode(ctx context.Context, viewer who.ID, texts ...string) ([]string, error) {
	names, err := r.store.names(ctx, viewer, Mentioned(texts...))
	if err != nil {
		return nil, err
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = stored.ReplaceAllStringFunc(text, func(m string) string {
			id, _ := who.ParseID(m[2 : len(m)-1])
			if name, ok := names[id]; ok {
				return "@" + name
			}
			return unnamed
		})
	}
	return out, nil
}

// Keep puts the mentions that the viewer could not read in a stored text ([Room.Decode]) back into what they made of it, as [Room.Encode] gives it. Each is found by what
// stands before it or behind it and was left as it was, or by its turn where there are as many as before. Of any other, "@…" stays.
func (r *Room) Keep(ctx context.Context, viewer who.ID, old, text string) (string, error) {
	if !strings.Contains(text, unnamed) {
		return text, nil
	}
	names, err := r.store.names(ctx, viewer, Mentioned(old))
	if err != nil {
		return "", err
	}
	var was []string // what each "@…" stood for
	shown := storedOrUnnamed.ReplaceAllStringFunc(old, func(m string) string {
		id, _ := who.ParseID(strings.Trim(m, "@{}"))
		if _, ok := names[id]; ok {
			return m
		}
		was = append(was, m)
		return unnamed
	})
	before, behind := alike(shown, text)
	parts := strings.Split(text, unnamed)
	n := len(parts) - 1
	var b strings.Builder
	for i, part := range parts[:n] {
		b.WriteString(part)
		first, last := i < before, n-i <= behind
		switch j := len(was) - n + i; {
		case n == len(was), first && (!last || was[i] == was[j]):
			b.WriteString(was[i])
		case last && !first:
			b.WriteString(was[j])
		default:
			b.WriteString(unnamed)
		}
	}
	b.WriteString(parts[n])
	return b.String(), nil
}

// keepUnnamed is [Room.Keep] with the text that a post has until the transaction ends.
func (r *Room) keepUnnamed(ctx context.Context, v who.Viewer, id who.ID, text string) (string, error) {
	old, err := r.store.lockText(ctx, id)
	if err != nil {
		return "", err
	}
	return r.Keep(ctx, v.Account, old, text)
}

// alike counts the "@…" in what two texts begin with alike, and in what they end with alike.
func alike(a, b string) (before, behind int) {
	most := min(len(a), len(b))
	i, j := 0, 0
	for i < most && a[i] == b[i] {
		i++
	}
	for j < most && a[len(a)-1-j] == b[len(b)-1-j] {
		j++
	}
	return strings.Count(a[:i], unnamed), strings.Count(a[len(a)-j:], unnamed)
}

// Excerpt gives the first 120 characters of a stored text on one line, without the ids of mentions.
func Excerpt(text string) string {
	text = strings.Join(strings.Fields(Anonymous(text)), " ")
	if r := []rune(text); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return text
}

// Anonymous gives a stored text without the ids of those it mentions.
func Anonymous(text string) string { return stored.ReplaceAllString(text, unnamed) }
