package channel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/internal/post"
	"exeunt/internal/who"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestRank(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		given candidate
		hours int
		terms []term
	}{
		{"nothing known", candidate{}, 0, nil},
		{"followed", candidate{Followed: true}, 12, []term{termFollowed}},
		{"a friend likes it", candidate{Friends: 1}, 12, []term{termFriends}},
		{"many friends like it", candidate{Friends: 40}, 36, []term{termFriends}},
		{"of liked topics", candidate{Fond: 2}, 6, []term{termTopics}},
		{"of much liked topics", candidate{Fond: 200}, 24, []term{termTopics}},
		{"ten likes", candidate{Likes: 10}, 10, []term{termTalk}},
		{"twenty likes, ten comments", candidate{Likes: 20, Comments: 10}, 17, []term{termTalk}},
		{"a hundred points", candidate{Likes: 100}, 32, []term{termTalk}},
		{"a thousand points", candidate{Comments: 500}, 77, []term{termTalk}},
		{"a million likes", candidate{Likes: 1_000_000}, 77, []term{termTalk}},
		{"less of the channel and a topic", candidate{Less: 2, Followed: true}, -132, []term{termFollowed, termLess}},
		{"counts that cannot be", candidate{Likes: -4, Comments: -1, Fond: -2, Less: -1, Friends: -1}, 0, nil},
	} {
		test.given.At = noon
		if got, want := test.given.rank(), noon.Add(time.Duration(test.hours)*time.Hour).UnixMilli(); got != want {
			t.Errorf("%s: moved by %d h, want %d", test.name, (got-noon.UnixMilli())/3_600_000, test.hours)
		}
		var terms []term
		for _, m := range test.given.terms() {
			terms = append(terms, m.Term)
		}
		if !slices.Equal(terms, test.terms) {
			t.Errorf("%s: told by %v, want %v", test.name, terms, test.terms)
		}
	}
}

// TestTalkGrows wants that a like more never moves a video down, and that heat is rank's term talk.
func TestTalkGrows(t *testing.T) {
	t.Parallel()
	before := 0
	for likes := range 1200 {
		hours := talkHours(likes, 0)
		if hours < before || hours > before+1 {
			t.Fatalf("%d likes are worth %d h, one less %d h", likes, hours, before)
		}
		before = hours
		if got := Heat(noon, likes, 0); got != noon.Unix()+int64(hours)*3600 {
			t.Fatalf("the heat of %d likes is %d", likes, got)
		}
	}
}

// looks gives the look of a video whose every moment is the same.
func looks(bits uint64) string { return strings.Repeat(fmt.Sprintf("%016x", bits), 6) }

// ids gives the videos of a list.
func ids(list []candidate) (out []who.ID) {
	for _, c := range list {
		out = append(out, c.ID)
	}
	return out
}

