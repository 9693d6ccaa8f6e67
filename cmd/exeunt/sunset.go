package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/media"
	"exeunt/internal/server"
	"exeunt/internal/sunset"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

type sunsetCmd struct {
	Check    sunsetCheckCmd    `cmd:"" help:"Look at a calendar: mistakes, rules, whom it concerns, how long exporting takes."`
	Rehearse sunsetRehearseCmd `cmd:"" help:"Carry a calendar out on a copy of the install in compressed time, and report."`
	Publish  sunsetPublishCmd  `cmd:"" help:"Publish a calendar, or postpone the one of its name."`
	Withdraw sunsetWithdrawCmd `cmd:"" help:"Take a sunset back: everything opens again."`
	Status   sunsetStatusCmd   `cmd:"" help:"Show all sunsets, or how far one has come."`
}

// mostCalendar is more than a calendar's file may have: the parser says how much that is.
const mostCalendar = 1 << 20

// calendarFile is the argument that names a calendar's file.
type calendarFile struct {
	File string `arg:"" type:"existingfile" help:"The calendar: a YAML file."`
}

// read gives the file and what it says. What is wrong with it is printed line by line.
func (c calendarFile) read(a *app) ([]byte, *exit.SunsetCalendar, error) {
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, fmt.Errorf("read calendar: %w", err)
	}
	src, err := io.ReadAll(io.LimitReader(f, mostCalendar))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, fmt.Errorf("read calendar: %w", err)
	}
	cal, err := exit.ParseSunset(src)
	var wrong exit.PolicyErrors
	if !errors.As(err, &wrong) {
		return src, cal, err
	}
	type mistake struct {
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Path    string `json:"path"`
		Message string `json:"message"`
	}
	var list []mistake
	var text strings.Builder
	for _, x := range wrong {
		list = append(list, mistake{x.Line, x.Column, x.Path, x.Message})
		fmt.Fprintf(&text, "%s:%s\n", c.File, x.Error())
	}
	if err := a.print(map[string]any{"ok": false, "mistakes": list}, "%s", text.String()); err != nil {
		return nil, nil, err
	}
	return nil, nil, exit.Fail(exit.Invalid, "error.sunset", "n", len(wrong), "first", wrong[0].Error())
}

// asOf reads a day in the calendar's zone; the zero time is now.
func asOf(text string, cal *exit.SunsetCalendar) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := exit.ParseDate(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("read --as-of: %w", err)
	}
	return d.Start(cal.Zone), nil
}

// mostPicture is more than a picture may have: the notice says how much that is.
const mostPicture = 64 << 20

// picture reads the notice's picture from beside the calendar; nil if it names none.
func (c calendarFile) picture(a *app, cal *exit.SunsetCalendar) ([]byte, error) {
	if cal.Picture == "" {
		return nil, nil
	}
	beside, err := os.OpenRoot(filepath.Dir(c.File))
	if err != nil {
		return nil, fmt.Errorf("read the calendar's picture: %w", err)
	}
	f, err := beside.Open(cal.Picture)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the calendar's picture: %w", err), beside.Close())
	}
	b, err := io.ReadAll(io.LimitReader(f, mostPicture))
	if err = errors.Join(err, f.Close(), beside.Close()); err != nil {
		return nil, fmt.Errorf("read the calendar's picture: %w", err)
	}
	if _, err := media.Image(a.ctx, bytes.NewReader(b), media.Limits{}); err != nil { // before anything is published
		return nil, err
	}
	return b, nil
}

type sunsetCheckCmd struct {
	place
	calendarFile
	AsOf string `help:"As if it were that day." placeholder:"DATE"`
}

// errRefused makes the exit status tell that publishing would be refused.
func errRefused() error { return errors.New(language().T("sunset_report.refused")) }

// finding is a broken rule as check prints it.
type finding struct {
	Rule     string    `json:"rule"`
	Profile  string    `json:"profile,omitempty"`
	Severity string    `json:"severity"`
	Text     string    `json:"text"`
	Source   string    `json:"source"`
	Propose  exit.Date `json:"propose,omitzero"`
}

