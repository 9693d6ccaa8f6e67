package server_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// housekeeping are the tables that tell of journeys: they change by each.
var housekeeping = []string{"exit_runs", "exit_steps", "outside_entries", "reasons", "standings", "sessions", "jobs"}

// kept reads all of a person's rows but those that tell of journeys, and the bytes of all their files.
func (s *someone) kept(t *testing.T, columns []column) map[string]map[string]string {
	t.Helper()
	rows := s.rowsOf(t, columns)
	maps.DeleteFunc(rows, func(key string, _ map[string]string) bool {
		return slices.ContainsFunc(housekeeping, func(table string) bool { return bytes.HasPrefix([]byte(key), []byte(table+" ")) })
	})
	for _, id := range s.ids() {
		list, err := s.in.Blobs.List(t.Context(), blob.Prefix(id), "", 1000)
		must(t, err, "list blobs")
		for _, o := range list {
			rows["blob "+o.Key] = map[string]string{"bytes": string(readBlob(t, s.in, o.Key))}
		}
	}
	return rows
}

func wantSame(t *testing.T, when string, before, after map[string]map[string]string, but map[string]int) {
	t.Helper()
	if got := changes(before, after); !maps.Equal(got, but) {
		t.Errorf("%s, of %d rows and files these differ: %v, want %v", when, len(before), got, but)
	}
}

// TestComeBack closes one service, keeps the rest and comes back to it; then closes all and returns on the last day. What
// was kept is back byte for byte, and what had gone by then is what the plan said.
func TestComeBack(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ana, bo := twoLives(t, in)
		columns, err := schema(t.Context(), in.DB)
		must(t, err, "read schema")
		_, err = in.Blobs.Drain(t.Context(), 0)
		must(t, err, "drain blobs")
		before := ana.kept(t, columns)
		circles, all := leave.SubjectOf(ana.v.Account, "circle"), leave.SubjectOf(ana.v.Account, "")

		// One service, for five days of its cooling-off.
		closing := in.agree(t, exit.Ask{Subject: circles, Journey: exit.Close})
		in.travel(t, 5)
		ana.wantOpen(t, bo, true, false)
		in.agree(t, exit.Ask{Subject: circles, Journey: exit.Cancel, Run: closing.ID})
		in.settle(t)
		in.wantRun(t, closing.ID, exit.RunCancelled)
		ana.wantOpen(t, bo, true, true)
		wantSame(t, "after closing circles and coming back", before, ana.kept(t, columns), map[string]int{"+ notices": 2}) // of those who looked in

		// All of it, up to the last day: comments, likes, favourites have gone on the seventh, all else is kept.
		closing = in.agree(t, exit.Ask{Subject: all, Journey: exit.Close})
		in.travel(t, 27)
		ana.wantOpen(t, bo, false, false)
		in.wantState(t, "who has closed", ana.v.Account, who.Closed)
		in.agree(t, exit.Ask{Subject: all, Journey: exit.Return, Run: closing.ID})
		in.settle(t)
		in.wantRun(t, closing.ID, exit.RunReturned)
		in.wantState(t, "who has returned", ana.v.Account, who.Active)
		ana.wantOpen(t, bo, true, true)
		_, err = in.Blobs.Drain(t.Context(), 0)
		must(t, err, "drain blobs")
		got := ana.kept(t, columns)
		for key := range got {
			if old := before[key]; old == nil && !strings.HasPrefix(key, "notices ") {
				t.Errorf("%s is new", key)
			}
		}
		wantSame(t, "after returning on the last day", before, got, goneBySeven)
		in.travel(t, 60)
		wantSame(t, "two months later", got, ana.kept(t, columns), map[string]int{})
	})
}

// goneBySeven is what the default policy takes on the seventh day, and what that changes of what stays.
var goneBySeven = map[string]int{
	"- comments":     3,
	"- favourites":   2,
	"- likes":        2,
	"- mentions":     1, // in a comment
	"posts.comments": 1, // one of them stood below her own post
	"posts.hot":      1,

	// What was watched, what had not come whole, and what can be made again: of this film it cannot, for it is none.
	"- video_history": 1, "- uploads": 1, "- upload_pieces": 1, "- upload_items": 1, "- video_renditions": 1, "- video_frames": 1, "- blob": 3,
	"videos.media": 1, "videos.fault": 1, "videos.progress": 1,

	// Who looked in on her three times is told, the last day on which she may return, and that the film cannot be made again.
	"+ notices": 5,
	// What nobody looked at for two weeks is not kept as a proof.
	"proofs.material": 1, "proofs.photo": 1, "proofs.state": 1,
}

// wantOpen asks whether others see her page and follow her, and whether they can join her circle.
func (s *someone) wantOpen(t *testing.T, other *someone, page, circle bool) {
	t.Helper()
	_, err := s.in.Posts.One(t.Context(), other.v, s.pages[0])
	if (err == nil) != page || err != nil && exit.KindOf(err) != exit.NotFound {
		t.Errorf("her page is open: error %v, want %v", err, page)
	}
	passer := s.in.signUp(t, "passer"+string(s.rune))
	s.rune++
	err = s.in.Relations.Follow(t.Context(), passer, s.v.Account)
	if (err == nil) != page {
		t.Errorf("following her: error %v, want it let through: %v", err, page)
	}
	must(t, s.in.Relations.Unfollow(t.Context(), passer, s.v.Account), "unfollow")
	_, err = s.in.Circles.Join(t.Context(), passer, s.circle)
	if (err == nil) != circle {
		t.Errorf("joining her circle: error %v, want it let through: %v", err, circle)
	}
	if err == nil {
		must(t, s.in.Circles.Leave(t.Context(), passer, s.circle), "leave circle")
	}
}
