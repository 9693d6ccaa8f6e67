package circle

import (
	"context"
	"net/http"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// membersView is the page of a circle's members.
type membersView struct {
	Circle
	Own    Membership
	Askers []Person
	Staff  []Person
	People []Person
	Older  string
	More   string // further askers
	Me     who.ID
}

// acts gives what the viewer may do about a member.
func (v membersView) acts(ctx context.Context, p Person) []ui.Action {
	var out []ui.Action
	act := func(what, icon, key string) {
		out = append(out, ui.Action{Label: ui.T(ctx, key), Href: Path(v.ID) + "/members/" + p.ID.String() + "/" + what, Icon: icon, Post: true})
	}
	switch {
	case p.ID == v.Me:
	case owns(v.Own) && p.Role == Moderator:
		act("member", "user", "circle.dismiss")
	case owns(v.Own) && p.Role == Member && v.State != Ended:
		act("moderator", "shield-check", "circle.appoint")
	}
	if p.ID != v.Me && mayRemove(v.Own, p.Membership) {
		act("remove", "circle-minus", "circle.remove")
	}
	return out
}

func (r *Room) membersPage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	view := membersView{Me: v.Account}
	if view.Circle, view.Own, err = r.Circle(ctx, v, id); err != nil {
		return err
	}
	asking := req.FormValue("list") == "asked"
	if manages(view.Own) && (asking || before(req) == 0) {
		if view.Askers, err = r.Askers(ctx, v, id, before(req), peopleAPage); err != nil {
			return err
		}
		if len(view.Askers) == peopleAPage {
			view.More = Path(id) + "/members?list=asked&before=" + view.Askers[peopleAPage-1].Row.String()
		}
	}
	if !asking {
		if view.Staff, view.People, err = r.Members(ctx, v, id, before(req), peopleAPage); err != nil {
			return err
		}
		if len(view.People) == peopleAPage {
			view.Older = Path(id) + "/members?before=" + view.People[peopleAPage-1].Row.String()
		}
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.members"), toCircle(ctx, view.Circle), membersList(view))
}

// member does one thing to one member.
func (r *Room) member(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	account, ok := who.ParseID(req.PathValue("account"))
	if !ok {
		return exit.Fail(exit.NotFound, "circle.error.no_member")
	}
	done := ""
	switch req.PathValue("act") {
	case "accept":
		done, err = "circle.done.accepted", r.Accept(ctx, v, id, account)
	case "refuse":
		done, err = "circle.done.refused", r.Refuse(ctx, v, id, account)
	case "remove":
		done, err = "circle.done.removed", r.Remove(ctx, v, id, account)
	case "moderator":
		done, err = "circle.done.appointed", r.Appoint(ctx, v, id, account, Moderator)
	case "member":
		done, err = "circle.done.dismissed", r.Appoint(ctx, v, id, account, Member)
	default:
		err = exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return err
	}
	return service.Done(w, req, Path(id)+"/members", done)
}

func (r *Room) join(w http.ResponseWriter, req *http.Request) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	state, err := r.Join(req.Context(), service.ViewerOf(req.Context()), id)
	if err != nil {
		return err
	}
	if state == Asked {
		return service.Done(w, req, Path(id), "circle.done.asked")
	}
	return service.Done(w, req, Path(id), "circle.done.joined")
}

// leaveView is the page that asks a leaving member what becomes of what they wrote here.
type leaveView struct {
	Circle
	Membership
}

// close leads to the closing of one's part in a circle. The plan there is the one that is agreed; a
// choice of manner is only filled in.
func (v leaveView) close() string { return "/exit/close?in=" + v.Ref().String() }

// detach is close with "stay as a member who left" chosen. Images are not for choice: they go.
func (v leaveView) detach() string {
	to := v.close()
	for _, class := range []string{"post.posts", "talk.comments"} {
		to += "&choice." + class + "=" + string(exit.Detach)
	}
	return to
}

func (r *Room) leavePage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	var view leaveView
	if view.Circle, view.Membership, err = r.Circle(ctx, service.ViewerOf(ctx), id); err != nil {
		return err
	}
	if view.Membership.State == "" {
		return service.Done(w, req, Path(id), "")
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.leave"), toCircle(ctx, view.Circle), leaveForm(view))
}

func (r *Room) leave(w http.ResponseWriter, req *http.Request) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	if err := r.Leave(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, Service.Path, "circle.done.left")
}

// inviteView is the page of a circle's invitation links.
type inviteView struct {
	Circle
	Link string // one just made, shown this once
	Uses int
}

func (r *Room) invitePage(w http.ResponseWriter, req *http.Request) error {
	return r.inviting(w, req, inviteView{})
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
	view.Uses = inviteUses
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.invite"), toCircle(ctx, view.Circle), invitePage(view))
}

func (r *Room) invite(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	id, err := idOf(req)
	if err != nil {
		return err
	}
	token, err := r.Invite(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	scheme := "http://"
	if req.TLS != nil || req.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https://"
	}
	return r.inviting(w, req, inviteView{Link: scheme + req.Host + "/join/" + token})
}

func (r *Room) revoke(w http.ResponseWriter, req *http.Request) error {
	id, err := idOf(req)
	if err != nil {
		return err
	}
	if err := r.Revoke(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
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
