package channel_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/install"
	"exeunt/internal/job"
	"exeunt/internal/media"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// studio is the channel room with all rooms beneath it, on a trial install whose promise clock a test moves.
type studio struct {
	*channel.Room
	t       *testing.T
	d       *db.DB
	desk    *service.Desk
	blobs   *blob.Store
	queue   *job.Queue
	uploads *upload.Room
	index   *search.Room
	spool   string
	refuse  string // what the screen does not let through
	block   string // what looks like this is not let through, either
}

// tools looks for FFmpeg once for all tests.
var tools = sync.OnceValue(func() media.Tools { return media.FindTools(context.Background()) })

// eachStudio runs fn with a fresh studio on each database; without FFmpeg where bare.
func eachStudio(t *testing.T, bare bool, fn func(t *testing.T, h *studio)) {
	t.Helper()
	if !tools().Have() {
		t.Fatal("ffmpeg and ffprobe are not there: run `make setup`, or install ffmpeg")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.MakeTrial(t.Context(), dbtest.Start); err != nil {
			t.Fatal(err)
		}
		with := tools()
		if bare {
			with = media.Tools{}
		}
		fn(t, openStudio(t, d, with, t.TempDir()))
	})
}

func openStudio(t *testing.T, d *db.DB, with media.Tools, spool string) *studio {
	t.Helper()
	return openStudioAt(t, d, with, spool, t.TempDir())
}

