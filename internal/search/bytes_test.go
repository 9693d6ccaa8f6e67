package search_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"exeunt/exit"
	"exeunt/internal/search"
	"exeunt/internal/who"
)

// TestNoBytesStay looks at the raw bytes of the database's file after an erasure: neither a text, nor two neighbours of rare characters, nor the owner's id.
func TestNoBytesStay(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		if !h.d.SQLite() {
			return // what PostgreSQL keeps until it is vacuumed is looked at with the whole house
		}
		ana, ben := h.person(t, "ana"), h.person(t, "ben")
		h.put(t, post(1, ben, "今天天气真好，大家都来"))
		for i := range who.ID(60) {
			h.put(t, post(2*i+2, ana, fmt.Sprintf("鱻龘靐齉%d今天zebrafish", i)), post(2*i+3, ben, fmt.Sprintf("今天天气%d", i)))
		}
		needles := [][]byte{[]byte("鱻龘"), []byte("靐齉"), []byte("zebrafish"), []byte(ana.Account.String()[6:])} // terms that begin alike are kept by what differs
		left := func() (found []string) {
			t.Helper()
			h.exec(t, `delete from accounts where id = -1`)
			var busy, log, moved int
			if err := h.d.Writer.QueryRowContext(t.Context(), `pragma wal_checkpoint(truncate)`).Scan(&busy, &log, &moved); err != nil || busy != 0 {
				t.Fatalf("cut the log: %d, %v", busy, err)
			}
			for _, end := range []string{"", "-wal"} {
				b, err := os.ReadFile(h.d.URL + end)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range needles {
					if i := bytes.Index(b, n); i >= 0 {
						found = append(found, fmt.Sprintf("%s in %q", n, b[max(0, i-40):i+40]))
					}
				}
			}
			return found
		}
		if n := len(left()); n < len(needles) {
			t.Fatalf("before the erasure %d of %d are found", n, len(needles))
		}
		h.erase(t, exit.Subject{Kind: exit.SubjectAccount, ID: ana.Account.String()})
		for _, x := range left() {
			t.Errorf("left: %s", x)
		}
		if got := len(h.found(t, who.Viewer{}, "post", "今天天气")); got != 61 {
			t.Errorf("%d of the other's are found, want 61", got)
		}
	})
}

// TestNoIDStays erases owners by the hundred, so that the terms of some stand where the index's pages begin: the parts of terms by which
// pages are found outlive the terms.
func TestNoIDStays(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		if !h.d.SQLite() {
			return // PostgreSQL finds its pages by whole terms, and vacuums them
		}
		owners := make([]who.Viewer, 150)
		next := who.ID(0)
		for i := range owners {
			owners[i] = h.person(t, fmt.Sprintf("owner%d", i))
			docs := []search.Doc{}
			for place := range who.ID(3) {
				next++
				d := post(next, owners[i], fmt.Sprintf("今天%d", next))
				if place > 0 {
					d.Service, d.Place, d.Audience = "circle", place, who.CircleOnly(place)
				}
				docs = append(docs, d)
			}
			h.put(t, docs...)
		}
		left := func(v who.Viewer) (n int) {
			t.Helper()
			query := `select count(*) from search_terms_idx where instr(cast(term as blob), cast($1 as blob)) > 0`
			if err := h.d.Reader.QueryRowContext(t.Context(), query, v.Account.String()).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		var pages int
		if err := h.d.Reader.QueryRowContext(t.Context(), `select count(*) from search_terms_idx`).Scan(&pages); err != nil || pages < 10 {
			t.Fatalf("the index has %d pages: %v", pages, err)
		}
		for _, v := range owners {
			h.erase(t, exit.Subject{Kind: exit.SubjectAccount, ID: v.Account.String()})
			if n := left(v); n > 0 {
				t.Errorf("an owner's id is left in %d of the index's pages", n)
			}
		}
	})
}