// dated is a phase as check prints it.
type dated struct {
	Word    string    `json:"word"`
	At      time.Time `json:"at"`
	Allowed []string  `json:"allowed"`
}

func (c *sunsetCheckCmd) Run(a *app) error {
	src, cal, err := c.read(a)
	if err != nil {
		return err
	}
	at, err := asOf(c.AsOf, cal)
	if err != nil {
		return err
	}
	return a.with(c.place, func(h *server.House) error {
		x, err := h.Sunset().Check(a.ctx, src, at)
		if err != nil {
			return err
		}
		out := map[string]any{"ok": x.Refused == nil, "name": cal.Name, "ends": cal.Ends.String(), "late_requests": cal.Late, "forecast": x.Forecast}
		var phases []dated
		for _, p := range cal.Phases {
			phases = append(phases, dated{p.Word, p.At, cal.Allowed(p.Word)})
		}
		found := []finding{}
		for _, f := range x.Findings {
			found = append(found, finding{f.Rule, f.Profile, f.Severity, said(sunset.FindingKey(f), f.Args), f.Source, f.Propose})
		}
		out["phases"], out["findings"] = phases, found
		if x.Plan != nil {
			out["plan"] = x.Plan.Hash()
		}
		if x.Refused != nil {
			out["refused"] = sentence(x.Refused)
		}
		if err := a.print(out, "%s", checkText(x, found)); err != nil || x.Refused == nil {
			return err
		}
		return errRefused()
	})
}

// said gives a sentence with its arguments by name.
func said(key string, args map[string]any) string {
	var list []any
	for k, v := range args {
		list = append(list, k, v)
	}
	return language().T(key, list...)
}

// sentence gives what an error says to a person.
func sentence(err error) string {
	var e *exit.Error
	if errors.As(err, &e) && ui.HasKey(e.Key) {
		return said(e.Key, e.Args)
	}
	return err.Error()
}

func checkText(x sunset.Checked, found []finding) string {
	cal, lang := x.Calendar, language()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (%s)\n", cal.Name, cal.Ends, cal.Zone)
	for _, p := range cal.Phases {
		fmt.Fprintf(&b, "  %s  %-12s %s\n", clockTime(p.At, cal.Zone), p.Word, strings.Join(cal.Allowed(p.Word), " "))
	}
	fmt.Fprintf(&b, "  %s  late_requests\n", clockTime(cal.Late, cal.Zone))
	for _, f := range found {
		profile := ""
		if f.Profile != "" {
			profile = " " + f.Profile
		}
		fmt.Fprintf(&b, "%s %s%s: %s [%s]\n", lang.T(sunset.SeverityKey(exit.Finding{Severity: f.Severity})), f.Rule, profile, f.Text, f.Source)
	}
	if len(found) == 0 {
		fmt.Fprintln(&b, lang.T("sunset_forecast.rule_none"))
	}
	b.WriteString(forecastText(x.Forecast, cal.Zone))
	if x.Refused != nil {
		fmt.Fprintln(&b, lang.T("sunset_forecast.refused", "Why", sentence(x.Refused)))
	} else {
		fmt.Fprintln(&b, lang.T("sunset_forecast.fine"))
	}
	return b.String()
}

