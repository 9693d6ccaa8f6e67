package leave

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Words is the packing in the words that a plan carries: "media=no&since=2024-01-31".
func (p Packing) Words() string {
	v := url.Values{}
	if !p.Media {
		v.Set("media", "no")
	}
	if !p.Since.IsZero() {
		v.Set("since", p.Since.UTC().Format(time.DateOnly))
	}
	if p.Whole {
		v.Set("whole", "yes")
	}
	return v.Encode()
}

// packingOf reads what [Packing.Words] wrote.
func packingOf(words string) (Packing, error) {
	v, err := url.ParseQuery(words)
	if err != nil {
		return Packing{}, exit.Fail(exit.Invalid, "leave.error.pack")
	}
	p := Packing{Media: v.Get("media") != "no", Whole: v.Get("whole") == "yes"}
	if since := v.Get("since"); since != "" {
		if p.Since, err = time.Parse(time.DateOnly, since); err != nil {
			return Packing{}, exit.Fail(exit.Invalid, "error.date", "text", since)
		}
	}
	return p, nil
}

// Pack makes the next volume of a take-along run: one chunk is one volume. An archive exists when
// it has been read back and its row is there, once; a repeat of a chunk finds the row.
func (l *Room) Pack(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Subject.ID == "" {
		return exit.Progress{Done: true}, nil // its account is gone, and the run has forgotten whose it was
	}
	id, p, err := l.exportOf(ctx, t)
	if err != nil {
		return exit.Progress{}, err
	}
	if p.Finished && p.Volume <= t.Chunk {
		return exit.Progress{Done: true}, nil // whoever made the last volume was cut off before the step was put down as done
	}
	if p.Volume > t.Chunk {
		return l.volumeDone(ctx, id, t.Chunk+1, p.Finished && p.Volume == t.Chunk+1)
	}
	// A name of its own: a worker that has lost its lease may still be at the same volume, beside this one.
	f, err := os.CreateTemp(l.Spool, "volume-"+t.Run+"-*")
	if err != nil {
		return exit.Progress{}, fmt.Errorf("make volume: %w", err)
	}
	name := f.Name()
	defer os.Remove(name) //nolint:errcheck // the spool is swept when it has lain there for a day
	defer f.Close()       //nolint:errcheck // it is only read from here on
	h := sha256.New()
	sum, err := l.volume(ctx, &p, io.MultiWriter(f, h))
	if err != nil {
		return exit.Progress{}, err
	}
	if _, err := archive.Verify(ctx, name); err != nil {
		return exit.Progress{}, fmt.Errorf("read volume back: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return exit.Progress{}, fmt.Errorf("rewind volume: %w", err)
	}
	b, err := l.Blobs.Put(ctx, p.Account, blob.Archives, ".zip", "application/zip", f)
	if err != nil {
		return exit.Progress{}, err
	}
	if b.SHA256 != hex.EncodeToString(h.Sum(nil)) {
		return exit.Progress{}, errors.New("the stored volume is not the one that was read back")
	}
	return l.storeVolume(ctx, t.Run, id, p, b, sum)
}

// exportOf gives the run's export, made with its first chunk.
func (l *Room) exportOf(ctx context.Context, t exit.Task) (who.ID, Packing, error) {
	var id who.ID
	var p Packing
	err := l.DB.Update(ctx, func(ctx context.Context) (err error) {
		if id, p, err = l.exportOfRun(ctx, t.Run); err != nil || id != 0 {
			return err
		}
		id, p, err = l.newExport(ctx, t)
		return err
	})
	return id, p, err
}

func (l *Room) newExport(ctx context.Context, t exit.Task) (who.ID, Packing, error) {
	p, err := packingOf(t.Choice)
	if err != nil {
		return 0, p, err
	}
	account, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return 0, p, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	pass, err := l.Desk.EnterExit(ctx, account)
	if err != nil {
		return 0, p, err
	}
	if err := l.mayStore(ctx, account); err != nil {
		return 0, p, err
	}
	p.Account, p.In, p.Made, p.Cut = account, t.Subject.In, pass.At, l.DB.IDs.Next()
	id := l.DB.IDs.Next()
	return id, p, l.addExport(ctx, pass, id, t.Run, p)
}

// storeVolume makes a volume exist: its row, its file's keeping and the packing's place change together.
func (l *Room) storeVolume(ctx context.Context, run string, id who.ID, p Packing, b blob.Blob, sum archive.Summary) (exit.Progress, error) {
	var items int64
	for _, c := range sum.Classes {
		items += c.Count + c.Files
	}
	err := l.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := l.Desk.EnterExit(ctx, p.Account)
		if err != nil {
			return err
		}
		if err := l.mayStore(ctx, p.Account); err != nil {
			return err
		}
		if err := l.Blobs.Keep(ctx, b.Key); err != nil {
			return err
		}
		file := fmt.Sprintf("exeunt-%s-%d.zip", p.Made.In(l.Policy.Zone).Format("20060102"), p.Volume)
		v := Volume{ID: l.DB.IDs.Next(), N: p.Volume, Key: b.Key, Name: file, Bytes: b.Size, SHA256: b.SHA256}
		if err := l.addVolume(ctx, pass, id, p.Account, v, items); err != nil {
			return err
		}
		if err := l.tellPacked(ctx, pass, id, p); err != nil {
			return err
		}
		if err := l.moveExport(ctx, pass, id, p, items, b.Size); err != nil || !p.Finished || l.Packed == nil {
			return err
		}
		bytes, err := l.exportBytes(ctx, id)
		if err != nil {
			return err
		}
		return l.Packed(ctx, run, bytes)
	})
	return exit.Progress{Items: items, Bytes: b.Size, Done: p.Finished}, err
}

// mayStore refuses an archive when a closing has begun to erase the account's archives: nothing would
// take it away again.
func (l *Room) mayStore(ctx context.Context, account who.ID) error {
	erases, err := l.erasesArchives(ctx, account)
	if err == nil && erases {
		err = exit.Fail(exit.Conflict, "error.is_closing")
	}
	return err
}

// volumeDone answers the repeat of a chunk whose volume is there already.
func (l *Room) volumeDone(ctx context.Context, export who.ID, n int, last bool) (exit.Progress, error) {
	items, bytes, err := l.volumeSize(ctx, export, n)
	return exit.Progress{Items: items, Bytes: bytes, Done: last}, err
}

// VolumesOf gives the files of the archive that a run has made, in order; none while there is none.
func (l *Room) VolumesOf(ctx context.Context, run string) ([]Volume, error) {
	return l.volumesOf(ctx, run)
}

// RunOfExport gives the run that makes or has made an archive; "" if there is no such archive.
func (l *Room) RunOfExport(ctx context.Context, id who.ID) (string, error) {
	return l.runOfExport(ctx, id)
}

// EndsName names what a sunset ends, "" (the install), "circle", "circle:7", as far as the viewer may see it.
func (l *Room) EndsName(ctx context.Context, part string) string {
	if part == "" {
		return ui.SiteName(ctx)
	}
	return l.inName(ctx, exit.Subject{In: part})
}

// Export is an archive made or being made, as its owner sees it.
type Export struct {
	ID      who.ID
	Run     string
	In      string
	State   string // "packing", "done"
	Class   string // what is being packed
	Items   int64
	Bytes   int64
	Created time.Time
	Volumes []Volume
	Ends    string // what ends, for which it was made unasked: "circle", "install"; "" for one that its owner wanted
}

// Volume is one file of an archive.
type Volume struct {
	ID     who.ID
	N      int
	Key    string
	Name   string
	Bytes  int64
	SHA256 string
}
