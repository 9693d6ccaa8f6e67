package channel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// accepted are the files that a browser offers to choose for a video; what they are is found out from what they hold.
const accepted = "video/*,.mkv,.ts,.flv"

// newView is the page from which videos are uploaded.
type newView struct {
	Field  upload.FieldView
	Limits Limits
	Bar    *progressBar
}

func (r *Room) getNew(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	c, err := r.mine(ctx, v)
	if exit.KindOf(err) == exit.NotFound {
		return service.Done(w, req, openPath, "")
	}
	if err != nil {
		return err
	}
	var view newView
	if view.Limits, err = r.Limits(ctx); err != nil {
		return err
	}
	if view.Limits.ToPublish > 0 {
		_, have, err := r.Relations.Totals(ctx, v.Account)
		if err != nil {
			return err
		}
		view.Bar = &progressBar{have, view.Limits.ToPublish}
	}
	view.Field, err = r.Uploads.Field(ctx, v.Account, upload.FieldView{What: KindVideo, Label: ui.T(ctx, "channel.new.choose"), Accept: accepted, Multiple: true, Back: draftsPath})
	if err != nil {
		return err
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "channel.new"), toChannel(c), newPage(view))
}

// stateWords name the states of what its owner alone sees.
var stateWords = ui.Keys("channel.state.", "draft", "scheduled", "live", "withheld", "awaited", "processing", "failed")

// badgeOf says on an owner's tile how far a video is, "" for one that others see.
func badgeOf(ctx context.Context, x Video) string {
	switch {
	case x.Media == Failed || x.Media == Processing || x.Media == Awaited:
		return ui.T(ctx, stateWords[string(x.Media)])
	case x.State == Live:
		return ""
	}
	return ui.T(ctx, stateWords[string(x.State)])
}

func (r *Room) getDrafts(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	c, err := r.mine(ctx, v)
	if err != nil {
		return err
	}
	list, err := r.store.ofOwner(ctx, v.Account, `'draft', 'scheduled'`, cursorOf(req), tilesAPage)
	if err != nil {
		return err
	}
	view := listView{None: ui.T(ctx, "channel.drafts.none")}
	for _, x := range list {
		t := tile(x, VideoPath(x.ID)+"/edit")
		t.Owner, t.At, t.Views, t.Badge = nil, x.At, -1, badgeOf(ctx, x)
		view.Tiles = append(view.Tiles, t)
	}
	if next := nextOf(list, tilesAPage); next != "" {
		view.Older = draftsPath + "?before=" + next
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "channel.drafts"), toChannel(c), listPage(view))
}

// editView is the page on which a video is made ready and arranged.
type editView struct {
	Video
	Typed     VideoWords
	When      string // as a field of kind datetime-local has it
	Zone      string
	Audiences []ui.Option
	Shelves   []Collection // the owner's collections
	Progress  *ui.ProgressView
	Field     *upload.FieldView
	Frames    []Frame
	Subtitles []Subtitle
	Problems  problems
	Tools     bool
}

// own gives a video that the viewer may arrange; NotFound for any other.
func (r *Room) owned(ctx context.Context, req *http.Request) (Video, error) {
	v := service.ViewerOf(ctx)
	id, err := videoID(req)
	if err != nil {
		return Video{}, err
	}
	x, err := r.Video(ctx, v, id)
	if err == nil && !changes(v, x) {
		err = errNoVideo()
	}
	return x, err
}

func (r *Room) getEdit(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	x, err := r.owned(ctx, req)
	if err != nil {
		return err
	}
	texts, err := r.Posts.Decode(ctx, service.ViewerOf(ctx).Account, x.Text)
	if err != nil {
		return err
	}
	typed := VideoWords{Title: x.Title, Text: texts[0], Audience: wordOf(x.Audience), Downloads: x.Downloads}
	if typed.Collections, err = r.store.collectionsOf(ctx, x.ID); err != nil {
		return err
	}
	when := ""
	if x.State == Scheduled {
		when = x.Due.In(zoneOf(ctx)).Format(whenLayout)
	}
	return r.showEdit(w, req, x, typed, when, nil)
}

// whenLayout is how a field of kind datetime-local writes a time (HTML Living Standard, local date and time).
const whenLayout = "2006-01-02T15:04"

// zoneOf gives the reader's time zone.
func zoneOf(ctx context.Context) *time.Location {
	if zone := ui.ReaderFrom(ctx).Zone; zone != nil {
		return zone
	}
	return time.UTC
}

// wordOf gives the form's word for an audience.
func wordOf(a who.Audience) string {
	if kind, _ := a.Split(); kind == "circle" {
		return string(a)
	} else if kind != "" {
		return kind
	}
	return "public"
}

var audienceWords = ui.Keys("channel.audience.", "public", "unlisted", "followers", "only")

