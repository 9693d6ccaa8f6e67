package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/internal/dbtest"
)

// desk runs commands as an operator would, all on one install.
type desk struct {
	t     *testing.T
	where []string // --data DIR, and --database URL on PostgreSQL
	data  string
}

// run gives what a command printed, and its exit status.
func (d desk) run(args ...string) (out, errs string, code int) {
	d.t.Helper()
	var o, e bytes.Buffer
	code = run(d.t.Context(), append(args, d.where...), &o, &e)
	return o.String(), e.String(), code
}

// must runs a command that has to succeed, with --json, and gives its object.
func (d desk) must(args ...string) map[string]any {
	d.t.Helper()
	out, errs, code := d.run(append(args, "--json")...)
	if code != 0 {
		d.t.Fatalf("exeunt %s: exit status %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		d.t.Fatalf("exeunt %s: not one JSON object: %v\n%s", strings.Join(args, " "), err, out)
	}
	return v
}

// listening is how long a server may take until it listens: a database is made whole before, beside whatever else the machine does.
const listening = 3 * time.Minute

// serve runs a server until the returned function is called, and gives its address.
func (d desk) serve(args ...string) (address string, stop func()) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	lines := make(chan string, 16)
	done := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		done <- run(ctx, append(append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), d.where...), lineWriter{lines}, &errs)
	}()
	deadline := time.After(listening)
	for address == "" {
		select {
		case line := <-lines:
			_, address, _ = strings.Cut(line, "listening on ")
		case code := <-done:
			d.t.Fatalf("serve ended with %d before it listened\n%s", code, errs.String())
		case <-deadline:
			d.t.Fatalf("serve did not listen within %v", listening)
		}
	}
	return strings.TrimSpace(address), func() {
		cancel()
		if code := <-done; code != 0 {
			d.t.Errorf("serve ended with exit status %d\n%s", code, errs.String())
		}
	}
}

// lineWriter hands on what is written.
type lineWriter struct{ lines chan string }

func (w lineWriter) Write(b []byte) (int, error) { w.lines <- string(b); return len(b), nil }

// TestCommands runs every command that the documents show, beside a running server and without one.
func TestCommands(t *testing.T) {
	dbtest.EachAddress(t, func(t *testing.T, database string) {
		d := desk{t: t, data: t.TempDir()}
		d.where = []string{"--data", d.data}
		if strings.HasPrefix(database, "postgres") {
			d.where = append(d.where, "--database", database)
		}
		address, stop := d.serve("--trial", "--begin", "2026-01-05")
		if !strings.HasPrefix(address, "http://127.0.0.1:") {
			t.Errorf("listening on %q", address)
		}
		password := filepath.Join(d.data, "pw")
		if err := os.WriteFile(password, []byte("correct horse battery\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		id, _ := d.must("account", "create", "mira", "--password-file", password)["account"].(string)
		d.must("account", "create", "desk", "--operator", "--password-file", password)
		if !strings.HasPrefix(d.must("account", "reset", "mira")["path"].(string), "/reset/") {
			t.Error("account reset gave no link")
		}
		d.archives(id)
		d.circle(address)
		d.refusals()
		certificate := d.closing(id)
		stop()
		d.proof(id, certificate)
		d.keeping()
	})
}

// archives takes one in and one out.
func (d desk) archives(id string) {
	d.t.Helper()
	d.must("import", "--account", "mira", filepath.Join("..", "..", "archive", "testdata", "mastodon"))
	zip := filepath.Join(d.data, "mira.zip")
	d.must("export", "--account", "mira", "--out", zip)
	if d.must("verify", zip)["kind"] != "archive" {
		d.t.Error("verify did not know its own archive")
	}
	if _, _, code := d.run("residue", "--account", id); code == 0 {
		d.t.Error("residue found nothing of an account that is there")
	}
}

// circle takes one along as a whole, which mira makes with a browser's forms.
func (d desk) circle(address string) {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	for _, form := range []struct {
		path   string
		fields url.Values
	}{
		{"/sign-in", url.Values{"name": {"mira"}, "password": {"correct horse battery"}}},
		{"/circles/new", url.Values{"name": {"Weekend walks"}, "intro": {"slowly"}, "mode": {"open"}}},
	} {
		req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, address+form.path, strings.NewReader(form.fields.Encode()))
		if err != nil {
			d.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := browser.Do(req)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			d.t.Fatalf("%s: %d, %v", form.path, res.StatusCode, err)
		}
	}
	out := filepath.Join(d.data, "walks")
	files := d.must("circle", "export", "Weekend walks", "--out", out)["files"].([]any)
	if len(files) != 1 || filepath.Dir(files[0].(string)) != out {
		d.t.Fatalf("circle export wrote %v", files)
	}
	if d.must("verify", files[0].(string))["kind"] != "archive" {
		d.t.Error("the circle is no archive")
	}
	id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(files[0].(string)), "circle-"), ".zip")
	again := d.must("circle", "export", id, "--out", filepath.Join(d.data, "again"), "--volume", "1GiB")["files"].([]any)
	if len(again) != 1 || filepath.Base(again[0].(string)) != filepath.Base(files[0].(string)) {
		d.t.Errorf("by its id the circle is written to %v", again)
	}
	if out, _, code := d.run("circle", "export", "No such circle", "--out", out); code == 0 {
		d.t.Errorf("a circle that is not there: %s", out)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, address+"/moderation/circle/"+id+"/log", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	log, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || strings.Count(string(log), "<strong>站点管理员整圈导出</strong>") != 2 {
		d.t.Errorf("the circle's log does not tell of it twice: %d, %v", res.StatusCode, err)
	}
}

