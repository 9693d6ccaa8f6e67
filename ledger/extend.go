package ledger

import (
	"slices"
	"time"

	"exeunt/exit"
)

// ExtensionOf gives the next version of a certificate, for [Log.Certify] to sign: with the receipts of
// holds that have ended since, and, by the policy under which the run was agreed, when what they erased
// has left the backups. Receipts that the older version has are passed over; ok is false where
// that leaves none. Issued is the caller's to set, as are Index and Salt of the receipts.
// [VerifyExtension] accepts the next version after the older one.
func ExtensionOf(older Report, p *exit.Policy, ended []Entry) (next Certificate, ok bool) {
	next = older.Certificate
	next.Version, next.Extends = next.Version+1, older.File
	next.Receipts = slices.Clone(next.Receipts)
	var last time.Time
	for _, e := range ended {
		there := func(o Entry) bool { return o.Receipt.Step == e.Receipt.Step }
		if e.Receipt.Settles == "" || slices.ContainsFunc(next.Receipts, there) {
			continue
		}
		next.Receipts = append(next.Receipts, e)
		if e.Receipt.Done.After(last) {
			last = e.Receipt.Done
		}
	}
	if last.IsZero() {
		return Certificate{}, false
	}
	zone := (&exit.Plan{Zone: next.Zone}).Location()
	day := exit.DateOf(last, zone)
	next.AgedOut.WAL = max(next.AgedOut.WAL, dayOf(p.Backups.WAL.From(day, exit.Calendar{})))
	next.AgedOut.Backups = max(next.AgedOut.Backups, dayOf(p.Backups.Backups.From(day, exit.Calendar{})))
	return next, true
}
