package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/job"
	"exeunt/internal/media"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// processJob makes of a file that has come what players need. Its ref is the video's id.
const processJob = "channel.process"

const (
	// restDelay is how long a video waits while its account is frozen.
	restDelay = 15 * time.Minute
	// mostAttempts is after how many attempts a video is taken for one that cannot be worked on.
	mostAttempts = 5
	frames       = 6
	frameWidth   = 960 // pixels
)

// coverLimits say how a cover is kept.
var coverLimits = media.Limits{Keep: 1280, Thumb: 480}

// UploadKind tells the upload room of videos. An upload without a detail makes a draft, whose id is its detail from then on.
func (r *Room) UploadKind() upload.Kind {
	return upload.Kind{
		Service: Name, Begin: r.uploadBegins, Done: r.uploadDone,
		Page: func(u upload.Upload) string { return "/videos/" + u.Detail + "/edit" },
	}
}

func (r *Room) uploadBegins(ctx context.Context, pass service.Pass, u *upload.Upload) error {
	v := who.Viewer{Account: u.Account, State: who.Active}
	if u.Detail == "" {
		id, err := r.draft(ctx, pass, v, u.Name)
		u.Detail = id.String()
		return err
	}
	id, _ := who.ParseID(u.Detail)
	x, err := r.store.one(ctx, u.Account, id)
	if err != nil {
		return err
	}
	if !takesFile(v, x) {
		return errNoVideo()
	}
	return nil
}

func (r *Room) uploadDone(ctx context.Context, pass service.Pass, u upload.Upload) error {
	id, _ := who.ParseID(u.Detail)
	if err := r.store.lockVideo(ctx, id); err != nil {
		return err
	}
	x, err := r.store.one(ctx, u.Account, id)
	if err != nil && exit.KindOf(err) != exit.NotFound {
		return err
	}
	if x.State == Deleting {
		x.State = State(x.DeletedAs) // it can be brought back
	}
	if err != nil || !takesFile(who.Viewer{Account: u.Account, State: who.Active}, x) {
		return r.Uploads.Taken(ctx, pass, u.ID) // it is gone, or another file was whole before this one
	}
	x.Media, x.File, x.Fault = Processing, u.Name, ""
	if err := r.store.setMedia(ctx, pass, x); err != nil {
		return err
	}
	return r.Queue.Add(ctx, job.Job{Kind: processJob, Ref: u.Detail, Account: u.Account})
}

// Again has a video be worked on once more, which had failed or for which there was no FFmpeg. NotFound for who does not own it.
func (r *Room) Again(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.changing(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, x Video) error {
		if x.Original == "" || x.Media != Failed && x.Media != Plain {
			return exit.Fail(exit.Conflict, "channel.error.no_again")
		}
		if x.Media == Failed {
			x.Media, x.Fault = Processing, ""
			if err := r.store.setMedia(ctx, pass, x); err != nil {
				return err
			}
		}
		return r.Queue.Add(ctx, job.Job{Kind: processJob, Ref: id.String(), Account: x.Owner})
	})
}

// process is the job. It may run any number of times: what it stores it stores in one transaction, and what it has put before is swept if that does
// not come.
func (r *Room) process(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return nil
	}
	return r.inTurn(ctx, j, func() error { return r.processNow(ctx, j, id) })
}

// processNow works on a video whose turn it is.
func (r *Room) processNow(ctx context.Context, j job.Job, id who.ID) error {
	if err := os.RemoveAll(r.folder(videoFolder, id)); err != nil { // what a killed process has left
		return fmt.Errorf("clear folder for a video: %w", err)
	}
	x, err := r.store.one(ctx, 0, id)
	if exit.KindOf(err) == exit.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if x.Media != Processing && x.Media != Plain || x.State == Deleting {
		return nil
	}
	if j.Attempt > mostAttempts {
		return r.fail(ctx, x, "channel.fault.died")
	}
	err = r.work(ctx, x)
	switch kind := exit.KindOf(err); {
	case err == nil:
		return r.publishDue(ctx, id)
	case errors.Is(err, errResting):
		j.Delay = restDelay
		return r.Queue.Add(ctx, j)
	case kind == exit.Invalid:
		return r.fail(ctx, x, keyOf(err))
	case service.Stopped(err):
		return nil // it ends with the service
	}
	return err
}