// audiences are those that the owner can choose from: circles, too.
func (r *Room) audiences(ctx context.Context, v who.Viewer, chosen string) ([]ui.Option, error) {
	var out []ui.Option
	for _, w := range []string{"public", "unlisted", "followers", "only"} {
		out = append(out, ui.Option{Value: w, Label: ui.T(ctx, audienceWords[w]), Selected: w == chosen})
	}
	if r.Posts.Places == nil {
		return out, nil
	}
	places, err := r.Posts.Places.Mine(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		token := string(who.CircleOnly(p.ID))
		out = append(out, ui.Option{Value: token, Label: ui.T(ctx, "channel.audience.circle", "Name", p.Name), Selected: token == chosen})
	}
	return out, nil
}

func (r *Room) showEdit(w http.ResponseWriter, req *http.Request, x Video, typed VideoWords, when string, p problems) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	view := editView{Video: x, Typed: typed, When: when, Problems: p, Progress: progressOf(ctx, x), Tools: r.Tools().Have()}
	view.Zone = zoneOf(ctx).String()
	var err error
	if view.Audiences, err = r.audiences(ctx, v, typed.Audience); err != nil {
		return err
	}
	if view.Shelves, err = r.store.collections(ctx, v.Account, 0, mostCollections); err != nil {
		return err
	}
	if view.Frames, err = r.store.frames(ctx, x.ID); err != nil {
		return err
	}
	if view.Subtitles, err = r.store.subtitles(ctx, x.ID); err != nil {
		return err
	}
	if takesFile(v, x) {
		f, err := r.Uploads.Field(ctx, v.Account, upload.FieldView{What: KindVideo, Detail: x.ID.String(), Label: ui.T(ctx, "channel.new.choose"), Accept: accepted, Back: VideoPath(x.ID) + "/edit"})
		if err != nil {
			return err
		}
		view.Field = &f
	}
	f := service.Frame(ctx, ui.T(ctx, "channel.edit"))
	f.Active, f.NoIndex, f.WriteHref = Service.Path, true, ""
	f.Back = &ui.Link{Text: ui.T(ctx, "channel.drafts"), Href: draftsPath}
	if x.State == Live || x.State == Withheld {
		f.Back = toVideo(ctx, x)
	}
	return ui.Render(w, req, p.status(), ui.PageWith(f, editPage(view)))
}

// reload is after how long a page without scripts looks again how far a video is.
const reload = 5 * time.Second

// progressOf draws how far a video's file is; nil where there is nothing to wait for.
func progressOf(ctx context.Context, x Video) *ui.ProgressView {
	p := ui.ProgressView{ID: "video-" + x.ID.String(), Title: ui.T(ctx, "channel.progress"), Live: VideoPath(x.ID) + "/progress"}
	switch x.Media {
	case Processing:
		p.Doing, p.Meanwhile = ui.T(ctx, "channel.progress.doing"), ui.T(ctx, "channel.progress.meanwhile")
		p.Done, p.Total, p.Unit = int64(x.Progress+9)/10, 100, "%"
	case Ready, Plain:
		p.Finished, p.Doing = true, ui.T(ctx, "channel.progress.done")
	case Failed:
		p.Failed = ui.Sentence(ctx, x.Fault)
	default:
		return nil
	}
	return &p
}

// getProgress draws how far a video is, for who watches it being made.
func (r *Room) getProgress(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	x, err := r.owned(ctx, req)
	if err != nil {
		return err
	}
	p := progressOf(ctx, x)
	if p == nil {
		return service.Done(w, req, VideoPath(x.ID)+"/edit", "")
	}
	f := service.Frame(ctx, titleShown(ctx, x))
	f.Active, f.NoIndex, f.WriteHref, f.Back = Service.Path, true, "", &ui.Link{Text: ui.T(ctx, "channel.edit"), Href: VideoPath(x.ID) + "/edit"}
	if x.Media == Processing {
		f.Refresh = reload
	}
	w.Header().Set("Cache-Control", "no-store")
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, progressPage(x, *p)))
}

func (r *Room) postEdit(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	x, err := r.owned(ctx, req)
	if err != nil {
		return err
	}
	typed := VideoWords{
		Title: req.PostFormValue("title"), Text: req.PostFormValue("text"), Audience: req.PostFormValue("audience"), Downloads: req.PostFormValue("downloads") != "",
	}
	for _, name := range req.PostForm["collection"] {
		if id, ok := who.ParseID(name); ok && len(typed.Collections) < mostCollections && !slices.Contains(typed.Collections, id) {
			typed.Collections = append(typed.Collections, id)
		}
	}
	to, done, err := r.act(ctx, v, x, typed, req.PostFormValue("do"), req.PostFormValue("when"))
	if err == nil {
		return service.Done(w, req, to, done)
	}
	p, err := explain(ctx, err)
	if err != nil {
		return err
	}
	return r.showEdit(w, req, x, typed, req.PostFormValue("when"), p)
}

