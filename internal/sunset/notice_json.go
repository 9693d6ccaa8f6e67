package sunset

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// noticeDocument is the notice for programs. Instants are RFC 3339, in the calendar's zone.
type noticeDocument struct {
	Name        string            `json:"name"`
	Ends        string            `json:"ends"`
	State       string            `json:"state"` // open, withdrawn, ended
	Phase       string            `json:"phase,omitempty"`
	Version     int               `json:"version"`
	Published   time.Time         `json:"published"`
	Over        time.Time         `json:"ended,omitzero"`
	Zone        string            `json:"zone"`
	Phases      []phaseDocument   `json:"phases"`
	Late        time.Time         `json:"late_requests"`
	Remind      []int             `json:"remind"`
	Title       exit.Words        `json:"title"`
	Reason      exit.Words        `json:"reason"`
	Apology     exit.Words        `json:"apology,omitempty"`
	Ask         exit.Words        `json:"ask"`
	Charges     exit.Words        `json:"charges,omitempty"`
	Override    string            `json:"override,omitempty"` // why it is published though it breaks a rule or stops early
	Successor   string            `json:"successor,omitempty"`
	Notice      string            `json:"notice"`
	Calendar    string            `json:"calendar"`
	Picture     string            `json:"picture,omitempty"`
	Certificate string            `json:"certificate,omitempty"`
	Versions    []versionDocument `json:"versions"`
}

type phaseDocument struct {
	Phase  string     `json:"phase"`
	At     time.Time  `json:"at"`
	First  time.Time  `json:"first"`          // by the first version
	Began  time.Time  `json:"began,omitzero"` // when it did
	Allows []string   `json:"allows"`
	Says   exit.Words `json:"says,omitempty"`
}

type versionDocument struct {
	Version   int              `json:"version"`
	Published time.Time        `json:"published"`
	Why       string           `json:"why,omitempty"`
	Changes   []changeDocument `json:"changes,omitempty"`
}

type changeDocument struct {
	What string    `json:"what"`
	Was  time.Time `json:"was,omitzero"`
	Is   time.Time `json:"is,omitzero"`
}

// showDocument answers with the notice for programs.
func (r *Room) showDocument(w http.ResponseWriter, req *http.Request, s Sunset) error {
	ctx := req.Context()
	editions, err := r.store.editions(ctx, s.ID)
	if err != nil {
		return err
	}
	phases, err := r.store.phases(ctx, s.ID)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(documentOf(ctx, s, editions, phases), "", "  ")
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(body, '\n'))
	return err
}

func documentOf(ctx context.Context, s Sunset, editions []edition, phases []PhaseStatus) noticeDocument {
	cal, now := s.Calendar, ui.ReaderFrom(ctx).Now
	in := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.In(cal.Zone)
	}
	path := service.NoticePath(s.Name)
	d := noticeDocument{
		Name: s.Name, Ends: endsWord(cal.Ends), State: s.State, Version: s.Version, Published: in(s.Published), Over: in(s.Ended), Zone: cal.Zone.String(), Late: in(cal.Late), Remind: cal.Remind,
		Title: cal.Title, Reason: cal.Reason, Apology: cal.Apology, Ask: cal.Ask, Charges: cal.Charges, Override: cal.Override, Successor: cal.Successor, Notice: ui.Absolute(ctx, path), Calendar: ui.Absolute(ctx, path+calendarFile),
	}
	if s.Picture != "" {
		d.Picture = ui.Absolute(ctx, picturePath(s))
	}
	if s.State == stateEnded {
		d.Certificate = ui.Absolute(ctx, path+certificateFile)
	}
	known := map[string]PhaseStatus{}
	for _, p := range phases {
		known[p.Word] = p
	}
	for _, p := range cal.Phases {
		d.Phases = append(d.Phases, phaseDocument{p.Word, in(p.At), in(known[p.Word].First), in(known[p.Word].Done), cal.Allowed(p.Word), p.Says})
		if s.State != stateWithdrawn && !p.At.After(now) {
			d.Phase = p.Word
		}
	}
	for _, e := range editions {
		v := versionDocument{Version: e.Number, Published: in(e.Published), Why: e.Why}
		if e.Was != nil {
			for _, c := range Changes(e.Was, e.Calendar) {
				v.Changes = append(v.Changes, changeDocument{c.What, in(c.Was), in(c.Is)})
			}
		}
		d.Versions = append(d.Versions, v)
	}
	return d
}

// endsWord gives what ends as the calendar's file has it.
func endsWord(ends exit.Subject) string {
	if ends.Kind == exit.SubjectInstall {
		return exit.SubjectInstall
	}
	return ends.Part()
}