// What folders in the spool are for, as their names begin.
const (
	videoFolder = "video-"
	batchFolder = "batch-"
)

// folder is where a video or a batch is worked on. Its name is the thing's, so that who goes on clears what a killed process has left.
func (r *Room) folder(what string, id who.ID) string { return filepath.Join(r.Spool, what+id.String()) }

// SweepSpool removes what a killed process has left in the spool of up to limit things on which nobody will work any more. It gives how many there were.
func (r *Room) SweepSpool(ctx context.Context, limit int) (n int64, err error) {
	for what, kind := range map[string]string{videoFolder: processJob, batchFolder: batchJob} {
		list, err := filepath.Glob(filepath.Join(r.Spool, what+"*"))
		if err != nil {
			return n, fmt.Errorf("look into the spool: %w", err)
		}
		for part := range slices.Chunk(list, limit) { // those that wait stay, whatever comes behind them
			cleared, err := r.sweepFolders(ctx, kind, what, part)
			if n += cleared; err != nil || n >= int64(limit) {
				return n, err
			}
		}
	}
	return n, nil
}

// sweepFolders removes those of the folders on which nobody will work any more.
func (r *Room) sweepFolders(ctx context.Context, kind, what string, list []string) (n int64, err error) {
	refs := make([]string, len(list))
	for i, path := range list {
		refs[i] = strings.TrimPrefix(filepath.Base(path), what)
	}
	// Who works on a thing has its job, and clears up once the job is taken away.
	waiting, err := r.Queue.Waiting(ctx, kind, refs)
	if err != nil {
		return n, err
	}
	for i, ref := range refs {
		if waiting[ref] {
			continue
		}
		if err := os.RemoveAll(list[i]); err != nil {
			return n, fmt.Errorf("clear the spool: %w", err)
		}
		n++
	}
	return n, nil
}

// errResting means that the video's account is frozen: nothing is written for it now.
var errResting = errors.New("the account rests")

// resting turns the fence's refusal into errResting.
func resting(err error) error {
	if exit.KindOf(err) == exit.Unavailable {
		return errors.Join(errResting, err)
	}
	return err
}

// work brings the file to where FFmpeg can work on it, and stores what it makes.
func (r *Room) work(ctx context.Context, x Video) (err error) {
	dir := r.folder(videoFolder, x.ID)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for a video: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f, err := os.Create(filepath.Join(dir, "original")) //nolint:gosec // in our own folder
	if err != nil {
		return fmt.Errorf("make file for a video: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if x, err = r.original(ctx, x, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read video again: %w", err)
	}
	if !r.Tools().Have() {
		return r.settlePlain(ctx, x)
	}
	return r.produce(ctx, x, f, dir)
}

// original copies the video's file to f. What has just been uploaded becomes one blob on the way, and its pieces are given up.
func (r *Room) original(ctx context.Context, x Video, f *os.File) (Video, error) {
	id, ok, err := r.store.arrived(ctx, x)
	if err != nil {
		return x, err
	}
	if !ok {
		if x.Original == "" {
			return x, exit.Fail(exit.Invalid, "channel.fault.lost")
		}
		from, err := r.Blobs.NewReader(ctx, x.Original, 0, -1)
		if err != nil {
			return x, err
		}
		_, err = io.Copy(f, from)
		return x, errors.Join(err, from.Close())
	}
	from, u, err := r.Uploads.Open(ctx, x.Owner, id)
	if err != nil {
		return x, err
	}
	old := x.Original
	head := make([]byte, 64)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return x, errors.Join(err, from.Close())
	}
	kind, ext := container(head[:n])
	b, err := r.Blobs.Put(ctx, x.Owner, blob.Videos, ext, kind, io.TeeReader(io.MultiReader(bytes.NewReader(head[:n]), from), f))
	if err = errors.Join(err, from.Close()); err != nil {
		return x, err
	}
	x.Original, x.Bytes, x.SHA256, x.Type, x.File = b.Key, b.Size, b.SHA256, kind, u.Name
	return x, r.behind(ctx, x, func(ctx context.Context, pass service.Pass, now Video) error {
		if err := r.Blobs.Keep(ctx, b.Key); err != nil {
			return err
		}
		if err := r.Blobs.Doom(ctx, x.Owner, old); err != nil {
			return err
		}
		if err := r.store.setOriginal(ctx, pass, x); err != nil {
			return err
		}
		return r.Uploads.Taken(ctx, pass, id)
	})
}

