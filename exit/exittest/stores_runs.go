package exittest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"exeunt/exit"
)

func addRoundTrip(t *testing.T, s exit.RunStore) {
	post := step(exit.ActErase, "posts", 28)
	post.Why, post.Back, post.Choices, post.Law = []string{"they show them"}, exit.BackArchive, []exit.Manner{exit.Detach}, "电子商务法 31"
	offer := step(exit.ActOffer, "", 0)
	offer.AtConsent, offer.Choice, offer.State, offer.Began, offer.Ended = true, "heir9", exit.StepVerified, day0, day0
	signIn := step(exit.ActErase, "sign-in", 28, "erase:post.posts")
	signIn.Subject = "person:p1"
	r, steps := agreed("r1", someone, exit.Close, offer, post, signIn, step(exit.ActSeal, "", 28, "erase:post.posts", "erase:post.sign-in"))
	add(t, s, r, steps)

	got, gotSteps, err := s.Load(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	if h := got.Plan.Hash(); h != r.Hash {
		t.Errorf("the loaded plan has hash %s, want %s\n%+v\n%+v", h, r.Hash, got.Plan, r.Plan)
	}
	if got.Subject != r.Subject || got.State != r.State || !got.Agreed.Equal(r.Agreed) || got.By != "person" || got.Version != 1 || got.Hash != r.Hash {
		t.Errorf("loaded %+v, want %+v", got, r)
	}
	if len(gotSteps) != len(steps) {
		t.Fatalf("loaded %d steps, want %d", len(gotSteps), len(steps))
	}
	for i, g := range gotSteps {
		if a, b := jsonOf(t, g.Step), jsonOf(t, steps[i].Step); a != b {
			t.Errorf("loaded step %s, want %s", a, b)
		}
		if g.Seq != i || g.State != steps[i].State || !g.At.Equal(steps[i].At) || !g.Ended.Equal(steps[i].Ended) {
			t.Errorf("loaded step %+v, want %+v", g, steps[i])
		}
	}
	_, _, err = s.Load(t.Context(), "nobody's")
	wantKind(t, "load of an unknown run", err, exit.NotFound)

	// A run that changes another keeps only some of its plan's steps as its own.
	h, _ := agreed("r2", someone, exit.Hasten, post, signIn)
	h.State, h.Ended = exit.RunSealed, day0
	add(t, s, h, nil)
	if got, _ := load(t, s, "r2"); got.Plan.Hash() != h.Hash || got.State != exit.RunSealed || !got.Ended.Equal(day0) {
		t.Errorf("the loaded plan of a hastening has hash %s, want %s", got.Plan.Hash(), h.Hash)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func addUnique(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	again, steps := agreed("r2", someone, exit.Close, step(exit.ActBegin, "", 3))
	wantKind(t, "a second closing", s.Add(t.Context(), again, steps, []byte("policy one")), exit.Conflict)
	if _, _, err := s.Load(t.Context(), "r2"); exit.KindOf(err) != exit.NotFound {
		t.Errorf("the second closing is there: %v", err)
	}
	closing(t, s, "r3", someone.Within("circle"))
	closing(t, s, "r4", exit.Account("other"))
	for i, id := range []string{"h1", "h2"} {
		h, steps := agreed(id, someone, exit.Hibernate, step(exit.ActFreeze, "", 0))
		if err := s.Add(t.Context(), h, steps, []byte("policy one")); (err == nil) != (i == 0) {
			t.Errorf("hibernation %d: %v", i, err)
		}
	}
	for _, id := range []string{"t1", "t2"} {
		r, steps := agreed(id, someone, exit.TakeAlong, step(exit.ActPack, "", 0))
		add(t, s, r, steps)
	}
	alter(t, s, "r1", exit.Alteration{State: exit.RunCancelled, Now: after(1), Cancel: []string{"begin", "erase:post.likes", "erase:post.posts", "seal"}})
	closing(t, s, "r5", someone)
}

func addRollsBack(t *testing.T, s exit.RunStore) {
	stop := errors.New("stop")
	err := s.Update(t.Context(), func(ctx context.Context) error {
		r, steps := agreed("r1", someone, exit.Close, step(exit.ActBegin, "", 3))
		if err := s.Add(ctx, r, steps, []byte("policy one")); err != nil {
			t.Errorf("add: %v", err)
		}
		if _, _, err := s.Load(ctx, "r1"); err != nil {
			t.Errorf("the run is not seen in its own transaction: %v", err)
		}
		return s.Update(ctx, func(context.Context) error { return stop })
	})
	if !errors.Is(err, stop) {
		t.Errorf("update gave %v, want its function's error", err)
	}
	_, _, err = s.Load(t.Context(), "r1")
	wantKind(t, "load of a run that was rolled back", err, exit.NotFound)
	lease(t, s, after(100), machine)
}

func openNewest(t *testing.T, s exit.RunStore) {
	for i, id := range []string{"r1", "r2", "r3"} {
		r, steps := agreed(id, someone.Within([]string{"", "circle", "circle:9"}[i]), exit.Close, step(exit.ActBegin, "", 3))
		r.Agreed = day0.Add(time.Duration(i) * time.Hour)
		add(t, s, r, steps)
	}
	closing(t, s, "other", exit.Account("7f3"))
	alter(t, s, "r2", exit.Alteration{State: exit.RunCancelled, Now: after(1), Cancel: []string{"begin"}})
	got, err := s.Open(t.Context(), someone)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Run.ID != "r3" || got[1].Run.ID != "r1" {
		t.Fatalf("open runs are %+v, want r3 and r1", got)
	}
	if got[0].Run.Subject != someone.Within("circle:9") || len(got[0].Steps) != 1 || got[0].Steps[0].Key != "begin" || got[0].Run.Plan == nil {
		t.Errorf("open run is %+v, want its subject, its plan and its step", got[0])
	}
	if r, _ := load(t, s, "r2"); r.State != exit.RunCancelled || !r.Ended.Equal(after(1)) {
		t.Errorf("cancelled run is %s, ended %v", r.State, r.Ended)
	}
}

func policies(t *testing.T, s exit.RunStore) {
	closing(t, s, "r1", someone)
	closing(t, s, "r2", exit.Account("other"))
	got, err := s.Policy(t.Context(), "p1")
	if err != nil || string(got) != "policy one" {
		t.Errorf("policy is %q, %v", got, err)
	}
	_, err = s.Policy(t.Context(), "p2")
	wantKind(t, "an unknown policy", err, exit.NotFound)
}
