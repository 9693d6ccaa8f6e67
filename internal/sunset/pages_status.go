package sunset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// statusView is how far an ending has come.
type statusView struct {
	What, State, Next string
	Notice            string // where everybody reads it
	Certificate       string // where it can be had; "" as long as there is none
	Phases            ui.TableView
	Archives          []ui.Stat
	Failed            string // leads to the archives that could not be made; "" where there are none
	Expected          *ui.Notice
	Versions          []versionView
	Extend, Withdraw  string // "" where nothing can be changed any more
	Picture           string // where one for the notice is posted to
	File              string
}

// versionView is a published version of a calendar.
type versionView struct{ Name, Date, Why string }

func (r *Room) getStatus(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	s, err := r.Status(ctx, req.PathValue("name"))
	if err != nil {
		return err
	}
	v, err := r.statusView(ctx, s)
	if err != nil {
		return err
	}
	return ui.Render(w, req, http.StatusOK, statusPage(operatorFrame(ctx, inTongue(ctx, s.Sunset.Calendar.Title), toList(ctx)), v))
}

func (r *Room) statusView(ctx context.Context, s Status) (statusView, error) {
	cal, path := s.Sunset.Calendar, namedPath+s.Sunset.Name
	what, err := r.whatEnds(ctx, cal.Ends)
	if err != nil {
		return statusView{}, err
	}
	v := statusView{
		What: what[0], State: ui.T(ctx, openStates[s.Sunset.State]), Notice: service.NoticePath(s.Sunset.Name), Phases: phaseTable(ctx, s), File: path + "/file",
		Archives: archiveStats(ctx, s), Expected: expected(ctx, s),
	}
	if s.Run == exit.RunOpen && s.PerSecond == 0 && s.Left() > 0 {
		f, err := r.lately(ctx, s.Sunset)
		if err != nil {
			return v, err
		}
		said := forecastOf(ctx, f, cal.Zone)
		if v.Expected = said.Short; f.Short {
			v.Expected.Action = &ui.Link{Text: ui.T(ctx, "sunset_operator.extend"), Href: path + "/extend"}
		} else {
			v.Expected = &ui.Notice{Kind: ui.Info, Sentence: said.Rate}
		}
	}
	if s.Sunset.State == stateOpen {
		v.State, v.Next = phaseNow(ctx, cal)
		v.Picture = path + "/picture"
	}
	if s.Sunset.State == stateOpen && s.Run == exit.RunOpen {
		v.Extend, v.Withdraw = path+"/extend", path+"/withdraw"
	}
	if s.Run == exit.RunSealed && s.Sunset.State != stateWithdrawn {
		v.Certificate = service.NoticePath(s.Sunset.Name) + certificateFile
	}
	if s.Failed > 0 {
		v.Failed = path + "/archives"
	}
	for _, x := range s.Versions {
		v.Versions = append(v.Versions, versionView{ui.T(ctx, "sunset_operator.version", "N", x.Version), ui.DateTime(ui.LangOf(ctx), x.Published, cal.Zone), x.Why})
	}
	return v, nil
}