func clockTime(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "                "
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

func forecastText(f sunset.Forecast, zone *time.Location) string {
	lang := language()
	var b strings.Builder
	args := []any{"Accounts", f.Accounts, "Archives", f.Archives, "Bytes", ui.Bytes(f.Bytes)}
	if f.Exact {
		fmt.Fprintln(&b, lang.T("sunset_forecast.counted", args...))
	} else {
		fmt.Fprintln(&b, lang.T("sunset_forecast.estimated", args...))
	}
	for _, x := range f.Amounts {
		fmt.Fprintf(&b, "  %-24s %8d %12s\n", x.Class, x.Items, ui.Bytes(x.Bytes))
	}
	if f.PerSecond == 0 {
		fmt.Fprintln(&b, lang.T("sunset_forecast.no_rate"))
		return b.String()
	}
	fmt.Fprintln(&b, lang.T("sunset_forecast.rate", "Takes", roughly(f.Takes), "Rate", fmt.Sprintf("%.1f", f.PerSecond), "Bytes", ui.Bytes(int64(f.BytesPerSecond)),
		"Measured", f.Measured, "Ends", clockTime(f.Ends, zone)))
	if f.Short {
		fmt.Fprintln(&b, lang.T("sunset_forecast.short", "Stop", clockTime(f.Stop, zone), "Date", f.Propose))
	}
	return b.String()
}

// roughly gives a length of time to the second, or a short one to the millisecond.
func roughly(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

type sunsetRehearseCmd struct {
	place
	calendarFile
	AsOf    string `help:"The day on which the copy's clock begins; without it, today's." placeholder:"DATE"`
	Folder  string `help:"Where the copy is made: a folder with room for database and media." type:"existingdir" placeholder:"DIR"`
	Scratch string `help:"PostgreSQL: an empty database for the copy; without it one is made and dropped." placeholder:"URL"`
}

// errRehearsal makes the exit status tell that a rehearsal did not go as the calendar says.
func errRehearsal() error { return errors.New(language().T("sunset_report.astray")) }

func (c *sunsetRehearseCmd) Run(a *app) error {
	src, cal, err := c.read(a)
	if err != nil {
		return err
	}
	at, err := asOf(c.AsOf, cal)
	if err != nil {
		return err
	}
	return a.with(c.place, func(h *server.House) error {
		x, err := h.RehearseSunset(a.ctx, src, server.RehearseOptions{AsOf: at, Folder: c.Folder, Scratch: c.Scratch}, pause)
		if err != nil {
			return err
		}
		out := struct {
			OK bool `json:"ok"`
			server.Rehearsal
		}{x.Fine(), x}
		if err := a.print(out, "%s", rehearsalText(x, cal.Zone)); err != nil || out.OK {
			return err
		}
		return errRehearsal()
	})
}

func rehearsalText(x server.Rehearsal, zone *time.Location) string {
	lang := language()
	var b strings.Builder
	b.WriteString(forecastText(x.Forecast, zone))
	for _, p := range x.Phases {
		fmt.Fprintf(&b, "%s  %-12s %s\n", clockTime(p.At, zone), p.Word, lang.T("sunset_report.phase", "Archives", p.Archives, "Failed", p.Failed, "Took", roughly(p.Took)))
		if p.Before != nil {
			probeText(&b, *p.Before, zone)
		}
		probeText(&b, p.After, zone)
	}
	for _, s := range x.Erased {
		fmt.Fprintf(&b, "  %-32s %s\n", s.Key, lang.T("sunset_report.erased", "Items", s.Items, "Bytes", ui.Bytes(s.Bytes)))
	}
	for _, s := range x.Open {
		why := s.Problem
		if ui.HasKey(why) {
			why = lang.T(why)
		}
		fmt.Fprintln(&b, lang.T("sunset_report.not_ended", "Step", s.Key, "State", lang.T(stepWords[string(s.State)]), "Why", why))
	}
	for _, l := range x.Left {
		fmt.Fprintln(&b, lang.T("sunset_report.left", "Class", l.Class, "Items", l.Items))
	}
	fmt.Fprintln(&b, lang.T("sunset_report.archives", "Made", x.Archives, "Bytes", ui.Bytes(x.Bytes), "Failed", x.Failed, "Stuck", x.Stuck))
	sealed, certified := lang.T("sunset_report.unsealed"), lang.T("sunset_report.uncertified")
	if x.Sealed {
		sealed = lang.T("sunset_report.sealed")
	}
	if x.Certificate {
		certified = lang.T("sunset_report.certified", "Findings", x.Findings)
	}
	fmt.Fprintf(&b, "%s\n%s\n%s\n", sealed, certified, lang.T("sunset_report.took", "Took", roughly(x.Took)))
	return b.String()
}

func probeText(b *strings.Builder, p sunset.Probe, zone *time.Location) {
	lang := language()
	said := lang.T("sunset_report.nothing")
	if len(p.Allowed) > 0 {
		said = lang.T("sunset_report.allowed", "What", strings.Join(p.Allowed, " "))
	}
	if !p.Agrees {
		said += "  " + lang.T("sunset_report.disagrees")
	}
	fmt.Fprintf(b, "  %s  %s\n", p.At.In(zone).Format("2006-01-02 15:04:05"), said)
}

// Words for states, by what they are called in JSON.
var (
	sunsetWords = ui.Keys("sunset_operator.state.", "open", "withdrawn", "ended")
	runWords    = ui.Keys("sunset_report.run.", "open", "running", "sealed", "cancelled")
	stepWords   = ui.Keys("sunset_report.step.", "waiting", "running", "stuck")
)

type sunsetPublishCmd struct {
	place
	calendarFile
	Why  string `help:"Why its dates have changed; the notice shows it." placeholder:"TEXT"`
	Plan string `help:"The hash of the plan that was checked; another plan is a conflict." placeholder:"HASH"`
}

func (c *sunsetPublishCmd) Run(a *app) error {
	src, cal, err := c.read(a)
	if err != nil {
		return err
	}
	picture, err := c.picture(a, cal)
	if err != nil {
		return err
	}
	return a.with(c.place, func(h *server.House) error {
		hash := c.Plan
		if hash == "" {
			_, plan, err := h.Sunset().Preview(a.ctx, src)
			if err != nil {
				return err
			}
			hash = plan.Hash()
		}
		s, err := h.Sunset().Publish(a.ctx, src, hash, c.Why)
		if err != nil {
			return err
		}
		if picture != nil {
			if err := h.Sunset().SetPicture(a.ctx, s.Name, bytes.NewReader(picture)); err != nil {
				return fmt.Errorf("put the picture on the notice, which is published: %w", err)
			}
		}
		v := map[string]any{"name": s.Name, "version": s.Version, "run": s.Run, "plan": hash, "ends": cal.Ends.String(), "stopped": cal.At(exit.Stopped)}
		return a.print(v, "%s, version %d: run %s\nplan %s\n", s.Name, s.Version, s.Run, hash)
	})
}

type sunsetWithdrawCmd struct {
	place
	Name string `arg:"" help:"The calendar's name."`
}

func (c *sunsetWithdrawCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		if err := h.Sunset().Withdraw(a.ctx, c.Name); err != nil {
			return err
		}
		s, err := h.Sunset().Named(a.ctx, c.Name)
		if err != nil {
			return err
		}
		return a.print(map[string]any{"name": s.Name, "state": s.State}, "%s: %s\n", s.Name, language().T(sunsetWords[s.State]))
	})
}

