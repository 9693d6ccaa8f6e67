package ui

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Pages are sent gzipped where that gives nothing away. The length of a compressed page tells whether two of its parts are alike (BREACH,
// Prado, Harris and Gluck 2013): who can have a reader's browser ask for a page that repeats chosen words beside a secret, again and
// again, and can see how long the answers are, learns the secret. So a page is compressed only where the asker could not have been made to
// ask by another site, shows nothing that is hidden from others, or both:
//
//   - an answer to GET with status 200: what a form repeats, and what is shown once after a POST, is never compressed;
//   - not one that is not to be stored: those hold secrets;
//   - asked for by a guest, who sees what everybody sees; or, says the browser, from a page of ours or by the reader
//     (Sec-Fetch-Site same-origin or none; W3C Fetch Metadata). Browsers say so behind TLS, and no page can make them say otherwise.

// smallest is the size below which a page is sent as it is, in bytes: it fits in one packet either way.
const smallest = 1400

// level is gzip's: a page of 60 KB takes about a millisecond.
const level = 4

var zippers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, level)
	if err != nil {
		panic("ui: " + err.Error())
	}
	return w
}}

// compressible reports whether the answer to r with the status may be sent compressed; h are the answer's headers so far.
func compressible(h http.Header, r *http.Request, status, size int) bool {
	if r.Method != http.MethodGet || status != http.StatusOK || size < smallest || h.Get("Content-Encoding") != "" ||
		strings.Contains(h.Get("Cache-Control"), "no-store") || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	}
	return r.Header.Get("Cookie") == "" && r.Header.Get("Authorization") == ""
}

// compress writes page into b gzipped.
func compress(b *bytes.Buffer, page []byte) error {
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(b)
	if _, err := z.Write(page); err != nil {
		return fmt.Errorf("compress page: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress page: %w", err)
	}
	return nil
}
