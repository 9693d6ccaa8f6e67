package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/ledger"
)

// TestVerifyStatement verifies offline where people went, says when nobody has said whose key it is, and refuses what was changed.
func TestVerifyStatement(t *testing.T) {
	d := desk{t: t, data: t.TempDir()}
	key, err := ledger.NewKey("circles.example")
	if err != nil {
		t.Fatal(err)
	}
	text, err := ledger.SignStatement(ledger.Statement{What: "circles.example/circles/7", To: "https://new.example/", At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}, key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(d.data, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("moved.txt", text)
	if v := d.must("verify", file, "--key", key.Verifier()); v["kind"] != "statement" || v["key_verified"] != true || v["to"] != "https://new.example/" || v["what"] != "circles.example/circles/7" {
		t.Errorf("verify gave %v", v)
	}
	out, errs, code := d.run("verify", file)
	if code != 0 || !strings.Contains(out, "circles.example/circles/7 moved to https://new.example/") || !strings.Contains(out, "anybody may have signed it") {
		t.Errorf("verify without a key gave %d %s%s", code, out, errs)
	}
	forged := write("forged.txt", bytes.Replace(text, []byte("new.example"), []byte("bad.example"), 1))
	other, err := ledger.NewKey("circles.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", forged}, {"verify", file, "--key", other.Verifier()}} {
		if out, errs, code := d.run(args...); code == 0 || !strings.Contains(errs, "the statement does not hold") {
			t.Errorf("%v gave %d %s%s", args[1:], code, out, errs)
		}
	}
}
