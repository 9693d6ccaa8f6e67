package ledger_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/ledger"
)

// sampleSunset is the end of a service on the calendar of 微信圈子, whose erasure was postponed once.
func sampleSunset() ledger.Certificate {
	c := ledger.Certificate{
		ID: "c-5e3f", Version: 1, Trial: true, Journey: "sunset", Policy: "sha256:1b2c", Plan: "sha256:5d6e", Zone: "Asia/Shanghai", Agreed: "2021-12-01",
		CoolingOffEnds: at("2022-01-27T16:00:01Z"), Sealed: at("2022-01-27T16:01:00Z"), Issued: at("2022-01-27T16:01:05Z"),
		AgedOut: ledger.AgedOut{WAL: "2022-01-29", Backups: "2022-02-28"},
		Exceptions: []ledger.Exception{
			{Holder: "leave", Class: "archives", Law: "the calendar that was published", Until: "2022-02-27", Reason: "kept for those who have not fetched theirs"},
		},
		Sunset: &ledger.Sunset{
			Notice: "wechat-circles", Ends: "circle",
			Versions: []ledger.SunsetVersion{
				{Version: 1, Published: at("2021-05-28T02:00:00Z"), File: "sha256:01"},
				{Version: 2, Published: at("2021-12-01T01:00:00Z"), File: "sha256:02", Reason: "归档还没有做完"},
			},
			Archives: ledger.SunsetArchives{Made: 1000, Fetched: 640, Unfetched: 360, Bytes: 123_456_789, KeptUntil: "2022-02-27"},
		},
	}
	phase := func(word, first, last, real string) {
		c.Sunset.Phases = append(c.Sunset.Phases, ledger.SunsetPhase{Word: word, First: at(first), Last: at(last), Real: at(real)})
	}
	phase(exit.Announced, "2021-05-27T16:00:00Z", "2021-05-27T16:00:00Z", "2021-05-28T02:00:00Z")
	phase(exit.ReadOnly, "2021-06-27T16:00:00Z", "2021-06-27T16:00:00Z", "2021-06-27T16:00:00Z")
	phase(exit.Stopped, "2021-12-27T16:00:00Z", "2021-12-27T16:00:00Z", "2021-12-27T16:00:02Z")
	phase(exit.Erased, "2022-01-20T16:00:00Z", "2022-01-27T16:00:00Z", "2022-01-27T16:00:00Z")
	for i, class := range []string{"members", "circles"} {
		step := "erase:circle." + class
		c.Promises = append(c.Promises, ledger.Promise{Step: step, Act: "erase", Holder: "circle", Class: class, Manner: ledger.Erase, Due: "2022-01-27"})
		c.Receipts = append(c.Receipts, ledger.Entry{
			Receipt: ledger.Receipt{
				Step: step, Act: "erase", Holder: "circle", Class: class, Manner: ledger.Erase, Due: "2022-01-27",
				Done: at("2022-01-27T16:00:10Z").Add(time.Duration(i) * time.Second), Items: 1200, Bytes: 34_000,
			},
			Salt: seededSalt(7),
		})
	}
	return c
}

func sunsetFile(t *testing.T) ([]byte, *ledger.Log) {
	t.Helper()
	l := ledger.NewLog(&ledger.Memory{}, testKey(t))
	data, err := l.Certify(t.Context(), logged(t, l, sampleSunset()))
	must(t, err)
	return data, l
}

func TestSunsetGolden(t *testing.T) {
	data, _ := sunsetFile(t)
	golden(t, "sunset.certificate", data)
	report, err := ledger.Verify(data, testKey(t).Verifier())
	must(t, err)
	if len(report.Findings) != 0 || len(report.Kept) != 1 {
		t.Errorf("findings %v, kept %v", report.Findings, report.Kept)
	}
	text, err := json.MarshalIndent(report, "", "  ")
	must(t, err)
	golden(t, "sunset.report.json", append(text, '\n'))
}

// TestEveryFieldOfASunsetIsBound changes each field of the sunset in turn: the true signature fits none of them.
func TestEveryFieldOfASunsetIsBound(t *testing.T) {
	data, _ := sunsetFile(t)
	r, err := ledger.Verify(data, "")
	must(t, err)
	x := &changer{T: t, data: data, cert: &r.Certificate}
	x.walk(".sunset", reflect.ValueOf(r.Certificate.Sunset).Elem())
	if x.tried < 31 {
		t.Errorf("only %d fields were changed", x.tried)
	}
}

