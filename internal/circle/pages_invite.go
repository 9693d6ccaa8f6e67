package circle

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// inviteView is the page of a circle's invitation links.
type inviteView struct {
	Circle
	Link    string // one just made, shown this once
	Terms   Terms
	Links   []Invite
	Problem string
}

var lifeWords = ui.Keys("circle.invite.life.", "1", "7", "30", "90")

// lives are the lengths of time as a choice.
func (v inviteView) lives(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, l := range lives {
		days := strconv.Itoa(int(l / (24 * time.Hour)))
		out = append(out, ui.Option{Value: days, Label: ui.T(ctx, lifeWords[days]), Selected: l == v.Terms.Life})
	}
	return out
}

// crowds are the numbers of people as a choice.
func (v inviteView) crowds(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, n := range crowds {
		out = append(out, ui.Option{Value: strconv.FormatInt(n, 10), Label: ui.T(ctx, "circle.invite.people", "Count", n), Selected: n == v.Terms.People})
	}
	return out
}

func (r *Room) invitePage(w http.ResponseWriter, req *http.Request) error {
	return r.inviting(w, req, inviteView{Terms: DefaultTerms})
}

func (r *Room) inviting(w http.ResponseWriter, req *http.Request, view inviteView) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	var m Membership
	if view.Circle, m, err = r.Circle(ctx, service.ViewerOf(ctx), id); err != nil {
		return err
	}
	if !manages(m) {
		return exit.Fail(exit.Forbidden, "circle.error.moderators_only")
	}
	if view.Links, err = r.Invites(ctx, service.ViewerOf(ctx), id); err != nil {
		return err
	}
	status := http.StatusOK
	if view.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	return page(w, req, status, ui.T(ctx, "circle.invite"), toCircle(ctx, view.Circle), invitePage(view))
}

func (r *Room) invite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	t := DefaultTerms
	if s := req.PostFormValue("life"); s != "" {
		days, _ := strconv.Atoi(s) // 0 is no term that can be chosen
		t.Life = time.Duration(min(max(days, 0), 1000)) * 24 * time.Hour
	}
	if s := req.PostFormValue("people"); s != "" {
		t.People, _ = strconv.ParseInt(s, 10, 64) // 0 is none, either
	}
	token, err := r.Invite(ctx, service.ViewerOf(ctx), id, t)
	if err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.inviting(w, req, inviteView{Terms: DefaultTerms, Problem: p["terms"] + p[""]})
	}
	scheme := "http://"
	if req.TLS != nil || req.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https://"
	}
	return r.inviting(w, req, inviteView{Link: scheme + req.Host + "/join/" + token, Terms: t})
}

func (r *Room) revoke(w http.ResponseWriter, req *http.Request) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	invite, _ := who.ParseID(req.PostFormValue("invite")) // 0: all of them
	if err := r.Revoke(req.Context(), service.ViewerOf(req.Context()), id, invite); err != nil {
		return err
	}
	return service.Done(w, req, Path(id)+"/invite", "circle.done.revoked")
}

// invitationView is the page that an invitation link leads to.
type invitationView struct {
	Guest bool
	Token string
	Card  ui.CircleView
	In    bool
}

func (r *Room) invitation(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	token := req.PathValue("token")
	c, m, err := r.Invited(ctx, v, token)
	if err != nil {
		return err
	}
	view := invitationView{Guest: v.Guest(), Token: token, Card: card(ctx, c, m), In: belongs(m)}
	if !view.In {
		// The page of a circle by invitation opens only once one is in.
		view.Card.Href = req.URL.Path
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.invited"), nil, invitationPage(view))
}

func (r *Room) joinBy(w http.ResponseWriter, req *http.Request) error {
	id, err := r.JoinBy(req.Context(), service.ViewerOf(req.Context()), req.PathValue("token"))
	if err != nil {
		return err
	}
	return service.Done(w, req, Path(id), "circle.done.joined")
}
