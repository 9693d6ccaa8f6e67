package page

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"exeunt/internal/who"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestScore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		given signals
		hours int
		terms []term
	}{
		{"nothing known", signals{}, 0, nil},
		{"followed", signals{Followed: true}, 6, []term{termFollowed}},
		{"in a circle", signals{Circle: true}, 3, []term{termCircle}},
		{"fond of the author", signals{Fond: 2}, 4, []term{termFond}},
		{"very fond", signals{Fond: 300}, 6, []term{termFond}},
		{"talked of", signals{Likes: 3, Comments: 2}, 7, []term{termTalk}},
		{"much talked of", signals{Likes: 1_000_000, Comments: 1_000_000}, 24, []term{termTalk}},
		{"less of the author", signals{Less: 1}, -24, []term{termLess}},
		{"less of author, circle and a topic", signals{Less: 3, Followed: true}, -66, []term{termFollowed, termLess}},
		{"all", signals{Followed: true, Circle: true, Fond: 1, Likes: 1, Less: 1}, -12, []term{termFollowed, termCircle, termFond, termTalk, termLess}},
		{"one's own", signals{Own: true, Followed: true, Likes: 9, Less: 2}, 0, nil},
		{"counts that cannot be", signals{Likes: -4, Comments: -1, Fond: -2, Less: -1}, 0, nil},
	} {
		test.given.At = noon
		if got, want := test.given.score(), noon.Add(time.Duration(test.hours)*time.Hour).UnixMilli(); got != want {
			t.Errorf("%s: moved by %d h, want %d", test.name, (got-noon.UnixMilli())/3_600_000, test.hours)
		}
		var terms []term
		for _, m := range test.given.terms() {
			terms = append(terms, m.Term)
		}
		if !slices.Equal(terms, test.terms) {
			t.Errorf("%s: told %v, want %v", test.name, terms, test.terms)
		}
	}
}

// A page after another has what the first did not have, whatever the order was before.
func TestPageOf(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	var list []ranked
	for i := range 95 {
		list = append(list, ranked{Score: int64(rng.IntN(20)), ID: who.ID(i + 1), Index: i})
	}
	order(list)
	var all []who.ID
	var last ranked
	for {
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		order(list)
		page := pageOf(list, last.Score, last.ID, 10)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if last.ID != 0 && (r.Score > last.Score || r.Score == last.Score && r.ID >= last.ID) {
				t.Fatalf("%v after %v", r, last)
			}
			all, last = append(all, r.ID), r
		}
	}
	slices.Sort(all)
	if len(all) != 95 || len(slices.Compact(all)) != 95 {
		t.Errorf("%d posts on all pages", len(all))
	}
}
