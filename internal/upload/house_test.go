package upload_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// pieceOf is the size of a piece in these tests, in bytes.
const pieceOf = 64 << 10

// house is the upload room with what is beneath it.
type house struct {
	*upload.Room
	t     *testing.T
	d     *db.DB
	desk  *service.Desk
	blobs *blob.Store
	web   *httptest.Server
	done  []upload.Upload
	ended []upload.Upload
}

func open(t *testing.T, d *db.DB, media string) *house {
	t.Helper()
	desk := service.NewDesk(d, &service.Registry{Services: []service.Service{{Name: "channel", Path: "/channels", Icon: "clapperboard", Title: "page.service"}}})
	h := &house{t: t, d: d, desk: desk}
	h.must(desk.Announce(t.Context()))
	var err error
	h.blobs, err = blob.Open(t.Context(), media, d, d.Clock, "channel")
	h.must(err)
	t.Cleanup(func() { h.must(h.blobs.Close()) })
	h.Room = upload.New(upload.Config{DB: d, Desk: desk, Blobs: h.blobs, Piece: pieceOf})
	h.Kinds["video"] = upload.Kind{
		Service: "channel",
		Begin: func(_ context.Context, pass service.Pass, u *upload.Upload) error {
			if !pass.Valid() {
				t.Error("an upload begins without a pass")
			}
			if u.Detail == "not mine" {
				return exit.Fail(exit.NotFound, "upload.error.gone")
			}
			if u.Detail == "" {
				u.Detail = "draft"
			}
			return nil
		},
		Done: func(ctx context.Context, pass service.Pass, u upload.Upload) error {
			if _, err := d.Exec(ctx, `insert into install (name, value) values ($1, 'done')`, "test-"+u.ID.String()); err != nil || !pass.Valid() {
				t.Errorf("done: %v", err)
			}
			h.done = append(h.done, u)
			return nil
		},
		Ended: func(_ context.Context, _ service.Pass, u upload.Upload) error {
			h.ended = append(h.ended, u)
			return nil
		},
		Page: func(u upload.Upload) string { return "/videos/" + u.Detail },
	}
	h.web = httptest.NewServer(h.handler())
	t.Cleanup(h.web.Close)
	return h
}

// statuses are those of the server, as far as they matter here.
var statuses = map[exit.Kind]int{
	exit.Invalid: 422, exit.NotFound: 404, exit.Conflict: 409, exit.Forbidden: 403, exit.Unauthenticated: 401, exit.TooMany: 429, exit.Unavailable: 503,
}

// handler serves the room's routes to the account that a header names.
func (h *house) handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range h.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			id, _ := who.ParseID(r.Header.Get("Account"))
			ctx := ui.WithReader(r.Context(), ui.Reader{Lang: ui.English})
			ctx = service.WithSession(ctx, &service.Session{Viewer: who.Viewer{Account: id, State: who.Active}})
			err := route.Handle(w, r.WithContext(ctx))
			if err == nil || r.Context().Err() != nil { // or nobody is there to hear it
				return
			}
			status, ok := statuses[exit.KindOf(err)]
			if !ok {
				status = http.StatusInternalServerError
				h.t.Errorf("%s: %v", route.Pattern, err)
			}
			w.WriteHeader(status)
		})
	}
	return mux
}

// each runs fn with a fresh house on each database, in a folder, and on PostgreSQL in a bucket too.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Run("folder", func(t *testing.T) { fn(t, open(t, d, t.TempDir())) })
		if d.SQLite() {
			return
		}
		t.Run("bucket", func(t *testing.T) {
			u, err := url.Parse(os.Getenv("EXEUNT_TEST_S3"))
			if err != nil || u.Host == "" {
				t.Fatal("EXEUNT_TEST_S3 is not set. Start a server with `eval \"$(make services)\"`, or run `make test`.")
			}
			q := u.Query()
			q.Set("prefix", "upload-"+strings.ToLower(rand.Text()[:12])+"/")
			u.RawQuery = q.Encode()
			fn(t, open(t, d, u.String()))
		})
	})
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) refused(err error, kind exit.Kind, key string) {
	h.t.Helper()
	if err == nil || exit.KindOf(err) != kind || !strings.Contains(err.Error(), key) {
		h.t.Errorf("got %v, want %v with %s", err, kind, key)
	}
}

// account makes an account.
func (h *house) account() who.ID {
	h.t.Helper()
	id := who.RandomID()
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
		if _, err := h.d.Exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 0)`, int64(id), id.String()); err != nil {
			return err
		}
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}))
	return id
}

// answer is what the server said.
type answer struct {
	Status     string
	StatusCode int
	Header     http.Header
}

// request asks the server as an account, with headers in pairs; "-" is none.
func (h *house) request(account who.ID, method, path string, body io.Reader, headers ...string) answer {
	h.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = h.web.URL + path
	}
	r, err := http.NewRequestWithContext(h.t.Context(), method, path, body)
	h.must(err)
	r.Header.Set("Account", account.String())
	r.Header.Set("Tus-Resumable", "1.0.0")
	for pair := range slices.Chunk(headers, 2) {
		if r.Header.Set(pair[0], pair[1]); pair[1] == "-" {
			r.Header.Del(pair[0])
		}
	}
	resp, err := h.web.Client().Transport.RoundTrip(r)
	h.must(err)
	h.must(resp.Body.Close())
	return answer{resp.Status, resp.StatusCode, resp.Header}
}

// sound wants an upload's offset to be the sum of its pieces, without a gap.
func (h *house) sound(id who.ID) (received int64) {
	h.t.Helper()
	var sum, count int64
	h.must(h.d.Reader.QueryRowContext(h.t.Context(), `select u.received, (select coalesce(sum(p.bytes), 0) from upload_pieces p where p.upload_id = u.id),
		(select count(*) from upload_pieces p where p.upload_id = u.id) from uploads u where u.id = $1`, int64(id)).Scan(&received, &sum, &count))
	if received != sum {
		h.t.Errorf("the offset is %d, the %d pieces have %d bytes", received, count, sum)
	}
	return received
}

// content reads an upload that is whole.
func (h *house) content(account, id who.ID) []byte {
	h.t.Helper()
	r, _, err := h.Open(h.t.Context(), account, id)
	h.must(err)
	b, err := io.ReadAll(r)
	h.must(err)
	h.must(r.Close())
	return b
}

func (h *house) sole(query string, args ...any) (n int64) {
	h.t.Helper()
	h.must(h.d.Reader.QueryRowContext(h.t.Context(), query, args...).Scan(&n))
	return n
}
