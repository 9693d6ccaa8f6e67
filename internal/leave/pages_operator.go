package leave

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// perPage is how many lines a page of the operator's list has.
const perPage = 50

// operatorView is the operator's list of runs, stuck steps first.
type operatorView struct {
	Stuck      []stuckView
	StuckOlder string
	Runs       []lineView
	Older      string
}

// lineView is a run in the list.
type lineView struct{ ID, Name, State, Agreed, Stuck string }

type stuckView struct{ Run, Step, What, Problem, Due, Tries string }

func (l *Room) getOperator(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := r.URL.Query()
	var v operatorView
	seq, _ := strconv.Atoi(q.Get("seq"))
	stuck, err := l.Stuck(ctx, q.Get("after"), seq, perPage+1)
	if err != nil {
		return err
	}
	if len(stuck) > perPage {
		stuck = stuck[:perPage]
		last := stuck[perPage-1]
		v.StuckOlder = operatorPath + "?" + url.Values{"after": {last.Run}, "seq": {strconv.Itoa(last.Seq)}}.Encode()
	}
	for _, s := range stuck {
		v.Stuck = append(v.Stuck, stuckView{
			Run: s.Run, Step: s.Key, What: sentence(className(ctx, s.Class)), Problem: ui.Sentence(ctx, s.Problem), Due: ui.DateIn(ctx, s.Due.Add(-time.Second)),
			Tries: ui.T(ctx, "leave.operator.tries", "Count", s.Attempts),
		})
	}
	if err := l.openLines(ctx, q, &v); err != nil {
		return err
	}
	return ui.Render(w, r, http.StatusOK, operatorPage(l.frame(ctx, ui.T(ctx, "leave.operator"), &ui.Link{Text: ui.T(ctx, "install.desk"), Href: "/operator"}), v))
}

func (l *Room) openLines(ctx context.Context, q url.Values, v *operatorView) error {
	before := ui.ReaderFrom(ctx).Now.Add(24 * time.Hour)
	if ms, err := strconv.ParseInt(q.Get("before"), 10, 64); err == nil {
		before = db.Time(ms)
	}
	runs, err := l.OpenRuns(ctx, before, q.Get("id"), perPage+1)
	if err != nil {
		return err
	}
	if len(runs) > perPage {
		runs = runs[:perPage]
		last := runs[perPage-1]
		v.Older = operatorPath + "?" + url.Values{"before": {strconv.FormatInt(db.Ms(last.Agreed), 10)}, "id": {last.ID}}.Encode()
	}
	for _, x := range runs {
		x.Subject.In = x.Subject.Service() // the operator needs no circle's name here
		line := lineView{ID: x.ID, Name: l.JourneyName(ctx, x.Journey, x.Subject), State: ui.T(ctx, stateWord(x)), Agreed: ui.DateIn(ctx, x.Agreed)}
		if x.Stuck > 0 {
			line.Stuck = ui.T(ctx, "leave.operator.stuck", "Count", x.Stuck)
		}
		v.Runs = append(v.Runs, line)
	}
	return nil
}

// stateWord is the key of a run's state; a hibernation under way is no erasure under way.
func stateWord(x RunLine) string {
	if x.Journey == exit.Hibernate && x.State == exit.RunRunning {
		return runStateWords["hibernating"]
	}
	return runStateWords[string(x.State)]
}

func (l *Room) postRetry(w http.ResponseWriter, r *http.Request) error {
	if err := asked(r); err != nil {
		return err
	}
	if err := l.Retry(r.Context(), r.PathValue("id"), r.PostForm.Get("step")); err != nil {
		return err
	}
	return service.Done(w, r, operatorPath, "leave.operator.retried")
}
