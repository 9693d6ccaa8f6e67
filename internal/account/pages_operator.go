package account

import (
	"net/http"
	"net/url"
	"strconv"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// listPath is the operator's list of accounts.
const listPath = "/operator/accounts"

func (r *Room) listRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + listPath, Access: service.Operator, Handle: r.getList},
		{Pattern: "GET " + listPath + "/{id}", Access: service.Operator, Handle: r.getDetail},
		{Pattern: "POST " + listPath + "/{id}/reset", Access: service.Operator, Handle: r.postDetailReset},
	}
}

func (r *Room) getList(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	q := req.URL.Query()
	look := Look{Part: q.Get("q"), Limit: operatorPage + 1}
	if ms, err := strconv.ParseInt(q.Get("at"), 10, 64); err == nil {
		look.After.Created = db.Time(ms)
		look.After.ID, _ = who.ParseID(q.Get("after"))
	}
	list, err := r.List(ctx, look)
	if err != nil {
		return err
	}
	view := listView{Find: ui.Field{Name: "q", Label: ui.T(ctx, "account.list.find"), Value: q.Get("q"), Type: "search", Autocomplete: "off", MaxLength: longestName, LowerCase: true}, Found: q.Get("q") != ""}
	if len(list) > operatorPage {
		list = list[:operatorPage]
		last := list[operatorPage-1]
		view.Older = listPath + "?" + url.Values{"q": {q.Get("q")}, "at": {strconv.FormatInt(db.Ms(last.Created), 10)}, "after": {last.ID.String()}}.Encode()
	}
	s, err := r.settings(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		view.List = append(view.List, listedOf(req, a, s.Quota))
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "account.list.title"), deskLink(req), listBody(view))
}

var stateNames = ui.Keys("account.state_name.", "active", "hibernating", "closing", "closed", "gone")

// listedOf writes an account as the operator's pages show it.
func listedOf(req *http.Request, a Listed, quota int64) listedView {
	ctx := req.Context()
	v := listedView{
		Href: listPath + "/" + a.ID.String(), Person: personView(a.Account), Kind: ui.T(ctx, kindWords[string(a.Kind)]), State: ui.T(ctx, stateNames[string(a.State)]),
		Created: a.Created, Used: ui.Bytes(a.Used), Waiting: a.Waiting,
	}
	v.Person.Href = v.Href
	if quota > 0 {
		v.Used = ui.T(ctx, "account.list.of", "Used", v.Used, "Quota", ui.Bytes(quota))
		v.Over = a.Used > quota
	}
	if a.Runs > 0 {
		v.Runs = ui.T(ctx, "account.list.runs", "Count", a.Runs)
	}
	return v
}

func (r *Room) detailOf(req *http.Request) (Listed, error) {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return Listed{}, exit.Fail(exit.NotFound, "error.not_found")
	}
	return r.Detail(req.Context(), id)
}

func (r *Room) getDetail(w http.ResponseWriter, req *http.Request) error {
	a, err := r.detailOf(req)
	if err != nil {
		return err
	}
	return r.showDetail(w, req, a, "")
}

func (r *Room) showDetail(w http.ResponseWriter, req *http.Request, a Listed, link string) error {
	ctx := req.Context()
	s, err := r.settings(ctx)
	if err != nil {
		return err
	}
	people, err := r.People(ctx, a.ID)
	if err != nil {
		return err
	}
	view := detailView{listedView: listedOf(req, a, s.Quota), ID: a.ID.String(), Link: link}
	view.Person.Href = "/@" + a.Name
	view.Facts = []ui.DefinitionView{
		{Term: ui.T(ctx, "account.list.kind"), Value: view.Kind},
		{Term: ui.T(ctx, "account.list.state"), Value: view.State},
		{Term: ui.T(ctx, "account.list.created"), Value: ui.DateIn(ctx, a.Created)},
		{Term: ui.T(ctx, "account.list.used"), Value: view.Used},
	}
	if a.Kind == Organisation {
		view.Facts = append(view.Facts, ui.DefinitionView{Term: ui.T(ctx, "account.administrators.title"), Value: ui.Number(int64(people))})
	}
	view.Ways = []wayView{
		{Icon: "calendar-days", Name: ui.T(ctx, "leave.operator"), About: view.Runs, Href: "/operator/runs"},
		{Icon: "gavel", Name: ui.T(ctx, "account.list.sanctions"), About: ui.T(ctx, "account.list.sanctions_about"), Href: "/moderation/account/" + a.ID.String()},
	}
	if a.Waiting {
		view.Ways = append([]wayView{{Icon: "users-round", Name: ui.T(ctx, "account.approvals.title"), About: ui.T(ctx, "account.list.waits"), Href: applicationsPath}}, view.Ways...)
	}
	return page(w, req, http.StatusOK, a.Shown(), &ui.Link{Text: ui.T(ctx, "account.list.title"), Href: listPath}, detailBody(view))
}

func (r *Room) postDetailReset(w http.ResponseWriter, req *http.Request) error {
	a, err := r.detailOf(req)
	if err != nil {
		return err
	}
	token, err := r.MakeResetOf(req.Context(), a.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return r.showDetail(w, req, a, r.absolute(req, resetPath+token))
}
