package server_test

import (
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// TestSuspendedLeaves has an account that the operator suspends read its own, sleep and wake, take a copy along, close and be erased.
func TestSuspendedLeaves(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		v, op := in.member(t, "suspendedone"), in.member(t, "operatorone")
		op.Operator = true
		suspend := moderate.Order{What: moderate.Suspend, Rule: "fraud", Words: "三个账号，一套说法"}
		must(t, in.Order.Lay(ctx, op, moderate.Everywhere, v.Account, suspend), "suspend")
		if _, err := in.Posts.Write(ctx, v, post.Draft{Service: post.Page, Text: "more"}); exit.KindOf(err) != exit.Forbidden {
			t.Errorf("who is suspended writes: %v", err)
		}
		own, err := in.Posts.ByAuthor(ctx, v, v.Account, post.Cursor{}, 5)
		if err != nil || len(own) != 1 || !strings.Contains(own[0].Text, "wroteit") {
			t.Errorf("who is suspended reads of their own %+v, %v", own, err)
		}
		in.journey(t, v, "", exit.Hibernate)
		in.wantState(t, v.Name, v.Account, who.Hibernating)
		in.journey(t, v, "", exit.Wake)
		in.wantState(t, v.Name, v.Account, who.Active)
		if n := in.reasons(t, v); n != 2 {
			t.Errorf("%d reasons hold after a sleep, want the two of the suspension", n)
		}
		along := in.agree(t, exit.Ask{Subject: leave.SubjectOf(v.Account, ""), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()})
		in.settle(t)
		_, steps, err := in.DB.Runs.Load(ctx, along.ID)
		if err != nil || len(steps) == 0 || steps[0].Key != "pack" || steps[0].State != exit.StepVerified {
			t.Errorf("the archive of who is suspended: %+v, %v", steps, err)
		}
		run := in.journey(t, v, "", exit.Close)
		in.travel(t, 40)
		in.wantRun(t, run.ID, exit.RunSealed)
		in.wantNone(t, v)
	})
}
