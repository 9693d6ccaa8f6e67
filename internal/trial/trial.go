// Package trial shows the idea in ten minutes: on a trial install one click lends the visitor a
// ready-made account, and a bar moves the clock. Nothing of it exists elsewhere.
package trial

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/media"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// Room makes the trial's accounts and moves its clock.
type Room struct {
	DB        *db.DB
	Accounts  *account.Room
	Relations *relation.Room
	Posts     *post.Room
	Talk      *talk.Room
	Circles   *circle.Room
	Channels  *channel.Room
	Uploads   *upload.Room
	Tools     func() media.Tools // without FFmpeg there are no films
	Spool     string             // a folder for films that are being made
	// Travel moves the promise clock forward and has all that falls due done.
	Travel func(ctx context.Context, by time.Duration) error

	mu sync.Mutex // one visitor's account is made at a time
}

// Password is that of every account that is lent: it is shown, so that closing can ask for it.
const Password = "come-and-go-freely"

// unlessOver leaves out that something has ended, and takes nothing new: a trial goes on without it.
func unlessOver(err error) error {
	var e *exit.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Key, "error.sunset_") {
		return nil
	}
	return err
}

// Begin makes the accounts that follow the visitors, once. Of what has ended nothing is made again.
func (r *Room) Begin(ctx context.Context) error {
	for _, n := range neighbours {
		_, err := r.Accounts.ByName(ctx, n)
		if err == nil {
			continue
		}
		if exit.KindOf(err) != exit.NotFound {
			return err
		}
		if _, err := r.Accounts.CreateAccount(ctx, n, account.Personal, Password); err != nil {
			if unlessOver(err) == nil {
				return nil // all of the install has ended
			}
			return fmt.Errorf("make neighbours: %w", err)
		}
	}
	crowd, err := r.crowd(ctx)
	if err != nil {
		return err
	}
	if err := unlessOver(r.settle(ctx, crowd)); err != nil {
		return err
	}
	if err := unlessOver(r.screen(ctx, crowd)); err != nil {
		return err
	}
	return unlessOver(r.murmur(ctx, crowd))
}

// crowd gives the neighbours as those who do something.
func (r *Room) crowd(ctx context.Context) ([]who.Viewer, error) {
	out := make([]who.Viewer, 0, len(neighbours))
	for _, n := range neighbours {
		a, err := r.Accounts.ByName(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("find neighbours: %w", err)
		}
		out = append(out, who.Viewer{Account: a.ID, Name: a.Name, State: who.Active})
	}
	return out, nil
}

// Routes are the trial's two forms.
func (r *Room) Routes() []service.Route {
	return []service.Route{
		{Pattern: "POST /trial/lend", Access: service.Anyone, Handle: r.lend},
		{Pattern: "POST /trial/clock", Access: service.Anyone, Handle: r.move},
	}
}

// ClockPath is where the bar's buttons post to, LendPath where a visitor is lent an account.
const (
	ClockPath = "/trial/clock"
	LendPath  = "/trial/lend"
)

// Bar gives the bar that moves the clock.
func Bar(ctx context.Context, now time.Time) *ui.TrialBar {
	return &ui.TrialBar{Now: now, Action: ClockPath, Steps: []ui.TrialStep{
		{Label: ui.T(ctx, "trial.day"), Hours: 24}, {Label: ui.T(ctx, "trial.week"), Hours: 168}, {Label: ui.T(ctx, "trial.month"), Hours: 720},
	}}
}

func (r *Room) move(w http.ResponseWriter, req *http.Request) error {
	hours, err := strconv.Atoi(req.PostFormValue("by"))
	if err != nil || hours < 1 || hours > 24*366 {
		return exit.Fail(exit.Invalid, "trial.error.by")
	}
	if err := r.Travel(req.Context(), time.Duration(hours)*time.Hour); err != nil {
		return err
	}
	return service.Done(w, req, back(req), "trial.moved")
}

// back gives the page from which a form was posted.
func back(req *http.Request) string {
	if p := req.PostFormValue("back"); p != "" {
		return ui.LocalPath(p)
	}
	return ui.HomePath
}

func (r *Room) lend(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	r.mu.Lock()
	defer r.mu.Unlock()
	seed := rand.Uint64() //nolint:gosec // it picks made-up posts, nothing secret
	lent, err := r.Make(ctx, seed, ui.LangOf(ctx))
	if err != nil {
		return err
	}
	token, err := r.Accounts.Begin(ctx, lent.Person, lent.Account, req.UserAgent())
	if err != nil {
		return err
	}
	r.Accounts.SetCookie(w, req, token)
	return service.Done(w, req, ui.HomePath, "trial.lent")
}
