package ledger_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/ledger"
)

// ended is the next version of first: the hold has ended, its orders are gone.
func ended(t *testing.T, first []byte, l *ledger.Log, change func(*ledger.Certificate)) ([]byte, error) {
	t.Helper()
	r, err := ledger.Verify(first, testKey(t).Verifier())
	must(t, err)
	c := r.Certificate
	c.Version, c.Extends, c.Issued = 2, ledger.FileHash(first), at("2029-10-02T17:00:00Z")
	c.Receipts = append(slices.Clone(c.Receipts), ledger.Entry{Salt: seededSalt(2), Receipt: ledger.Receipt{
		Step: "hold-ended.shop.orders", Act: "erase", Holder: "shop", Class: "shop.orders", Manner: ledger.Erase,
		Due: "2029-10-02", Done: at("2029-10-02T16:00:05Z"), Items: 3, Bytes: 2_048, Settles: "shop.orders",
	}})
	if change != nil {
		change(&c)
	}
	return l.Certify(t.Context(), logged(t, l, c))
}

func TestHoldThatEnded(t *testing.T) {
	first, l := sampleFile(t)
	second, err := ended(t, first, l, nil)
	must(t, err)
	golden(t, "close-2.certificate", second)
	r, err := ledger.VerifyExtension(first, second, testKey(t).Verifier())
	must(t, err)
	for _, k := range r.Kept {
		if k.Step == "shop.orders" {
			t.Errorf("still kept: %+v", k)
		}
	}
	s := r.Certificate.Sums
	if (s.Held != ledger.Count{}) || s.Erased.Items != 1520 || s.Erased.Classes != 4 {
		t.Errorf("sums %+v", s)
	}
	if len(r.Findings) != 0 {
		t.Errorf("findings %v", r.Findings)
	}
	if _, err := ledger.VerifyExtension(second, first, ""); !errors.Is(err, ledger.ErrPromise) {
		t.Errorf("the older as the newer: %v", err)
	}
	if _, err := ledger.VerifyExtension(first, first, ""); !errors.Is(err, ledger.ErrPromise) {
		t.Errorf("a version as its own next: %v", err)
	}
}

func TestNextVersionTakesNothingBack(t *testing.T) {
	first, l := sampleFile(t)
	for name, change := range map[string]func(*ledger.Certificate){
		"receipt replaced by exception": func(c *ledger.Certificate) {
			c.Receipts = slices.Delete(c.Receipts, 2, 3)
			c.Exceptions = append(slices.Clone(c.Exceptions), ledger.Exception{Step: "post.posts", Law: "x", Until: "2030-01-01"})
		},
		"receipt rewritten": func(c *ledger.Certificate) {
			c.Receipts[2].Receipt.Items, c.Receipts[2].Index = 7, 0
		},
		"promise rewritten": func(c *ledger.Certificate) {
			c.Promises = slices.Clone(c.Promises)
			c.Promises[2].Due = "2027-12-20"
		},
		"reason rewritten": func(c *ledger.Certificate) { c.Cancelled = slices.Clone(c.Cancelled); c.Cancelled[0].Reason = "other" },
		"amendment rewritten": func(c *ledger.Certificate) {
			c.Amendments = slices.Clone(c.Amendments)
			c.Amendments[0].Reason = "other"
		},
		"other plan":        func(c *ledger.Certificate) { c.Plan = "sha256:00" },
		"no longer a trial": func(c *ledger.Certificate) { c.Trial = false },
		"other certificate": func(c *ledger.Certificate) { c.ID = "c-other" },
		"version skipped":   func(c *ledger.Certificate) { c.Version = 3 },
		"other predecessor": func(c *ledger.Certificate) { c.Extends = ledger.FileHash(nil) },
	} {
		second, err := ended(t, first, l, change)
		must(t, err)
		if _, err := ledger.VerifyExtension(first, second, ""); !errors.Is(err, ledger.ErrPromise) {
			t.Errorf("%s: %v, want ErrPromise", name, err)
		}
	}
}

func TestSettlesOnlyWhatIsKept(t *testing.T) {
	first, l := sampleFile(t)
	for name, change := range map[string]func(*ledger.Receipt){
		"unknown step":   func(r *ledger.Receipt) { r.Settles = "shop.carts" },
		"erased already": func(r *ledger.Receipt) { r.Settles = "post.posts" },
		"other class":    func(r *ledger.Receipt) { r.Class = "shop.carts" },
		"not erased":     func(r *ledger.Receipt) { r.Manner = ledger.Detach },
		"nothing":        func(r *ledger.Receipt) { r.Settles = "" },
	} {
		_, err := ended(t, first, l, func(c *ledger.Certificate) { change(&c.Receipts[6].Receipt) })
		if !errors.Is(err, ledger.ErrPromise) {
			t.Errorf("%s: %v, want ErrPromise", name, err)
		}
	}
	twice := func(c *ledger.Certificate) {
		again := c.Receipts[6]
		again.Receipt.Step = "again"
		c.Receipts = append(c.Receipts, again)
	}
	if _, err := ended(t, first, l, twice); !errors.Is(err, ledger.ErrPromise) {
		t.Errorf("settled twice: %v, want ErrPromise", err)
	}
}

