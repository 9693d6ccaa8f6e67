package leave

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// proofView asks who is closing.
type proofView struct {
	Intro  string
	Action string
	Field  ui.Field
	Fields []ui.HiddenField
	Yes    ui.Button
	No     ui.Button
	Key    bool // a passkey proves it too
}

// waitView says what a closing of an organisation still needs.
type waitView struct{ Sentence string }

// prove checks the consent's sentence and the proof of a closing; what is missing is asked for on a
// page, and ready is false.
func (l *Room) prove(w http.ResponseWriter, r *http.Request, p previewed) (ready bool, err error) {
	ctx := r.Context()
	if r.PostForm.Get("consent") == "" {
		p.view.Consent.Error = ui.T(ctx, "leave.consent.missing")
		return false, l.showPreview(w, r, http.StatusUnprocessableEntity, p)
	}
	v := proofView{
		Intro: ui.T(ctx, "leave.proof.intro"), Action: p.view.Action, Fields: append(p.view.Fields, ui.HiddenField{Name: "consent", Value: "1"}),
		Yes: p.view.Yes, No: p.view.No,
	}
	ok, err := l.askProof(w, r, l.JourneyName(ctx, p.ask.Journey, p.ask.Subject), v)
	if err != nil || !ok {
		return false, err
	}
	need, first, err := l.approved(ctx, p)
	if err != nil || need == needNothing {
		return err == nil, err
	}
	wait := waitView{Sentence: ui.T(ctx, "leave.need.another")}
	if need == needWait {
		wait.Sentence = ui.T(ctx, "leave.need.wait", "Date", ui.DateTimeIn(ctx, first.Add(loneWait)))
	}
	return false, ui.Render(w, r, http.StatusOK, waitPage(l.frame(ctx, l.JourneyName(ctx, p.ask.Journey, p.ask.Subject), toCentre(ctx)), wait))
}

// askProof checks the posted proof; without one, or with a wrong one, it asks on a page and gives false.
func (l *Room) askProof(w http.ResponseWriter, r *http.Request, title string, v proofView) (bool, error) {
	ctx := r.Context()
	v.Field = ui.Field{
		Name: "proof", Type: "password", Label: ui.T(ctx, "leave.proof"), Hint: ui.T(ctx, "leave.proof.hint"), Autocomplete: "current-password",
		Required: true, Autofocus: true, MaxLength: 1000,
	}
	me := service.ViewerOf(ctx)
	var err error
	if v.Key, err = l.byPasskey(r, me); err != nil {
		return false, err
	}
	status := http.StatusOK
	if r.PostForm.Has("proof") || v.Key && r.PostForm.Has("passkey") {
		wrong := "leave.proof.wrong"
		if r.PostForm.Has("proof") {
			err = l.Accounts.Prove(ctx, me.Person, r.PostForm.Get("proof"))
		} else {
			wrong, err = "leave.proof.wrong_passkey", l.Accounts.ProvePasskey(w, r, me)
		}
		if err == nil {
			return true, nil
		}
		if exit.KindOf(err) != exit.Unauthenticated {
			return false, err
		}
		status, v.Field.Error = http.StatusUnprocessableEntity, ui.Sentence(ctx, wrong)
	}
	return false, ui.Render(w, r, status, proofPage(l.frame(ctx, title, toCentre(ctx)), v))
}

// byPasskey reports whether the policy takes a passkey as a proof and the viewer can give one here.
func (l *Room) byPasskey(r *http.Request, me who.Viewer) (bool, error) {
	if !slices.Contains(l.Policy.Close.Verify[string(account.Personal)], "passkey") {
		return false, nil // how an organisation agrees is another matter: each of its people proves who they are
	}
	return l.Accounts.Provable(r, me)
}

// approved puts the person's proof down where the policy asks an organisation for more than one, and
// says what is still needed. First is when the first administrator proved (promise time).
func (l *Room) approved(ctx context.Context, p previewed) (need consentNeed, first time.Time, err error) {
	me := service.ViewerOf(ctx)
	a, err := l.Accounts.Account(ctx, me.Account)
	if err != nil {
		return "", first, err
	}
	methods := l.Policy.Close.Verify[string(a.Kind)]
	if needOf(methods, 2, 0, time.Time{}, time.Time{}) == needNothing {
		return needNothing, first, nil
	}
	err = l.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := l.Desk.EnterExit(ctx, me.Account)
		if err != nil {
			return err
		}
		key, err := requestKey(p.ask, p.plan.Policy)
		if err != nil {
			return err
		}
		if err := l.Accounts.Approve(ctx, pass, me.Account, me.Person, key); err != nil {
			return err
		}
		people, err := l.Accounts.People(ctx, me.Account)
		if err != nil {
			return err
		}
		var n int
		if n, first, err = l.Accounts.Approved(ctx, me.Account, key); err != nil {
			return err
		}
		need = needOf(methods, people, n, first, pass.At)
		return nil
	})
	return need, first, err
}

