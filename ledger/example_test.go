package ledger_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// One erased class, from its receipt to a certificate that verifies.
func Example() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	key, err := ledger.NewKey("social.example")
	check(err)
	l := ledger.NewLog(&ledger.Memory{}, key)

	// A step leaves a receipt, in the transaction of its last chunk …
	salt, err := ledger.NewSalt()
	check(err)
	done := time.Date(2026, 12, 20, 16, 0, 1, 0, time.UTC)
	receipt := ledger.Receipt{
		Step: "post.posts", Act: "erase", Holder: "post", Class: "post.posts",
		Manner: ledger.Erase, Due: "2026-12-20", Done: done, Items: 1205, Bytes: 48_221_904,
	}

	// … whose leaf the sequencer appends …
	leaf, err := receipt.Leaf(salt)
	check(err)
	first, err := l.Append(ctx, []tlog.Hash{leaf})
	check(err)

	// … and which the certificate opens once the run is sealed.
	file, err := l.Certify(ctx, ledger.Certificate{
		ID: "c-1", Version: 1, Journey: "close", Policy: "sha256:1b2c", Plan: "sha256:5d6e",
		Zone: "Asia/Shanghai", Agreed: "2026-11-22",
		CoolingOffEnds: time.Date(2026, 11, 29, 16, 0, 0, 0, time.UTC), Sealed: done, Issued: done,
		Promises: []ledger.Promise{{
			Step: "post.posts", Act: "erase", Holder: "post", Class: "post.posts",
			Manner: ledger.Erase, Due: "2026-12-20",
		}},
		AgedOut:  ledger.AgedOut{WAL: "2026-12-21", Backups: "2027-01-25"},
		Receipts: []ledger.Entry{{Receipt: receipt, Salt: salt, Index: first}},
	})
	check(err)

	report, err := ledger.Verify(file, key.Verifier())
	check(err)
	erased := report.Certificate.Sums.Erased
	fmt.Printf("signed by the key asked for: %v\n", report.KeyVerified)
	fmt.Printf("erased: %d class, %d items, %d bytes; kept: %d\n", erased.Classes, erased.Items, erased.Bytes, len(report.Kept))

	file[len(file)/2] ^= 1
	_, err = ledger.Verify(file, key.Verifier())
	fmt.Println("changed file accepted:", err == nil)
	// Output:
	// signed by the key asked for: true
	// erased: 1 class, 1205 items, 48221904 bytes; kept: 0
	// changed file accepted: false
}
