package upload_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// dial opens a connection of its own, which can be cut.
func (h *house) dial() net.Conn {
	h.t.Helper()
	var d net.Dialer
	c, err := d.DialContext(h.t.Context(), "tcp", strings.TrimPrefix(h.web.URL, "http://"))
	h.must(err)
	return c
}

// patch sends the head of a request that continues an upload, and so much of its body.
func (h *house) patch(c net.Conn, account, id who.ID, offset int64, announced int, body []byte) {
	h.t.Helper()
	_, err := fmt.Fprintf(c, "PATCH /uploads/%s HTTP/1.1\r\nHost: x\r\nAccount: %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n", id, account, octets, offset, announced)
	h.must(err)
	_, err = c.Write(body)
	h.must(err)
}

// offset asks how far an upload is, until it is as far as it is going to be.
func (h *house) offset(account, id who.ID, least int64) int64 {
	h.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		r := h.request(account, "HEAD", "/uploads/"+id.String(), nil)
		n, err := strconv.ParseInt(r.Header.Get(at), 10, 64)
		h.must(err)
		if n >= least {
			return n
		}
		select {
		case <-h.t.Context().Done():
		case <-tick.C:
		}
	}
	h.t.Fatalf("the upload has not come to %d bytes", least)
	return 0
}

// TestCuts cuts the connection at places that a seed decides. All that was sent before a cut is kept, and the result is what was sent.
func TestCuts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		random := rand.New(rand.NewPCG(4, 2))
		for round := range 3 {
			file := content(uint64(round), 10*pieceOf+random.IntN(pieceOf))
			u, err := h.Create(t.Context(), mira, upload.Draft{What: "video", Length: int64(len(file))})
			h.must(err)
			cuts := 0
			for n := int64(0); n < int64(len(file)); {
				rest := file[n:]
				some := rest[:min(len(rest), 1+random.IntN(2*pieceOf))]
				c := h.dial()
				h.patch(c, mira, u.ID, n, len(rest), some)
				if len(some) == len(rest) {
					r, err := http.ReadResponse(bufio.NewReader(c), nil)
					h.must(err)
					if r.StatusCode != 204 {
						t.Fatalf("the last part: %s", r.Status)
					}
					h.must(r.Body.Close())
				}
				h.must(c.Close())
				cuts++
				n = h.offset(mira, u.ID, n+int64(len(some)))
				h.sound(u.ID)
			}
			if cuts < 5 {
				t.Errorf("only %d cuts", cuts)
			}
			if got := h.content(mira, u.ID); !bytes.Equal(got, file) {
				t.Errorf("round %d: the content of %d bytes is not what was sent", round, len(got))
			}
		}
		if len(h.done) != 3 {
			t.Errorf("%d are done, want 3", len(h.done))
		}
	})
}

// TestTwoAtOnce sends the same piece from two connections: one is kept, the other is refused.
func TestTwoAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		for round := range 5 {
			file := content(uint64(round), pieceOf)
			u, err := h.Create(t.Context(), mira, upload.Draft{What: "video", Length: pieceOf})
			h.must(err)
			// Both have been let in at offset 0 before either has sent all.
			var conns [2]net.Conn
			for i := range conns {
				conns[i] = h.dial()
				h.patch(conns[i], mira, u.ID, 0, pieceOf, file[:pieceOf/2])
			}
			var status [2]int
			var wg sync.WaitGroup
			for i, c := range conns {
				wg.Go(func() {
					if _, err := c.Write(file[pieceOf/2:]); err != nil {
						t.Error(err)
						return
					}
					r, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err != nil {
						t.Error(err)
						return
					}
					status[i] = r.StatusCode
					_ = r.Body.Close()
					_ = c.Close()
				})
			}
			wg.Wait()
			if got := [2]int{min(status[0], status[1]), max(status[0], status[1])}; got != [2]int{204, 409} {
				t.Errorf("the answers are %v, want one 204 and one 409", status)
			}
			if h.sound(u.ID) != pieceOf || !bytes.Equal(h.content(mira, u.ID), file) {
				t.Error("the content is not what was sent")
			}
		}
		objects, err := h.blobs.List(t.Context(), blobPrefix(mira), "", 100)
		h.must(err)
		if len(objects) != 5 || len(h.done) != 5 {
			t.Errorf("%d objects and %d done, want 5", len(objects), len(h.done))
		}
	})
}

// TestClose breaks an upload off when the server stops: what has come is kept.
func TestClose(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mira := h.account()
		file := content(9, 2*pieceOf)
		u, err := h.Create(t.Context(), mira, upload.Draft{What: "video", Length: int64(len(file))})
		h.must(err)
		c := h.dial()
		h.patch(c, mira, u.ID, 0, len(file), file[:pieceOf+100])
		h.offset(mira, u.ID, pieceOf)
		h.Close()
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		h.must(err)
		h.must(r.Body.Close())
		if r.StatusCode != 408 || !r.Close {
			t.Errorf("the answer is %s, closing %v", r.Status, r.Close)
		}
		h.must(c.Close())
		if n := h.sound(u.ID); n != pieceOf+100 {
			t.Errorf("%d bytes are kept, want all that came", n)
		}
	})
}
