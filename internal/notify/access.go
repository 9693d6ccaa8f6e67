package notify

import (
	"strings"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// shows says whether a notice is shown: its thing may still be seen, where the kind asks for one.
func shows(k rule, t service.Thing, registered bool) bool {
	return !k.thing || !registered || t.See
}

// cleanAnnouncement gives the text as it is stored, or refuses it.
func cleanAnnouncement(a Announcement) (string, error) {
	text := strings.TrimSpace(strings.ReplaceAll(a.Text, "\r\n", "\n"))
	switch {
	case text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", exit.Fail(exit.Invalid, "notify.error.announcement_empty")
	case utf8.RuneCountInString(text) > longestAnnouncement:
		return "", exit.Fail(exit.Invalid, "notify.error.announcement_long", "Most", longestAnnouncement)
	case a.Link != "" && ui.LocalPath(a.Link) != a.Link:
		return "", exit.Fail(exit.Invalid, "notify.error.announcement_link")
	}
	return text, nil
}