// requestKey names a request for approvals: the plan's own hash is another one each day, and two
// administrators, or one and the day after, are rarely on the same.
func requestKey(ask exit.Ask, policy string) (string, error) {
	b, err := json.Marshal(struct {
		Ask    exit.Ask
		Policy string
	}{ask, policy})
	if err != nil {
		return "", fmt.Errorf("name request: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// postUndo takes a journey back with one tap: cancel, return, wake.
func (l *Room) postUndo(j exit.Journey) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := asked(r); err != nil {
			return err
		}
		ctx := r.Context()
		run, _, err := l.ownRun(ctx, r.PostForm.Get("run"))
		if err != nil {
			return err
		}
		ask := exit.Ask{Subject: run.Subject, Journey: j, Run: run.ID}
		_, _, err = l.Agree(ctx, ask, r.PostForm.Get("hash"), "person")
		if planChanged(err) {
			return l.showUndo(w, r, run, j)
		}
		if err != nil {
			return err
		}
		return service.Done(w, r, ui.ExitPath, undone[string(j)])
	}
}

var undone = ui.Keys("leave.done.", "cancel", "return", "wake")

// showUndo shows what undoing a run does by now, and asks again.
func (l *Room) showUndo(w http.ResponseWriter, r *http.Request, run exit.Run, j exit.Journey) error {
	ctx := r.Context()
	u, err := l.undoingOf(ctx, run, j)
	if err != nil {
		return err
	}
	if u == nil {
		return exit.Fail(exit.Conflict, "leave.error.undo_over")
	}
	f := l.frame(ctx, u.Label, toCentre(ctx))
	return ui.Render(w, r, http.StatusConflict, undoPage(f, ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "leave.changed")}, *u))
}

// hastening plans the rest of an open closing for now.
func (l *Room) hastening(ctx context.Context, id string) (previewed, error) {
	run, _, err := l.ownRun(ctx, id)
	if err != nil {
		return previewed{}, err
	}
	p := previewed{ask: exit.Ask{Subject: run.Subject, Journey: exit.Hasten, Run: run.ID}}
	if p.plan, err = l.Engine.Preview(ctx, p.ask); err != nil {
		return p, fmt.Errorf("preview hasten: %w", err)
	}
	p.view = previewView{
		Action: "/exit/hasten", Intro: ui.T(ctx, introWords["hasten"]), Calendar: l.PlanCalendar(ctx, run.Subject, p.plan),
		Consent: &ui.Checkbox{Name: "consent", Label: ui.T(ctx, "leave.consent"), Required: true},
		Yes:     ui.Button{Label: ui.T(ctx, journeyWords["hasten"])}, No: ui.Button{Label: ui.T(ctx, noWords["hasten"]), Href: ui.ExitPath},
	}
	p.view.Fields = []ui.HiddenField{{Name: "run", Value: run.ID}, {Name: "hash", Value: p.plan.Hash()}, {Name: "seen", Value: seen(p.view.Calendar)}}
	return p, nil
}

func (l *Room) getHasten(w http.ResponseWriter, r *http.Request) error {
	p, err := l.hastening(r.Context(), r.URL.Query().Get("run"))
	if err != nil {
		return err
	}
	return l.showPreview(w, r, http.StatusOK, p)
}

func (l *Room) postHasten(w http.ResponseWriter, r *http.Request) error {
	if err := asked(r); err != nil {
		return err
	}
	ctx := r.Context()
	p, err := l.hastening(ctx, r.PostForm.Get("run"))
	if err != nil {
		return err
	}
	changed := func() error {
		p.view.markChanged(ctx, r.PostForm.Get("seen"))
		p.view.Notice = &ui.Notice{Kind: ui.Warn, Sentence: ui.T(ctx, "leave.changed")}
		return l.showPreview(w, r, http.StatusConflict, p)
	}
	if p.plan.Hash() != r.PostForm.Get("hash") {
		return changed()
	}
	if ready, err := l.prove(w, r, p); err != nil || !ready {
		return err
	}
	if _, _, err := l.Agree(ctx, p.ask, r.PostForm.Get("hash"), "person"); planChanged(err) {
		if p, err = l.hastening(ctx, p.ask.Run); err != nil {
			return err
		}
		return changed()
	} else if err != nil {
		return err
	}
	return service.Done(w, r, ui.ExitPath, "leave.done.hasten")
}
