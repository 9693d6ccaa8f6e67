package channel

import (
	"net/http"
	"strconv"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// operatorView is the operator's page of channels.
type operatorView struct {
	Limits
	Length   string // of the largest file, in MB
	List     []Channel
	Typed    string
	Older    string
	Problems problems
}

func (r *Room) getOperator(w http.ResponseWriter, req *http.Request) error {
	l, err := r.Limits(req.Context())
	if err != nil {
		return err
	}
	return r.showOperator(w, req, l, "", nil)
}

func (r *Room) showOperator(w http.ResponseWriter, req *http.Request, l Limits, length string, p problems) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	view := operatorView{Limits: l, Length: length, Typed: strings.TrimSpace(req.FormValue("name")), Problems: p}
	if length == "" {
		n, err := r.Uploads.Longest(ctx)
		if err != nil {
			return err
		}
		view.Length = strconv.FormatInt(n>>20, 10)
	}
	if view.Typed != "" {
		c, err := r.Named(ctx, v, strings.TrimPrefix(view.Typed, "@"))
		if err != nil && exit.KindOf(err) != exit.NotFound {
			return err
		}
		if err == nil {
			view.List = []Channel{c}
		}
	} else {
		after, _ := who.ParseID(req.FormValue("after"))
		list, err := r.store.channelsAbove(ctx, v.Account, after, channelsAPage)
		if err != nil {
			return err
		}
		view.List = list
		if len(list) == channelsAPage {
			view.Older = operatorPath + "?after=" + list[channelsAPage-1].Account.String()
		}
	}
	f := service.Frame(ctx, ui.T(ctx, "channel.operator"))
	f.Active, f.NoIndex, f.WriteHref, f.Back = ui.MePath, true, "", &ui.Link{Text: ui.T(ctx, "install.desk"), Href: "/operator"}
	return ui.Render(w, req, p.status(), ui.PageWith(f, operatorPage(view)))
}

// whole reads a whole number of at most twelve digits; -1 for what is none.
func whole(req *http.Request, name string) int64 {
	text := strings.TrimSpace(req.PostFormValue(name))
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) > 12 || n < 0 {
		return -1
	}
	return n
}

func (r *Room) postOperator(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	l := Limits{Minutes: whole(req, "minutes"), ADay: whole(req, "a_day"), ToOpen: whole(req, "to_open"), ToPublish: whole(req, "to_publish")}
	_, err := l.Clean()
	if err == nil {
		err = r.Uploads.SetLongest(ctx, whole(req, "length")<<20)
	}
	if err == nil {
		err = r.SetLimits(ctx, service.ViewerOf(ctx), l)
	}
	if err != nil {
		p, err := explain(ctx, err)
		if err != nil {
			return err
		}
		return r.showOperator(w, req, l, req.PostFormValue("length"), p)
	}
	return service.Done(w, req, operatorPath, "channel.done.saved")
}

func (r *Room) postBadge(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	account, ok := who.ParseID(req.PathValue("account"))
	if !ok {
		return errNone()
	}
	if err := r.Grant(ctx, service.ViewerOf(ctx), account, req.PostFormValue("badge")); err != nil {
		return err
	}
	return service.Done(w, req, operatorPath, "channel.done.saved")
}
