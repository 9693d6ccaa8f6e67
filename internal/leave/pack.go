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
	"exeunt/internal/who"
)

// Packing is what a person takes along, and how far it has come. The zero In, Since and MaxBytes
// are all of it in volumes of the policy's size.
type Packing struct {
	Account  who.ID
	In       string // "page", "circle", "circle:7"
	Whole    bool   // the place as a whole, for who answers for it, and not only one's own part in it
	Since    time.Time
	Media    bool
	MaxBytes int64     // of a volume; negative: one volume whatever its size
	Made     time.Time // promise time
	Cut      who.ID    // what has a higher id came later and stays out

	Class    string // the part at hand; "" at the start
	Position string // the exporter's cursor in it
	Volume   int    // the last one written
	Finished bool
}

// part is one class of the archive with the class of a holder that fills it.
type part struct {
	name   string
	holder exit.Exporter
	class  string
}

// first lists the archive's classes in the order in which they are written; those not named follow
// by name. Files of a class come after what names them.
var first = []string{
	archive.ClassProfile, archive.ClassSettings, "service.entrances", archive.ClassPosts, archive.ClassDrafts, archive.ClassImages, archive.ClassLinks,
	archive.ClassComments, archive.ClassReceived, archive.ClassLikes, archive.ClassFavourites, archive.ClassFollowing, archive.ClassFollowers,
	archive.ClassBlocks, archive.ClassMutes, archive.ClassQuiets,
	archive.ClassCircles, archive.ClassMemberships,
	archive.ClassChannel, archive.ClassVideos, archive.ClassVideoDrafts, archive.ClassCollections, archive.ClassVideoDays, archive.ClassWatched,
}

func rank(name string) string {
	if i := slices.Index(first, name); i >= 0 {
		return fmt.Sprintf("%03d", i)
	}
	return name
}

// wholeMark ends the name of a place that is meant as a whole: "circle:7/whole".
const wholeMark = "/whole"

// scope gives the scope as text.
func (p Packing) scope() string {
	if p.Whole {
		return p.In + wholeMark
	}
	return p.In
}

// wholeExporter is a holder that gives a place as a whole to who answers for it.
type wholeExporter interface {
	exit.Exporter
	// Whole gives the class to be asked for, and the archive's classes that it is written as. NotFound where the holder keeps no
	// such place, Forbidden for who does not answer for it.
	Whole(ctx context.Context, s exit.Subject) (class string, parts []string, err error)
}

// wholeParts gives what the archive of a place as a whole consists of, in order.
func (l *Room) wholeParts(ctx context.Context, p *Packing) ([]part, error) {
	s := SubjectOf(p.Account, p.In)
	for _, h := range l.Engine.Holders {
		x, ok := h.(wholeExporter)
		if !ok || h.Name() != s.Service() {
			continue
		}
		class, names, err := x.Whole(ctx, s)
		if err != nil {
			return nil, err
		}
		var out []part
		for _, name := range names {
			if name != archive.ClassCircleImages || p.Media {
				out = append(out, part{name, x, class})
			}
		}
		return out, nil
	}
	return nil, exit.Fail(exit.NotFound, "error.not_found")
}

// mayTakeWhole refuses a place as a whole to who does not answer for it.
func (l *Room) mayTakeWhole(ctx context.Context, account who.ID, in string) error {
	_, err := l.wholeParts(ctx, &Packing{Account: account, In: in})
	return err
}

