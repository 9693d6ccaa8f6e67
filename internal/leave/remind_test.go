package leave_test

import (
	"testing"
	"time"
)

// wantTold fails unless the account has so many notices unread.
func (h *house) wantTold(p person, want int, when string) {
	h.t.Helper()
	h.must(h.Remind(h.t.Context()))
	if got, err := h.Notices.Unread(h.t.Context(), p.Account); err != nil || got != want {
		h.t.Errorf("%s: %d notices, want %d (%v)", when, got, want, err)
	}
}

// TestRemind asks that who is closing is told once, three days before the last day to return ends, and not who has come back.
func TestRemind(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lu, an, stays := h.signUp("lu_an"), h.signUp("an_ran"), h.signUp("stays")
		for _, p := range []person{lu, an} {
			h.close(p, "")
		}
		// Agreed on Monday, 2 March, 09:00 in Shanghai: one can return until the end of 30 March.
		h.travel(25*day + 14*time.Hour)
		h.wantTold(lu, 0, "an hour too early")
		h.post(an, 303, "/exit/return", h.formOf(h.get(an, 200, "/exit"), "/exit/return"))
		h.travel(2 * time.Hour)
		h.wantTold(lu, 1, "three days before")
		h.wantTold(lu, 1, "a sweep later")
		h.wantTold(an, 0, "who has returned")
		h.wantTold(stays, 0, "who stays")
		h.must(h.Notices.ReadAll(t.Context(), h.viewer(lu)))
		h.travel(day)
		h.wantTold(lu, 0, "a day later, read")
		h.travel(10 * day)
		h.must(h.Remind(t.Context()))
		now, err := h.DB.Now(t.Context())
		h.must(err)
		list, next, err := h.LastDays(t.Context(), now, now.Add(3*day), "", 10)
		if err != nil || len(list) > 0 || next != "" {
			t.Errorf("when it is over: %v, %q, %v", list, next, err)
		}
	})
}

// TestArchiveReady asks that an archive that is done is told once.
func TestArchiveReady(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lu := h.signUp("lu_an")
		h.post(lu, 303, "/exit/take-along", h.formOf(h.get(lu, 200, "/exit/take-along"), "/exit/take-along"))
		h.wantTold(lu, 0, "before it is made")
		h.settle()
		h.wantTold(lu, 1, "when it is made")
	})
}
