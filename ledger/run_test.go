package ledger_test

import (
	"reflect"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/ledger"
)

const runPolicy = `version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  classes:
    "*": {manner: erase, after: 28d}
backups: {wal: 1d, backups: 30d}
`

// sealing is a closing agreed on 2026-11-22 in Shanghai, as it is sealed.
func sealing() exit.Run {
	return exit.Run{
		ID: "r1", Journey: exit.Close, Hash: "p1", Policy: "q1", Plan: &exit.Plan{Zone: "Asia/Shanghai"},
		Agreed: at("2026-11-22T04:00:00Z"), Began: at("2026-11-29T16:00:00Z"), Ended: at("2026-12-20T16:00:09Z"),
	}
}

// erasing is the step that erases posts, done when the last day of its term was over.
func erasing(change func(*exit.StepStatus)) exit.StepStatus {
	s := exit.StepStatus{
		Step: exit.Step{
			Key: "erase:post.posts", Act: exit.ActErase, Holder: "post", Class: "posts", Manner: exit.Erase,
			Due: exit.Date{Year: 2026, Month: time.December, Day: 20},
		},
		State: exit.StepVerified, At: at("2026-12-20T16:00:00Z"), Ended: at("2026-12-20T16:00:05Z"), Items: 12, Bytes: 345,
	}
	if change != nil {
		change(&s)
	}
	return s
}

func TestReceiptOf(t *testing.T) {
	t.Parallel()
	plain := ledger.Receipt{
		Step: "erase:post.posts", Act: "erase", Holder: "post", Class: "posts", Manner: "erase",
		Due: "2026-12-20", Done: at("2026-12-20T16:00:05Z"), Items: 12, Bytes: 345,
	}
	for _, c := range []struct {
		name   string
		change func(*exit.StepStatus)
		want   func(*ledger.Receipt)
	}{
		{"on its day", nil, func(*ledger.Receipt) {}},
		{"late", func(s *exit.StepStatus) { s.Ended = at("2026-12-25T01:00:00Z") }, func(r *ledger.Receipt) { r.Done = at("2026-12-25T01:00:00Z") }},
		{"at once: the day on which it was done", func(s *exit.StepStatus) {
			s.AtOnce, s.At = true, at("2026-12-01T03:00:00Z")
			s.Ended = at("2026-12-01T16:30:00Z")
		}, func(r *ledger.Receipt) { r.Due, r.Done = "2026-12-02", at("2026-12-01T16:30:00Z") }},
		{
			"not counted", func(s *exit.StepStatus) { s.Items, s.Bytes, s.Uncounted = 0, 0, true },
			func(r *ledger.Receipt) { r.Items, r.Bytes, r.Uncounted = 0, 0, true },
		},
		{
			"done by another run", func(s *exit.StepStatus) { s.Satisfier = "r0 erase:post.posts" },
			func(r *ledger.Receipt) { r.SatisfiedBy = "r0/erase:post.posts" },
		},
		{"a hold has its law and its end", func(s *exit.StepStatus) {
			s.Act, s.Manner, s.Law, s.Until = exit.ActHold, exit.Hold, "tax law", exit.Date{Year: 2029, Month: time.October, Day: 1}
		}, func(r *ledger.Receipt) { r.Act, r.Manner, r.Law, r.Until = "hold", "hold", "tax law", "2029-10-01" }},
		{"an erasure has neither", func(s *exit.StepStatus) { s.Law = "a law that no hold names" }, func(*ledger.Receipt) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := plain
			c.want(&want)
			got := ledger.ReceiptOf(sealing(), erasing(c.change))
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if _, err := got.Canonical(); err != nil {
				t.Errorf("it is no receipt: %v", err)
			}
		})
	}
}

func TestCertificateOf(t *testing.T) {
	t.Parallel()
	policy, err := exit.ParsePolicy([]byte(runPolicy))
	must(t, err)
	posts := ledger.Promise{Step: "erase:post.posts", Act: "erase", Holder: "post", Class: "posts", Manner: "erase", Due: "2026-12-20"}
	plain := ledger.Certificate{
		Version: 1, Journey: "close", Policy: "q1", Plan: "p1", Zone: "Asia/Shanghai", Agreed: "2026-11-22",
		CoolingOffEnds: at("2026-11-29T16:00:00Z"), Sealed: at("2026-12-20T16:00:09Z"), Promises: []ledger.Promise{posts},
		AgedOut: ledger.AgedOut{WAL: "2026-12-22", Backups: "2027-01-20"}, // the seal fell on the 21st in Shanghai
	}
	for _, c := range []struct {
		name   string
		change func(*exit.StepStatus)
		stays  []exit.Stay
		want   func(*ledger.Certificate)
	}{
		{"as agreed", nil, nil, func(*ledger.Certificate) {}},
		{
			"what can be undone is no promise of a certificate", func(s *exit.StepStatus) { s.Act = exit.ActVeil }, nil,
			func(c *ledger.Certificate) { c.Promises = nil },
		},
		{"added at the seal", func(s *exit.StepStatus) { s.Amended, s.Due, s.At = true, exit.Date{}, at("2026-12-20T16:00:07Z") }, nil, func(c *ledger.Certificate) {
			p := posts
			p.Due = ""
			c.Promises = nil
			c.Amendments = []ledger.Amendment{{Promise: p, Added: "2026-12-21", Reason: "a class that the plan did not know"}}
		}},
		{"cancelled by its gate", func(s *exit.StepStatus) { s.State = exit.StepCancelled }, nil, func(c *ledger.Certificate) {
			c.Cancelled = []ledger.Cancellation{{Step: posts.Step, On: "2026-12-21", Reason: "its gate can never open"}}
		}},
		{
			"done by another run", func(s *exit.StepStatus) { s.State, s.Ended = exit.StepSatisfied, at("2026-12-10T10:00:00Z") }, nil,
			func(c *ledger.Certificate) {
				c.Cancelled = []ledger.Cancellation{{Step: posts.Step, On: "2026-12-10", Reason: "done by a step of another run"}}
			},
		},
		{
			"hastened", func(s *exit.StepStatus) { s.AtOnce, s.At = true, at("2026-12-01T03:00:00Z") }, nil,
			func(c *ledger.Certificate) { c.Hastened = at("2026-12-01T03:00:00Z") },
		},
		{"a held name is an exception, what is kept elsewhere is none", nil, []exit.Stay{
			{What: "name", State: "held", Until: exit.Date{Year: 2027, Month: time.December, Day: 20}},
			{What: "archives", State: "elsewhere"},
		}, func(c *ledger.Certificate) {
			c.Exceptions = []ledger.Exception{{Class: "name", Law: "the operator's exit policy", Until: "2027-12-20", Reason: "held, so that nobody takes it over"}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := plain
			c.want(&want)
			run := sealing()
			run.Plan.Stays = c.stays
			if got := ledger.CertificateOf(run, policy, []exit.StepStatus{erasing(c.change)}); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}
