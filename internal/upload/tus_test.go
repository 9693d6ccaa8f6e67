package upload_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/dbtest"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

const (
	octets = "application/offset+octet-stream"
	typed  = "Content-Type"
	at     = "Upload-Offset"
)

// words writes metadata as the protocol has it.
func words(pairs ...string) string {
	var out []string
	for pair := range slices.Chunk(pairs, 2) {
		out = append(out, pair[0]+" "+base64.StdEncoding.EncodeToString([]byte(pair[1])))
	}
	return strings.Join(out, ",")
}

// TestProtocol asks what the protocol says of each request.
func TestProtocol(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira, jo := h.account(), h.account()
		video := words("filename", "海边.mp4", "filetype", "video/mp4", "what", "video")
		begin := func(account who.ID, length string) string {
			t.Helper()
			r := h.request(account, "POST", "/uploads", nil, "Upload-Length", length, "Upload-Metadata", video)
			if r.StatusCode != 201 {
				t.Fatalf("begin: %s", r.Status)
			}
			return r.Header.Get("Location")
		}
		url := begin(mira, "10")
		for _, x := range []struct {
			name    string
			account who.ID
			method  string
			path    string
			body    string
			headers []string
			status  int
			want    []string // headers
		}{
			{"options", mira, "OPTIONS", "/uploads", "", []string{"Tus-Resumable", "-"}, 204, []string{
				"Tus-Resumable", "1.0.0", "Tus-Version", "1.0.0", "Tus-Max-Size", "4294967296", "Tus-Extension", "creation,creation-with-upload,expiration,termination",
			}},
			{"no version", mira, "HEAD", url, "", []string{"Tus-Resumable", "-"}, 412, []string{"Tus-Version", "1.0.0", "Upload-Offset", ""}},
			{"other version", mira, "POST", "/uploads", "", []string{"Tus-Resumable", "0.2.2"}, 412, []string{"Tus-Version", "1.0.0"}},
			{"head", mira, "HEAD", url, "", nil, 200, []string{
				"Upload-Offset", "0", "Upload-Length", "10", "Cache-Control", "no-store", "Upload-Metadata", words("filename", "海边.mp4", "filetype", "video/mp4", "what", "video", "detail", "draft"),
				"Upload-Page", "/videos/draft", "Upload-Expires", dbtest.Start.Add(7 * 24 * time.Hour).Format(http.TimeFormat),
			}},
			{"another's head", jo, "HEAD", url, "", nil, 404, []string{"Upload-Offset", ""}},
			{"another's patch", jo, "PATCH", url, "hello", []string{typed, octets, at, "0"}, 404, nil},
			{"another's delete", jo, "DELETE", url, "", nil, 404, nil},
			{"nobody's", mira, "HEAD", "/uploads/404404404", "", nil, 404, nil},
			{"no id", mira, "HEAD", "/uploads/x", "", nil, 404, nil},
			{"no type", mira, "PATCH", url, "hello", []string{at, "0"}, 415, nil},
			{"other type", mira, "PATCH", url, "hello", []string{typed, "video/mp4", at, "0"}, 415, nil},
			{"no offset", mira, "PATCH", url, "hello", []string{typed, octets}, 400, nil},
			{"negative offset", mira, "PATCH", url, "hello", []string{typed, octets, at, "-1"}, 400, nil},
			{"signed offset", mira, "PATCH", url, "hello", []string{typed, octets, at, "+0"}, 400, nil},
			{"wrong offset", mira, "PATCH", url, "hello", []string{typed, octets, at, "5"}, 409, nil},
			{"too much", mira, "PATCH", url, "hello world", []string{typed, octets, at, "0"}, 413, nil},
			{"first", mira, "PATCH", url, "hello", []string{typed, octets, at, "0"}, 204, []string{at, "5", "Tus-Resumable", "1.0.0"}},
			{"again", mira, "PATCH", url, "hello", []string{typed, octets, at, "0"}, 409, nil},
			{"empty", mira, "PATCH", url, "", []string{typed, octets, at, "5"}, 204, []string{at, "5"}},
			{"overridden", mira, "POST", url, "wor", []string{"X-HTTP-Method-Override", "PATCH", typed, octets, at, "5"}, 204, []string{at, "8"}},
			{"not overridden", mira, "POST", url, "wor", nil, 405, nil},
			{"last", mira, "PATCH", url, "ld", []string{typed, octets, at, "8"}, 204, []string{at, "10"}},
			{"past the end", mira, "PATCH", url, "!", []string{typed, octets, at, "10"}, 413, nil},
			{"head at the end", mira, "HEAD", url, "", nil, 200, []string{at, "10"}},
			{"delete what is whole", mira, "DELETE", url, "", nil, 409, nil},
			{"no length", mira, "POST", "/uploads", "", []string{"Upload-Metadata", video}, 400, nil},
			{"deferred length", mira, "POST", "/uploads", "", []string{"Upload-Metadata", video, "Upload-Defer-Length", "1"}, 400, nil},
			{"negative length", mira, "POST", "/uploads", "", []string{"Upload-Metadata", video, "Upload-Length", "-1"}, 400, nil},
			{"nothing", mira, "POST", "/uploads", "", []string{"Upload-Metadata", video, "Upload-Length", "0"}, 422, nil},
			{"too long", mira, "POST", "/uploads", "", []string{"Upload-Metadata", video, "Upload-Length", "4294967297"}, 413, []string{"Tus-Max-Size", "4294967296"}},
			{"far too long", mira, "POST", "/uploads", "", []string{"Upload-Metadata", video, "Upload-Length", "99999999999999999999"}, 400, nil},
			{"no kind", mira, "POST", "/uploads", "", []string{"Upload-Length", "5"}, 422, nil},
			{"unknown kind", mira, "POST", "/uploads", "", []string{"Upload-Length", "5", "Upload-Metadata", words("what", "poem")}, 422, nil},
			{"for another's draft", mira, "POST", "/uploads", "", []string{"Upload-Length", "5", "Upload-Metadata", words("what", "video", "detail", "not mine")}, 404, nil},
			{"bad metadata", mira, "POST", "/uploads", "", []string{"Upload-Length", "5", "Upload-Metadata", "what dmlkZW8"}, 400, nil},
			{"with its content", mira, "POST", "/uploads", "hello", []string{"Upload-Length", "10", "Upload-Metadata", video, typed, octets}, 201, []string{at, "5"}},
		} {
			r := h.request(x.account, x.method, x.path, strings.NewReader(x.body), x.headers...)
			if r.StatusCode != x.status {
				t.Errorf("%s: status %s, want %d", x.name, r.Status, x.status)
			}
			for i := 0; i < len(x.want); i += 2 {
				if got := r.Header.Get(x.want[i]); got != x.want[i+1] {
					t.Errorf("%s: %s is %q, want %q", x.name, x.want[i], got, x.want[i+1])
				}
			}
			if told := r.Header.Get("Upload-Problem"); (told != "") != (x.status >= 400) {
				t.Errorf("%s: told %q", x.name, told)
			}
		}
		id, _ := who.ParseID(strings.TrimPrefix(url, "/uploads/"))
		if got := string(h.content(mira, id)); got != "helloworld" || len(h.done) != 1 || h.done[0].ID != id || h.done[0].State != upload.Done {
			t.Errorf("the content is %q, done %+v", got, h.done)
		}
		h.refusedContent(jo, id)
		list, err := h.List(t.Context(), mira)
		h.must(err)
		if len(list) != 1 || list[0].Received != 5 || list[0].Name != "海边.mp4" {
			t.Errorf("the list is %+v", list)
		}
	})
}