// parts gives what an archive of the scope consists of, in order.
func (l *Room) parts(ctx context.Context, p *Packing) ([]part, error) {
	if p.Whole {
		return l.wholeParts(ctx, p)
	}
	service, _, _ := strings.Cut(p.In, ":")
	var out []part
	for _, h := range l.Engine.Holders {
		x, ok := h.(exit.Exporter)
		if !ok {
			continue
		}
		for _, c := range h.Classes() {
			if !c.Exported || service != "" && !slices.Contains(c.Services, service) {
				continue
			}
			names := c.Parts
			if names == nil {
				names = []string{h.Name() + "." + c.Name}
			}
			for _, name := range names {
				if name != archive.ClassImages || p.Media {
					out = append(out, part{name, x, c.Name})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b part) int { return strings.Compare(rank(a.name), rank(b.name)) })
	return out, nil
}

// volume writes the next volume of a packing to out and moves the packing on.
func (l *Room) volume(ctx context.Context, p *Packing, out io.Writer) (archive.Summary, error) {
	spool, err := os.MkdirTemp(l.Spool, "pack-")
	if err != nil {
		return archive.Summary{}, fmt.Errorf("make spool: %w", err)
	}
	defer os.RemoveAll(spool) //nolint:errcheck // the spool's own folder is swept at the next start
	actor, err := l.Accounts.ArchiveProfile(ctx, p.Account)
	if err != nil {
		return archive.Summary{}, fmt.Errorf("read profile: %w", err)
	}
	scope := archive.Scope{Since: archive.At(p.Since), Media: p.Media}
	if p.In != "" {
		scope.Services = []string{p.scope()}
	}
	size := p.MaxBytes
	if size == 0 {
		size = l.Policy.Export.Volume
	}
	w, err := archive.NewWriter(out, archive.Options{
		Spool: spool, Made: p.Made, Host: l.Host, Actor: actor, Scope: scope, Volume: p.Volume + 1, MaxBytes: size,
	})
	if err != nil {
		return archive.Summary{}, fmt.Errorf("begin volume: %w", err)
	}
	if err := l.fill(ctx, p, w); err != nil {
		return archive.Summary{}, errors.Join(err, w.Abort())
	}
	sum, err := w.Close(!p.Finished)
	if err != nil {
		return sum, fmt.Errorf("end volume: %w", err)
	}
	p.Volume++
	return sum, nil
}

// fill writes classes from where the packing stands until the volume is full or all is written.
func (l *Room) fill(ctx context.Context, p *Packing, w *archive.Writer) error {
	parts, err := l.parts(ctx, p)
	if err != nil {
		return err
	}
	at := 0
	if p.Class != "" {
		if at = slices.IndexFunc(parts, func(x part) bool { return x.name == p.Class }); at < 0 {
			return fmt.Errorf("class %s is no longer there", p.Class)
		}
	}
	for ; at < len(parts); at++ {
		x := parts[at]
		if err := w.Class(x.name); err != nil {
			return err
		}
		if err := w.Highest(p.Cut.String()); err != nil {
			return err
		}
		for done := false; !done; {
			t := exit.Task{
				Step: "export:" + x.name, Subject: SubjectOf(p.Account, p.In), Class: x.class, Part: x.name,
				Cursor: p.Position, Limit: 500, Cut: p.Cut.String(), Since: p.Since, Now: p.Made,
			}
			got, err := x.holder.Export(ctx, t, w)
			if err != nil {
				return fmt.Errorf("export %s: %w", x.name, err)
			}
			p.Class, p.Position, done = x.name, got.Cursor, got.Done
			if !done && w.Full() {
				return nil
			}
		}
		p.Position = ""
		if at+1 < len(parts) {
			p.Class = parts[at+1].name
			if w.Full() {
				return nil
			}
		}
	}
	p.Finished = true
	return nil
}

// PackTo writes the whole archive to files: path itself, or, where it takes several volumes,
// path with -2, -3 … before its ending. Each is written under a temporary name, read back, and
// renamed. It gives the files' names.
func (l *Room) PackTo(ctx context.Context, p *Packing, path string) ([]string, error) {
	if err := l.beginPacking(ctx, p); err != nil {
		return nil, err
	}
	var names []string
	for !p.Finished {
		name := path
		if p.Volume > 0 {
			ext := filepath.Ext(path)
			name = strings.TrimSuffix(path, ext) + fmt.Sprintf("-%d", p.Volume+1) + ext
		}
		if err := l.packFile(ctx, p, name); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (l *Room) beginPacking(ctx context.Context, p *Packing) error {
	now, err := l.DB.Now(ctx)
	if err != nil {
		return err
	}
	p.Made, p.Cut = now, l.DB.IDs.Next()
	return nil
}

// packFile makes one volume as a file: it exists only when it has been read back.
func (l *Room) packFile(ctx context.Context, p *Packing, name string) (err error) {
	tmp := name + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("make archive: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp))
		}
	}()
	_, err = l.volume(ctx, p, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if _, err = archive.Verify(ctx, tmp); err != nil {
		return fmt.Errorf("read archive back: %w", err)
	}
	if err = os.Rename(tmp, name); err != nil {
		return fmt.Errorf("name archive: %w", err)
	}
	return nil
}
