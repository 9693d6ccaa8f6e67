package leave

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const (
	jobImport = "leave.import"
	// batch is how many records are taken in one transaction.
	batch = 100
)

// Import is an archive that is being taken in, as its owner sees it.
type Import struct {
	ID      who.ID
	Account who.ID
	State   string // "waiting", "reading", "taking", "done", "refused"
	Kind    string // "exeunt", "mastodon"
	Key     string // the staged blob; "" once it is gone
	Problem string // the key of the sentence that says why it was refused
	Class   string
	At      int64 // records of the class that are taken
	Done    int64
	Total   int64
	Created time.Time
	Ended   time.Time
	Results []ImportResult
}

// ImportResult counts what became of a class's records.
type ImportResult struct {
	Class  string
	Result string // "taken", "duplicate", "skipped", "missing"
	Reason string // the key of a sentence, for skipped and missing
	N      int64
}

// Stage stores an uploaded archive and has it taken in. The upload is bounded by the caller.
func (l *Room) Stage(ctx context.Context, account who.ID, r io.Reader) (who.ID, error) {
	b, err := l.Blobs.Put(ctx, account, blob.Imports, ".bin", "application/octet-stream", r)
	if err != nil {
		return 0, err
	}
	if b.Size == 0 {
		return 0, errors.Join(exit.Fail(exit.Invalid, "leave.error.empty_archive"), l.Blobs.Delete(ctx, b.Key))
	}
	id, err := l.newImport(ctx, account, b.Key, b.Size)
	return id, err
}

// newImport stores an import; with a key its job too. It passes the fence as a write: a frozen
// account takes nothing in.
func (l *Room) newImport(ctx context.Context, account who.ID, key string, bytes int64) (who.ID, error) {
	id := l.DB.IDs.Next()
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := l.enterImport(ctx, account)
		if err != nil {
			return err
		}
		if err := l.addImport(ctx, pass, id, account, key, bytes); err != nil {
			return err
		}
		if key == "" {
			return nil
		}
		if err := l.Blobs.Keep(ctx, key); err != nil {
			return err
		}
		return l.Queue.Add(ctx, job.Job{Kind: jobImport, Ref: id.String(), Account: account})
	})
	return id, err
}

