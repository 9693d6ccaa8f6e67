package circle

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// since gives the person as pages draw it, with the day of joining.
func (p Person) since(ctx context.Context) ui.PersonView {
	v := p.View()
	v.Bio = ui.T(ctx, "circle.members.since", "Date", ui.DateIn(ctx, p.Since))
	return v
}

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
	Query  string
	Found  []Person // by the query, of any role
}

// acts gives what the viewer may do about a member.
func (v membersView) acts(ctx context.Context, p Person) []ui.Action {
	var out []ui.Action
	act := func(what, icon, key string) {
		out = append(out, ui.Action{Label: ui.T(ctx, key), Href: Path(v.ID) + "/members/" + p.ID.String() + "/" + what, Icon: icon, Post: true})
	}
	if p.ID == v.Me {
		return nil
	}
	if v.State() != Ended {
		if p.Role != CoOwner && mayAppoint(v.Own, p.Membership, CoOwner) {
			act("co_owner", "key-round", "circle.appoint_owner")
		}
		if p.Role != Moderator && mayAppoint(v.Own, p.Membership, Moderator) {
			act("moderator", "shield-check", "circle.appoint")
		}
	}
	if p.Role != Member && mayAppoint(v.Own, p.Membership, Member) {
		act("member", "user", "circle.dismiss")
	}
	if mayRemove(v.Own, p.Membership) {
		other := moderate.MemberAction(ctx, v.ID, p.ID)
		out = append(out, ui.Action{Label: ui.T(ctx, "circle.remove"), Href: other.Href + "?what=" + moderate.Kick, Icon: "circle-minus"}, other)
	}
	return out
}

// State is the circle's: that of the viewer's membership stands in Own.
func (v membersView) State() State { return v.Circle.State }

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
	if view.Query = strings.TrimSpace(req.FormValue("q")); view.Query != "" {
		if view.Found, err = r.FindMembers(ctx, v, id, view.Query, before(req), peopleAPage); err != nil {
			return err
		}
		if len(view.Found) == peopleAPage {
			view.Older = Path(id) + "/members?" + url.Values{"q": {view.Query}, "before": {view.Found[peopleAPage-1].Row.String()}}.Encode()
		}
		return page(w, req, http.StatusOK, ui.T(ctx, "circle.members"), toCircle(ctx, view.Circle), membersList(view))
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
	case "co_owner":
		done, err = "circle.done.appointed_owner", r.Appoint(ctx, v, id, account, CoOwner)
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
	if view.Circle, view.Membership, err = r.known(ctx, service.ViewerOf(ctx), id); err != nil {
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