func (h *house) refusedContent(account, id who.ID) {
	h.t.Helper()
	_, _, err := h.Open(h.t.Context(), account, id)
	h.refused(err, exit.NotFound, "upload.error.gone")
}

// TestEnd takes an upload back: its pieces are gone, and so is the room that it took.
func TestEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		r := h.request(mira, "POST", "/uploads", strings.NewReader("hello"), "Upload-Length", "10", "Upload-Metadata", words("what", "video"), typed, octets)
		url := r.Header.Get("Location")
		used, err := h.Stored(t.Context(), []who.ID{mira})
		h.must(err)
		if used[mira] != 10 {
			t.Errorf("it takes %d bytes of the account's room, want all that it will", used[mira])
		}
		if r := h.request(mira, "DELETE", url, nil); r.StatusCode != 204 {
			t.Fatalf("delete: %s", r.Status)
		}
		if r := h.request(mira, "HEAD", url, nil); r.StatusCode != 404 {
			t.Errorf("head: %s", r.Status)
		}
		if len(h.ended) != 1 {
			t.Errorf("ended: %+v", h.ended)
		}
		h.emptied(mira)
	})
}

// emptied wants nothing of an account's uploads to be left once what was given up is removed.
func (h *house) emptied(account who.ID) {
	h.t.Helper()
	_, err := h.blobs.Drain(h.t.Context(), 0)
	h.must(err)
	objects, err := h.blobs.List(h.t.Context(), blobPrefix(account), "", 10)
	h.must(err)
	if n := h.sole(`select count(*) from upload_pieces where account_id = $1`, int64(account)); n != 0 || len(objects) != 0 {
		h.t.Errorf("%d pieces and %d objects are left", n, len(objects))
	}
}

