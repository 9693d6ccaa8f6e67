package sunset

import (
	"context"
	"net/http"
	"net/url"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// failedPerPage is how many failed archives a page of the operator's has.
const failedPerPage = 50

// failedView is the operator's list of archives that could not be made.
type failedView struct {
	About string
	Rows  []failedRow
	More  string
}

type failedRow struct {
	Run, What, Problem, Tries string
	Retry, Skip               string // where its forms post to
}

func (r *Room) getFailed(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s, err := r.Named(ctx, req.PathValue("name"))
	if err != nil {
		return err
	}
	after, _ := who.ParseID(req.URL.Query().Get("after"))
	list, err := r.FailedExports(ctx, s.ID, after, failedPerPage+1)
	if err != nil {
		return err
	}
	sums, err := r.ExportsOf(ctx, s.ID)
	if err != nil {
		return err
	}
	path := namedPath + s.Name + "/archives"
	v := failedView{About: ui.T(ctx, "sunset_export.counts", "Made", sums.Made, "Asked", sums.Asked+sums.Waiting, "Failed", sums.Failed, "Skipped", sums.Skipped)}
	if len(list) > failedPerPage {
		list = list[:failedPerPage]
		v.More = path + "?" + url.Values{"after": {list[failedPerPage-1].ID.String()}}.Encode()
	}
	for _, x := range list {
		v.Rows = append(v.Rows, failedRow{
			Run: x.Run, What: ui.T(ctx, "sunset_export.of", "Account", x.Account.String(), "Part", r.partName(ctx, x.Part)), Problem: ui.Sentence(ctx, x.Problem),
			Tries: ui.T(ctx, "leave.operator.tries", "Count", x.Attempts), Retry: path + "/" + x.Run + "/retry", Skip: path + "/" + x.Run + "/skip",
		})
	}
	f := operatorFrame(ctx, ui.T(ctx, "sunset_export.failed"), &ui.Link{Text: inTongue(ctx, s.Calendar.Title), Href: namedPath + s.Name})
	return ui.Render(w, req, http.StatusOK, failedPage(f, v))
}

// partName names what an archive is of, without the name of a place: the operator needs none here.
func (r *Room) partName(ctx context.Context, part string) string {
	return r.Leave.EndsName(ctx, exit.Account("1").Within(part).Service())
}

func (r *Room) postRetry(w http.ResponseWriter, req *http.Request) error {
	if err := r.Leave.Retry(req.Context(), req.PathValue("run"), string(exit.ActPack)); err != nil {
		return err
	}
	return service.Done(w, req, namedPath+url.PathEscape(req.PathValue("name"))+"/archives", "leave.operator.retried")
}

func (r *Room) postSkip(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return &exit.Error{Kind: exit.Invalid, Key: "leave.error.form", Err: err}
	}
	if err := r.Skip(req.Context(), req.PathValue("run"), req.PostForm.Get("reason")); err != nil {
		return err
	}
	return service.Done(w, req, namedPath+url.PathEscape(req.PathValue("name"))+"/archives", "sunset_export.skipped")
}
