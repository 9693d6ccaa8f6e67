package moderate

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// What a word in a list does.
const (
	Refuse = "refuse" // what has it is not taken
	Hold   = "hold"   // a post that has it waits for a yes; a comment is not taken
)

// Word is one entry of a word filter.
type Word struct {
	ID   who.ID
	Word string
	Does string
	key  string
}

// Look is one image that is not let through: what it looks like, see [post.Look].
type Look struct {
	ID   who.ID
	Look string
}

// Limits are what a place lets new members do. Zero Days: no limits.
type Limits struct {
	Days   int // how long one is new
	Posts  int // a day
	Links  bool
	Images bool
}

func (l Limits) valid() bool { return l.Days >= 0 && l.Days <= 90 && l.Posts >= 0 && l.Posts <= 100 }

func (l Limits) String() string {
	return fmt.Sprintf("%d %d %t %t", l.Days, l.Posts, l.Links, l.Images)
}

// parseLimits reads what [Limits.String] wrote.
func parseLimits(text string) (l Limits, err error) {
	if _, err := fmt.Sscanf(text, "%d %d %t %t", &l.Days, &l.Posts, &l.Links, &l.Images); err != nil {
		return l, fmt.Errorf("read limits: %w", err)
	}
	return l, nil
}

// fold gives a text as filters read it: compatibility forms, case and width folded, marks that cannot be seen taken out,
// whatever stands between letters a single space.
func fold(text string) string {
	var b strings.Builder
	gap := false
	for _, c := range cases.Fold().String(norm.NFKC.String(text)) {
		switch {
		case unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Mn, c):
		case unicode.IsLetter(c) || unicode.IsNumber(c):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(c)
		default:
			gap = true
		}
	}
	return b.String()
}

// spaced reports whether a folded word is of a script that puts spaces between words: then only whole words are found, and
// "class" is not caught for a part of it.
func spaced(key string) bool {
	for _, c := range key {
		if unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai) {
			return false
		}
	}
	return true
}

// has reports whether a folded text has a folded word. In scripts without spaces, what stands between the signs hides nothing.
func has(text, key string) bool {
	if spaced(key) {
		return strings.Contains(" "+text+" ", " "+key+" ")
	}
	return strings.Contains(strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(key, " ", ""))
}

// mayRule refuses who does not set the rules of a place: the operator everywhere, in a circle its staff.
func (r *Room) ruling(ctx context.Context, v who.Viewer, p Place, fn func(ctx context.Context, pass service.Pass) error) error {
	err := r.DB.Update(ctx, func(ctx context.Context) error {
		if err := r.may(ctx, v, p); err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.ID})
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
	r.forget(p)
	return err
}

// AddWord puts a word into a place's filter, or changes what it does.
func (r *Room) AddWord(ctx context.Context, v who.Viewer, p Place, word, does string) error {
	entry, err := r.entry(word, does)
	if err != nil {
		return err
	}
	return r.ruling(ctx, v, p, func(ctx context.Context, pass service.Pass) error {
		n, err := r.store.countWords(ctx, p)
		if err != nil {
			return err
		}
		if n >= mostWordList {
			return exit.Fail(exit.Conflict, "moderate.error.most_words", "Most", mostWordList)
		}
		if err := r.store.addWord(ctx, pass, p, entry); err != nil {
			return err
		}
		return r.act(ctx, pass, &Act{Kind: WordAdded, Place: p, By: v.Account, Words: entry.Word, Detail: does})
	})
}

// entry gives a word as a filter keeps it, or refuses it.
func (r *Room) entry(word, does string) (Word, error) {
	word = strings.Join(strings.Fields(word), " ")
	key := fold(word)
	switch {
	case key == "" || utf8.RuneCountInString(word) > longestWord || !utf8.ValidString(word) || strings.ContainsRune(word, 0):
		return Word{}, exit.Fail(exit.Invalid, "moderate.error.word", "Most", longestWord)
	case does != Refuse && does != Hold:
		return Word{}, exit.Fail(exit.Invalid, "moderate.error.does")
	}
	return Word{ID: r.DB.IDs.Next(), Word: word, Does: does, key: key}, nil
}

// RemoveWord takes a word out of a place's filter.
func (r *Room) RemoveWord(ctx context.Context, v who.Viewer, p Place, id who.ID) error {
	return r.ruling(ctx, v, p, func(ctx context.Context, pass service.Pass) error {
		w, err := r.store.removeWord(ctx, pass, p, `id = $3`, int64(id))
		if err != nil || w.ID == 0 {
			return err
		}
		return r.act(ctx, pass, &Act{Kind: WordGone, Place: p, By: v.Account, Words: w.Word, Detail: w.Does})
	})
}