// behind runs a change of a video in its owner's name, the video locked, if it is still being worked on. It is errResting while the account is frozen.
func (r *Room) behind(ctx context.Context, x Video, fn func(context.Context, service.Pass, Video) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		now, pass, err := r.entered(ctx, x.ID)
		if err != nil {
			return resting(err)
		}
		if now.Media != Processing && now.Media != Plain {
			return exit.Fail(exit.NotFound, "channel.error.no_video")
		}
		return fn(ctx, pass, now)
	})
}

// fail stores why a video cannot be shown; its owner is told. One that plays as it came goes on to.
func (r *Room) fail(ctx context.Context, x Video, key string) error {
	err := r.behind(ctx, x, func(ctx context.Context, pass service.Pass, now Video) error {
		if now.Media == Plain {
			return nil
		}
		now.Media, now.Fault = Failed, key
		if err := r.store.setMedia(ctx, pass, now); err != nil {
			return err
		}
		return r.tellOwner(ctx, pass, now, notify.VideoFailed)
	})
	if kind := exit.KindOf(err); kind == exit.NotFound || errors.Is(err, errResting) {
		return nil
	}
	return err
}

// settlePlain has a video be played as it came, if browsers can, where there is no FFmpeg.
func (r *Room) settlePlain(ctx context.Context, x Video) error {
	if !playable(x.Type) {
		return exit.Fail(exit.Invalid, "channel.fault.no_tools")
	}
	return r.behind(ctx, x, func(ctx context.Context, pass service.Pass, now Video) error {
		now.Media, now.Fault = Plain, "channel.fault.plain"
		return r.store.setMedia(ctx, pass, now)
	})
}

// made is what was made of a video.
type made struct {
	probe         media.Probe
	look          string
	poster, thumb blob.Blob
	renditions    []madeRendition
	frames        []madeFrame
}

type madeRendition struct {
	media.Rendition
	blob blob.Blob
}

type madeFrame struct {
	at   time.Duration
	blob blob.Blob
}

// keys gives all blobs that were put.
func (m made) keys() (out []string) {
	for _, x := range m.renditions {
		out = append(out, x.blob.Key)
	}
	for _, x := range m.frames {
		out = append(out, x.blob.Key)
	}
	return append(out, m.poster.Key, m.thumb.Key)
}

// produce makes pictures and renditions of a video, and stores them.
func (r *Room) produce(ctx context.Context, x Video, f *os.File, dir string) error {
	var m made
	var err error
	if m.probe, err = r.Tools().Probe(ctx, f); err != nil {
		return err
	}
	limits, err := r.Limits(ctx)
	if err != nil {
		return err
	}
	if limits.Minutes > 0 && m.probe.Duration > time.Duration(limits.Minutes)*time.Minute {
		return exit.Fail(exit.Invalid, "channel.fault.long")
	}
	if m.look, err = r.Tools().Look(ctx, f, m.probe); err != nil {
		return err
	}
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	list, err := r.Tools().Renditions(working, f, m.probe, dir, r.tell(working, x, stop))
	if cause := context.Cause(working); cause != nil && ctx.Err() == nil {
		return cause
	}
	if err != nil {
		return err
	}
	// All is put at the end: making renditions may take days, and what nobody keeps is swept after one.
	if err := r.picture(ctx, x, f, &m); err != nil {
		return err
	}
	for _, n := range list {
		b, err := r.putFile(ctx, x.Owner, n.Path)
		if err != nil {
			return err
		}
		m.renditions = append(m.renditions, madeRendition{n, b})
	}
	return r.keepMade(ctx, x, m)
}

// picture makes the pictures from which a cover is chosen, and the first cover.
func (r *Room) picture(ctx context.Context, x Video, f *os.File, m *made) error {
	list, err := r.Tools().Frames(ctx, f, m.probe, frames, frameWidth)
	if err != nil {
		return err
	}
	for _, n := range list {
		b, err := r.Blobs.Put(ctx, x.Owner, blob.Renditions, ".jpg", "image/jpeg", bytes.NewReader(n.JPEG))
		if err != nil {
			return err
		}
		m.frames = append(m.frames, madeFrame{n.At, b})
	}
	if len(list) == 0 {
		return exit.Fail(exit.Invalid, "channel.fault.died")
	}
	// The second: many films begin in black.
	p, err := media.Image(ctx, bytes.NewReader(list[min(1, len(list)-1)].JPEG), coverLimits)
	if err != nil {
		return err
	}
	m.poster, m.thumb, err = r.putCover(ctx, x.Owner, p)
	return err
}

