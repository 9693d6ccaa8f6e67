package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exeunt/internal/dbtest"
)

// circlesFile is the ending of WeChat Circles.
var circlesFile = filepath.Join("..", "..", "policies", "wechat-circles-sunset.yaml")

// TestSunsetCommands runs every command about sunsets, on a trial install that begins on the day of the notice of WeChat Circles.
func TestSunsetCommands(t *testing.T) {
	t.Setenv("LC_ALL", "en_GB.UTF-8")
	dbtest.EachAddress(t, func(t *testing.T, database string) {
		d := desk{t: t, data: t.TempDir()}
		d.where = []string{"--data", d.data}
		if strings.HasPrefix(database, "postgres") {
			d.where = append(d.where, "--database", database)
		}
		_, stop := d.serve("--trial", "--begin", "2021-05-28")
		stop()
		d.checked()
		d.refusedSunsets()
		d.rehearsed()
		d.published()
	})
}

// calendar writes a calendar's file, changed from that of WeChat Circles.
func (d desk) calendar(name string, changes ...string) string {
	d.t.Helper()
	src, err := os.ReadFile(circlesFile)
	if err != nil {
		d.t.Fatal(err)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(string(src), changes[i]) {
			d.t.Fatalf("the calendar has no %q", changes[i])
		}
	}
	file := filepath.Join(d.data, name+".yaml")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(changes...).Replace(string(src))), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return file
}

// picture draws one into the folder of the calendars.
func (d desk) picture(name string) {
	d.t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 32))); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.data, name), b.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// checked looks at the calendar before it is published.
func (d desk) checked() {
	d.t.Helper()
	v := d.must("sunset", "check", circlesFile)
	if v["ok"] != true || v["name"] != "wechat-circles" || len(v["phases"].([]any)) != 5 {
		d.t.Errorf("check gave %v", v)
	}
	found := v["findings"].([]any)
	if len(found) != 1 {
		d.t.Fatalf("check found %v", found)
	}
	if f := found[0].(map[string]any); f["rule"] != "SU-03" || f["severity"] != "advice" || f["source"] == "" || !strings.HasPrefix(f["text"].(string), "Nobody is named") {
		d.t.Errorf("check found %v", f)
	}
	f := v["forecast"].(map[string]any)
	if f["accounts"].(float64) < 1 || f["archives"].(float64) <= f["accounts"].(float64) || f["archives_per_second"].(float64) <= 0 || f["exact"] != true || f["short"] != false {
		d.t.Errorf("the forecast of an install with circles is %v", f)
	}
	out, errs, code := d.run("sunset", "check", circlesFile)
	if code != 0 || errs != "" {
		d.t.Errorf("check ended with %d: %s", code, errs)
	}
	for _, want := range []string{"2021-06-28 00:00  read-only    entrance read export", "2022-01-28 00:00  late_requests", "advice SU-03 cn: Nobody", "archives a second", "It can be published."} {
		if !strings.Contains(out, want) {
			d.t.Errorf("check does not print %q:\n%s", want, out)
		}
	}
}