// act does what a button of the form says, and gives where that leads and what is said there.
func (r *Room) act(ctx context.Context, v who.Viewer, x Video, typed VideoWords, do, when string) (to, done string, err error) {
	edit := VideoPath(x.ID) + "/edit"
	switch {
	case x.State == Live || x.State == Withheld:
		return VideoPath(x.ID), "channel.done.saved", r.Save(ctx, v, x.ID, typed)
	case do == "publish":
		to, done = VideoPath(x.ID), "channel.done.published"
		if x.Media == Processing {
			to, done = edit, "channel.done.when_ready"
		}
		return to, done, r.Publish(ctx, v, x.ID, typed, time.Time{})
	case do == "schedule":
		at, err := time.ParseInLocation(whenLayout, when, zoneOf(ctx))
		if err != nil {
			return "", "", exit.Fail(exit.Invalid, "channel.error.when")
		}
		return edit, "channel.done.scheduled", r.Publish(ctx, v, x.ID, typed, at)
	case do == "unschedule":
		return edit, "channel.done.saved", r.Unschedule(ctx, v, x.ID, typed)
	}
	return edit, "channel.done.saved", r.Save(ctx, v, x.ID, typed)
}

// postCover stores a cover: an image that was sent, or one of the pictures out of the video.
func (r *Room) postCover(w http.ResponseWriter, req *http.Request) (err error) {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	done, err := parts(w, req, mostForm)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	x, err := r.owned(ctx, req)
	if err != nil {
		return err
	}
	if files := req.MultipartForm.File["cover"]; len(files) > 0 && files[0].Filename != "" {
		f, err := files[0].Open()
		if err != nil {
			return fmt.Errorf("open upload: %w", err)
		}
		err = errors.Join(r.SetCover(ctx, v, x.ID, f), f.Close())
		if err != nil {
			return err
		}
	} else if frame, ok := who.ParseID(req.PostFormValue("frame")); ok {
		if err := r.ChooseFrame(ctx, v, x.ID, frame); err != nil {
			return err
		}
	}
	return service.Done(w, req, VideoPath(x.ID)+"/edit", "channel.done.saved")
}

func (r *Room) postAgain(w http.ResponseWriter, req *http.Request) error {
	id, err := videoID(req)
	if err != nil {
		return err
	}
	if err := r.Again(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, VideoPath(id)+"/edit", "channel.done.again")
}

func (r *Room) postSubtitle(w http.ResponseWriter, req *http.Request) (err error) {
	ctx := req.Context()
	done, err := parts(w, req, largestSubtitles+1<<20)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	id, err := videoID(req)
	if err != nil {
		return err
	}
	files := req.MultipartForm.File["subtitle"]
	if len(files) == 0 || files[0].Filename == "" {
		return exit.Fail(exit.Invalid, "channel.error.subtitle_none")
	}
	f, err := files[0].Open()
	if err != nil {
		return fmt.Errorf("open upload: %w", err)
	}
	err = errors.Join(r.AddSubtitle(ctx, service.ViewerOf(ctx), id, req.PostFormValue("language"), req.PostFormValue("label"), f), f.Close())
	if err != nil {
		return err
	}
	return service.Done(w, req, VideoPath(id)+"/edit", "channel.done.saved")
}

func (r *Room) postDropSubtitle(w http.ResponseWriter, req *http.Request) error {
	id, err := videoID(req)
	if err != nil {
		return err
	}
	subtitle, _ := who.ParseID(req.PathValue("subtitle"))
	if err := r.DropSubtitle(req.Context(), service.ViewerOf(req.Context()), id, subtitle); err != nil {
		return err
	}
	return service.Done(w, req, VideoPath(id)+"/edit", "channel.done.saved")
}

func (r *Room) getDelete(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := videoID(req)
	if err != nil {
		return err
	}
	x, err := r.Video(ctx, v, id)
	if err == nil && !owns(v, x) {
		err = errNoVideo()
	}
	if err != nil {
		return err
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "channel.delete"), toVideo(ctx, x), deletePage(x))
}

func (r *Room) postDelete(w http.ResponseWriter, req *http.Request) error {
	id, err := videoID(req)
	if err != nil {
		return err
	}
	if err := r.Delete(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, VideoPath(id), "") // which offers to take it back
}

func (r *Room) postUndo(w http.ResponseWriter, req *http.Request) error {
	id, err := videoID(req)
	if err != nil {
		return err
	}
	if err := r.Undo(req.Context(), service.ViewerOf(req.Context()), id); err != nil {
		return err
	}
	return service.Done(w, req, VideoPath(id), "channel.done.undone")
}