// importJob takes a staged archive in. It can be killed and goes on where it was.
func (l *Room) importJob(ctx context.Context, j job.Job) error {
	id, _ := who.ParseID(j.Ref)
	im, err := l.Import(ctx, j.Account, id)
	if exit.KindOf(err) == exit.NotFound || err == nil && (im.State == "done" || im.State == "refused") {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(l.Spool, "import-")
	if err != nil {
		return fmt.Errorf("make spool: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the spool is swept at the next start
	path := filepath.Join(dir, "archive")
	if err := l.fetch(ctx, im.Key, path); err != nil {
		return err
	}
	_, err = l.take(ctx, im, path)
	return err
}

func (l *Room) fetch(ctx context.Context, key, path string) (err error) {
	r, err := l.Blobs.NewReader(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // in our own spool
	if err != nil {
		return fmt.Errorf("fetch archive: %w", err)
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("fetch archive: %w", err)
	}
	return nil
}

// ImportFrom takes an archive in that lies on this machine's disk: a file or a folder.
func (l *Room) ImportFrom(ctx context.Context, account who.ID, path string) (Import, error) {
	id, err := l.newImport(ctx, account, "", 0)
	if err != nil {
		return Import{}, err
	}
	im, err := l.Import(ctx, account, id)
	if err != nil {
		return Import{}, err
	}
	if refused, err := l.take(ctx, im, path); err != nil || refused != nil {
		return Import{}, errors.Join(refused, err)
	}
	return l.Import(ctx, account, id)
}

// take reads all of an archive, writing nothing, and then takes its records in, chunk by chunk. An
// archive that cannot be taken is refused with one sentence: that is put down, and given as refused.
func (l *Room) take(ctx context.Context, im Import, path string) (refused, err error) {
	r, err := archive.Open(ctx, path, archive.DefaultLimits())
	if err != nil {
		return l.refuse(ctx, im, err)
	}
	defer r.Close() //nolint:errcheck // it was only read
	survey, err := r.Survey(ctx)
	if err != nil {
		return l.refuse(ctx, im, err)
	}
	var total int64
	for _, c := range survey.Classes {
		total += c.Count
	}
	im.Kind, im.Total, im.State = string(survey.Format), total, "taking"
	if err := l.DB.Update(ctx, func(ctx context.Context) error { return l.moveImport(ctx, im, im.Done, nil) }); err != nil {
		return nil, err
	}
	for _, class := range l.importOrder(survey) {
		if im.Class != "" && due(class) < due(im.Class) {
			continue
		}
		if im.Class != class {
			im.Class, im.At = class, 0
		}
		if err := l.takeClass(ctx, r, &im, class); err != nil {
			return nil, err
		}
	}
	im.State = "done"
	return nil, l.endImport(ctx, &im)
}

// refuse puts down why an archive is not taken. A failure of this machine is an error, and tried again.
func (l *Room) refuse(ctx context.Context, im Import, cause error) (refused, err error) {
	var a *archive.Error
	if !errors.As(cause, &a) {
		return nil, fmt.Errorf("read archive: %w", cause)
	}
	im.State, im.Problem = "refused", a.Key()
	return &exit.Error{Kind: exit.Invalid, Key: a.Key(), Err: a}, l.endImport(ctx, &im)
}

// importOrder gives the archive's classes in the order in which they are written.
func (l *Room) importOrder(s archive.Survey) []string {
	var out []string
	for _, c := range s.Classes {
		if c.Count > 0 {
			out = append(out, c.Class)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(due(a), due(b)) })
	return out
}

// due is rank for what is taken in: circles come before all that stands in them.
func due(class string) string {
	if class == archive.ClassCircles {
		return ""
	}
	return rank(class)
}

// importer finds the holder that takes a class of the archive in.
func (l *Room) importer(name string) (exit.Importer, string) {
	for _, h := range l.Engine.Holders {
		x, ok := h.(exit.Importer)
		if !ok {
			continue
		}
		for _, c := range h.Classes() {
			if c.Imported && (h.Name()+"."+c.Name == name || slices.Contains(c.Parts, name)) {
				return x, c.Name
			}
		}
	}
	return nil, ""
}

func (l *Room) takeClass(ctx context.Context, r *archive.Reader, im *Import, class string) error {
	x, name := l.importer(class)
	var records []any
	next := im.At
	flush := func() error {
		if len(records) == 0 {
			return nil
		}
		err := l.takeBatch(ctx, r, im, x, name, class, records, next)
		records = records[:0]
		return err
	}
	err := r.Records(ctx, class, im.At, func(n int64, v any) error {
		records, next = append(records, v), n+1
		if len(records) < batch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return fmt.Errorf("import %s: %w", class, err)
	}
	return flush()
}

// takeBatch takes one batch in: its records and the report of them in one transaction, once the files are put. A class
// that nobody takes is counted as skipped, never passed over in silence.
func (l *Room) takeBatch(ctx context.Context, r *archive.Reader, im *Import, x exit.Importer, name, class string, records []any, next int64) error {
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	intake := skipAll(len(records), "leave.skip.not_taken")
	if x != nil {
		t := exit.Task{Run: im.ID.String(), Step: "import:" + class, Subject: SubjectOf(im.Account, ""), Class: name, Part: class, Now: now}
		if intake, err = x.Import(ctx, t, records, r); err != nil && !service.ReadOnly(err) {
			return err
		}
	}
	moved := *im
	moved.At, moved.Done = next, im.Done+int64(len(records))
	take := func(ctx context.Context) error {
		outcomes, err := intake(ctx)
		if err != nil {
			return err
		}
		return l.moveImport(ctx, moved, im.Done, tallyOf(class, outcomes))
	}
	if err == nil {
		err = l.DB.Update(ctx, take)
	}
	if service.ReadOnly(err) { // it came before the end of what it would go into, and gets there after it
		intake = skipAll(len(records), "sunset_effects.skip")
		err = l.DB.Update(ctx, take)
	}
	if err == nil {
		*im = moved
	}
	return err
}

// skipAll is the intake of records that nobody takes.
func skipAll(n int, reason string) exit.Intake {
	return func(context.Context) ([]exit.Outcome, error) {
		return slices.Repeat([]exit.Outcome{{Result: "skipped", Reason: reason}}, n), nil
	}
}

// tallyOf counts what became of a class's records.
func tallyOf(class string, outcomes []exit.Outcome) map[ImportResult]int64 {
	tally := map[ImportResult]int64{}
	for _, o := range outcomes {
		tally[ImportResult{Class: class, Result: o.Result, Reason: o.Reason}]++
		if o.Missing > 0 {
			tally[ImportResult{Class: class, Result: "missing", Reason: "leave.missing.media"}] += int64(o.Missing)
		}
	}
	return tally
}

// endImport ends an import and gives its staged file up.
func (l *Room) endImport(ctx context.Context, im *Import) error {
	return l.DB.Update(ctx, func(ctx context.Context) error {
		if err := l.moveImport(ctx, *im, im.Done, nil); err != nil {
			return err
		}
		now, err := l.DB.Now(ctx)
		if err != nil {
			return err
		}
		if err := l.closeImport(ctx, im.ID, now); err != nil {
			return err
		}
		if im.Key == "" {
			return nil
		}
		return l.Blobs.Doom(ctx, im.Account, im.Key)
	})
}