func TestDeal(t *testing.T) {
	t.Parallel()
	video := func(id, owner who.ID, hours int, topics ...who.ID) candidate {
		return candidate{ID: id, Owner: owner, At: noon.Add(time.Duration(hours) * time.Hour), Topics: topics}
	}
	look := func(c candidate, look string) candidate { c.Look = look; return c }
	for _, test := range []struct {
		name  string
		list  []candidate
		shown []who.ID
		want  []who.ID
	}{
		{"nothing", nil, nil, nil},
		{"the best first", []candidate{video(1, 1, 1), video(2, 2, 3), video(3, 3, 2)}, nil, []who.ID{2, 3, 1}},
		{"of two alike the newer one", []candidate{video(1, 1, 1), video(2, 2, 1)}, nil, []who.ID{2, 1}},
		{"no channel twice in a row", []candidate{video(1, 1, 9), video(2, 1, 8), video(3, 1, 7), video(4, 2, 1), video(5, 3, 0)}, nil, []who.ID{1, 4, 2, 5, 3}},
		{"no topic twice in a row", []candidate{video(1, 1, 9, 7), video(2, 2, 8, 6, 7), video(3, 3, 1)}, nil, []who.ID{1, 3, 2}},
		{"a topic again before a channel again", []candidate{video(1, 1, 9, 7), video(2, 1, 8, 7), video(3, 2, 1, 7)}, nil, []who.ID{1, 3, 2}},
		{"one channel is all there is", []candidate{video(1, 1, 9), video(2, 1, 8)}, nil, []who.ID{1, 2}},
		{"what looks the same once", []candidate{look(video(1, 1, 9), looks(0xff)), look(video(2, 2, 8), looks(0xfe)), video(3, 3, 7)}, nil, []who.ID{1, 3}},
		{"what looks as one that was shown", []candidate{look(video(1, 1, 1), looks(0xff)), look(video(2, 2, 8), looks(0xfe)), video(3, 3, 7)}, []who.ID{1}, []who.ID{3}},
		{"not the channel that was shown last", []candidate{video(1, 1, 9), video(2, 2, 8), video(3, 1, 7), video(4, 3, 1)}, []who.ID{2, 1}, []who.ID{4, 3}},
		{"shown, and gone since", []candidate{video(2, 2, 8)}, []who.ID{1}, []who.ID{2}},
	} {
		if got := ids(deal(test.list, test.shown, 10)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestDealPages deals random lists page by page: together the pages have each video once but for those that look like another, and they are
// what one long page would have.
func TestDealPages(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(4, 2))
	for range 200 {
		var list []candidate
		plain := 0
		for i := range random.IntN(60) {
			c := candidate{ID: who.ID(i + 1), Owner: who.ID(random.IntN(5)), At: noon.Add(-time.Duration(random.IntN(300)) * time.Hour), Likes: random.IntN(50), Topics: []who.ID{who.ID(random.IntN(6))}}
			if random.IntN(4) == 0 {
				c.Look = looks(uint64(1+random.IntN(4)) * 0x1111111111111111)
			}
			list = append(list, c)
		}
		distinct := map[string]bool{}
		for _, c := range list {
			if c.Look == "" {
				plain++
			}
			distinct[c.Look] = true
		}
		delete(distinct, "")
		var shown []who.ID
		for {
			page := ids(deal(list, shown, 7))
			shown = append(shown, page...)
			if len(page) < 7 {
				break
			}
		}
		if want := plain + len(distinct); len(shown) != want {
			t.Fatalf("%d videos were dealt, want %d", len(shown), want)
		}
		if whole := ids(deal(list, nil, 100)); !slices.Equal(shown, whole) {
			t.Fatalf("pages have %v, one list %v", shown, whole)
		}
		if slices.Sort(shown); len(slices.Compact(slices.Clone(shown))) != len(shown) {
			t.Fatalf("a video was dealt twice: %v", shown)
		}
	}
}

// TestPlace reads back what addresses say, and takes what nobody wrote for the top.
func TestPlace(t *testing.T) {
	t.Parallel()
	p := place{Now: 1_800_000_000_000, Mark: 77, Shown: []uint32{0, 1, 0xffffff, sum(12345)}}
	got := parsePlace(p.String())
	if got.Now != p.Now || got.Mark != p.Mark || !slices.Equal(got.Shown, p.Shown) {
		t.Errorf("got %+v, want %+v", got, p)
	}
	p = place{Below: post.Cursor{At: 5, ID: 7}, Shown: p.Shown}
	if got := parsePlace(p.String()); got.Below != p.Below || !slices.Equal(got.Shown, p.Shown) {
		t.Errorf("got %+v, want %+v", got, p)
	}
	for _, s := range []string{"", "r", "5-7.a", "x.AAAA", "r1.2", "r1.2.a", "rx.2.AAAA", "r-1.2.AAAA", "r1.0.AAAA", "r1.2.A?AA", "top"} {
		if got := parsePlace(s).String(); got != (place{}).String() {
			t.Errorf("%q is read as %s", s, got)
		}
	}
}