// TestSunsetRefused has certificates that contradict themselves, and that nobody can sign whatever key they have.
func TestSunsetRefused(t *testing.T) {
	l := ledger.NewLog(&ledger.Memory{}, testKey(t))
	c := logged(t, l, sampleSunset())
	data, err := l.Certify(t.Context(), c)
	must(t, err)
	valid, err := ledger.Verify(data, "")
	must(t, err)
	for name, x := range map[string]struct {
		want   error
		change func(*ledger.Certificate)
	}{
		"of a closing":        {ledger.ErrFormat, func(c *ledger.Certificate) { c.Journey = "close" }},
		"without its part":    {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset = nil }},
		"a person's name":     {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Notice = "王小明" }},
		"ends nothing":        {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Ends = "" }},
		"never published":     {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Versions = nil }},
		"version left out":    {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Versions = c.Sunset.Versions[1:] }},
		"versions disordered": {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Versions[1].Published = at("2021-05-01T00:00:00Z") }},
		"no file":             {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Versions[0].File = "" }},
		"escape in a reason":  {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Versions[1].Reason = "\x1b[2J" }},
		"no stop":             {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases = slices.Delete(c.Sunset.Phases, 2, 3) }},
		"no erasure":          {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases = c.Sunset.Phases[:3] }},
		"unknown phase":       {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases[1].Word = "paused" }},
		"phase twice":         {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases[1].Word = exit.Announced }},
		"phases disordered":   {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases[1].Last = at("2021-05-01T00:00:00Z") }},
		"began disordered":    {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases[2].Real = at("2021-06-01T00:00:00Z") }},
		"began never":         {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases[1].Real = time.Time{} }},
		"began after seal":    {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Phases[3].Real = at("2022-02-01T00:00:00Z") }},
		"more fetched":        {ledger.ErrSums, func(c *ledger.Certificate) { c.Sunset.Archives.Fetched = 1001 }},
		"not all told":        {ledger.ErrSums, func(c *ledger.Certificate) { c.Sunset.Archives.Unfetched = 0 }},
		"fewer given up":      {ledger.ErrSums, func(c *ledger.Certificate) { c.Sunset.Archives.Skipped = -1 }},
		"escape in override":  {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Override = "\x1b[2J" }},
		"fewer than none":     {ledger.ErrSums, func(c *ledger.Certificate) { c.Sunset.Archives.Bytes = -1 }},
		"kept for ever":       {ledger.ErrFormat, func(c *ledger.Certificate) { c.Sunset.Archives.KeptUntil = "" }},
		"too many versions": {ledger.ErrTooLarge, func(c *ledger.Certificate) {
			c.Sunset.Versions = make([]ledger.SunsetVersion, ledger.MaxVersions+1)
		}},
	} {
		if _, err := l.Certify(t.Context(), changed(c, x.change)); !errors.Is(err, x.want) {
			t.Errorf("%s: Certify gives %v, want %v", name, err, x.want)
		}
		if _, err := ledger.Verify(resign(t, changed(valid.Certificate, x.change)), ""); !errors.Is(err, x.want) {
			t.Errorf("%s: signed by hand, Verify gives %v, want %v", name, err, x.want)
		}
	}
	if _, err := l.Certify(t.Context(), c); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

// changed gives a certificate with a sunset of its own that can be changed.
func changed(c ledger.Certificate, change func(*ledger.Certificate)) ledger.Certificate {
	s := *c.Sunset
	s.Versions, s.Phases = slices.Clone(s.Versions), slices.Clone(s.Phases)
	c.Sunset = &s
	c.Receipts = slices.Clone(c.Receipts)
	change(&c)
	return c
}

// TestSunsetFindings has certificates that admit by their own dates what was not done as it was published.
func TestSunsetFindings(t *testing.T) {
	for name, x := range map[string]struct {
		want   ledger.Finding
		change func(*ledger.Certificate)
	}{
		"date moved earlier": {ledger.Finding{Code: ledger.MovedEarlier, Step: "phase:stopped"}, func(c *ledger.Certificate) { c.Sunset.Phases[2].First = at("2022-01-01T00:00:00Z") }},
		"began too early":    {ledger.Finding{Code: ledger.Early, Step: "phase:read-only"}, func(c *ledger.Certificate) { c.Sunset.Phases[1].Real = at("2021-06-27T15:59:59Z") }},
		"began too late":     {ledger.Finding{Code: ledger.Late, Step: "phase:read-only"}, func(c *ledger.Certificate) { c.Sunset.Phases[1].Real = at("2021-07-01T00:00:00Z") }},
		"erased too early": {ledger.Finding{Code: ledger.BeforeErasure, Step: "erase:circle.members"}, func(c *ledger.Certificate) {
			c.CoolingOffEnds = at("2022-01-27T15:59:58Z")
			c.Receipts[0].Receipt.Done = at("2022-01-27T15:59:59Z")
		}},
	} {
		l := ledger.NewLog(&ledger.Memory{}, testKey(t))
		data, err := l.Certify(t.Context(), logged(t, l, changed(sampleSunset(), x.change)))
		must(t, err)
		r, err := ledger.Verify(data, "")
		if err != nil || len(r.Findings) != 1 || r.Findings[0] != x.want {
			t.Errorf("%s: findings %v (%v), want %v", name, r.Findings, err, x.want)
		}
	}
}

// TestSunsetStaysInItsNextVersion extends the certificate: what it says of the sunset is what was agreed, and cannot change.
func TestSunsetStaysInItsNextVersion(t *testing.T) {
	data, l := sunsetFile(t)
	r, err := ledger.Verify(data, "")
	must(t, err)
	next := r.Certificate
	next.Version, next.Extends, next.Issued = 2, r.File, next.Issued.AddDate(0, 0, 1)
	good, err := l.Certify(t.Context(), next)
	must(t, err)
	if _, err := ledger.VerifyExtension(data, good, ""); err != nil {
		t.Errorf("the next version: %v", err)
	}
	bad, err := l.Certify(t.Context(), changed(next, func(c *ledger.Certificate) { c.Sunset.Archives.Fetched, c.Sunset.Archives.Unfetched = 1000, 0 }))
	must(t, err)
	if _, err := ledger.VerifyExtension(data, bad, ""); !errors.Is(err, ledger.ErrPromise) {
		t.Errorf("a version that says otherwise of the sunset: %v, want ErrPromise", err)
	}
}
