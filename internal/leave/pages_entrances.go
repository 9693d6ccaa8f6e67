package leave

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"

	"github.com/a-h/templ"
)

// entranceView is a service's entrance with its switch and its place in the order.
type entranceView struct {
	ui.SwitchView
	Service     string
	First, Last bool
}

func (l *Room) getEntrances(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me := service.ViewerOf(ctx)
	list, err := l.Desk.Entrances(ctx, me.Account)
	if err != nil {
		return err
	}
	var out []entranceView
	for i, e := range list {
		j, verb := exit.Show, "show"
		if e.Shown {
			j, verb = exit.Hide, "hide"
		}
		plan, err := l.Engine.Preview(ctx, exit.Ask{Subject: SubjectOf(me.Account, e.Service.Name), Journey: j})
		if err != nil {
			return fmt.Errorf("preview %s: %w", j, err)
		}
		out = append(out, entranceView{Service: e.Service.Name, First: i == 0, Last: i == len(list)-1, SwitchView: ui.SwitchView{
			Label: ui.T(ctx, e.Service.Title), Hint: ui.T(ctx, e.Service.Title+".about"), Icon: e.Service.Icon, Action: "/entrances/" + e.Service.Name + "/" + verb,
			Name: "to", On: e.Shown, Hidden: []ui.HiddenField{{Name: "hash", Value: plan.Hash()}, {Name: "back", Value: entrancesPath}},
		}})
	}
	return ui.Render(w, r, http.StatusOK, entrancesPage(l.frame(ctx, ui.T(ctx, "leave.entrances"), &ui.Link{Text: ui.T(ctx, "leave.settings"), Href: "/settings"}), out))
}

// postEntrance hides or shows an entrance. The sentence beside the switch was the preview.
func (l *Room) postEntrance(j exit.Journey) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := asked(r); err != nil {
			return err
		}
		ctx := r.Context()
		name := r.PathValue("service")
		if _, ok := l.Registry.Service(name); !ok {
			return exit.Fail(exit.NotFound, "error.no_service", "service", name)
		}
		back := r.PostForm.Get("back")
		if back == "" {
			back = entrancesPath
		}
		ask := exit.Ask{Subject: SubjectOf(service.ViewerOf(ctx).Account, name), Journey: j}
		_, _, err := l.Agree(ctx, ask, r.PostForm.Get("hash"), "person")
		if planChanged(err) {
			return service.Done(w, r, back, "leave.entrance.changed")
		}
		if err != nil {
			return err
		}
		return service.Done(w, r, back, entranceDone[string(j)])
	}
}

var entranceDone = ui.Keys("leave.entrance.done.", "hide", "show")

// postOrder moves an entrance up or down by one.
func (l *Room) postOrder(w http.ResponseWriter, r *http.Request) error {
	if err := asked(r); err != nil {
		return err
	}
	ctx := r.Context()
	me := service.ViewerOf(ctx)
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := l.Desk.Enter(ctx, service.Write{By: me.Account})
		if err != nil {
			return err
		}
		list, err := l.Desk.Entrances(ctx, me.Account)
		if err != nil {
			return err
		}
		names := make([]string, len(list))
		for i, e := range list {
			names[i] = e.Service.Name
		}
		i := slices.Index(names, r.PostForm.Get("service"))
		to := i + 1
		if r.PostForm.Get("move") == "up" {
			to = i - 1
		}
		if i < 0 || to < 0 || to >= len(names) {
			return nil
		}
		names[i], names[to] = names[to], names[i]
		return l.Desk.Arrange(ctx, pass, me.Account, names)
	})
	if err != nil {
		return err
	}
	return service.Done(w, r, entrancesPath, "")
}

// HideForm gives the form of one button that hides a service's entrance in place, for Discover. It
// leads back to the page on which it stands.
func (l *Room) HideForm(ctx context.Context, name string) templ.Component {
	s := service.SessionOf(ctx)
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		plan, err := l.Engine.Preview(ctx, exit.Ask{Subject: SubjectOf(s.Viewer.Account, name), Journey: exit.Hide})
		if err != nil {
			return fmt.Errorf("preview hide: %w", err)
		}
		b := ui.Button{Label: ui.T(ctx, "leave.hide.do"), Kind: ui.Quiet, Icon: "eye-off", Title: ui.T(ctx, "leave.hide.title", "Name", l.ServiceName(ctx, name))}
		return ui.PostButton("/entrances/"+name+"/hide", b, ui.HiddenField{Name: "hash", Value: plan.Hash()}, ui.HiddenField{Name: "back", Value: s.Path}).Render(ctx, w)
	})
}
