package relation_test

import (
	"testing"

	"exeunt/internal/notify"
)

// TestFollowTells asks that a follow is told once, and not any more when it is over.
func TestFollowTells(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.relations.Notices = notify.New(notify.Config{DB: h.d, Desk: h.desk, Registry: h.registry})
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		want := func(when string, want int) {
			t.Helper()
			if got, err := h.relations.Notices.Unread(t.Context(), mira.Account); err != nil || got != want {
				t.Errorf("%s: %d notices, want %d (%v)", when, got, want, err)
			}
		}
		for range 2 {
			if err := h.relations.Follow(t.Context(), jo, mira.Account); err != nil {
				t.Fatal(err)
			}
			want("followed", 1)
		}
		if err := h.relations.Unfollow(t.Context(), jo, mira.Account); err != nil {
			t.Fatal(err)
		}
		want("followed no more", 0)
	})
}
