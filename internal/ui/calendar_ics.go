package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// CalendarICS writes v as an iCalendar file (RFC 5545): one all-day event for
// each dated row that is not cancelled, its day as written in v.Zone, times in
// UTC. Rows with a key are updated by revision, one that is cancelled too, and
// those of an instant begin at it. It names nobody.
func CalendarICS(v CalendarView, lang Lang) string {
	var b strings.Builder
	icsLine(&b, "BEGIN:VCALENDAR")
	icsLine(&b, "VERSION:2.0")
	icsLine(&b, "PRODID:-//Exeunt//Calendar of a plan//"+strings.ToUpper(lang.folder()))
	icsLine(&b, "CALSCALE:GREGORIAN")
	icsLine(&b, "METHOD:PUBLISH")
	if v.Title != "" {
		icsLine(&b, "X-WR-CALNAME:"+icsEscape(v.Title))
	}
	for i := range v.Rows {
		r := &v.Rows[i]
		if r.Waits != "" || r.Date.IsZero() || r.State == CalendarCancelled && r.Key == "" {
			continue
		}
		icsLine(&b, "BEGIN:VEVENT")
		v.icsWhich(&b, i)
		icsLine(&b, "DTSTAMP:"+v.Today.UTC().Format("20060102T150405Z"))
		v.icsWhen(&b, r)
		icsLine(&b, "SUMMARY:"+icsEscape(r.Sentence))
		if lines := r.lines(lang, v.zone()); len(lines) > 0 {
			texts := make([]string, len(lines))
			for j, l := range lines {
				texts[j] = l.text
			}
			icsLine(&b, "DESCRIPTION:"+icsEscape(strings.Join(texts, "\n")))
		}
		if v.Link != "" {
			icsLine(&b, "URL:"+v.Link)
		}
		icsLine(&b, "TRANSP:TRANSPARENT")
		icsLine(&b, "END:VEVENT")
	}
	icsLine(&b, "END:VCALENDAR")
	return b.String()
}

// icsWhich says which entry a row is, and how new.
func (v *CalendarView) icsWhich(b *strings.Builder, i int) {
	r := &v.Rows[i]
	if r.Key == "" {
		icsLine(b, "UID:"+icsUID(v.ID, i, r.Sentence))
		return
	}
	icsLine(b, "UID:"+icsUID(v.ID, 0, r.Key))
	icsLine(b, fmt.Sprintf("SEQUENCE:%d", v.Revision))
	if r.State == CalendarCancelled {
		icsLine(b, "STATUS:CANCELLED")
	}
}

// icsWhen writes a row's day, or its instant.
func (v *CalendarView) icsWhen(b *strings.Builder, r *CalendarRow) {
	if r.Timed {
		icsLine(b, "DTSTART:"+r.Date.UTC().Format("20060102T150405Z"))
		return
	}
	day := r.Date.In(v.zone())
	icsLine(b, "DTSTART;VALUE=DATE:"+day.Format("20060102"))
	icsLine(b, "DTEND;VALUE=DATE:"+day.AddDate(0, 0, 1).Format("20060102"))
}

// icsUID stays the same for a row of a plan, so that a second download renews
// the entries instead of doubling them.
func icsUID(id string, i int, sentence string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\n%d\n%s", id, i, sentence)))
	return hex.EncodeToString(sum[:12]) + "@exeunt.invalid"
}

var icsEscaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", "")

func icsEscape(s string) string { return icsEscaper.Replace(s) }

// icsLine writes a content line, folded at 75 octets without cutting a character.
func icsLine(b *strings.Builder, s string) {
	const limit = 75
	room := limit
	for len(s) > room {
		cut := room
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut] + "\r\n ")
		s, room = s[cut:], limit-1
	}
	b.WriteString(s + "\r\n")
}
