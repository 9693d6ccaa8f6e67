package exit_test

import (
	"testing"
	"time"

	"exeunt/exit"
)

// housePolicy has a line for each thing that a plan can be made of.
const housePolicy = `version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  name_held: 1y
  classes:
    "*": {manner: erase, after: 28d}
    circle.members: {manner: erase, after: 14d}
    post.images: {manner: erase, after: 7d, choice: [erase, detach]}
    post.posts: {manner: erase, after: 28d, choice: [erase, detach]}
    relation.follows: {manner: erase, after: 28d, choice: [erase, detach]}
    shop.orders: {manner: hold, until: 3y, from: last_order, law: "电子商务法 31"}
    talk.comments: {manner: erase, after: 7d, choice: [erase, detach]}
    talk.likes: {manner: erase, after: 0d}
hibernate: {longest: none}
export: {volume: 2GiB, keep: 7d}
`

// houseFacts is what a platform with all kinds of classes declares: ones with a choice, a gate, a
// hold, an order, a rank, a person's own.
func houseFacts() exit.Facts {
	all := []string{"page", "circle"}
	class := func(holder string, c exit.Class) exit.ClassFact { return exit.ClassFact{Holder: holder, Class: c} }
	keepable := []exit.Manner{exit.Erase, exit.Detach}
	return exit.Facts{
		Classes: []exit.ClassFact{ // sorted by id
			class("account", exit.Class{Name: "person", Subject: exit.SubjectPerson, Rank: 3}),
			class("account", exit.Class{Name: "profile", Rank: 2, Exported: true}),
			class("blob", exit.Class{Name: "media", Rank: 1, Services: all, Outside: true}),
			class("circle", exit.Class{Name: "circles", Services: []string{"circle"}, Gate: "heir"}),
			class("circle", exit.Class{Name: "members", Services: []string{"circle"}, After: []exit.Order{{Class: "circle.circles", Why: "an owner is a member to the end"}}}),
			class("post", exit.Class{Name: "images", Services: all, Manners: keepable, After: []exit.Order{{Class: "post.posts", Why: "posts refer to images"}}, Exported: true, Imported: true}),
			class("post", exit.Class{Name: "posts", Services: all, Manners: keepable, Exported: true, Imported: true}),
			class("relation", exit.Class{Name: "follows", Exported: true}),
			class("shop", exit.Class{Name: "orders", Services: []string{"shop"}, Manners: []exit.Manner{exit.Erase, exit.Hold}}),
			class("talk", exit.Class{Name: "comments", Services: all, Manners: keepable, Exported: true}),
			class("talk", exit.Class{Name: "likes", Services: all, Exported: true}),
		},
		Hiders: []string{"service"}, Veilers: []string{"post", "relation", "talk"}, Freezers: []string{"account"},
		Binders: []string{"circle", "shop"}, Transfers: []string{"circle"}, Packer: "leave",
		Services: []string{"circle", "page", "shop"},
		Counts:   map[string]exit.Count{"post.posts": {Items: 200}},
	}
}

// agreed gives a run as it stands just after its plan was agreed: what happens at consent is done.
func agreed(t testing.TB, id string, p *exit.Policy, ask exit.Ask, at time.Time) exit.RunFact {
	t.Helper()
	plan, err := exit.MakePlan(p, ask, houseFacts(), at)
	if err != nil {
		t.Fatalf("plan run %s: %v", id, err)
	}
	f := exit.RunFact{Run: exit.Run{
		ID: id, Subject: ask.Subject, Journey: ask.Journey, State: exit.RunRunning, By: "person",
		Hash: plan.Hash(), Plan: plan, Policy: plan.Policy, Agreed: at, Version: 1,
	}}
	if ask.Journey == exit.Close && !ask.Now {
		f.Run.State = exit.RunOpen
	}
	for i, s := range plan.Steps {
		st := exit.StepStatus{Step: s, Seq: i, State: exit.StepWaiting, At: s.DueAt(at, p.Zone)}
		if s.AtConsent {
			st.State, st.Began, st.Ended = exit.StepVerified, at, at
		}
		f.Steps = append(f.Steps, st)
	}
	return f
}

// became gives the run with some of its steps in another state, as after some days.
func became(f exit.RunFact, at time.Time, states map[string]exit.StepState) exit.RunFact {
	f.Run.State = exit.RunRunning
	steps := make([]exit.StepStatus, len(f.Steps))
	for i, s := range f.Steps {
		if state, ok := states[s.Key]; ok {
			s.State, s.Chunks, s.Began = state, 1, at
			if state.Ended() {
				s.Ended = at
			}
		}
		steps[i] = s
	}
	f.Steps = steps
	return f
}
