package leave_test

import (
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/leave"
)

// TestScopes asks for parts of an account in forms that the fence does not know: what is closed under such a name would be
// frozen under none.
func TestScopes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.signUp("scopeone")
		for _, in := range []string{"circle:", "circle:x", "circle:007", "circle:0", "circle:-7", "circle:7:8", "nothing", "nothing:7", ":7", "circle:" + strings.Repeat("7", 1<<16)} {
			for _, j := range []exit.Journey{exit.Close, exit.Hibernate, exit.TakeAlong} {
				_, err := h.Engine.Preview(t.Context(), exit.Ask{Subject: leave.SubjectOf(p.Account, in), Journey: j})
				if exit.KindOf(err) != exit.Invalid {
					t.Errorf("%s of %.20q: error %v, want Invalid", j, in, err)
				}
			}
		}
		if _, err := h.Engine.Preview(t.Context(), exit.Ask{Subject: leave.SubjectOf(p.Account, "circle:7"), Journey: exit.Close}); err != nil {
			t.Errorf("close of a circle: %v", err)
		}
	})
}
