package search_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"exeunt/exit"
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
