package ledger_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"exeunt/ledger"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// seededKey makes the same key for the same seed, so that golden files hold.
func seededKey(t testing.TB, name, seed string) *ledger.Key {
	t.Helper()
	sum := sha256.Sum256([]byte(seed))
	public := ed25519.NewKeyFromSeed(sum[:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(name, public)
	must(t, err)
	hash := strings.Split(vkey, "+")[1]
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, sum[:]...))
	key, err := ledger.ParseKey(strings.Join([]string{"PRIVATE", "KEY", name, hash, secret}, "+"))
	must(t, err)
	if key.Verifier() != vkey {
		t.Fatalf("verifier key %s, want %s", key.Verifier(), vkey)
	}
	return key
}

func testKey(t testing.TB) *ledger.Key { return seededKey(t, "exeunt.example", "golden") }

func seededSalt(n int) ledger.Salt { return sha256.Sum256(fmt.Appendf(nil, "salt %d", n)) }

// leaves returns n distinct leaves that stand for other people's receipts.
func leaves(from, n int) []tlog.Hash {
	out := make([]tlog.Hash, n)
	for i := range out {
		out[i] = tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(from+i)))
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// sample is one closing: a veil, two erasures, one detached class, a hold, a
// cancelled step, an exception and a class the plan did not know.
func sample() ledger.Certificate {
	promise := func(step, act, holder, class, manner string, due ledger.Day) ledger.Promise {
		return ledger.Promise{Step: step, Act: act, Holder: holder, Class: class, Manner: manner, Due: due}
	}
	orders := promise("shop.orders", "hold", "shop", "shop.orders", ledger.Hold, "2026-12-20")
	orders.Law = "电子商务法 31"
	notices := promise("notify.notices", "erase", "notify", "notify.notices", ledger.Erase, "2026-12-20")
	c := ledger.Certificate{
		ID: "c-7f3a9e0142d84c55", Version: 1, Trial: true, Journey: "close",
		Policy: "sha256:1b2c", Plan: "sha256:5d6e", Zone: "Asia/Shanghai", Agreed: "2026-11-22",
		CoolingOffEnds: at("2026-11-29T16:00:00Z"), Sealed: at("2026-12-21T02:00:00Z"), Issued: at("2026-12-21T02:00:05Z"),
		Promises: []ledger.Promise{
			promise("veil", "veil", "", "", "", "2026-11-22"),
			promise("talk.likes", "erase", "talk", "talk.likes", ledger.Erase, "2026-11-29"),
			promise("post.posts", "erase", "post", "post.posts", ledger.Erase, "2026-12-20"),
			promise("circle.posts", "erase", "circle", "circle.posts", ledger.Detach, "2026-12-20"),
			promise("name", "release", "account", "account.name", ledger.Erase, "2027-11-22"),
			promise("exports", "erase", "account", "account.archives", ledger.Erase, "2026-12-20"),
			orders,
		},
		Amendments: []ledger.Amendment{{Promise: notices, Added: "2026-12-20", Reason: "class added on 2026-12-01"}},
		Cancelled:  []ledger.Cancellation{{Step: "name", On: "2026-12-01", Reason: "the name was given up at once"}},
		Exceptions: []ledger.Exception{
			{Step: "exports", Holder: "account", Class: "account.archives", Law: "GDPR 20", Until: "2027-01-03", Reason: "archives of others, made earlier"},
			{Holder: "moderate", Class: "moderate.reports", Law: "网络安全法 21", Until: "2027-06-21"},
		},
		AgedOut: ledger.AgedOut{WAL: "2026-12-22", Backups: "2027-01-25"},
	}
	until := ledger.Day("2029-10-02")
	for _, x := range []struct {
		p            ledger.Promise
		done         string
		items, bytes int64
	}{
		{c.Promises[0], "2026-11-22T03:04:05Z", 1, 0},
		{c.Promises[1], "2026-11-29T16:00:09Z", 312, 0},
		{c.Promises[2], "2026-12-20T16:00:01Z", 1205, 48_221_904},
		{c.Promises[3], "2026-12-20T16:00:02Z", 40, 9_000},
		{orders, "2026-12-20T16:00:03Z", 3, 2_048},
		{notices, "2026-12-21T01:59:58Z", 0, 0},
	} {
		r := ledger.Receipt{
			Step: x.p.Step, Act: x.p.Act, Holder: x.p.Holder, Class: x.p.Class, Manner: x.p.Manner,
			Due: x.p.Due, Law: x.p.Law, Done: at(x.done), Items: x.items, Bytes: x.bytes,
		}
		switch r.Step {
		case "shop.orders":
			r.Until = until
		case "notify.notices":
			r.Uncounted = true
		case "talk.likes":
			r.SatisfiedBy = "r-91/talk.likes"
		}
		c.Receipts = append(c.Receipts, ledger.Entry{Receipt: r, Salt: seededSalt(1)})
	}
	return c
}

// logged puts the receipts of c that have no place yet into the log, each with
// others' leaves before and after it, and returns c with their indexes.
func logged(t testing.TB, l *ledger.Log, c ledger.Certificate) ledger.Certificate {
	t.Helper()
	for i := range c.Receipts {
		e := &c.Receipts[i]
		if e.Index != 0 {
			continue
		}
		leaf, err := e.Receipt.Leaf(e.Salt)
		must(t, err)
		first, err := l.Append(t.Context(), append(leaves(100*i, 3), leaf))
		must(t, err)
		e.Index = first + 3
	}
	_, err := l.Append(t.Context(), leaves(10_000, 2))
	must(t, err)
	return c
}

// sampleFile is the signed sample and the log it stands in.
func sampleFile(t testing.TB) ([]byte, *ledger.Log) {
	t.Helper()
	l := ledger.NewLog(&ledger.Memory{}, testKey(t))
	data, err := l.Certify(t.Context(), logged(t, l, sample()))
	must(t, err)
	return data, l
}
