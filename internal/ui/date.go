package ui

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Date writes the day of t in zone as people write it: 2026年12月28日 or
// 28 December 2026.
func Date(lang Lang, t time.Time, zone *time.Location) string {
	t = t.In(zone)
	if lang == English {
		return t.Format("2 January 2006")
	}
	return t.Format("2006年1月2日")
}

// DateTime writes day and minute of t in zone.
func DateTime(lang Lang, t time.Time, zone *time.Location) string {
	return Date(lang, t, zone) + " " + t.In(zone).Format("15:04")
}

// EndTime writes day and minute of a t at which something that was promised for a day ended: the first
// minute after midnight is 24:00 of that day (ISO 8601-1/Amd 1:2022), not 00:00 of the next.
func EndTime(lang Lang, t time.Time, zone *time.Location) string {
	if at := t.In(zone); at.Hour() == 0 && at.Minute() == 0 {
		return Date(lang, at.AddDate(0, 0, -1), zone) + " 24:00"
	}
	return DateTime(lang, t, zone)
}

// MonthDay writes the day of t in zone without its year: 12月28日 or 28 December.
func MonthDay(lang Lang, t time.Time, zone *time.Location) string {
	t = t.In(zone)
	if lang == English {
		return t.Format("2 January")
	}
	return t.Format("1月2日")
}

var weekdays = []string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// Weekday writes the short name of the day of the week of t in zone.
func Weekday(lang Lang, t time.Time, zone *time.Location) string {
	t = t.In(zone)
	if lang == English {
		return t.Format("Mon")
	}
	return weekdays[t.Weekday()]
}

// Moment writes how long ago t was, when that is less than a week, and its date
// otherwise; a time ahead of now is always written as date and minute.
func Moment(lang Lang, now, t time.Time, zone *time.Location) string {
	ago := now.Sub(t)
	switch {
	case ago < 0:
		return DateTime(lang, t, zone)
	case ago < time.Minute:
		return lang.T("ui.time.now")
	case ago < time.Hour:
		return lang.T("ui.time.minutes", "Count", int(ago/time.Minute))
	case ago < 24*time.Hour:
		return lang.T("ui.time.hours", "Count", int(ago/time.Hour))
	case ago < 7*24*time.Hour:
		return lang.T("ui.time.days", "Count", int(ago/(24*time.Hour)))
	case t.In(zone).Year() == now.In(zone).Year():
		return MonthDay(lang, t, zone)
	}
	return Date(lang, t, zone)
}

// DateIn writes the day of t for the reader of ctx.
func DateIn(ctx context.Context, t time.Time) string {
	r := readerFrom(ctx)
	return Date(r.Lang, t, r.Zone)
}

// DateTimeIn writes day and minute of t for the reader of ctx.
func DateTimeIn(ctx context.Context, t time.Time) string {
	r := readerFrom(ctx)
	return DateTime(r.Lang, t, r.Zone)
}

// EndTimeIn is [EndTime] for the reader of ctx.
func EndTimeIn(ctx context.Context, t time.Time) string {
	r := readerFrom(ctx)
	return EndTime(r.Lang, t, r.Zone)
}

// Number writes n with a comma between thousands.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	if len(s) <= 3 {
		return sign + s
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Bytes writes a size with its unit (IEC 80000-13: 1 KiB is 1024 bytes), one
// decimal below ten.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, u := float64(n), -1
	for v >= 1024 && u < len(units)-1 {
		v /= 1024
		u++
	}
	decimals := 0
	if v < 10 {
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + units[u:u+1] + "iB"
}
