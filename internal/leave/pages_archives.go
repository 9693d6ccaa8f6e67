package leave

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// largestUpload bounds an archive that is sent in, in bytes.
const largestUpload = 4 << 30

// archiveView is an archive made or being made.
type archiveView struct {
	Title    string
	Why      string           // because of what it was made unasked; "" for one that was asked for
	Progress *ui.ProgressView // nil when it is done
	Kept     string           // until when it can be fetched
	Volumes  []volumeView
}

type volumeView struct{ Name, Size, SHA256, Href string }

func (a archiveView) busy() bool { return a.Progress != nil && a.Progress.Failed == "" }

// archivesNow gives an account's archives: made, being made, and asked for.
func (l *Room) archivesNow(ctx context.Context, me who.Viewer, open []exit.RunFact) ([]archiveView, error) {
	made, err := l.Exports(ctx, me.Account)
	if err != nil {
		return nil, err
	}
	var unasked map[string]string
	if l.MadeFor != nil {
		if unasked, err = l.MadeFor(ctx, me.Account); err != nil {
			return nil, err
		}
	}
	var out []archiveView
	for _, o := range open {
		if o.Run.Journey == exit.TakeAlong && !slices.ContainsFunc(made, func(e Export) bool { return e.Run == o.Run.ID }) {
			e := Export{Run: o.Run.ID, In: o.Run.Subject.In, State: "packing", Created: o.Run.Agreed}
			if ends, there := unasked[o.Run.ID]; there {
				e.Ends = endsWord(ends)
			}
			out = append(out, l.archive(ctx, e, open))
		}
	}
	for _, e := range made {
		out = append(out, l.archive(ctx, e, open))
	}
	return out, nil
}

func (l *Room) archive(ctx context.Context, e Export, open []exit.RunFact) archiveView {
	v := archiveView{Title: ui.T(ctx, "leave.archive.of", "Date", ui.DateIn(ctx, e.Created))}
	in, whole := strings.CutSuffix(e.In, wholeMark)
	switch {
	case whole:
		v.Title = ui.T(ctx, "leave.archive.of.whole", "Date", ui.DateIn(ctx, e.Created), "Name", l.inName(ctx, exit.Subject{In: in}))
	case in != "":
		v.Title = ui.T(ctx, "leave.archive.of.in", "Date", ui.DateIn(ctx, e.Created), "Name", l.inName(ctx, exit.Subject{In: in}))
	}
	if e.Ends != "" {
		v.Why = ui.T(ctx, "sunset_export.made", "Name", l.EndsName(ctx, strings.TrimPrefix(e.Ends, exit.SubjectInstall)))
	}
	stuck := false
	for _, o := range open {
		if o.Run.ID != e.Run {
			continue
		}
		for _, s := range o.Steps {
			if s.Act == exit.ActErase {
				v.Kept = ui.T(ctx, "leave.archive.kept", "Date", ui.DateIn(ctx, lastInstant(s.At, o.Run.Agreed)))
			}
			stuck = stuck || s.Act == exit.ActPack && s.State == exit.StepStuck
		}
	}
	if e.State != "done" {
		v.Kept = ""
		v.Progress = &ui.ProgressView{
			ID: "archive-" + e.Run, Title: v.Title, Doing: ui.T(ctx, "leave.archive.waiting"), Done: e.Items, Unit: ui.T(ctx, "leave.progress.unit"),
			Meanwhile: ui.T(ctx, "leave.archive.meanwhile"), Live: archivesPath,
		}
		if e.ID != 0 {
			v.Progress.Doing = ui.T(ctx, "leave.archive.packing")
		}
		if v.Why != "" {
			v.Progress.Meanwhile = v.Why
		}
		if stuck {
			v.Progress.Failed = ui.T(ctx, "leave.archive.stuck")
		}
	}
	for _, x := range e.Volumes {
		v.Volumes = append(v.Volumes, volumeView{Name: x.Name, Size: ui.Bytes(x.Bytes), SHA256: x.SHA256, Href: archivesPath + "/" + x.ID.String() + "/" + x.Name})
	}
	return v
}

func (l *Room) getArchives(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me := service.ViewerOf(ctx)
	open, err := l.DB.Runs.Open(ctx, SubjectOf(me.Account, ""))
	if err != nil {
		return fmt.Errorf("read open runs: %w", err)
	}
	list, err := l.archivesNow(ctx, me, open)
	if err != nil {
		return err
	}
	f := l.frame(ctx, ui.T(ctx, "leave.archives"), toCentre(ctx))
	if slices.ContainsFunc(list, archiveView.busy) {
		f.Refresh = 5 * time.Second
	}
	return ui.Render(w, r, http.StatusOK, archivesPage(f, list))
}

