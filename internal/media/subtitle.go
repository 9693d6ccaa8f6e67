package media

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
)

const (
	mostSubtitle = 2_000_000 // bytes
	mostCues     = 50_000
	mostCue      = 4_000 // bytes of one cue's text
)

// timing matches the line that says when a cue is shown: of WebVTT (W3C WebVTT 4.1) and, with commas, of SubRip.
var timing = regexp.MustCompile(`^[ \t]*(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})[ \t]*-->[ \t]*(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})(?:[ \t]+(.*))?$`)

// setting matches one of the settings that may follow, by W3C WebVTT 4.4 without regions, which are left out.
var setting = regexp.MustCompile(`^(?:vertical:(?:rl|lr)|line:-?\d{1,4}(?:\.\d{1,4})?%?(?:,(?:start|center|end))?|position:\d{1,3}(?:\.\d{1,4})?%(?:,(?:line-left|center|line-right))?|size:\d{1,3}(?:\.\d{1,4})?%|align:(?:start|center|end|left|right))$`)

// cueTag matches what may stand between < and > in a cue (W3C WebVTT 4.2.2): a tag or a time.
var cueTag = regexp.MustCompile(`^(?:/(?:c|i|b|u|ruby|rt|v|lang)|(?:c|i|b|u|ruby|rt|v|lang)(?:\.[\pL\pN_-]+)*(?:[ \t][^<>&\n]*)?|(?:\d{2,4}:)?[0-5]\d:[0-5]\d\.\d{3})$`)

// entity matches a character reference that WebVTT knows, from its &.
var entity = regexp.MustCompile(`^&(?:amp|lt|gt|lrm|rlm|nbsp|#\d{1,7}|#x[0-9a-fA-F]{1,6});`)

// subRipPlace matches what SubRip files say of a text's place, {\an8}.
var subRipPlace = regexp.MustCompile(`\{\\[^{}\n]*\}`)

func subtitle(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, mostSubtitle+1))
	if err != nil {
		return nil, fmt.Errorf("read subtitles: %w", err)
	}
	if len(b) > mostSubtitle {
		return nil, exit.Fail(exit.Invalid, "media.error.subtitle_large", "MB", mostSubtitle/1_000_000)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, exit.Fail(exit.Invalid, "media.error.empty")
	}
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return nil, exit.Fail(exit.Invalid, "media.error.subtitle_text")
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b))
	blocks := strings.Split(text, "\n\n")
	head, _, _ := strings.Cut(blocks[0], "\n")
	webVTT := head == "WEBVTT" || strings.HasPrefix(head, "WEBVTT ") || strings.HasPrefix(head, "WEBVTT\t")
	out := []byte("WEBVTT\n")
	cues := 0
	for i, block := range blocks {
		if webVTT && i == 0 {
			// A first cue may follow the head without an empty line.
			_, block, _ = strings.Cut(block, "\n")
		}
		cue, ok := cleanCue(block, webVTT)
		if !ok {
			continue // notes, styles, regions, and what is no cue, are passed over as players pass over them
		}
		if cues++; cues > mostCues {
			return nil, exit.Fail(exit.Invalid, "media.error.subtitle_large", "MB", mostSubtitle/1_000_000)
		}
		out = append(out, cue...)
	}
	if cues == 0 {
		return nil, exit.Fail(exit.Invalid, "media.error.subtitle_type")
	}
	return out, nil
}

// cleanCue gives a cue as WebVTT with an empty line before it. Its name is left out: nothing refers to it.
func cleanCue(block string, webVTT bool) (string, bool) {
	lines := strings.Split(strings.Trim(block, "\n"), "\n")
	at := 0
	if len(lines) > 1 && !strings.Contains(lines[0], "-->") {
		at = 1
	}
	m := timing.FindStringSubmatch(lines[at])
	if m == nil {
		return "", false
	}
	start, end := cueTime(m[1:5]), cueTime(m[5:9])
	text := strings.Join(lines[at+1:], "\n")
	if end <= start || len(text) > mostCue {
		return "", false
	}
	if !webVTT {
		text = subRipPlace.ReplaceAllString(text, "")
	}
	if text = cleanText(text); text == "" {
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s --> %s", vttTime(start), vttTime(end))
	if webVTT {
		for _, s := range strings.Fields(m[9]) {
			if setting.MatchString(s) {
				b.WriteString(" " + s)
			}
		}
	}
	b.WriteString("\n" + text + "\n")
	return b.String(), true
}

// cueTime reads hours, which may be missing, minutes, seconds and the digits behind the point.
func cueTime(m []string) time.Duration {
	number := func(s string) time.Duration {
		n, _ := strconv.Atoi(s) // the pattern lets digits through alone, or nothing
		return time.Duration(n)
	}
	part := number((m[3] + "00")[:3])
	return number(m[0])*time.Hour + number(m[1])*time.Minute + number(m[2])*time.Second + part*time.Millisecond
}

func vttTime(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d", d/time.Hour, d/time.Minute%60, d/time.Second%60, d/time.Millisecond%1000)
}

// cleanText keeps text and WebVTT's own tags; other tags are dropped, other signs written so that they are text.
func cleanText(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "<>&")
		if i < 0 {
			i = len(s)
		}
		b.WriteString(strings.Map(printable, s[:i]))
		if s = s[i:]; s == "" {
			break
		}
		switch s[0] {
		case '<':
			inner, rest, closed := strings.Cut(s[1:], ">")
			if closed && !strings.Contains(inner, "<") {
				if cueTag.MatchString(inner) {
					b.WriteString("<" + strings.Map(printable, inner) + ">")
				}
				s = rest
				continue
			}
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		default:
			if e := entity.FindString(s); e != "" {
				b.WriteString(e)
				s = s[len(e):]
				continue
			}
			b.WriteString("&amp;")
		}
		s = s[1:]
	}
	// An empty line would end the cue.
	var lines []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// printable drops control characters; those that join letters of some scripts, or order them, stay.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return -1
	}
	return r
}
