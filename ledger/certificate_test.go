package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/ledger"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the golden file; run with -update and look at the change:\n%s", name, got)
	}
}

// resign signs any certificate, however wrong, with the true key: what an
// operator could make that does not use Sign.
func resign(t testing.TB, c ledger.Certificate) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	must(t, enc.Encode(c))
	data, err := note.Sign(&note.Note{Text: "exeunt certificate v1\n" + buf.String()}, testKey(t))
	must(t, err)
	return data
}

func TestCertificateGolden(t *testing.T) {
	data, _ := sampleFile(t)
	golden(t, "close.certificate", data)
	again, _ := sampleFile(t)
	if !bytes.Equal(data, again) {
		t.Error("the same certificate was signed into other bytes")
	}
	report, err := ledger.Verify(data, testKey(t).Verifier())
	must(t, err)
	text, err := json.MarshalIndent(report, "", "  ")
	must(t, err)
	golden(t, "close.report.json", append(text, '\n'))
}

func TestReport(t *testing.T) {
	data, _ := sampleFile(t)
	key := testKey(t)
	r, err := ledger.Verify(data, key.Verifier()+"\n")
	must(t, err)
	if r.Key != key.Verifier() || !r.KeyVerified || r.File != ledger.FileHash(data) || r.Leaves != 26 {
		t.Errorf("key %s verified %v, file %s, %d leaves", r.Key, r.KeyVerified, r.File, r.Leaves)
	}
	want := ledger.Sums{
		Receipts: 6, Uncounted: 1,
		Erased:   ledger.Count{Classes: 3, Items: 1517, Bytes: 48_221_904},
		Detached: ledger.Count{Classes: 1, Items: 40, Bytes: 9_000},
		Held:     ledger.Count{Classes: 1, Items: 3, Bytes: 2_048},
	}
	if r.Certificate.Sums != want {
		t.Errorf("sums %+v, want %+v", r.Certificate.Sums, want)
	}
	if len(r.Kept) != 3 || r.Kept[0].Law != "电子商务法 31" || r.Kept[0].Until != "2029-10-02" || r.Kept[0].Items != 3 {
		t.Errorf("kept %+v", r.Kept)
	}
	if len(r.Findings) != 0 || !r.Certificate.Trial {
		t.Errorf("findings %v, trial %v", r.Findings, r.Certificate.Trial)
	}
}

