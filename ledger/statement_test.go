package ledger_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"exeunt/ledger"
)

func moved() ledger.Statement {
	return ledger.Statement{What: "circles.example/circles/7", To: "https://new.example/圈子?a=1&b=2", At: at("2026-11-22T10:00:00Z")}
}

func TestStatement(t *testing.T) {
	key := testKey(t)
	data, err := ledger.SignStatement(moved(), key)
	must(t, err)
	golden(t, "moved.statement", data)
	for _, vkey := range []string{"", key.Verifier(), key.Verifier() + "\n"} {
		r, err := ledger.VerifyStatement(data, vkey)
		must(t, err)
		if r.Statement != moved() || r.Key != key.Verifier() || r.KeyVerified != (vkey != "") {
			t.Errorf("by %q: %+v", vkey, r)
		}
	}
	again := moved()
	again.At = again.At.Add(999_999_999).In(at("2026-01-01T00:00:00+08:00").Location())
	same, err := ledger.SignStatement(again, key)
	must(t, err)
	if !bytes.Equal(same, data) {
		t.Errorf("the same second in another zone is signed as\n%s", same)
	}
	again.Trial = true
	trial, err := ledger.SignStatement(again, key)
	must(t, err)
	if r, err := ledger.VerifyStatement(trial, ""); err != nil || !r.Statement.Trial {
		t.Errorf("of a trial: %+v, %v", r, err)
	}
}

// TestStatementTampered changes every byte, and what can be changed by hand.
func TestStatementTampered(t *testing.T) {
	key := testKey(t)
	data, err := ledger.SignStatement(moved(), key)
	must(t, err)
	for i := range data {
		for _, bit := range []byte{1, 0x20, 0x80} {
			forged := bytes.Clone(data)
			forged[i] ^= bit
			if r, err := ledger.VerifyStatement(forged, key.Verifier()); err == nil {
				t.Fatalf("byte %d changed, and verified as %+v", i, r)
			}
		}
	}
	other := seededKey(t, "exeunt.example", "other")
	strange, err := ledger.SignStatement(moved(), other)
	must(t, err)
	certificate, _ := sampleFile(t)
	for name, x := range map[string]struct {
		data []byte
		vkey string
		want error
	}{
		"another's":         {strange, key.Verifier(), ledger.ErrKey},
		"another address":   {bytes.Replace(data, []byte("new.example"), []byte("bad.example"), 1), "", ledger.ErrSignature},
		"another key named": {bytes.Replace(data, []byte(key.Verifier()), []byte(other.Verifier()), 1), "", ledger.ErrKey},
		"a line more":       {bytes.Replace(data, []byte("\nkey: "), []byte("\nto: https://bad.example/\nkey: "), 1), "", ledger.ErrSignature},
		"a trailing line":   {append(bytes.Clone(data), '\n'), "", ledger.ErrFormat},
		"no key":            {data, "nonsense", ledger.ErrFormat},
		"a certificate":     {certificate, "", ledger.ErrFormat},
		"nothing":           {nil, "", ledger.ErrFormat},
		"far too long":      {append(bytes.Clone(data), make([]byte, 9000)...), "", ledger.ErrTooLarge},
	} {
		if _, err := ledger.VerifyStatement(x.data, x.vkey); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
}

// TestStatementRefused signs nothing that would not be verified.
func TestStatementRefused(t *testing.T) {
	for name, change := range map[string]func(*ledger.Statement){
		"no scheme":        func(s *ledger.Statement) { s.To = "new.example" },
		"http":             func(s *ledger.Statement) { s.To = "http://new.example/" },
		"a script":         func(s *ledger.Statement) { s.To = "javascript:alert(1)" },
		"a password":       func(s *ledger.Statement) { s.To = "https://a:b@new.example/" },
		"a line more":      func(s *ledger.Statement) { s.To = "https://new.example/\nkey: x" },
		"turned around":    func(s *ledger.Statement) { s.To = "https://new.example/\u202e" },
		"too long":         func(s *ledger.Statement) { s.To += strings.Repeat("x", 2000) },
		"no address":       func(s *ledger.Statement) { s.What = "circle 7" },
		"nothing left":     func(s *ledger.Statement) { s.What = "" },
		"a scheme":         func(s *ledger.Statement) { s.What = "https://circles.example/circles/7" },
		"before all times": func(s *ledger.Statement) { s.At = at("0001-01-01T00:00:00Z") },
	} {
		s := moved()
		change(&s)
		if data, err := ledger.SignStatement(s, testKey(t)); !errors.Is(err, ledger.ErrFormat) {
			t.Errorf("%s: %v, and signed as\n%s", name, err, data)
		}
	}
}
