package ledger

import (
	"slices"
	"strings"
	"time"

	"exeunt/exit"
)

// ReceiptOf gives the receipt of a step that has ended, as [exit.Engine] hands it to its Receipt
// hook. Days are those of the plan's zone.
func ReceiptOf(r exit.Run, s exit.StepStatus) Receipt {
	zone := r.Plan.Location()
	rec := Receipt{
		Step: s.Key, Act: string(s.Act), Holder: s.Holder, Class: s.Class, Manner: string(s.Manner),
		Due:  DayOf(s.At.Add(-time.Second), zone), // a term ends with its day, the step is due when the next begins
		Done: s.Ended, Items: s.Items, Bytes: s.Bytes, Uncounted: s.Uncounted,
		SatisfiedBy: strings.ReplaceAll(s.Satisfier, " ", "/"), Settles: s.Settles,
	}
	if s.AtOnce {
		rec.Due = DayOf(s.Ended, zone)
	}
	if s.Act == exit.ActHold {
		rec.Law, rec.Until = s.Law, dayOf(s.Until)
	}
	return rec
}

// CertificateOf gives the first version of the certificate of a run that is being sealed, as
// [exit.Engine] hands it to its Certify hook: what was agreed, amended, cancelled and kept, and,
// by the policy under which it was agreed, when what was erased has left the backups. ID, Issued,
// Trial and Receipts are the caller's to set, and Sunset for the run of one.
func CertificateOf(r exit.Run, p *exit.Policy, steps []exit.StepStatus) Certificate {
	zone := r.Plan.Location()
	ended := exit.DateOf(r.Ended, zone)
	c := Certificate{
		Version: 1, Journey: string(r.Journey), Policy: r.Policy, Plan: r.Hash, Zone: r.Plan.Zone,
		Agreed: DayOf(r.Agreed, zone), CoolingOffEnds: r.Began, Sealed: r.Ended,
		AgedOut: AgedOut{
			WAL:     dayOf(p.Backups.WAL.From(ended, exit.Calendar{})),
			Backups: dayOf(p.Backups.Backups.From(ended, exit.Calendar{})),
		},
	}
	for _, s := range steps {
		if s.Act.Irreversible() {
			c.addStep(r, s, steps, zone)
		}
	}
	for _, s := range r.Plan.Stays {
		switch s.State {
		case "shown":
			c.Exceptions = append(c.Exceptions, Exception{
				Class: s.What, Law: "the person's own choice", Until: dayOf(s.Until), Reason: "words left to be read; the slip takes them away sooner",
			})
		case "held":
			if r.Journey == exit.Sunset {
				continue // its archives, which [Sunset] knows of
			}
			c.Exceptions = append(c.Exceptions, Exception{
				Class: s.What, Law: "the operator's exit policy", Until: dayOf(s.Until), Reason: "held, so that nobody takes it over",
			})
		}
	}
	return c
}

// addStep puts down one step that was owed, and why it has no receipt where it has none.
func (c *Certificate) addStep(r exit.Run, s exit.StepStatus, all []exit.StepStatus, zone *time.Location) {
	p := Promise{
		Step: s.Key, Act: string(s.Act), Holder: s.Holder, Class: s.Class, Manner: string(s.Manner),
		Due: dayOf(s.Due), Law: s.Law, Until: dayOf(s.Until),
	}
	if s.Amended {
		a := Amendment{Promise: p, Added: DayOf(s.At.Add(-time.Second), zone), Reason: "a class that the plan did not know"}
		if s.Act == exit.ActHold && slices.ContainsFunc(r.Plan.Steps, func(o exit.Step) bool { return o.Act.Irreversible() && o.ClassID() == s.ClassID() }) {
			a.Reason = "a hold that the operator added"
		}
		c.Amendments = append(c.Amendments, a)
	} else {
		c.Promises = append(c.Promises, p)
	}
	switch s.State {
	case exit.StepCancelled:
		x := Cancellation{Step: s.Key, On: DayOf(r.Ended, zone), Reason: "its gate can never open"}
		if slices.ContainsFunc(all, func(o exit.StepStatus) bool { return o.Amended && o.Act == exit.ActHold && o.ClassID() == s.ClassID() }) {
			x.On, x.Reason = DayOf(s.Ended, zone), "a hold took its place"
		}
		c.Cancelled = append(c.Cancelled, x)
	case exit.StepSatisfied:
		c.Cancelled = append(c.Cancelled, Cancellation{Step: s.Key, On: DayOf(s.Ended, zone), Reason: "done by a step of another run"})
	default: // what was done itself has a receipt
	}
	if !s.Amended && (s.AtOnce || s.At.Before(s.DueAt(r.Agreed, zone))) && (c.Hastened.IsZero() || s.At.Before(c.Hastened)) {
		c.Hastened = s.At
	}
}

func dayOf(d exit.Date) Day { return Day(d.String()) }