type sunsetStatusCmd struct {
	place
	Name string `arg:"" optional:"" help:"The calendar's name; without it, all."`
}

// sunsetLine is a sunset as the list shows it.
type sunsetLine struct {
	Name    string    `json:"name"`
	Ends    string    `json:"ends"`
	State   string    `json:"state"`
	Version int       `json:"version"`
	Stopped time.Time `json:"stopped"`
	Run     string    `json:"run"`
}

func (c *sunsetStatusCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		if c.Name != "" {
			return c.one(a, h)
		}
		out := []sunsetLine{}
		var text strings.Builder
		for before := who.ID(0); ; {
			list, err := h.Sunset().Page(a.ctx, before, 100)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return a.print(map[string]any{"sunsets": out}, "%s", text.String())
			}
			for _, s := range list {
				before, out = s.ID, append(out, lineOf(s))
				fmt.Fprintf(&text, "%s  %-24s %-12s %s\n", clockTime(s.Calendar.At(exit.Stopped), s.Calendar.Zone), s.Name, s.Calendar.Ends, language().T(sunsetWords[s.State]))
			}
		}
	})
}

func lineOf(s sunset.Sunset) sunsetLine {
	return sunsetLine{s.Name, s.Calendar.Ends.String(), s.State, s.Version, s.Calendar.At(exit.Stopped), s.Run}
}

