package exitsql_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
)

var agreedAt = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// addFarOff stores n steps that are due years from now, of n/10 runs.
func addFarOff(b *testing.B, d database, n int) {
	b.Helper()
	for _, statement := range []string{
		`insert into exit_policies (hash, source) values ('far', 'far')`,
		fmt.Sprintf(`insert into exit_runs (id, subject, part, owner, journey, state, agreed_by, hash, plan, policy, agreed, began, ended, version, forgets)
			with recursive g (i) as (select 1 union all select i + 1 from g where i < %d)
			select 'far' || i, 'account:far' || i, '', '', 'close', 'running', 'person', 'h', '{}', 'far', 1, 1, 0, 1, 0 from g`, n/10),
		fmt.Sprintf(`insert into exit_steps (run, seq, step_key, act, holder, class, subject, choice, detail, state, open, due, retry, lease, fence, attempts,
				gated, planned, amended, began, ended, chunks, items, bytes, cursor, uncounted, problem, satisfier)
			with recursive g (i) as (select 0 union all select i + 1 from g where i < %d - 1)
			select 'far' || (1 + i / 10), i %% 10, 'erase:post.c' || (i %% 10), 'erase', 'post', 'c' || (i %% 10), '', '', '{}', 'waiting', 0,
				2000000000000 + i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0, '', '' from g`, n),
		`vacuum`, `analyze`,
	} {
		if _, err := d.writer.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	if d.dialect == exitsql.PostgreSQL { // or it would still be writing them down while it is measured
		if _, err := d.writer.ExecContext(b.Context(), `checkpoint`); err != nil {
			b.Fatal(err)
		}
	}
}

// addDue stores n runs, each with an erasure that is due.
func addDue(b *testing.B, s *exitsql.Store, prefix string, n int) {
	b.Helper()
	step := exit.Step{Key: "erase:post.posts", Act: exit.ActErase, Holder: "post", Class: "posts", Manner: exit.Erase, Back: exit.BackArchive}
	for i := range n {
		subject := exit.Account(fmt.Sprintf("%s-%d", prefix, i))
		plan := &exit.Plan{Format: 1, Journey: exit.Close, Subject: subject.String(), Policy: "far", Zone: "UTC", Steps: []exit.Step{step}}
		r := exit.Run{ID: subject.ID, Subject: subject, Journey: exit.Close, State: exit.RunRunning, Plan: plan, Policy: "far", Agreed: agreedAt, Version: 1}
		if err := s.Add(b.Context(), r, []exit.StepStatus{{Step: step, State: exit.StepWaiting, At: agreedAt}}, []byte("far")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLease takes batches of 100 due steps while others wait for a far-off date.
func BenchmarkLease(b *testing.B) {
	for _, create := range []struct {
		name string
		new  func(t testing.TB) database
	}{{"sqlite", newSQLite}, {"postgresql", newPostgreSQL}} {
		for _, far := range farOff {
			b.Run(fmt.Sprintf("%s/%d", create.name, far), func(b *testing.B) {
				d := create.new(b)
				s := d.store(b)
				addFarOff(b, d, far)
				var took []time.Duration
				batch := 0
				for b.Loop() {
					b.StopTimer()
					batch++
					addDue(b, s, fmt.Sprint("due", batch), 100)
					b.StartTimer()
					before := b.Elapsed()
					leases, err := s.Lease(b.Context(), agreedAt, agreedAt, time.Hour, 100)
					if err != nil || len(leases) != 100 {
						b.Fatalf("leased %d, %v", len(leases), err)
					}
					took = append(took, b.Elapsed()-before)
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-median")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
			})
		}
	}
}

// farOff is how many steps wait; the second number is the one that promises are measured at.
var farOff = []int{10_000, 500_000}
