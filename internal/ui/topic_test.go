package ui_test

import (
	"strings"
	"testing"

	"exeunt/internal/ui"
)

// TestTopicsAreSetAlike has a topic that leads nowhere yet be set as one that does: the browser puts no gap beside it.
func TestTopicsAreSetAlike(t *testing.T) {
	t.Parallel()
	for name, mentions := range map[string]map[string]ui.Mention{"linked": {"#walks": {Href: "/topics/1"}}, "not linked yet": nil} {
		var b strings.Builder
		if err := ui.RichText("周末#walks 去不去", mentions).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if before, rest, ok := strings.Cut(b.String(), "#walks"); !ok || !strings.Contains(before[strings.LastIndex(before, "<"):], `class="mention"`) || !strings.HasPrefix(rest, "</") {
			t.Errorf("%s: %s", name, b.String())
		}
	}
}