// archiveStatus is how far the archives are, as status prints it.
type archiveStatus struct {
	Made      int64     `json:"made"`
	Bytes     int64     `json:"bytes"`
	Fetched   int64     `json:"fetched"`
	Packing   int64     `json:"packing"`
	Failed    int64     `json:"failed"`
	Waiting   int64     `json:"waiting"`
	NotAsked  int64     `json:"not_asked"`
	Skipped   int64     `json:"skipped"`
	Leavers   int64     `json:"leavers"`
	Exact     bool      `json:"exact"`
	PerSecond float64   `json:"per_second"`
	Expected  time.Time `json:"expected,omitzero"`
	Extend    int       `json:"extend_by_days"`
}

func (c *sunsetStatusCmd) one(a *app, h *server.House) error {
	s, err := h.Sunset().Status(a.ctx, c.Name)
	if err != nil {
		return err
	}
	out := struct {
		sunsetLine
		Word     string                 `json:"phase"`
		RunState exit.RunState          `json:"run_state"`
		Phases   []sunset.PhaseStatus   `json:"phases"`
		Versions []sunset.VersionStatus `json:"versions"`
		Archives archiveStatus          `json:"archives"`
		Forecast *sunset.Forecast       `json:"forecast,omitempty"`
	}{
		sunsetLine: lineOf(s.Sunset), Word: s.Word, RunState: s.Run, Phases: s.Phases, Versions: s.Versions,
		Archives: archiveStatus{s.Made, s.Bytes, s.Fetched, s.Packing, s.Failed, s.Waiting, s.NotAsked, s.Skipped, s.Leavers, s.Exact, s.PerSecond, s.Expected, s.Extend},
	}
	text := statusText(s)
	if s.Run == exit.RunOpen && s.PerSecond == 0 && s.Left() > 0 {
		f, err := h.Sunset().Forecast(a.ctx, s.Sunset.Calendar)
		if err != nil {
			return err
		}
		out.Forecast = &f
		text += forecastText(f, s.Sunset.Calendar.Zone)
	}
	return a.print(out, "%s", text)
}

func statusText(s sunset.Status) string {
	lang, zone := language(), s.Sunset.Calendar.Zone
	var b strings.Builder
	fmt.Fprintln(&b, lang.T("sunset_report.head", "Name", s.Sunset.Name, "Ends", s.Sunset.Calendar.Ends.String(), "State", lang.T(sunsetWords[s.Sunset.State]), "Version", s.Sunset.Version,
		"Run", s.Sunset.Run, "RunState", lang.T(runWords[string(s.Run)])))
	for _, p := range s.Phases {
		now := " "
		if p.Word == s.Word {
			now = "*"
		}
		fmt.Fprintf(&b, "%s %-12s %s  %s  %s\n", now, p.Word, clockTime(p.First, zone), clockTime(p.Due, zone), clockTime(p.Done, zone))
	}
	for _, v := range s.Versions {
		fmt.Fprintf(&b, "  %s\n", lang.T("sunset_report.version", "Version", v.Version, "Date", clockTime(v.Published, zone), "Why", v.Why))
	}
	fmt.Fprintln(&b, lang.T("sunset_forecast.archives", "Made", s.Made, "Bytes", ui.Bytes(s.Bytes), "Fetched", s.Fetched, "Packing", s.Packing-s.Failed,
		"Waiting", s.Waiting, "NotAsked", s.NotAsked, "Failed", s.Failed, "Skipped", s.Skipped, "Leavers", s.Leavers))
	if !s.Expected.IsZero() {
		fmt.Fprintln(&b, lang.T("sunset_forecast.expected", "Rate", fmt.Sprintf("%.2f", s.PerSecond), "Date", clockTime(s.Expected, zone)))
	}
	if s.Extend > 0 {
		fmt.Fprintln(&b, lang.T("sunset_forecast.extend", "Days", s.Extend))
	}
	if s.Failed > 0 {
		fmt.Fprintln(&b, lang.T("sunset_forecast.failed"))
	}
	return b.String()
}
