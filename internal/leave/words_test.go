package leave_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/policies"
)

var update = flag.Bool("update", false, "write the golden files")

// TestWords reads every journey's calendar in both languages, as a plan and as it goes.
func TestWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		for _, lang := range ui.Langs() {
			golden(t, "words-"+string(lang)+".txt", h.tell(lang))
		}
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it and run with -update if it is right. Got:\n%s", name, got)
	}
}

// tell writes down what each journey says. Plans are made from facts alone: the clock of a server does not matter.
func (h *house) tell(lang ui.Lang) string {
	h.t.Helper()
	ctx := ui.WithReader(h.t.Context(), ui.Reader{Lang: lang, Zone: h.Policy.Zone, Now: dbtest.Start})
	var b strings.Builder
	whole := exit.Account("7")
	facts := h.facts()
	for _, ask := range []exit.Ask{
		{Subject: whole.Within("circle"), Journey: exit.Hide},
		{Subject: whole.Within("circle"), Journey: exit.Show},
		{Subject: whole.Within("page"), Journey: exit.Hide},
		{Subject: whole, Journey: exit.Hibernate, Until: exit.Date{Year: 2026, Month: time.May, Day: 1}},
		{Subject: whole, Journey: exit.TakeAlong},
		{Subject: whole, Journey: exit.Close, Choices: map[string]exit.Manner{"post.posts": exit.Detach}, Heir: "8"},
		{Subject: whole.Within("circle"), Journey: exit.Close},
		{Subject: whole.Within("page"), Journey: exit.Close},
		{Subject: whole.Within("channel"), Journey: exit.Close},
		{Subject: whole.Within("circle:9"), Journey: exit.Close},
		{Subject: whole, Journey: exit.Close, Now: true},
	} {
		facts.Left = nil
		if in := ask.Subject.In; in == "" || in == "channel" {
			facts.Left = []string{"farewell"}
		}
		plan, err := exit.MakePlan(h.Policy, ask, facts, dbtest.Start)
		h.must(err)
		write(&b, h.JourneyName(ctx, ask.Journey, ask.Subject), h.PlanCalendar(ctx, ask.Subject, plan))
		if ask.Journey == exit.Close && ask.Subject == whole && !ask.Now {
			h.tellRun(ctx, &b, plan, whole)
		}
	}
	return b.String()
}

// facts are those of a person with one circle and one account.
func (h *house) facts() exit.Facts {
	f := exit.Facts{
		Hiders: []string{"service"}, Veilers: []string{"service"}, Freezers: []string{"service"}, Binders: []string{"circle"}, Transfers: []string{"circle"},
		Packer: "leave", Owner: exit.Subject{Kind: exit.SubjectPerson, ID: "3"}, Services: []string{"channel", "circle", "page"},
		Bindings: []exit.Binding{{Holder: "circle", Code: "circle_owner", Ref: "circle:9", Fixes: []string{"end", "heir"}}},
		Counts:   map[string]exit.Count{"post.posts": {Items: 1286}, "talk.comments": {Items: 1}, "job.jobs": {Items: 4}, "channel.videos": {Items: 12}},
	}
	for _, x := range h.Engine.Holders {
		for _, c := range x.Classes() {
			f.Classes = append(f.Classes, exit.ClassFact{Holder: x.Name(), Class: c})
		}
	}
	return f
}

// tellRun tells a closing on its way: a week is over, one step is stuck, one is under way.
func (h *house) tellRun(ctx context.Context, b *strings.Builder, plan *exit.Plan, s exit.Subject) {
	h.t.Helper()
	now := dbtest.Start.Add(8 * day)
	run := exit.Run{ID: "r", Subject: s, Journey: exit.Close, State: exit.RunRunning, Plan: plan, Hash: plan.Hash(), Agreed: dbtest.Start}
	var steps []exit.StepStatus
	for i, x := range plan.Steps {
		st := exit.StepStatus{Step: x, Seq: i, State: exit.StepWaiting, At: x.DueAt(dbtest.Start, h.Policy.Zone)}
		switch {
		case x.AtConsent:
			st.State, st.Ended = exit.StepVerified, dbtest.Start
		case x.ClassID() == "talk.likes":
			st.State, st.Problem = exit.StepStuck, "error.step_failed"
		case x.ClassID() == "talk.favourites":
			st.State, st.Chunks = exit.StepRunning, 1
		case x.ClassID() == "relation.follows":
			st.State, st.Ended = exit.StepCancelled, now
		case !st.At.After(now) && x.Act != exit.ActSeal:
			st.State, st.Ended, st.Items, st.Bytes, st.Chunks = exit.StepVerified, st.At, 12, 3000, 1
		}
		steps = append(steps, st)
	}
	ctx = ui.WithReader(ctx, ui.Reader{Lang: ui.LangOf(ctx), Zone: time.UTC, Now: now})
	write(b, "…", h.RunCalendar(ctx, run, steps))
	back, err := exit.MakePlan(h.Policy, exit.Ask{Subject: s, Journey: exit.Return}, exit.Facts{Runs: []exit.RunFact{{Run: run, Steps: steps}}}, now)
	h.must(err)
	write(b, h.JourneyName(ctx, exit.Return, s), h.PlanCalendar(ctx, s, back))
}

func write(b *strings.Builder, name string, v ui.CalendarView) {
	fmt.Fprintf(b, "# %s\n", name)
	for _, r := range v.Rows {
		fmt.Fprintf(b, "%s %s %s", r.Date.In(v.Zone).Format(time.DateOnly), r.State, r.Sentence)
		for _, more := range append(r.What, r.Undo, string(r.Back)) {
			if more != "" {
				fmt.Fprintf(b, " | %s", more)
			}
		}
		if r.Receipt != nil {
			fmt.Fprintf(b, " | %d items, %d bytes", r.Receipt.Items, r.Receipt.Bytes)
		}
		b.WriteString("\n")
	}
	for _, s := range v.Stays {
		fmt.Fprintf(b, "* %s\n", s)
	}
	b.WriteString("\n")
}

// TestClassesHaveNames wants a name in both languages for every class that is declared.
func TestClassesHaveNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, x := range open(t, d).Engine.Holders {
			for _, c := range x.Classes() {
				if key := "leave.class." + x.Name() + "." + c.Name; !ui.HasKey(key) {
					t.Errorf("%s has no words", key)
				}
			}
		}
	})
}

// TestHold names the law and the end of what is kept, and a class that the words do not know.
func TestHold(t *testing.T) {
	src := strings.Replace(string(policies.Default()), "    # Boosts", "    shop.orders: {manner: hold, until: 3y, from: last_order, law: \"电子商务法 31\"}\n    # Boosts", 1)
	policy, err := exit.ParsePolicy([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	l := &leave.Room{Policy: policy, Registry: &service.Registry{Services: []service.Service{{Name: post.Page, Title: "page.service"}, circle.Service}}}
	facts := exit.Facts{Classes: []exit.ClassFact{{Holder: "shop", Class: exit.Class{Name: "orders", Manners: []exit.Manner{exit.Hold}}}}}
	ctx := ui.WithReader(t.Context(), ui.Reader{Lang: ui.Chinese, Zone: policy.Zone, Now: dbtest.Start})
	plan, err := exit.MakePlan(policy, exit.Ask{Subject: exit.Account("7"), Journey: exit.Close}, facts, dbtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range l.PlanCalendar(ctx, exit.Account("7"), plan).Rows {
		if r.Hold != nil && r.Hold.Name == "电子商务法 31" && r.Sentence == "其他数据依法留存，去掉姓名" {
			return
		}
	}
	t.Error("the hold is not told")
}
