package ledger_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"exeunt/ledger"

	"golang.org/x/mod/sumdb/note"
)

func TestVerifyIsBounded(t *testing.T) {
	if _, err := ledger.Verify(make([]byte, ledger.MaxFile+1), ""); !errors.Is(err, ledger.ErrTooLarge) {
		t.Errorf("a huge file: %v, want ErrTooLarge", err)
	}
	deep := "exeunt certificate v1\n" + strings.Repeat("[", 1<<20) + "\n\n— x AAAAAAAA\n"
	if _, err := ledger.Verify([]byte(deep), ""); !errors.Is(err, ledger.ErrFormat) {
		t.Errorf("a deep file: %v, want ErrFormat", err)
	}
}

func TestVerifyTakesOneSpelling(t *testing.T) {
	data, _ := sampleFile(t)
	text := string(data[:bytes.LastIndex(data, []byte("\n\n"))+1])
	swap := func(old, new string) string {
		if strings.Count(text, old) == 0 {
			t.Fatalf("%q is not in the certificate", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	for name, changed := range map[string]string{
		"unknown field":  swap(`"trial": true`, `"trial": true,`+"\n  "+`"x": 1`),
		"repeated field": swap(`"trial": true`, `"trial": false,`+"\n  "+`"trial": true`),
		"other case":     swap(`"trial"`, `"Trial"`),
		"other space":    swap(`"trial": true`, `"trial":  true`),
		"other zone":     swap(`"2026-12-21T02:00:00Z"`, `"2026-12-21T10:00:00+08:00"`),
		"fraction":       swap(`"2026-12-21T02:00:00Z"`, `"2026-12-21T02:00:00.5Z"`),
		"escape":         swap(`"close"`, `"clos\u0065"`),
		"null list":      swap(`"promises": [`, `"cancelled": null,`+"\n  "+`"promises": [`),
		"second value":   text + "{}\n",
		"other header":   strings.Replace(text, "v1", "v2", 1),
	} {
		signed, err := note.Sign(&note.Note{Text: changed}, testKey(t))
		must(t, err)
		if _, err := ledger.Verify(signed, testKey(t).Verifier()); !errors.Is(err, ledger.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	// A head that asks for more leaves than an int64's powers of two.
	head, err := note.Sign(&note.Note{Text: fmt.Sprintf("exeunt.example\n%d\n%s\n", int64(1)<<62+1, leaves(0, 1)[0])}, testKey(t))
	must(t, err)
	r, err := ledger.Verify(data, "")
	must(t, err)
	r.Certificate.Head = string(head)
	if _, err := ledger.Verify(resign(t, r.Certificate), ""); !errors.Is(err, ledger.ErrFormat) {
		t.Errorf("an absurd head: %v, want ErrFormat", err)
	}
	// Another base64 for the same signature bytes, and a second signature.
	for _, more := range []string{spareBits(t, data), string(data) + strangerLine(t, text)} {
		if _, err := ledger.Verify([]byte(more), testKey(t).Verifier()); !errors.Is(err, ledger.ErrFormat) {
			t.Errorf("another spelling of the signature: %v, want ErrFormat", err)
		}
	}
}

// spareBits changes the bits of the last base64 digit that carry nothing.
func spareBits(t *testing.T, data []byte) string {
	t.Helper()
	s := strings.TrimSuffix(string(data), "=\n")
	last, alphabet := s[len(s)-1], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	s = s[:len(s)-1] + string(alphabet[strings.IndexByte(alphabet, last)^1])
	b64 := s[strings.LastIndex(s, " ")+1:] + "="
	if _, err := base64.StdEncoding.DecodeString(b64); err != nil {
		t.Fatal(err)
	}
	return s + "=\n"
}

func strangerLine(t *testing.T, text string) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, seededKey(t, "exeunt.example", "stranger"))
	must(t, err)
	return string(signed[len(text)+1:])
}

// FuzzVerify feeds Verify with anything: it never panics and accepts nothing
// but the files that were truly signed. Run it with -fuzzminimizetime=10x: the
// default spends its minutes on making files shorter.
func FuzzVerify(f *testing.F) {
	data, _ := sampleFile(f)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte("exeunt certificate v1\n{}\n\n— exeunt.example AAAAAAAA\n"))
	vkey := testKey(f).Verifier()
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, key := range []string{vkey, ""} {
			_, err := ledger.Verify(in, key)
			if err == nil && !bytes.Equal(in, data) {
				t.Fatalf("accepted with key %q", key)
			}
		}
	})
}

// FuzzVerifySigned signs anything with the true key, so that the fuzzer gets past
// the signature: what is inside is judged all the same, and never panics.
func FuzzVerifySigned(f *testing.F) {
	data, _ := sampleFile(f)
	text := string(data[:bytes.LastIndex(data, []byte("\n\n"))])
	key := testKey(f)
	f.Add(text)
	f.Add("exeunt certificate v1\n{}")
	f.Add(strings.Replace(text, `"version": 1`, `"version": 2`, 1))
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := note.Sign(&note.Note{Text: text + "\n"}, key)
		must(t, err)
		r, err := ledger.Verify(signed, key.Verifier())
		if err != nil {
			return
		}
		again, err := ledger.Sign(r.Certificate, key)
		must(t, err)
		if !bytes.Equal(again, signed) {
			t.Fatal("accepted in another form than it is signed in")
		}
	})
}