// getVolume sends a volume, whole or in ranges, to the account whose archive it is.
func (l *Room) getVolume(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, ok := who.ParseID(r.PathValue("volume"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	v, owner, err := l.volumeOf(ctx, id)
	if err != nil {
		return err
	}
	if !mayFetch(service.ViewerOf(ctx), owner) || v.Name != r.PathValue("name") {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	return l.SendVolume(w, r, v)
}

// SendVolume sends a volume, whole or in ranges, to somebody who was found to be allowed, and notes that it was fetched when its end was sent.
func (l *Room) SendVolume(w http.ResponseWriter, r *http.Request, v Volume) error {
	sent := &sentTo{ResponseWriter: w}
	if err := l.Blobs.Serve(sent, r, v.Key, blob.Private, v.Name); err != nil || !sent.end(v.Bytes) {
		return err
	}
	return l.fetched(context.WithoutCancel(r.Context()), v.ID) // whoever has it all may be gone by now
}

// fetched notes that a volume was downloaded to its end.
func (l *Room) fetched(ctx context.Context, volume who.ID) error {
	return l.DB.Update(ctx, func(ctx context.Context) error {
		_, owner, err := l.volumeOf(ctx, volume)
		if err != nil {
			return err
		}
		pass, err := l.Desk.EnterExit(ctx, owner)
		if err != nil {
			return err
		}
		run, err := l.noteFetched(ctx, pass, volume)
		if err != nil || run == "" || l.Fetched == nil {
			return err
		}
		return l.Fetched(ctx, run)
	})
}

// sentTo counts what an answer was given.
type sentTo struct {
	http.ResponseWriter
	status int
	n      int64
}

func (s *sentTo) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *sentTo) Write(b []byte) (int, error) {
	n, err := s.ResponseWriter.Write(b)
	s.n += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (s *sentTo) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// end reports whether the last byte of a file of so many bytes was sent, and all that was announced before it.
func (s *sentTo) end(size int64) bool {
	switch s.status {
	case http.StatusOK, 0:
		return s.n == size
	case http.StatusPartialContent:
		var from, to, of int64
		_, err := fmt.Sscanf(s.Header().Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &of)
		return err == nil && of == size && to == size-1 && s.n == to-from+1
	}
	return false
}

// importsView is the page from which an archive is taken in.
type importsView struct {
	Error string
	Past  []ui.Link
}

func (l *Room) getImport(w http.ResponseWriter, r *http.Request) error {
	return l.showImport(w, r, http.StatusOK, "")
}

func (l *Room) showImport(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	ctx := r.Context()
	me := service.ViewerOf(ctx)
	ids, err := l.Imports(ctx, me.Account)
	if err != nil {
		return err
	}
	v := importsView{Error: problem}
	for _, id := range ids {
		v.Past = append(v.Past, ui.Link{Text: ui.T(ctx, "leave.import.past", "ID", id.String()), Href: importPath + "/" + id.String()})
	}
	return ui.Render(w, r, status, importPage(l.frame(ctx, ui.T(ctx, "leave.import"), toCentre(ctx)), v))
}

// postImport takes an upload in as it arrives: nothing of it is held in memory.
func (l *Room) postImport(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, largestUpload)
	parts, err := r.MultipartReader()
	if err != nil {
		return &exit.Error{Kind: exit.Invalid, Key: "leave.error.form", Err: err}
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return l.showImport(w, r, http.StatusUnprocessableEntity, ui.T(ctx, "leave.import.none"))
		}
		if err != nil {
			return unreadable(err)
		}
		if part.FormName() != "archive" || part.FileName() == "" {
			continue
		}
		id, err := l.Stage(ctx, service.ViewerOf(ctx).Account, part)
		if exit.KindOf(err) == exit.Invalid {
			return l.showImport(w, r, http.StatusUnprocessableEntity, ui.T(ctx, "leave.error.empty_archive"))
		}
		if err != nil {
			return unreadable(err)
		}
		return service.Done(w, r, importPath+"/"+id.String(), "")
	}
}

// unreadable tells an upload that broke off from a failure of this machine.
func unreadable(err error) error {
	var big *http.MaxBytesError
	if !errors.As(err, &big) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, http.ErrBodyReadAfterClose)) {
		return &exit.Error{Kind: exit.Invalid, Key: "leave.error.upload", Err: err}
	}
	return err
}

// importedView is an import as it goes on, and its report in the end.
type importedView struct {
	Progress ui.ProgressView
	Table    *ui.TableView
	Reasons  []string
	Done     bool
}