// phaseTable gives each phase with its dates: as first published, where a date was moved, as published now, and when it really began.
func phaseTable(ctx context.Context, s Status) ui.TableView {
	cal := s.Sunset.Calendar
	t := ui.TableView{Caption: ui.T(ctx, "sunset_operator.phases_in", "Zone", cal.Zone.String())}
	keys := []string{"sunset_operator.phase", "sunset_operator.now", "sunset_operator.real"}
	moved := slices.ContainsFunc(s.Phases, func(p PhaseStatus) bool { return !p.First.Equal(p.Due) })
	if moved {
		keys = slices.Insert(keys, 1, "sunset_operator.first")
	}
	for _, key := range keys {
		t.Columns = append(t.Columns, ui.Column{Title: ui.T(ctx, key)})
	}
	for _, p := range s.Phases {
		row := []ui.Cell{{Text: ui.T(ctx, phaseTitles[p.Word])}, {Text: dayIn(ctx, p.Due, cal.Zone)}, {Text: ui.T(ctx, "sunset_operator.not_yet")}}
		if !p.Done.IsZero() {
			row[2].Text = ui.DateTime(ui.LangOf(ctx), p.Done, cal.Zone)
		}
		if moved {
			row = slices.Insert(row, 1, ui.Cell{Text: dayIn(ctx, p.First, cal.Zone)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func archiveStats(ctx context.Context, s Status) []ui.Stat {
	left := ui.Number(s.NotAsked)
	if !s.Exact {
		left = ui.T(ctx, "sunset_operator.about", "N", left)
	}
	return []ui.Stat{
		{Value: ui.Number(s.Made), Label: ui.T(ctx, "sunset_operator.made")},
		{Value: ui.Number(s.Fetched), Label: ui.T(ctx, "sunset_operator.fetched")},
		{Value: ui.Number(s.Packing + s.Waiting - s.Failed), Label: ui.T(ctx, "sunset_operator.packing")},
		{Value: left, Label: ui.T(ctx, "sunset_operator.not_asked")},
		{Value: ui.Number(s.Failed), Label: ui.T(ctx, "sunset_operator.failed")},
		{Value: ui.Number(s.Skipped), Label: ui.T(ctx, "sunset_operator.skipped")},
		{Value: ui.Number(s.Leavers), Label: ui.T(ctx, "sunset_operator.leavers")},
		{Value: ui.Bytes(s.Bytes), Label: ui.T(ctx, "sunset_operator.bytes")},
	}
}

// expected says when the last archive is expected, and by how many days the stop is too early; nil where nothing is to be said.
func expected(ctx context.Context, s Status) *ui.Notice {
	if s.Expected.IsZero() {
		return nil
	}
	zone := s.Sunset.Calendar.Zone
	n := &ui.Notice{Kind: ui.Info, Sentence: ui.T(ctx, "sunset_forecast.expected", "Rate", fmt.Sprintf("%.1f", s.PerSecond), "Date", ui.DateTime(ui.LangOf(ctx), s.Expected.Truncate(time.Minute), zone))}
	if s.Extend > 0 {
		n.Kind = ui.Warn
		n.Sentence = ui.T(ctx, "sunset_operator.extend_by", "Count", s.Extend, "Stop", dayIn(ctx, s.Sunset.Calendar.Ceases(exit.AllowExport), zone), "Date", ui.Date(ui.LangOf(ctx), s.Expected, zone))
		n.Action = &ui.Link{Text: ui.T(ctx, "sunset_operator.extend"), Href: namedPath + s.Sunset.Name + "/extend"}
	}
	return n
}

// Bounds of the form with a notice's picture, in bytes; mostMemory is what of it is held in memory.
const (
	mostPicture = 21 << 20
	mostMemory  = 1 << 20
)

// postPicture puts a picture on the notice, or takes it away where none is chosen.
func (r *Room) postPicture(w http.ResponseWriter, req *http.Request) error {
	req.Body = http.MaxBytesReader(w, req.Body, mostPicture)
	if err := req.ParseMultipartForm(mostMemory); err != nil { //nolint:gosec // the line above bounds it
		return unreadable(err)
	}
	defer func() { _ = req.MultipartForm.RemoveAll() }() // what stays is swept with the folder of temporary files
	name := req.PathValue("name")
	var picture io.Reader
	f, _, err := req.FormFile("picture")
	switch {
	case err == nil:
		defer func() { _ = f.Close() }() // it was only read
		picture = f
	case !errors.Is(err, http.ErrMissingFile):
		return unreadable(err)
	}
	if err := r.SetPicture(req.Context(), name, picture); err != nil {
		return err
	}
	return service.Done(w, req, namedPath+name, "sunset_operator.done.picture")
}