func TestKeys(t *testing.T) {
	data, _ := sampleFile(t)
	r, err := ledger.Verify(data, "")
	must(t, err)
	if r.KeyVerified || r.Key != testKey(t).Verifier() {
		t.Errorf("without a key: key %s, verified %v", r.Key, r.KeyVerified)
	}
	other := seededKey(t, "exeunt.example", "other")
	if _, err := ledger.Verify(data, other.Verifier()); !errors.Is(err, ledger.ErrKey) {
		t.Errorf("another key of the same name: %v, want ErrKey", err)
	}
	if _, err := ledger.Verify(data, "no key"); !errors.Is(err, ledger.ErrFormat) {
		t.Errorf("no key at all: %v, want ErrFormat", err)
	}
	// A stranger signs the whole text anew and leaves the true key's name in it.
	text := data[:bytes.LastIndex(data, []byte("\n\n"))+1]
	forged, err := note.Sign(&note.Note{Text: string(text)}, other)
	must(t, err)
	for _, vkey := range []string{"", testKey(t).Verifier(), other.Verifier()} {
		if _, err := ledger.Verify(forged, vkey); !errors.Is(err, ledger.ErrKey) {
			t.Errorf("forged, asked with %q: %v, want ErrKey", vkey, err)
		}
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	data, _ := sampleFile(t)
	vkey := testKey(t).Verifier()
	for i := range data {
		for _, bit := range []byte{0x01, 0x20} {
			changed := slices.Clone(data)
			changed[i] ^= bit
			if _, err := ledger.Verify(changed, vkey); err == nil {
				t.Fatalf("byte %d (%q) changed to %q: accepted", i, data[i], changed[i])
			}
		}
		if _, err := ledger.Verify(data[:i], ""); err == nil {
			t.Fatalf("cut at byte %d: accepted", i)
		}
	}
	for _, more := range []string{"\n", " ", string(data), "— exeunt.example AAAAAAAA\n"} {
		if _, err := ledger.Verify(append(slices.Clone(data), more...), ""); err == nil {
			t.Errorf("with %q behind it: accepted", more)
		}
	}
}

// bearing are the fields that nobody, the holder of the key neither, can change
// without a new place in the log. All others only the signature protects.
func bearing(path string) bool {
	for _, p := range []string{".receipts", ".head", ".sums", ".key"} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

func TestEveryFieldIsBound(t *testing.T) {
	data, _ := sampleFile(t)
	r, err := ledger.Verify(data, "")
	must(t, err)
	x := &changer{T: t, data: data, cert: &r.Certificate}
	x.walk("", reflect.ValueOf(x.cert).Elem())
	if x.tried < 240 {
		t.Errorf("only %d fields were changed", x.tried)
	}
}

// changer changes each field of a certificate in turn and puts it back.
type changer struct {
	*testing.T
	data  []byte
	cert  *ledger.Certificate
	tried int
}

func (x *changer) try(path string, v reflect.Value, changed any) {
	x.tried++
	old := reflect.ValueOf(v.Interface())
	v.Set(reflect.ValueOf(changed).Convert(v.Type()))
	signed := resign(x, *x.cert)
	v.Set(old)
	if bytes.Equal(signed, x.data) {
		x.Fatalf("%s: not changed", path)
	}
	// The true signature under the changed text.
	text := signed[:bytes.LastIndex(signed, []byte("\n\n"))]
	unsigned := append(slices.Clone(text), x.data[bytes.LastIndex(x.data, []byte("\n\n")):]...)
	for _, vkey := range []string{"", testKey(x).Verifier()} {
		if _, err := ledger.Verify(unsigned, vkey); err == nil {
			x.Errorf("%s changed: accepted", path)
		}
	}
	if _, err := ledger.Verify(signed, ""); bearing(path) && err == nil {
		x.Errorf("%s changed and signed again: accepted", path)
	}
}

func (x *changer) walk(path string, v reflect.Value) {
	switch value := v.Interface().(type) {
	case ledger.Salt:
		value[3] ^= 4
		x.try(path, v, value)
		return
	case tlog.Hash:
		value[3] ^= 4
		x.try(path, v, value)
		return
	case time.Time:
		x.try(path, v, at("2026-12-24T00:00:00Z"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			x.walk(path+"."+strings.Split(v.Type().Field(i).Tag.Get("json"), ",")[0], v.Field(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			x.walk(path, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			x.walk(path, v.Index(i))
		}
		if v.Len() > 0 {
			x.try(path+"[last]", v, v.Slice(0, v.Len()-1).Interface())
		}
	case reflect.String:
		x.try(path, v, v.String()+"x")
	case reflect.Int, reflect.Int64:
		x.try(path, v, v.Int()+1)
	case reflect.Bool:
		x.try(path, v, !v.Bool())
	default:
		x.Fatalf("%s: a %s that this test does not change", path, v.Kind())
	}
}

func TestNamesNobody(t *testing.T) {
	known := map[string]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice, reflect.Pointer:
			walk(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				known[strings.Split(typ.Field(i).Tag.Get("json"), ",")[0]] = true
				walk(typ.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[ledger.Certificate]())
	for _, field := range []string{"account", "account_id", "person", "name", "handle", "subject", "author"} {
		if known[field] {
			t.Errorf("the certificate has a field %q", field)
		}
	}
	for _, name := range []string{"王小明", "ming@example.org", "Xiao Ming", "~ming", "a\u202eb"} {
		c := sample()
		c.Receipts[0].Receipt.Step = name
		if _, err := c.Receipts[0].Receipt.Canonical(); !errors.Is(err, ledger.ErrFormat) {
			t.Errorf("%q as a step key: %v, want ErrFormat", name, err)
		}
	}
}

func TestSignRefusesWhatVerifyWould(t *testing.T) {
	l := ledger.NewLog(&ledger.Memory{}, testKey(t))
	c := logged(t, l, sample())
	valid, err := ledger.Verify(mustRead(t), "")
	must(t, err)
	for name, x := range wrongContent() {
		if _, err := l.Certify(t.Context(), x.make(c)); !errors.Is(err, x.want) {
			t.Errorf("%s: Certify gives %v, want %v", name, err, x.want)
		}
		_, err := ledger.Verify(resign(t, x.make(valid.Certificate)), "")
		// Sums are looked at after the proofs, which a changed count breaks as well.
		before := errors.Is(x.want, ledger.ErrSums) && errors.Is(err, ledger.ErrProof)
		if !errors.Is(err, x.want) && !before {
			t.Errorf("%s: signed by hand, Verify gives %v, want %v", name, err, x.want)
		}
	}
	_, err = l.Certify(t.Context(), c)
	must(t, err)
}

func mustRead(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "close.certificate"))
	must(t, err)
	return data
}

type wrong struct {
	want error
	make func(ledger.Certificate) ledger.Certificate
}

// wrongContent are certificates that hold together but for what they say.
func wrongContent() map[string]wrong {
	edit := func(want error, f func(*ledger.Certificate)) wrong {
		return wrong{want: want, make: func(c ledger.Certificate) ledger.Certificate { f(&c); return c }}
	}
	receipt := func(want error, i int, f func(*ledger.Receipt)) wrong {
		return edit(want, func(c *ledger.Certificate) {
			c.Receipts = slices.Clone(c.Receipts)
			f(&c.Receipts[i].Receipt)
		})
	}
	return map[string]wrong{
		"receipt missing":   edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Receipts = c.Receipts[:4] }),
		"promise missing":   edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Promises = c.Promises[1:] }),
		"promised twice":    edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Promises = append(slices.Clone(c.Promises), c.Promises[0]) }),
		"not cancelled":     edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Cancelled = nil }),
		"amendment missing": edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Amendments = nil }),
		"exception missing": edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Exceptions = c.Exceptions[1:] }),
		"cancelled and done": edit(ledger.ErrPromise, func(c *ledger.Certificate) {
			c.Cancelled = append(slices.Clone(c.Cancelled), ledger.Cancellation{Step: "veil", On: "2026-12-01", Reason: "x"})
		}),
		"receipt twice":      edit(ledger.ErrPromise, func(c *ledger.Certificate) { c.Receipts = append(slices.Clone(c.Receipts), c.Receipts[1]) }),
		"other manner":       receipt(ledger.ErrPromise, 2, func(r *ledger.Receipt) { r.Manner = ledger.Detach }),
		"other class":        receipt(ledger.ErrPromise, 2, func(r *ledger.Receipt) { r.Class = "post.drafts" }),
		"other law":          receipt(ledger.ErrPromise, 4, func(r *ledger.Receipt) { r.Law = "another" }),
		"settles nothing":    receipt(ledger.ErrPromise, 1, func(r *ledger.Receipt) { r.Settles = "veil" }),
		"hold without end":   receipt(ledger.ErrFormat, 4, func(r *ledger.Receipt) { r.Until = "" }),
		"negative":           receipt(ledger.ErrFormat, 1, func(r *ledger.Receipt) { r.Items = -1 }),
		"uncounted, counted": receipt(ledger.ErrFormat, 5, func(r *ledger.Receipt) { r.Bytes = 1 }),
		"no such manner":     receipt(ledger.ErrFormat, 2, func(r *ledger.Receipt) { r.Manner = "hide" }),
		"no such day":        receipt(ledger.ErrFormat, 2, func(r *ledger.Receipt) { r.Due = "2026-02-30" }),
		"before time":        receipt(ledger.ErrFormat, 2, func(r *ledger.Receipt) { r.Done = at("1969-12-31T23:59:59Z") }),
		"too many to count": edit(ledger.ErrSums, func(c *ledger.Certificate) {
			c.Receipts = slices.Clone(c.Receipts)
			c.Receipts[1].Receipt.Items, c.Receipts[2].Receipt.Items = math.MaxInt64, 1
		}),
		"no horizon":         edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.AgedOut.Backups = "" }),
		"no plan":            edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.Plan = "" }),
		"a person's name":    edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.ID = "王小明" }),
		"issued before seal": edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.Issued = c.Sealed.AddDate(0, 0, -1) }),
		"second of nothing":  edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.Version = 2 }),
		"first of something": edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.Extends = "sha256:00" }),
		"escape in a reason": edit(ledger.ErrFormat, func(c *ledger.Certificate) {
			c.Cancelled = []ledger.Cancellation{{Step: "name", On: "2026-12-01", Reason: "\x1b[2J"}}
		}),
		"exception for ever": edit(ledger.ErrFormat, func(c *ledger.Certificate) { c.Exceptions = []ledger.Exception{{Step: "exports", Law: "x"}} }),
		"exception elsewhere": edit(ledger.ErrPromise, func(c *ledger.Certificate) {
			c.Exceptions = []ledger.Exception{{Step: "exports", Holder: "shop", Class: "shop.orders", Law: "x", Until: "2027-01-01"}}
		}),
		"too long a list": edit(ledger.ErrTooLarge, func(c *ledger.Certificate) { c.Cancelled = make([]ledger.Cancellation, ledger.MaxReceipts+1) }),
	}
}
