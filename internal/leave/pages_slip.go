package leave

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// doneView is the answer to a closing's consent: the slip, shown this once.
type doneView struct {
	Sentence string
	Link     string
	Text     string // address of the slip as a file
	ICS      string
	Calendar ui.CalendarView
}

// address gives the absolute address of a path, as the request reached this install.
func (l *Room) address(r *http.Request, path string) string {
	scheme := "http"
	if r.TLS != nil || l.Accounts.Secure {
		scheme = "https"
	}
	return scheme + "://" + r.Host + path
}

// showSlip answers a consent to a closing. The secret is in this answer and nowhere else.
func (l *Room) showSlip(w http.ResponseWriter, r *http.Request, run exit.Run, secret string) error {
	ctx := r.Context()
	_, steps, err := l.DB.Runs.Load(ctx, run.ID)
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	path := "/slip/" + secret
	v := doneView{
		Sentence: l.stateSentence(ctx, run), Link: l.address(r, path), Text: path + "/slip.txt", ICS: path + "/calendar.ics",
		Calendar: l.RunCalendar(ctx, run, steps),
	}
	quiet(w)
	w.Header().Set("Cache-Control", "no-store")
	return ui.Render(w, r, http.StatusOK, donePage(l.frame(ctx, ui.T(ctx, "leave.done"), nil), v))
}

// quiet keeps a slip's address out of search engines and referrers.
func quiet(w http.ResponseWriter) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Robots-Tag", "noindex")
}

// slipView is what a slip opens: a calendar, in the end a certificate. It names nobody.
type slipView struct {
	Sentence    string
	Until       string
	Calendar    ui.CalendarView
	ICS         string
	Certificate string
	Claim       string // the secret, where a name is held that it claims back
	Farewell    string // where what was left to be read is taken away; "" if nothing stands
	Sealed      bool
	Open        bool // it still goes on: cancel and return need signing in
}

// slip gives the run behind the request's slip.
func (l *Room) slip(r *http.Request) (exit.Run, []exit.StepStatus, error) {
	ctx := r.Context()
	id, err := l.OpenSlip(ctx, r.PathValue("secret"))
	if err != nil {
		return exit.Run{}, nil, err
	}
	run, steps, err := l.DB.Runs.Load(ctx, id)
	if err != nil {
		return run, nil, fmt.Errorf("read run: %w", err)
	}
	return run, steps, nil
}

// unnamed gives a run without the place it is about: a circle's name could name somebody.
func unnamed(r exit.Run) exit.Run {
	r.Subject.In = r.Subject.Service()
	return r
}

func (l *Room) getSlip(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	quiet(w)
	run, steps, err := l.slip(r)
	if err != nil {
		return err
	}
	run = unnamed(run)
	path := "/slip/" + r.PathValue("secret")
	v := slipView{Calendar: l.RunCalendar(ctx, run, steps), ICS: path + "/calendar.ics", Open: run.State.Open(), Sealed: run.State == exit.RunSealed}
	v.Sentence = ui.T(ctx, slipWords[string(run.State)])
	if v.Open {
		v.Sentence = l.stateSentence(ctx, run)
	}
	if v.Sealed {
		if err := l.certified(ctx, r, run, &v); err != nil {
			return err
		}
	}
	if l.Left != nil {
		there, err := l.Left.LeftBy(ctx, run.ID)
		if err != nil {
			return err
		}
		if there {
			v.Farewell = path + "/farewell"
		}
	}
	until, err := l.slipEnd(ctx, run.ID)
	if err != nil {
		return err
	}
	v.Until = ui.T(ctx, "leave.slip.until.open")
	if !until.IsZero() {
		v.Until = ui.T(ctx, "leave.slip.until", "Date", ui.DateIn(ctx, until))
	}
	f := ui.Frame{Title: l.JourneyName(ctx, run.Journey, run.Subject), Path: path, NoIndex: true, Bare: true, Trial: service.SessionOf(ctx).Trial}
	return ui.Render(w, r, http.StatusOK, slipPage(f, v))
}

var slipWords = ui.Keys("leave.slip.state.", "open", "running", "sealed", "cancelled", "returned")

// certified adds what a sealed run has to show.
func (l *Room) certified(ctx context.Context, r *http.Request, run exit.Run, v *slipView) error {
	secret := r.PathValue("secret")
	switch _, err := l.Certificate(ctx, run.ID); {
	case err == nil:
		v.Certificate = "/slip/" + secret + "/certificate.txt"
	case exit.KindOf(err) != exit.NotFound:
		return err
	}
	if run.Plan == nil {
		return nil
	}
	now := ui.ReaderFrom(ctx).Now
	for _, s := range run.Plan.Stays {
		if s.What == "name" && s.State == "held" && s.Until.End(run.Plan.Location()).After(now) {
			v.Claim = secret
		}
	}
	return nil
}

func (l *Room) getSlipICS(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	quiet(w)
	run, steps, err := l.slip(r)
	if err != nil {
		return err
	}
	run = unnamed(run)
	v := l.RunCalendar(ctx, run, steps)
	v.Title = l.JourneyName(ctx, run.Journey, run.Subject)
	return sendFile(w, "text/calendar; charset=utf-8", "exeunt.ics", ui.CalendarICS(v, ui.LangOf(ctx)))
}

func (l *Room) getSlipText(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	quiet(w)
	run, steps, err := l.slip(r)
	if err != nil {
		return err
	}
	run = unnamed(run)
	var b strings.Builder
	for _, line := range []string{l.JourneyName(ctx, run.Journey, run.Subject), ui.T(ctx, "leave.slip.what"), "", l.address(r, "/slip/"+r.PathValue("secret")), ""} {
		b.WriteString(line + "\n")
	}
	for _, line := range lines(l.RunCalendar(ctx, run, steps)) {
		b.WriteString(line + "\n")
	}
	return sendFile(w, "text/plain; charset=utf-8", "exeunt-slip.txt", b.String())
}

func (l *Room) getSlipCertificate(w http.ResponseWriter, r *http.Request) error {
	quiet(w)
	run, _, err := l.slip(r)
	if err != nil {
		return err
	}
	return l.sendCertificate(w, r.Context(), run.ID)
}