func (l *Room) getImported(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, ok := who.ParseID(r.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	im, err := l.Import(ctx, service.ViewerOf(ctx).Account, id)
	if err != nil {
		return err
	}
	v := importedView{Done: im.State == "done", Progress: importProgress(ctx, im)}
	if v.Done {
		v.Table, v.Reasons = report(ctx, im)
	}
	f := l.frame(ctx, ui.T(ctx, "leave.import"), toCentre(ctx))
	if !v.Progress.Finished && v.Progress.Failed == "" {
		f.Refresh = 5 * time.Second
	}
	return ui.Render(w, r, http.StatusOK, importedPage(f, v))
}

// refusals are the sentences for an archive that is not taken, by [archive.ErrorKind].
var refusals = ui.Keys("archive.",
	"unknown", "broken", "json", "depth", "unsafe_name", "special", "encrypted", "duplicate", "too_many", "too_large", "bomb", "damaged", "no_file")

func importProgress(ctx context.Context, im Import) ui.ProgressView {
	p := ui.ProgressView{
		ID: "import-" + im.ID.String(), Title: ui.T(ctx, "leave.import.of", "Date", ui.DateTimeIn(ctx, im.Created)), Done: im.Done, Total: im.Total,
		Unit: ui.T(ctx, "leave.progress.unit"), Meanwhile: ui.T(ctx, "leave.import.meanwhile"), Live: importPath + "/" + im.ID.String(),
	}
	switch im.State {
	case "done":
		p.Finished, p.Doing = true, ui.T(ctx, "leave.import.done")
	case "refused":
		p.Failed = ui.T(ctx, "leave.import.refused", "Why", ui.Sentence(ctx, refusals[strings.TrimPrefix(im.Problem, "archive.")]))
		if state := service.ViewerOf(ctx).State; state != who.Closing && state != who.Closed {
			p.Instead = &ui.Link{Text: ui.T(ctx, "leave.import.another"), Href: importPath}
		}
	case "taking":
		p.Doing = ui.T(ctx, "leave.import.taking", "What", partName(ctx, im.Class))
	default:
		p.Doing = ui.T(ctx, "leave.import.reading")
	}
	return p
}

// partWords name classes of an archive that are no class of a holder.
var partWords = ui.Keys("leave.part.", "talk.received", "relation.following", "relation.followers", "circle.memberships", "channel.collections", "channel.statistics")

func partName(ctx context.Context, class string) string {
	if key, ok := partWords[class]; ok {
		return ui.T(ctx, key)
	}
	return className(ctx, class)
}

// results are the columns of a report, in order; all but the first stand only where there is something to count.
var results = []string{"taken", "duplicate", "skipped", "missing"}

var resultWords = ui.Keys("leave.report.", "taken", "duplicate", "skipped", "missing")

// report gives what became of each class, and each reason why something was not taken, with its number.
func report(ctx context.Context, im Import) (*ui.TableView, []string) {
	counts := map[string][4]int64{}
	var sums [4]int64
	var order, reasons []string
	for _, x := range im.Results {
		row, there := counts[x.Class]
		if !there {
			order = append(order, x.Class)
		}
		if i := slices.Index(results, x.Result); i >= 0 {
			row[i] += x.N
			sums[i] += x.N
		}
		counts[x.Class] = row
		if x.Reason != "" {
			reasons = append(reasons, ui.T(ctx, "leave.report.reason", "Class", sentence(partName(ctx, x.Class)), "Count", x.N, "Why", reasonOf(ctx, x.Reason)))
		}
	}
	slices.SortStableFunc(order, inOrder)
	t := &ui.TableView{Caption: ui.T(ctx, "leave.report"), Columns: []ui.Column{{Title: ui.T(ctx, "leave.report.class")}}}
	for i, name := range results {
		if i == 0 || sums[i] > 0 {
			t.Columns = append(t.Columns, ui.Column{Title: ui.T(ctx, resultWords[name]), Numeric: true})
		}
	}
	for _, class := range order {
		cells := []ui.Cell{{Text: sentence(partName(ctx, class))}}
		for i, n := range counts[class] {
			if i == 0 || sums[i] > 0 {
				cells = append(cells, ui.Cell{Text: ui.Number(n)})
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t, reasons
}

func reasonOf(ctx context.Context, reason string) string {
	key, name, _ := strings.Cut(reason, "\t")
	if ui.HasKey(key) {
		return ui.T(ctx, key, "Name", name)
	}
	return ui.T(ctx, "leave.skip.not_taken")
}