// putCover puts an image as a cover and as its small form, to be kept by a transaction.
func (r *Room) putCover(ctx context.Context, owner who.ID, p media.Picture) (poster, thumb blob.Blob, err error) {
	if poster, err = r.Blobs.Put(ctx, owner, blob.Videos, p.Ext, p.Type, bytes.NewReader(p.Bytes)); err != nil {
		return poster, thumb, err
	}
	thumb, err = r.Blobs.Put(ctx, owner, blob.Videos, p.ThumbExt, p.ThumbType, bytes.NewReader(p.Thumb))
	return poster, thumb, err
}

// putFile puts a rendition's file.
func (r *Room) putFile(ctx context.Context, owner who.ID, path string) (blob.Blob, error) {
	f, err := os.Open(path) //nolint:gosec // what ffmpeg wrote into our own folder
	if err != nil {
		return blob.Blob{}, fmt.Errorf("open rendition: %w", err)
	}
	b, err := r.Blobs.Put(ctx, owner, blob.Renditions, ".mp4", "video/mp4", f)
	return b, errors.Join(err, f.Close())
}

// tell gives what stores the progress, at most once a second of the machine clock; it stops the work once the account is frozen or the video gone.
func (r *Room) tell(ctx context.Context, x Video, stop context.CancelCauseFunc) func(permille int) {
	var told time.Time
	return func(permille int) {
		now := r.DB.Clock.Now()
		if now.Sub(told) < time.Second {
			return
		}
		told = now
		err := r.behind(ctx, x, func(ctx context.Context, pass service.Pass, _ Video) error {
			return r.store.setProgress(ctx, pass, x.ID, min(max(permille, 0), 999))
		})
		if err != nil {
			stop(err)
		}
	}
}

// keepMade stores what was made, in one transaction. A cover that the owner has chosen meanwhile stays.
func (r *Room) keepMade(ctx context.Context, x Video, m made) error {
	return r.behind(ctx, x, func(ctx context.Context, pass service.Pass, now Video) error {
		if now.Original != x.Original {
			return nil // another file has come; what was made of this one is swept
		}
		keys, err := r.store.madeBefore(ctx, x.ID)
		if err != nil {
			return err
		}
		if err := r.Blobs.Doom(ctx, x.Owner, keys...); err != nil {
			return err
		}
		if err := r.Blobs.Keep(ctx, m.keys()...); err != nil {
			return err
		}
		if now.Poster == "" {
			now.Poster, now.Thumb = m.poster.Key, m.thumb.Key
		} else if err := r.Blobs.Doom(ctx, x.Owner, m.poster.Key, m.thumb.Key); err != nil {
			return err
		}
		now.Media, now.Fault, now.Progress, now.Look, now.Plays = Ready, "", 1000, m.look, m.probe.Plays()
		now.Type, now.Duration, now.Width, now.Height = m.probe.Type, m.probe.Duration, m.probe.Width, m.probe.Height
		if err := r.store.keepMade(ctx, pass, now, m); err != nil {
			return err
		}
		return r.store.setMedia(ctx, pass, now)
	})
}

// container gives what kind of file begins with these bytes, and the ending under which it is kept; "" for one that browsers do not play.
func container(head []byte) (kind, ext string) {
	switch {
	case len(head) >= 12 && string(head[4:8]) == "ftyp" && string(head[8:10]) == "qt":
		return "video/quicktime", ".mov"
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		return "video/mp4", ".mp4"
	case bytes.HasPrefix(head, []byte{0x1a, 0x45, 0xdf, 0xa3}) && bytes.Contains(head, []byte("webm")):
		return "video/webm", ".webm"
	}
	return "application/octet-stream", ""
}

// playable says whether browsers are likely to play a file of a kind as it is.
func playable(kind string) bool { return kind == "video/mp4" || kind == "video/webm" }