func TestFindings(t *testing.T) {
	set := func(i int, done string) func(*ledger.Certificate) {
		return func(c *ledger.Certificate) { c.Receipts[i].Receipt.Done = at(done) }
	}
	seen := map[ledger.FindingCode]bool{}
	find := func(list ...ledger.Finding) []ledger.Finding { return list }
	for name, x := range map[string]struct {
		change func(*ledger.Certificate)
		want   []ledger.Finding
	}{
		"as promised":       {set(2, "2026-12-20T16:00:00Z"), nil},
		"in cooling-off":    {set(2, "2026-11-29T15:59:59Z"), find(ledger.Finding{Code: ledger.BeforeCoolingOff, Step: "post.posts"}, ledger.Finding{Code: ledger.Early, Step: "post.posts"})},
		"a veil at once":    {set(0, "2026-11-22T00:00:00Z"), nil},
		"another run's act": {set(1, "2026-11-01T00:00:00Z"), nil},
		"a week early":      {set(2, "2026-12-13T16:00:00Z"), find(ledger.Finding{Code: ledger.Early, Step: "post.posts"})},
		"a week late":       {set(1, "2026-12-06T16:00:00Z"), find(ledger.Finding{Code: ledger.Late, Step: "talk.likes"})},
		"a day late":        {set(1, "2026-11-30T16:00:00Z"), nil},
		"in the future":     {set(5, "2026-12-21T03:00:00Z"), find(ledger.Finding{Code: ledger.AfterIssue, Step: "notify.notices"})},
		"postponed": {
			func(c *ledger.Certificate) { c.Receipts[2].Receipt.Due = "2026-12-21" },
			find(ledger.Finding{Code: ledger.Late, Step: "post.posts"}),
		},
		"hastened": {func(c *ledger.Certificate) {
			c.Hastened = at("2026-12-01T00:00:00Z")
			c.Receipts[2].Receipt.Done = at("2026-12-01T00:00:09Z")
		}, nil},
		"early before it was hastened": {func(c *ledger.Certificate) {
			c.Hastened = at("2026-12-01T00:00:00Z")
			c.Receipts[2].Receipt.Done = at("2026-11-30T23:59:59Z")
		}, find(ledger.Finding{Code: ledger.Early, Step: "post.posts"})},
	} {
		l := ledger.NewLog(&ledger.Memory{}, testKey(t))
		c := sample()
		x.change(&c)
		data, err := l.Certify(t.Context(), logged(t, l, c))
		must(t, err)
		r, err := ledger.Verify(data, "")
		must(t, err)
		for _, f := range r.Findings {
			seen[f.Code] = true
		}
		if !reflect.DeepEqual(r.Findings, x.want) {
			t.Errorf("%s: %v, want %v", name, r.Findings, x.want)
		}
	}
	first, l := sampleFile(t)
	second, err := ended(t, first, l, func(c *ledger.Certificate) {
		c.Receipts[6].Receipt.Due, c.Receipts[6].Receipt.Done = "", at("2028-01-01T00:00:00Z")
	})
	must(t, err)
	r, err := ledger.Verify(second, "")
	must(t, err)
	if want := find(ledger.Finding{Code: ledger.Early, Step: "hold-ended.shop.orders"}); !reflect.DeepEqual(r.Findings, want) {
		t.Errorf("a hold that ended early: %v, want %v", r.Findings, want)
	}
}

func TestReceiptHasOneForm(t *testing.T) {
	r := sample().Receipts[4].Receipt
	text, err := r.Canonical()
	must(t, err)
	want := "exeunt receipt v1\n" + `{"step":"shop.orders","act":"hold","holder":"shop","class":"shop.orders","manner":"hold",` +
		`"due":"2026-12-20","done":"2026-12-20T16:00:03Z","items":3,"bytes":2048,"law":"电子商务法 31","until":"2029-10-02"}`
	if string(text) != want {
		t.Errorf("canonical form\n%s\nwant\n%s", text, want)
	}
	leaf, err := r.Leaf(seededSalt(1))
	must(t, err)
	r.Done = r.Done.Add(999_999_999).In(at("2026-01-01T00:00:00+08:00").Location())
	same, err := r.Leaf(seededSalt(1))
	must(t, err)
	salted, err := r.Leaf(seededSalt(2))
	must(t, err)
	if leaf != same || leaf == salted {
		t.Errorf("leaf %v, in another zone %v, with another salt %v", leaf, same, salted)
	}
	if s := seededSalt(1).String(); strings.ContainsAny(s, "0123456789") {
		t.Errorf("a salt prints as %q", s)
	}
	a, err := ledger.NewSalt()
	must(t, err)
	b, err := ledger.NewSalt()
	must(t, err)
	if a == b || a == (ledger.Salt{}) {
		t.Error("two new salts are the same")
	}
}

func TestVersionsHaveOneKey(t *testing.T) {
	first, l := sampleFile(t)
	second, err := ended(t, first, l, nil)
	must(t, err)
	other := seededKey(t, "exeunt.example", "other")
	_, err = ledger.NewLog(&ledger.Memory{}, other).Certify(t.Context(), sample())
	if !errors.Is(err, ledger.ErrEmpty) {
		t.Errorf("certified by an empty log: %v", err)
	}
	ol := ledger.NewLog(&ledger.Memory{}, other)
	strange, err := ol.Certify(t.Context(), logged(t, ol, sample()))
	must(t, err)
	if _, err := ledger.VerifyExtension(strange, second, ""); !errors.Is(err, ledger.ErrKey) {
		t.Errorf("versions of two keys: %v, want ErrKey", err)
	}
}

func TestDayOf(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	for in, want := range map[string]ledger.Day{
		"2026-12-20T15:59:59Z": "2026-12-20",
		"2026-12-20T16:00:00Z": "2026-12-21",
	} {
		if got := ledger.DayOf(at(in), shanghai); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}