// RemoveLook lets images like one through again.
func (r *Room) RemoveLook(ctx context.Context, v who.Viewer, p Place, id who.ID) error {
	return r.ruling(ctx, v, p, func(ctx context.Context, pass service.Pass) error {
		l, err := r.store.removeLook(ctx, pass, p, `id = $3`, int64(id))
		if err != nil || l.ID == 0 {
			return err
		}
		return r.act(ctx, pass, &Act{Kind: LookGone, Place: p, By: v.Account, Detail: l.Look})
	})
}

// blockLooks lets no image like those of a post through any more, where the post stood; for what the operator decides, everywhere.
func (r *Room) blockLooks(ctx context.Context, pass service.Pass, a Act) error {
	if a.Ref.Kind != kindPost {
		return nil
	}
	looks, err := r.store.looksOf(ctx, a.Ref.ID)
	if err != nil {
		return err
	}
	for _, look := range looks {
		if err := r.store.addLook(ctx, pass, a.Place, Look{ID: r.DB.IDs.Next(), Look: look}, mostLooks); err != nil {
			return err
		}
		if err := r.act(ctx, pass, &Act{Kind: LookAdded, Place: a.Place, By: a.By, Detail: look}); err != nil {
			return err
		}
	}
	r.forget(a.Place)
	return nil
}

// SetLimits sets what new members of a circle may do.
func (r *Room) SetLimits(ctx context.Context, v who.Viewer, p Place, l Limits) error {
	if !l.valid() {
		return exit.Fail(exit.Invalid, "moderate.error.limits")
	}
	return r.ruling(ctx, v, p, func(ctx context.Context, pass service.Pass) error {
		old, err := r.store.limits(ctx, p)
		if err != nil || old == l {
			return err
		}
		if err := r.store.setLimits(ctx, pass, p, l); err != nil {
			return err
		}
		return r.act(ctx, pass, &Act{Kind: LimitsTaken, Place: p, By: v.Account, Detail: old.String()})
	})
}

// reverseRule takes back what was done to the lists and limits of a place.
func (r *Room) reverseRule(ctx context.Context, pass service.Pass, a Act) error {
	defer r.forget(a.Place)
	switch a.Kind {
	case WordAdded:
		_, err := r.store.removeWord(ctx, pass, a.Place, `word_key = $3`, fold(a.Words))
		return err
	case WordGone:
		return r.store.addWord(ctx, pass, a.Place, Word{ID: r.DB.IDs.Next(), Word: a.Words, Does: a.Detail, key: fold(a.Words)})
	case LookAdded:
		_, err := r.store.removeLook(ctx, pass, a.Place, `look = $3`, a.Detail)
		return err
	case LookGone:
		return r.store.addLook(ctx, pass, a.Place, Look{ID: r.DB.IDs.Next(), Look: a.Detail}, mostLooks)
	case LimitsTaken:
		l, err := parseLimits(a.Detail)
		if err != nil {
			return err
		}
		return r.store.setLimits(ctx, pass, a.Place, l)
	}
	return exit.Fail(exit.Conflict, "moderate.error.late")
}

// Rules is what a place lets through.
type Rules struct {
	Words  []Word
	Looks  []Look
	Limits Limits
}

// Rules gives the words of a place, 1,000 at most, a page of its images from below the row before, and its limits; for who answers for it.
func (r *Room) Rules(ctx context.Context, v who.Viewer, p Place, before who.ID, limit int) (Rules, error) {
	var out Rules
	if err := r.may(ctx, v, p); err != nil {
		return out, err
	}
	var err error
	if out.Words, err = r.store.words(ctx, p, mostWordList); err != nil {
		return out, err
	}
	if out.Looks, err = r.store.looks(ctx, p, before, limit); err != nil {
		return out, err
	}
	out.Limits, err = r.store.limits(ctx, p)
	return out, err
}

// RulesOf gives the words, images and limits of circles, for the archives of those who own them.
func (r *Room) RulesOf(ctx context.Context, circles []who.ID) (map[who.ID]*Rules, error) {
	return r.store.rulesOf(ctx, circles)
}

// BringRules gives a circle that has just come back the words, images and limits that it had: that is no act of somebody who answers for it. What cannot
// stand in its lists, and what comes after they are full, is passed over.
func (r *Room) BringRules(ctx context.Context, pass service.Pass, p Place, had Rules) error {
	var in Rules
	for _, x := range had.Words[:min(len(had.Words), mostWordList)] {
		if w, err := r.entry(x.Word, x.Does); err == nil {
			in.Words = append(in.Words, w)
		}
	}
	for _, x := range had.Looks[:min(len(had.Looks), mostLooks)] {
		if _, ok := bitsOf(x.Look); ok {
			in.Looks = append(in.Looks, Look{ID: r.DB.IDs.Next(), Look: x.Look})
		}
	}
	if had.Limits.valid() {
		in.Limits = had.Limits
	}
	defer r.forget(p)
	return r.store.bringRules(ctx, pass, p, in)
}
