package ui

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

//go:embed locales
var localeFiles embed.FS

// tongue is one language made ready: sentences without placeholders are looked
// up in plain, all others go through the localizer.
type tongue struct {
	plain     map[string]string
	localizer *i18n.Localizer
}

var tongues = loadTongues()

func loadTongues() map[Lang]*tongue {
	bundle := i18n.NewBundle(language.SimplifiedChinese)
	all := make(map[Lang]*tongue, len(Langs()))
	for _, lang := range Langs() {
		t := &tongue{plain: map[string]string{}}
		dir := path.Join("locales", lang.folder())
		entries, err := fs.ReadDir(localeFiles, dir)
		if err != nil {
			panic(fmt.Sprintf("ui: read %s: %v", dir, err))
		}
		for _, e := range entries {
			messages, err := readMessages(path.Join(dir, e.Name()))
			if err != nil {
				// The files are part of the binary: a broken one must never ship.
				panic("ui: " + err.Error())
			}
			for _, m := range messages {
				if m.One == "" && !strings.Contains(m.Other, "{{") {
					t.plain[m.ID] = m.Other
				}
			}
			bundle.MustAddMessages(language.MustParse(string(lang)), messages...)
		}
		t.localizer = i18n.NewLocalizer(bundle, string(lang))
		all[lang] = t
	}
	return all
}

func readMessages(name string) ([]*i18n.Message, error) {
	b, err := localeFiles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read sentences: %w", err)
	}
	messages, err := i18n.ParseMessageBytes(b, json.Unmarshal)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	return messages, nil
}

// T returns the sentence named key in the reader's language. args are pairs of
// a placeholder's name and its value: T(ctx, "post.likes", "Count", 3). The
// value named Count also chooses the English plural; whole numbers are written
// with thousands separators. An unknown key returns the key itself, which
// words_test.go makes a failure before it can ship.
func T(ctx context.Context, key string, args ...any) string {
	return readerFrom(ctx).Lang.T(key, args...)
}

// T is the sentence named key in the language l; see the function T.
func (l Lang) T(key string, args ...any) string {
	t := tongues[l]
	if t == nil {
		t = tongues[Chinese]
	}
	if s, ok := t.plain[key]; ok {
		return s
	}
	data := make(map[string]string, len(args)/2)
	config := i18n.LocalizeConfig{MessageID: key, TemplateData: data, TemplateParser: braces{}}
	for i := 0; i+1 < len(args); i += 2 {
		name, _ := args[i].(string)
		data[name] = argument(args[i+1])
		if name == "Count" {
			config.PluralCount = pluralCount(args[i+1])
		}
	}
	s, err := t.localizer.Localize(&config)
	if err != nil && s == "" {
		return key
	}
	return s
}

func pluralCount(v any) any {
	switch n := v.(type) {
	case uint, uint32, uint64:
		return fmt.Sprint(n)
	}
	return v
}

func argument(v any) string {
	switch n := v.(type) {
	case string:
		return n
	case int:
		return Number(int64(n))
	case int64:
		return Number(n)
	case uint64:
		return strconv.FormatUint(n, 10)
	}
	return fmt.Sprint(v)
}

// Sentence returns what a person reads for an error: the sentence named key
// with its arguments, or, when there is none of that name, the general sentence
// that something failed, so that a missing word never shows a key.
func Sentence(ctx context.Context, key string, args ...any) string {
	if key != "" {
		if s := T(ctx, key, args...); s != key {
			return s
		}
	}
	return T(ctx, "ui.error.internal")
}

// Keys declares a set of computed keys, prefix+name for each name, and returns
// them by name. It is how code uses keys that it does not spell out: the test
// of sentences reads these calls (literals only) and counts each key as used.
//
//	var manner = ui.Keys("leave.manner.", "erase", "detach", "hold")
//	ui.T(ctx, manner[step.Manner])
func Keys(prefix string, names ...string) map[string]string {
	m := make(map[string]string, len(names))
	for _, n := range names {
		m[n] = prefix + n
	}
	return m
}

// HasKey reports whether the sentence named key exists.
func HasKey(key string) bool {
	t := tongues[Chinese]
	if _, ok := t.plain[key]; ok {
		return true
	}
	s, err := t.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateParser: braces{}})
	return err == nil && s != ""
}

// braces is the template language of the sentences: {{.Name}} and nothing else.
// It keeps text/template, with its function calls, away from translated files.
type braces struct{}

// Cacheable implements template.Parser: what is parsed depends on the text alone.
func (braces) Cacheable() bool { return true }

// Parse implements template.Parser.
func (braces) Parse(src, _, _ string) (template.ParsedTemplate, error) {
	var p bracesText
	for {
		before, rest, found := strings.Cut(src, "{{.")
		p = append(p, before)
		if !found {
			return p, nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		if !closed || name == "" {
			return nil, fmt.Errorf("parse sentence: placeholder not closed in %q", src)
		}
		p = append(p, name)
		src = after
	}
}

// bracesText alternates text (even) and names of placeholders (odd).
type bracesText []string

// Execute implements template.ParsedTemplate.
func (p bracesText) Execute(data any) (string, error) {
	values, _ := data.(map[string]string)
	var b strings.Builder
	for i, s := range p {
		if i%2 == 1 {
			s = values[s]
		}
		b.WriteString(s)
	}
	return b.String(), nil
}