func openStudioAt(t *testing.T, d *db.DB, with media.Tools, spool, folder string) *studio {
	t.Helper()
	registry := &service.Registry{Services: []service.Service{{Name: post.Page, Path: "/", Icon: "house", Title: "page.service"}, channel.Service}}
	h := &studio{t: t, d: d, desk: service.NewDesk(d, registry), spool: spool}
	h.must(h.desk.Announce(t.Context()))
	var err error
	h.blobs, err = blob.Open(t.Context(), folder, d, d.Clock, channel.Name)
	h.must(err)
	t.Cleanup(func() {
		if err := h.blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	h.queue = job.New(d, d.Clock)
	notices := notify.New(notify.Config{DB: d, Desk: h.desk, Registry: registry, Queue: h.queue})
	relations := relation.New(relation.Config{DB: d, Desk: h.desk, Registry: registry, NameKey: strings.ToLower, Notices: notices})
	h.index = search.New(search.Config{DB: d, Desk: h.desk, Registry: registry})
	posts := post.New(post.Config{DB: d, Desk: h.desk, Registry: registry, NameKey: strings.ToLower, Search: h.index})
	talks := talk.New(talk.Config{DB: d, Desk: h.desk, Registry: registry, Posts: posts})
	accounts := account.New(account.Config{DB: d, Desk: h.desk, Install: install.New(d)})
	h.uploads = upload.New(upload.Config{DB: d, Desk: h.desk, Blobs: h.blobs, RoomFor: accounts.RoomFor})
	h.Room = channel.New(channel.Config{
		DB: d, Desk: h.desk, Registry: registry, Blobs: h.blobs, Queue: h.queue, Notices: notices, Search: h.index, Relations: relations, Accounts: accounts,
		Posts: posts, Talks: talks, Uploads: h.uploads, Tools: func() media.Tools { return with }, Secret: []byte("secret"), Spool: spool,
	})
	h.Screen = func(_ context.Context, _ service.Pass, in post.ScreenIn) (bool, error) {
		if h.refuse != "" && strings.Contains(in.Text, h.refuse) {
			return false, exit.Fail(exit.Invalid, "moderate.error.filtered", "Word", h.refuse)
		}
		for _, i := range in.Images {
			if i.Look == h.block {
				return false, exit.Fail(exit.Invalid, "moderate.error.image")
			}
		}
		return false, nil
	}
	registry.Kinds = []service.Kind{h.Kind(), posts.TopicKind(), accounts.Kind()}
	h.index.Sources = []search.Source{h.Source(), posts.TopicSource()}
	return h
}

func (h *studio) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused wants an error of a kind and with a key.
func (h *studio) refused(err error, kind exit.Kind, key string) {
	h.t.Helper()
	if err == nil || exit.KindOf(err) != kind || !strings.Contains(err.Error(), key) {
		h.t.Errorf("got %v, want %v with %s", err, kind, key)
	}
}

// account makes an account and gives it as a viewer.
func (h *studio) account(name string) who.Viewer {
	h.t.Helper()
	id := who.RandomID()
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
		if _, err := h.d.Exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, 'personal', 'active', 0)`, int64(id), name, strings.ToLower(name)); err != nil {
			return err
		}
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}))
	return who.Viewer{Account: id, Person: 1, Name: name, State: who.Active}
}

// creator makes an account with a channel.
func (h *studio) creator(name string) who.Viewer {
	h.t.Helper()
	v := h.account(name)
	h.must(h.Open(h.t.Context(), v, channel.Words{Name: name + "的频道"}))
	return v
}

// clips are videos that ffmpeg makes of nothing, each once for all tests.
var clips = struct {
	sync.Mutex
	made map[string][]byte
}{made: map[string][]byte{}}

// clip gives a video of two seconds, with sound, in a container.
func clip(t *testing.T, ext string) []byte {
	t.Helper()
	clips.Lock()
	defer clips.Unlock()
	if b := clips.made[ext]; b != nil {
		return b
	}
	path := filepath.Join(t.TempDir(), "clip"+ext)
	args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc=duration=2:size=480x360:rate=15", "-f", "lavfi", "-i", "sine=duration=2"}
	if ext == ".webm" {
		args = append(args, "-c:v", "libvpx", "-c:a", "libvorbis")
	} else {
		args = append(args, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
	}
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clips.made[ext] = b
	return b
}

// bring uploads a file as a video, a new one if the id is 0, and gives its id.
func (h *studio) bring(v who.Viewer, id who.ID, name string, file []byte) who.ID {
	h.t.Helper()
	d := upload.Draft{What: channel.KindVideo, Name: name, Length: int64(len(file)) + 1}
	if id != 0 {
		d.Detail = id.String()
	}
	u, err := h.uploads.Bring(h.t.Context(), v.Account, d, bytes.NewReader(file))
	h.must(err)
	id, ok := who.ParseID(u.Detail)
	if !ok {
		h.t.Fatalf("an upload of no video: %q", u.Detail)
	}
	return id
}

// work has all jobs done that are due.
func (h *studio) work() {
	h.t.Helper()
	for {
		n, err := h.queue.Work(h.t.Context(), 10)
		h.must(err)
		if n == 0 {
			return
		}
	}
}

// film uploads a short video and has it made ready.
func (h *studio) film(v who.Viewer) who.ID {
	h.t.Helper()
	id := h.bring(v, 0, "clip.mp4", clip(h.t, ".mp4"))
	h.work()
	return id
}

// see gives a video as somebody sees it.
func (h *studio) see(v who.Viewer, id who.ID) channel.Video {
	h.t.Helper()
	x, err := h.Video(h.t.Context(), v, id)
	h.must(err)
	return x
}

// unseen wants that somebody does not see a video, nor any file of it.
func (h *studio) unseen(v who.Viewer, id who.ID, keys ...string) {
	h.t.Helper()
	_, err := h.Video(h.t.Context(), v, id)
	h.refused(err, exit.NotFound, "channel.error.no_video")
	for _, key := range keys {
		if may, public, _, err := h.MayMedia(h.t.Context(), v, key); err != nil || may || public {
			h.t.Errorf("%s is served: %t %t %v", key, may, public, err)
		}
	}
}

// keys gives the files of a video that players need: covers, frames and renditions, and the original.
func (h *studio) keys(id who.ID) (played []string, frames []string, original string) {
	h.t.Helper()
	read := func(query string) (out []string) {
		rows, err := h.d.Reader.QueryContext(h.t.Context(), query, int64(id))
		h.must(err)
		out, err = db.Scan(rows, func(r db.Row) (key string, err error) { err = r.Scan(&key); return key, err })
		h.must(err)
		return out
	}
	played = append(read(`select key from video_renditions where video_id = $1`), read(`select poster from videos where id = $1 union all select thumb from videos where id = $1`)...)
	return played, read(`select key from video_frames where video_id = $1`), read(`select original from videos where id = $1`)[0]
}

// sole gives the one number that a query asks for.
func (h *studio) sole(query string, args ...any) (n int64) {
	h.t.Helper()
	h.must(h.d.Reader.QueryRowContext(h.t.Context(), query, args...).Scan(&n))
	return n
}

// after moves both clocks: on SQLite the promise clock follows the machine's.
func (h *studio) after(by time.Duration) {
	h.t.Helper()
	now, err := h.d.Now(h.t.Context())
	h.must(err)
	to := now.Add(by)
	dbtest.Clock(h.t, h.d).Add(by)
	if now, err = h.d.Now(h.t.Context()); err == nil && now.Before(to) {
		err = h.d.Move(h.t.Context(), to)
	}
	h.must(err)
}

// tidy wants that the spool is empty, and that the store keeps exactly the files that rows refer to.
func (h *studio) tidy() {
	h.t.Helper()
	left, err := os.ReadDir(h.spool)
	h.must(err)
	if len(left) > 0 {
		h.t.Errorf("the spool keeps %d files, %s first", len(left), left[0].Name())
	}
	_, err = h.blobs.Drain(h.t.Context(), 0)
	h.must(err)
	if n := h.sole(`select count(*) from blob_pending`); n > 0 {
		h.t.Errorf("%d files were put and not kept", n)
	}
}

// visit asks the room's pages, as a viewer in a language. A form is posted where there is one.
func (h *studio) visit(v who.Viewer, lang ui.Lang, method, path string, form url.Values) (status int, body, to string) {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w, err := h.answer(v, lang, r)
	if err != nil {
		return -int(exit.KindOf(err)), err.Error(), ""
	}
	return w.Code, w.Body.String(), w.Header().Get("Location")
}

// answer gives what the room's pages answer.
func (h *studio) answer(v who.Viewer, lang ui.Lang, r *http.Request) (*httptest.ResponseRecorder, error) {
	h.t.Helper()
	mux := http.NewServeMux()
	var failed error
	for _, rt := range h.Routes() {
		mux.HandleFunc(strings.Replace(rt.Pattern, " /@{", " /@/{", 1), func(w http.ResponseWriter, r *http.Request) { failed = rt.Handle(w, r) })
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/@"); ok {
		r.URL.Path = "/@/" + rest
	}
	ctx := ui.WithReader(r.Context(), ui.Reader{Lang: lang, Now: dbtest.Start, Zone: time.UTC})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(service.WithSession(ctx, &service.Session{Viewer: v, DisplayName: v.Name, Path: r.URL.Path})))
	return w, failed
}

// shows wants a page that says some things and not others.
func (h *studio) shows(v who.Viewer, lang ui.Lang, path string, words, not []string) string {
	h.t.Helper()
	status, body, to := h.visit(v, lang, http.MethodGet, path, nil)
	if status != http.StatusOK {
		h.t.Fatalf("%s: %d %s %.300s", path, status, to, body)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			h.t.Errorf("%s (%s) does not say %q", path, lang, w)
		}
	}
	for _, w := range not {
		if strings.Contains(body, w) {
			h.t.Errorf("%s (%s) says %q", path, lang, w)
		}
	}
	return body
}

// sends posts a form and wants to be led to an address, "" for any.
func (h *studio) sends(v who.Viewer, path string, form url.Values, want string) string {
	h.t.Helper()
	status, body, to := h.visit(v, ui.Chinese, http.MethodPost, path, form)
	if status != http.StatusSeeOther || want != "" && to != want {
		h.t.Fatalf("%s: %d to %q: %.300s", path, status, to, body)
	}
	return to
}
