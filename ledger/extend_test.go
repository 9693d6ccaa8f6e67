package ledger_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/ledger"
)

const agedPolicy = `version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  classes: {"*": {manner: erase, after: 28d}}
hibernate: {longest: none}
export: {volume: 2GiB, keep: 7d}
backups: {wal: 2d, backups: 35d}
`

func TestExtensionOf(t *testing.T) {
	first, l := sampleFile(t)
	policy, err := exit.ParsePolicy([]byte(agedPolicy))
	must(t, err)
	older, err := ledger.Verify(first, testKey(t).Verifier())
	must(t, err)
	end := ledger.Entry{Salt: seededSalt(2), Receipt: ledger.Receipt{
		Step: "end:shop.orders", Act: "erase", Holder: "shop", Class: "shop.orders", Manner: ledger.Erase,
		Due: "2029-10-02", Done: at("2029-10-02T16:00:05Z"), Items: 3, Bytes: 2_048, Settles: "shop.orders",
	}}
	stranger := end
	stranger.Receipt.Step, stranger.Receipt.Settles = "erase:shop.carts", ""
	for name, none := range map[string][]ledger.Entry{"nothing": nil, "what ends no hold": {stranger}, "what is there": older.Certificate.Receipts} {
		if _, ok := ledger.ExtensionOf(older, policy, none); ok {
			t.Errorf("%s makes a next version", name)
		}
	}
	next, ok := ledger.ExtensionOf(older, policy, []ledger.Entry{stranger, end})
	if !ok {
		t.Fatal("a hold that ended makes no next version")
	}
	next.Issued = at("2029-10-02T17:00:00Z")
	second, err := l.Certify(t.Context(), logged(t, l, next))
	must(t, err)
	r, err := ledger.VerifyExtension(first, second, testKey(t).Verifier())
	must(t, err)
	c := r.Certificate
	if c.Version != 2 || len(c.Receipts) != len(older.Certificate.Receipts)+1 || len(r.Findings) != 0 {
		t.Errorf("version %d has %d receipts and findings %v", c.Version, len(c.Receipts), r.Findings)
	}
	// It went on 3 October 2029 in Shanghai.
	if c.AgedOut != (ledger.AgedOut{WAL: "2029-10-05", Backups: "2029-11-07"}) {
		t.Errorf("it has aged out by %+v", c.AgedOut)
	}
	if _, ok := ledger.ExtensionOf(r, policy, []ledger.Entry{end}); ok {
		t.Error("a receipt that is there makes a next version")
	}
}

// TestAddedHold: what the operator's hold took the place of, and that it hastened nothing.
func TestAddedHold(t *testing.T) {
	policy, err := exit.ParsePolicy([]byte(agedPolicy))
	must(t, err)
	day := func(s string) exit.Date { d, err := exit.ParseDate(s); must(t, err); return d }
	erase := exit.Step{Key: "erase:shop.notes", Act: exit.ActErase, Holder: "shop", Class: "notes", Manner: exit.Erase, Due: day("2026-12-20")}
	hold := exit.Step{Key: "hold:shop.notes", Act: exit.ActHold, Holder: "shop", Class: "notes", Manner: exit.Hold, Due: day("2026-12-01"), Law: "a court's order", Until: day("2027-05-01")}
	late := exit.Step{Key: "erase:shop.carts", Act: exit.ActErase, Holder: "shop", Class: "carts", Manner: exit.Erase, Due: day("2026-12-20"), AtOnce: true}
	r := exit.Run{
		ID: "r1", Journey: exit.Close, Agreed: at("2026-11-22T04:00:00Z"), Ended: at("2026-12-20T16:00:00Z"),
		Plan: &exit.Plan{Zone: "Asia/Shanghai", Steps: []exit.Step{erase}},
	}
	c := ledger.CertificateOf(r, policy, []exit.StepStatus{
		{Step: erase, State: exit.StepCancelled, At: at("2026-12-20T16:00:00Z"), Ended: at("2026-12-01T04:00:00Z")},
		{Step: hold, State: exit.StepExcepted, At: at("2026-12-01T16:00:00Z"), Amended: true},
		{Step: late, State: exit.StepVerified, At: at("2026-12-20T16:00:00Z"), Amended: true},
	})
	if len(c.Cancelled) != 1 || c.Cancelled[0] != (ledger.Cancellation{Step: erase.Key, On: "2026-12-01", Reason: "a hold took its place"}) {
		t.Errorf("cancelled are %+v", c.Cancelled)
	}
	if a := c.Amendments; len(a) != 2 || a[0].Reason != "a hold that the operator added" || a[0].Added != "2026-12-01" || a[0].Law != hold.Law || a[1].Reason != "a class that the plan did not know" {
		t.Errorf("amendments are %+v", a)
	}
	if !c.Hastened.IsZero() {
		t.Errorf("the run was hastened at %v, says the certificate", c.Hastened)
	}
}
