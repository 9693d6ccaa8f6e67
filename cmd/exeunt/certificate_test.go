package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifySunset checks the certificate of a sunset by its file alone: what was published, what came true, and what is kept are printed.
func TestVerifySunset(t *testing.T) {
	t.Setenv("LC_ALL", "en_GB.UTF-8")
	d := desk{t: t}
	file := filepath.Join("..", "..", "ledger", "testdata", "sunset.certificate")
	out, errs, code := d.run("verify", file)
	if code != 0 || errs != "" {
		t.Fatalf("verify ended with %d: %s", code, errs)
	}
	for _, want := range []string{
		"wechat-circles: circle has ended, by a calendar in Asia/Shanghai published in 2 versions",
		"version 2  2021-12-01 09:00:00  sha256:02  归档还没有做完",
		"read-only    2021-06-28 00:00:00  2021-06-28 00:00:00  2021-06-28 00:00:00",
		"erased       2022-01-21 00:00:00  2022-01-28 00:00:00  2022-01-28 00:00:00",
		"archives made without being asked for: 1000 (123456789 bytes), 640 fetched, 360 not; kept until 2022-02-27",
		"kept until 2022-02-27: archives",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("verify does not print %q:\n%s", want, out)
		}
	}
	if v := d.must("verify", file); v["sunset"].(map[string]any)["notice"] != "wechat-circles" {
		t.Errorf("verify gave %v", v)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(t.TempDir(), "forged.txt")
	if err := os.WriteFile(forged, []byte(strings.Replace(string(text), `"last": "2021-12-27T16:00:00Z"`, `"last": "2021-12-28T16:00:00Z"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := d.run("verify", forged); code == 0 || !strings.Contains(errs, "signature") {
		t.Errorf("a certificate with another date ended with %d: %s", code, errs)
	}
}
