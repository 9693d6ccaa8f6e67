package notify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// AnnouncePath is where the operator tells everybody something.
const AnnouncePath = "/operator/announcements"

// announcementsAPage bounds the operator's list.
const announcementsAPage = 20

// mostStanding is how many announcements stand on Home.
const mostStanding = 3

// Standing gives the announcements that stand on Home now, the newest first.
func (r *Room) Standing(ctx context.Context) ([]ui.Notice, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.store.announcements(ctx, 0, now, mostStanding)
	var out []ui.Notice
	for _, a := range list {
		n := ui.Notice{Kind: ui.Info, Sentence: a.Text}
		if a.Link != "" {
			n.Action = &ui.Link{Text: ui.T(ctx, "notify.announce.more"), Href: a.Link}
		}
		out = append(out, n)
	}
	return out, err
}

func (r *Room) announceRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + AnnouncePath, Access: service.Operator, Handle: r.getAnnounce},
		{Pattern: "POST " + AnnouncePath, Access: service.Operator, Handle: r.postAnnounce},
		{Pattern: "POST " + AnnouncePath + "/{id}/end", Access: service.Operator, Handle: r.postWithdraw},
	}
}

// announceView is the operator's page of announcements.
type announceView struct {
	Text  ui.TextArea
	Link  ui.Field
	Until ui.Field
	List  []announcedView
	Older string
}

// announcedView is an announcement in the operator's list.
type announcedView struct{ Text, Until, End string }

// draft is what the operator typed.
type draft struct{ text, link, until string }

func (r *Room) getAnnounce(w http.ResponseWriter, req *http.Request) error {
	return r.showAnnounce(w, req, draft{}, nil)
}

func (r *Room) showAnnounce(w http.ResponseWriter, req *http.Request, d draft, wrong *exit.Error) error {
	ctx := req.Context()
	before, _ := who.ParseID(req.URL.Query().Get("before"))
	list, err := r.Announcements(ctx, before, announcementsAPage+1)
	if err != nil {
		return err
	}
	v := announceView{
		Text:  ui.TextArea{Name: "text", Label: ui.T(ctx, "notify.announce.text"), Hint: ui.T(ctx, "notify.announce.text_hint"), Value: d.text, MaxLength: longestAnnouncement, Required: true},
		Link:  ui.Field{Name: "link", Label: ui.T(ctx, "notify.announce.link"), Hint: ui.T(ctx, "notify.announce.link_hint"), Value: d.link},
		Until: ui.Field{Name: "until", Type: "date", Label: ui.T(ctx, "notify.announce.until"), Hint: ui.T(ctx, "notify.announce.until_hint"), Value: d.until},
	}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
		switch sentence := service.Sentence(ctx, wrong); wrong.Key {
		case "notify.error.announcement_link":
			v.Link.Error = sentence
		case "notify.error.announcement_until":
			v.Until.Error = sentence
		default:
			v.Text.Error = sentence
		}
	}
	if len(list) > announcementsAPage {
		list = list[:announcementsAPage]
		v.Older = AnnouncePath + "?before=" + list[announcementsAPage-1].ID.String()
	}
	for _, a := range list {
		v.List = append(v.List, announced(ctx, a))
	}
	f := service.Frame(ctx, ui.T(ctx, "notify.announce.title"))
	f.Active, f.NoIndex, f.WriteHref, f.Back = ui.MePath, true, "", &ui.Link{Text: ui.T(ctx, "notify.announce.desk"), Href: "/operator"}
	return ui.Render(w, req, status, announcePage(f, v))
}

// announced puts an announcement of the operator's list into words.
func announced(ctx context.Context, a Announcement) announcedView {
	v := announcedView{Text: a.Text, Until: ui.T(ctx, "notify.announce.stays"), End: AnnouncePath + "/" + a.ID.String() + "/end"}
	switch {
	case a.Until.IsZero():
	case a.Until.After(ui.ReaderFrom(ctx).Now):
		v.Until = ui.T(ctx, "notify.announce.stands", "Date", ui.DateIn(ctx, a.Until.Add(-time.Second)))
	default:
		v.Until = ui.T(ctx, "notify.announce.over", "Date", ui.DateIn(ctx, a.Until.Add(-time.Second)))
	}
	return v
}

func (r *Room) postAnnounce(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	d := draft{req.PostFormValue("text"), req.PostFormValue("link"), req.PostFormValue("until")}
	a := Announcement{Text: d.text, Link: d.link}
	if d.until != "" {
		day, err := exit.ParseDate(d.until)
		if err != nil {
			return r.showAnnounce(w, req, d, exit.Fail(exit.Invalid, "notify.error.announcement_until"))
		}
		a.Until = day.End(ui.ReaderFrom(ctx).Zone)
	}
	err := r.change(ctx, func(ctx context.Context, pass service.Pass) error {
		if !a.Until.IsZero() && !a.Until.After(pass.At) {
			return exit.Fail(exit.Invalid, "notify.error.announcement_until")
		}
		_, err := r.Announce(ctx, pass, a)
		return err
	})
	var wrong *exit.Error
	if errors.As(err, &wrong) && wrong.Kind == exit.Invalid {
		return r.showAnnounce(w, req, d, wrong)
	}
	if err != nil {
		return err
	}
	return service.Done(w, req, AnnouncePath, "notify.done.announced")
}

func (r *Room) postWithdraw(w http.ResponseWriter, req *http.Request) error {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	err := r.change(req.Context(), func(ctx context.Context, pass service.Pass) error { return r.Withdraw(ctx, pass, id) })
	if err != nil {
		return err
	}
	return service.Done(w, req, AnnouncePath, "notify.done.withdrawn")
}

// change runs a change that is of no account.
func (r *Room) change(ctx context.Context, fn func(context.Context, service.Pass) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{Keeps: true})
		if err != nil {
			return err
		}
		return fn(ctx, pass)
	})
}