// refusedSunsets are told by the exit status, and in words.
func (d desk) refusedSunsets() {
	d.t.Helper()
	hasty := d.calendar("hasty", "at: 2021-06-28", "at: 2021-06-10")
	narrow := d.calendar("narrow", "at: 2021-12-28", "at: 2021-06-28")
	for _, c := range []struct {
		args []string
		want string // in what is printed
	}{
		{[]string{"check", d.calendar("broken", "ends: circle", "ends: Circle!", "version: 1", "version: one")}, "broken.yaml:13:7: ends: "},
		{[]string{"publish", d.calendar("unknown", "late_requests:", "late_request:")}, "late_request"},
		{[]string{"check", hasty}, "breaks SU-01"},
		{[]string{"publish", hasty}, "It would do from 2021-06-27"},
		{[]string{"check", narrow}, "It stops on 2021-06-28"},
		{[]string{"publish", narrow}, "2021-06-29 would do"},
		{[]string{"check", circlesFile, "--as-of", "2021-05-29"}, "over already"},
		{[]string{"check", circlesFile, "--as-of", "May"}, "--as-of"},
		{[]string{"publish", d.calendar("nothing", "ends: circle", "ends: goods")}, "goods"},
		{[]string{"publish", circlesFile, "--plan", "0123"}, ""},
		{[]string{"publish", filepath.Join(d.data, "none.yaml")}, "none.yaml"},
		{[]string{"publish", d.calendar("faceless", "profiles:", "picture: none.png\nprofiles:")}, "none.png"},
		{[]string{"publish", d.calendar("astray", "profiles:", "picture: ../notice.png\nprofiles:")}, "picture"},
		{[]string{"publish", d.calendar("no-picture", "profiles:", "picture: no-picture.yaml\nprofiles:")}, ""},
		{[]string{"rehearse", circlesFile, "--as-of", "2022-02-01"}, "over already"},
		{[]string{"rehearse", narrow}, "2021-06-29 would do"},
		{[]string{"withdraw", "wechat-circles"}, ""},
		{[]string{"status", "wechat-circles"}, ""},
	} {
		out, errs, code := d.run(append([]string{"sunset"}, c.args...)...)
		if code == 0 || !strings.Contains(out+errs, c.want) || errs == "" {
			d.t.Errorf("exeunt sunset %s: exit status %d, want %q in\n%s%s", strings.Join(c.args, " "), code, c.want, out, errs)
		}
		for line := range strings.Lines(errs) {
			if strings.HasPrefix(line, "exeunt: ") && strings.Contains(line, "error.") {
				d.t.Errorf("exeunt sunset %s has no words: %s", strings.Join(c.args, " "), line)
			}
		}
	}
	if v := d.must("sunset", "check", d.calendar("excused", "at: 2021-06-28", "at: 2021-06-10", "profiles:", "override: The building is sold.\nprofiles:")); v["ok"] != true {
		d.t.Errorf("a calendar that says why it is early: %v", v)
	}
	out, _, code := d.run("sunset", "check", d.calendar("both", "ends: circle", "ends: 7", "zone: Asia/Shanghai", "zone: Nowhere"), "--json")
	var v struct {
		OK       bool
		Mistakes []struct {
			Line, Column int
			Message      string
		}
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code == 0 || v.OK || len(v.Mistakes) < 2 || v.Mistakes[0].Line == 0 || v.Mistakes[0].Message == "" {
		d.t.Errorf("two mistakes: exit status %d, %v\n%s", code, err, out)
	}
}

// saved gives the hashes of all that the install keeps.
func (d desk) saved() map[string]string {
	d.t.Helper()
	out := filepath.Join(d.t.TempDir(), "backup")
	d.must("backup", "--out", out)
	b, err := os.ReadFile(filepath.Join(out, "manifest.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	var m struct{ Files map[string]string }
	if err := json.Unmarshal(b, &m); err != nil || len(m.Files) == 0 {
		d.t.Fatalf("the backup's manifest: %v", err)
	}
	return m.Files
}

// rehearsed goes through the whole calendar on a copy: the install is afterwards as it was.
func (d desk) rehearsed() {
	d.t.Helper()
	before := d.saved()
	folder := d.t.TempDir()
	v := d.must("sunset", "rehearse", circlesFile, "--as-of", "2021-05-28", "--folder", folder)
	if v["ok"] != true || v["sealed"] != true || v["certificate"] != true || v["archives"] != v["forecast"].(map[string]any)["archives"] || v["failed"] != float64(0) {
		d.t.Errorf("the rehearsal: %v", v)
	}
	phases := v["phases"].([]any)
	if len(phases) != 5 {
		d.t.Fatalf("%d phases were rehearsed", len(phases))
	}
	for i, want := range []string{"join write entrance read export", "entrance read export", "read export", "", ""} {
		p := phases[i].(map[string]any)["after"].(map[string]any)
		var got []string
		list, _ := p["allowed"].([]any)
		for _, x := range list {
			got = append(got, x.(string))
		}
		if i == 1 {
			want = "read export" // no-entrance is on the same day
		}
		if strings.Join(got, " ") != want || p["agrees"] != true {
			d.t.Errorf("phase %d allows %v, want %s", i, got, want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		d.t.Errorf("the copy leaves %v (%v)", left, err)
	}
	if after := d.saved(); !maps.Equal(before, after) {
		for name, sum := range after {
			if before[name] != sum {
				d.t.Errorf("the rehearsal changed %s of the install", name)
			}
		}
	}
}

// published publishes the calendar, postpones it and takes it back.
func (d desk) published() {
	d.t.Helper()
	hash := d.must("sunset", "check", circlesFile)["plan"]
	v := d.must("sunset", "publish", circlesFile)
	if v["name"] != "wechat-circles" || v["version"] != float64(1) || v["plan"] != hash {
		d.t.Errorf("publish gave %v, want the plan that was checked", v)
	}
	d.picture("notice.png")
	later := d.calendar("later", "at: 2021-12-28", "at: 2022-01-11", "profiles:", "picture: notice.png\nprofiles:")
	v = d.must("sunset", "publish", later, "--why", "Exporting takes longer.")
	if v["version"] != float64(2) {
		d.t.Errorf("publishing again gave %v", v)
	}
	if out, errs, code := d.run("sunset", "rehearse", later, "--as-of", "2021-05-28"); code == 0 || !strings.Contains(errs, "published on 2021-05-28 already") {
		d.t.Errorf("a rehearsal that begins before the publishing: exit status %d\n%s%s", code, out, errs)
	}
	if out, errs, code := d.run("sunset", "publish", circlesFile); code == 0 || !strings.Contains(errs, "2022-01-11") {
		d.t.Errorf("an earlier date: exit status %d\n%s%s", code, out, errs)
	}
	d.must("clock", "+33d")
	s := d.must("sunset", "status", "wechat-circles")
	if s["state"] != "open" || s["phase"] != "no-entrance" || len(s["phases"].([]any)) != 5 || len(s["versions"].([]any)) != 2 {
		d.t.Errorf("status gave %v", s)
	}
	if w := s["versions"].([]any)[1].(map[string]any)["why"]; w != "Exporting takes longer." {
		d.t.Errorf("the second version was published because of %v", w)
	}
	if x := s["archives"].(map[string]any); x["made"].(float64) < 2 || x["packing"] != float64(0) || x["not_asked"] != float64(0) || x["extend_by_days"] != float64(0) {
		d.t.Errorf("archives a week after writing ended: %v", x)
	}
	for _, p := range s["phases"].([]any) {
		x := p.(map[string]any)
		if moved := x["first"] != x["due"]; moved != (x["word"] == "stopped") {
			d.t.Errorf("phase %v: first %v, now %v", x["word"], x["first"], x["due"])
		}
		if _, done := x["done"]; done != (x["word"] == "announced" || x["word"] == "read-only" || x["word"] == "no-entrance") {
			d.t.Errorf("phase %v has begun: %t", x["word"], done)
		}
	}
	out, errs, code := d.run("sunset", "status", "wechat-circles")
	if code != 0 || !strings.Contains(out, "* no-entrance") || !strings.Contains(out, "2021-12-28 00:00  2022-01-11 00:00") {
		d.t.Errorf("status ended with %d\n%s%s", code, out, errs)
	}
	if v := d.must("sunset", "withdraw", "wechat-circles"); v["state"] != "withdrawn" {
		d.t.Errorf("withdraw gave %v", v)
	}
	list := d.must("sunset", "status")["sunsets"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["state"] != "withdrawn" {
		d.t.Errorf("status lists %v", list)
	}
	if out, errs, code := d.run("sunset", "publish", d.calendar("again", "at: 2021-05-28", "at: 2021-07-10", "at: 2021-06-28", "at: 2021-09-28")); code == 0 || !strings.Contains(errs, "another sunset") {
		d.t.Errorf("the name of a withdrawn sunset: exit status %d\n%s%s", code, out, errs)
	}
}
