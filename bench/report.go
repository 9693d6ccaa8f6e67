package main

import (
	"fmt"
	"os"
	"strings"
)

// verdict says whether an aim was met.
type verdict string

// The verdicts.
const (
	met    verdict = "yes"
	missed verdict = "**missed**"
	noAim  verdict = "–" // printed beside what has one, or measured at a part of the size
)

// row is one measured number.
type row struct {
	what, where, got, aim string
	verdict               verdict
}

// report is what a benchmark found.
type report struct {
	name, title  string
	surroundings string
	rows         []row
	notes        []string
	profiles     []profile
	scaled       bool // the data was smaller than the aims are for
}

// profile is where the time went where an aim was missed.
type profile struct{ of, top string }

// add puts down a number with its aim; "" is none.
func (r *report) add(what, where, got, aim string, ok bool) {
	v := noAim
	switch {
	case aim == "" || r.scaled:
	case ok:
		v = met
	default:
		v = missed
	}
	r.rows = append(r.rows, row{what, where, got, aim, v})
}

// beside puts down a number that stands beside others.
func (r *report) beside(what, where, got string) { r.add(what, where, got, "", true) }

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// missedIn reports whether an aim was missed on a database.
func (r *report) missedIn(where string) bool {
	for _, x := range r.rows {
		if x.where == where && x.verdict == missed {
			return true
		}
	}
	return false
}

// markdown gives the report as a section's text, without its heading.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.surroundings)
	fmt.Fprintln(&b, "| measured | on | result | aim | met |")
	fmt.Fprintln(&b, "|---|---|---|---|---|")
	for _, x := range r.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", x.what, x.where, x.got, x.aim, x.verdict)
	}
	for _, n := range r.notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	for _, p := range r.profiles {
		fmt.Fprintf(&b, "\nWhere the time goes, %s:\n\n```text\n%s\n```\n", p.of, strings.TrimRight(p.top, "\n"))
	}
	return b.String()
}

// writeInto replaces the report's part of a document: what stands between its two marks, which are
// added with a heading at the end where they are missing.
func (r *report) writeInto(file string) error {
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("read document: %w", err)
	}
	begin, end := "<!-- measured: "+r.name+" -->\n", "<!-- end: "+r.name+" -->\n"
	text := string(old)
	if !strings.Contains(text, begin) {
		text += "\n## " + r.title + "\n\n" + begin + end
	}
	before, rest, _ := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !closed {
		return fmt.Errorf("%s: %q has no %q", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	if err := os.WriteFile(file, []byte(before+begin+r.markdown()+end+after), 0o644); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	return nil
}