func blobPrefix(account who.ID) string { return account.String() + "/" }

// TestTaken gives the pieces up in the transaction of whoever took them.
func TestTaken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		u, err := h.Bring(t.Context(), mira, upload.Draft{What: "video", Name: `C:\films\a.mp4`, Length: 1 << 20}, bytes.NewReader(content(1, 3*pieceOf+5)))
		h.must(err)
		if u.Name != "a.mp4" || u.Length != 3*pieceOf+5 || h.sound(u.ID) != u.Length {
			t.Errorf("brought %+v", u)
		}
		if !bytes.Equal(h.content(mira, u.ID), content(1, 3*pieceOf+5)) {
			t.Error("the content is not what was sent")
		}
		for range 2 {
			h.must(h.take(u))
		}
		h.refusedContent(mira, u.ID)
		h.emptied(mira)
		if r := h.request(mira, "HEAD", "/uploads/"+u.ID.String(), nil); r.Header.Get(at) != r.Header.Get("Upload-Length") {
			t.Error("whoever did not hear that it was whole does not hear it now")
		}
		used, err := h.Stored(t.Context(), []who.ID{mira})
		h.must(err)
		if used[mira] != 0 {
			t.Errorf("it still takes %d bytes of the account's room", used[mira])
		}
		half, err := h.Create(t.Context(), mira, upload.Draft{What: "video", Length: 5})
		h.must(err)
		h.refused(h.take(half), exit.NotFound, "upload.error.gone")
	})
}

// TestExpiry forgets what has had its time, and nothing before.
func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		clock := dbtest.Clock(t, h.d)
		begin := func() string {
			r := h.request(mira, "POST", "/uploads", strings.NewReader("hello"), "Upload-Length", "10", "Upload-Metadata", words("what", "video"), typed, octets)
			return r.Header.Get("Location")
		}
		old, whole := begin(), begin()
		h.request(mira, "PATCH", whole, strings.NewReader("world"), typed, octets, at, "5")
		clock.Add(4 * 24 * time.Hour)
		kept := begin()
		clock.Add(3 * 24 * time.Hour)
		if r := h.request(mira, "PATCH", old, strings.NewReader("world"), typed, octets, at, "5"); r.StatusCode != 410 {
			t.Errorf("patch what has expired: %s", r.Status)
		}
		n, err := h.Sweep(t.Context(), 10)
		h.must(err)
		if n != 1 {
			t.Errorf("swept %d, want 1", n)
		}
		for url, want := range map[string]int{old: 404, whole: 200, kept: 200} {
			if r := h.request(mira, "HEAD", url, nil); r.StatusCode != want {
				t.Errorf("head: %s, want %d", r.Status, want)
			}
		}
		clock.Add(30 * 24 * time.Hour)
		if n, err := h.Sweep(t.Context(), 10); err != nil || n != 2 {
			t.Errorf("swept %d, %v, want 2", n, err)
		}
		h.emptied(mira)
	})
}