// refusals are told by the exit status.
func (d desk) refusals() {
	d.t.Helper()
	for _, args := range [][]string{
		{"leave", "--account", "mira", "--journey", "close"},                                 // without --yes
		{"leave", "--account", "mira", "--journey", "close", "--yes", "--plan", "0123"},      // another plan
		{"plan", "--account", "nobody", "--journey", "close"},                                // no such account
		{"plan", "--account", "mira", "--journey", "return"},                                 // nothing to return to
		{"plan", "--account", "mira", "--journey", "close", "--choice", "post.posts=forget"}, // no such manner
		{"clock", "--", "-24h"}, // backward
		{"certificate", "--run", "nothing", "--out", filepath.Join(d.data, "none")},                   // no such run
		{"import", "--account", "mira", filepath.Join(d.data, "pw")},                                  // no archive
		{"account", "create", "mira", "--password-file", filepath.Join(d.data, "pw")},                 // taken
		{"account", "create", "second", "--operator", "--password-file", filepath.Join(d.data, "pw")}, // there is one
	} {
		if out, _, code := d.run(args...); code == 0 {
			d.t.Errorf("exeunt %s: exit status 0\n%s", strings.Join(args, " "), out)
		}
	}
}

// closing closes the account by its previewed plan and gives the certificate's file.
func (d desk) closing(id string) string {
	d.t.Helper()
	hash := d.must("plan", "--account", "mira", "--journey", "close")["hash"].(string)
	left := d.must("leave", "--account", "mira", "--journey", "close", "--yes", "--plan", hash)
	if left["account"] != id || left["hash"] != hash || left["state"] != "open" {
		d.t.Errorf("leave gave %v", left)
	}
	run := left["run"].(string)
	if runs := d.must("status", "--account", "mira")["runs"].([]any); len(runs) != 1 {
		d.t.Errorf("status shows %d runs", len(runs))
	}
	d.must("clock", "+800h")
	if state := d.must("status", "--run", run)["state"]; state != "sealed" {
		d.t.Errorf("after the calendar the run is %v", state)
	}
	file := filepath.Join(d.data, "certificate.txt")
	key := d.must("certificate", "--run", run, "--out", file)["key"].(string)
	if v := d.must("verify", file, "--key", key); v["key_verified"] != true || v["trial"] != true {
		d.t.Errorf("verify gave %v", v)
	}
	return file
}

// proof holds without a server too, and breaks with one changed byte.
func (d desk) proof(id, certificate string) {
	d.t.Helper()
	if v := d.must("verify", certificate); v["key_verified"] != false {
		d.t.Error("a key that was not given counts as verified")
	}
	b, err := os.ReadFile(certificate)
	if err != nil {
		d.t.Fatal(err)
	}
	b = bytes.Replace(b, []byte(`"items": `), []byte(`"items": 1`), 1)
	forged := certificate + ".forged"
	if err := os.WriteFile(forged, b, 0o600); err != nil {
		d.t.Fatal(err)
	}
	if _, _, code := d.run("verify", forged); code == 0 {
		d.t.Error("a forged certificate holds")
	}
	for _, args := range [][]string{{"residue", "--account", id}, {"residue", "--text", "mira"}} {
		if out, errs, code := d.run(args...); code != 0 {
			d.t.Errorf("exeunt %s: %s%s", strings.Join(args, " "), out, errs)
		}
	}
}

// keeping saves the install, and restores it where that needs no second database.
func (d desk) keeping() {
	d.t.Helper()
	out := filepath.Join(d.t.TempDir(), "backup")
	d.must("backup", "--out", out)
	if _, _, code := d.run("backup", "--out", out); code == 0 {
		d.t.Error("a backup was written over another")
	}
	if _, _, code := d.run("restore", "--from", out); code == 0 && len(d.where) == 2 {
		d.t.Error("a backup was restored over an install")
	}
	if d.must("version")["version"] == "" {
		d.t.Error("no version")
	}
	if len(d.where) > 2 {
		return
	}
	fresh := desk{t: d.t, data: d.t.TempDir()}
	fresh.where = []string{"--data", fresh.data, "--outside", filepath.Join(d.data, "outside")}
	if v := fresh.must("restore", "--from", out); v["erasures"] != float64(0) {
		d.t.Errorf("a backup of today replayed %v", v)
	}
}
