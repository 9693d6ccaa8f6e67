package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/who"
)

// house is a store on one of the databases, in a folder or in a bucket.
type house struct {
	*blob.Store
	d     *db.DB
	clock *clock.Fake
	root  string // "" for a bucket
	one   who.ID
	other who.ID
}

// each runs fn on both databases with a folder and with a bucket.
func each(t *testing.T, fn func(t *testing.T, h house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Run("folder", func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "media")
			fn(t, newHouse(t, d, root, root))
		})
		t.Run("s3", func(t *testing.T) { fn(t, newHouse(t, d, bucket(t), "")) })
	})
}

// bucket gives the address of the tests' bucket with a prefix that no other test uses.
func bucket(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(os.Getenv("EXEUNT_TEST_S3"))
	if err != nil || u.Scheme != "s3" {
		t.Fatal("EXEUNT_TEST_S3 is not set. Start a server with `eval \"$(make services)\"`, or run `make test`.")
	}
	q := u.Query()
	q.Set("prefix", "blob-"+who.RandomID().String())
	u.RawQuery = q.Encode()
	return u.String()
}

func newHouse(t *testing.T, d *db.DB, address, root string) house {
	t.Helper()
	s, err := blob.Open(t.Context(), address, d, dbtest.Clock(t, d), "circle", "page")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return house{s, d, dbtest.Clock(t, d), root, who.RandomID(), who.RandomID()}
}

func (h house) put(t *testing.T, account who.ID, folder, content string) string {
	t.Helper()
	b, err := h.Put(t.Context(), account, folder, ".jpg", "image/jpeg", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return b.Key
}

// kept puts n blobs of an account and keeps them.
func (h house) kept(t *testing.T, account who.ID, n int) []string {
	t.Helper()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = h.put(t, account, blob.Folders()[i%4], strings.Repeat("x", i+1))
	}
	h.update(t, func(ctx context.Context) error { return h.Keep(ctx, keys...) })
	return keys
}

func (h house) update(t *testing.T, fn func(ctx context.Context) error) {
	t.Helper()
	if err := h.d.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// content reads a blob; "" and false if there is none.
func (h house) content(t *testing.T, key string) (string, bool) {
	t.Helper()
	r, err := h.NewReader(t.Context(), key, 0, -1)
	if exit.KindOf(err) == exit.NotFound {
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b), true
}

// onDisk lists what is in a folder's tree, folders too.
func (h house) onDisk(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(h.root, func(name string, _ fs.DirEntry, err error) error {
		if name != h.root {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPut(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		content := strings.Repeat("来去", 1000)
		b, err := h.Put(t.Context(), h.one, blob.Posts, ".png", "image/png", strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(content))
		if b.Size != int64(len(content)) || b.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("got %+v", b)
		}
		k, ok := blob.ParseKey(b.Key)
		if !ok || k.Account != h.one || k.Folder != blob.Posts || k.Ext != ".png" || blob.TypeOf(b.Key) != "image/png" {
			t.Errorf("the key %s is %+v", b.Key, k)
		}
		if got, ok := h.content(t, b.Key); !ok || got != content {
			t.Errorf("read %d bytes, %v", len(got), ok)
		}
		r, err := h.NewReader(t.Context(), b.Key, 3, 6)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if part, err := io.ReadAll(r); err != nil || string(part) != content[3:9] {
			t.Errorf("bytes 3 to 9 are %q, error %v", part, err)
		}
		empty := h.put(t, h.one, blob.Imports, "")
		if n, err := h.Size(t.Context(), empty); err != nil || n != 0 {
			t.Errorf("an empty blob has %d bytes, error %v", n, err)
		}
	})
}

func TestPutRefuses(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		for _, bad := range [][2]string{{"..", ".jpg"}, {"posts/..", ".jpg"}, {"secret", ""}, {blob.Posts, "/../x"}, {blob.Posts, ".JPG"}, {blob.Posts, "jpg"}} {
			if _, err := h.Put(t.Context(), h.one, bad[0], bad[1], "image/jpeg", strings.NewReader("x")); err == nil {
				t.Errorf("put into %q as %q", bad[0], bad[1])
			}
		}
		err := h.d.Update(t.Context(), func(ctx context.Context) error {
			_, err := h.Put(ctx, h.one, blob.Posts, ".jpg", "image/jpeg", strings.NewReader("x"))
			return err
		})
		if err == nil {
			t.Error("put inside a transaction")
		}
		broken := iotest.ErrReader(errors.New("cut off"))
		if _, err := h.Put(t.Context(), h.one, blob.Posts, ".jpg", "image/jpeg", io.MultiReader(strings.NewReader("half"), broken)); err == nil {
			t.Error("put what could not be read")
		}
		h.wantLeft(t, exit.Account(h.one.String()), 0)
		for _, key := range []string{"", "../../etc/passwd", "1/posts/../../x", h.one.String() + "/posts/short.jpg", "/" + h.one.String() + "/posts/aaaaaaaaaaaaaaaaaaaaaaaaaa.jpg"} {
			if _, err := h.NewReader(t.Context(), key, 0, -1); exit.KindOf(err) != exit.NotFound {
				t.Errorf("read %q: %v", key, err)
			}
			if err := h.Delete(t.Context(), key); exit.KindOf(err) != exit.Invalid {
				t.Errorf("delete %q: %v", key, err)
			}
		}
	})
}

// TestSweep asks that only what nobody kept goes, and after a day only.
func TestSweep(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		kept := h.kept(t, h.one, 1)[0]
		lost := h.put(t, h.one, blob.Posts, "lost")
		h.clock.Add(24*time.Hour - time.Second)
		young := h.put(t, h.one, blob.Posts, "young")
		if n, err := h.Sweep(t.Context()); err != nil || n != 0 {
			t.Fatalf("swept %d too early, error %v", n, err)
		}
		h.clock.Add(time.Second)
		if n, err := h.Sweep(t.Context()); err != nil || n != 1 {
			t.Fatalf("swept %d, want 1; error %v", n, err)
		}
		for key, want := range map[string]bool{kept: true, lost: false, young: true} {
			if _, ok := h.content(t, key); ok != want {
				t.Errorf("%s is there: %v, want %v", key, ok, want)
			}
		}
		err := h.d.Update(t.Context(), func(ctx context.Context) error { return h.Keep(ctx, lost) })
		if exit.KindOf(err) != exit.NotFound {
			t.Errorf("kept what was swept: %v", err)
		}
		h.update(t, func(ctx context.Context) error { return h.Keep(ctx, young) })
	})
}

// TestSweepUnfinished asks that a process which dies while it puts a blob leaves nothing for good, and that nobody takes the
// half for a blob meanwhile.
func TestSweepUnfinished(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		root := filepath.Join(t.TempDir(), "media")
		h := newHouse(t, d, "file://"+root, root)
		key := h.put(t, h.one, blob.Posts, "whole")
		name := filepath.Join(root, filepath.FromSlash(key))
		if err := os.Rename(name, name+".17f3a2.tmp"); err != nil {
			t.Fatal(err)
		}
		if all, err := h.All(t.Context(), "", 10); err != nil || len(all) != 0 {
			t.Errorf("listed %v, error %v", all, err)
		}
		h.wantLeft(t, exit.Account(h.one.String()), 2) // the file and its row
		h.clock.Add(24 * time.Hour)
		if n, err := h.Sweep(t.Context()); err != nil || n != 1 {
			t.Errorf("swept %d, error %v", n, err)
		}
		if names := h.onDisk(t); len(names) > 0 {
			t.Errorf("still in the folder: %q", names)
		}
	})
}

func TestDoom(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		keys := h.kept(t, h.one, 4)
		others := h.kept(t, h.other, 1)
		refused := errors.New("refused")
		err := h.d.Update(t.Context(), func(ctx context.Context) error {
			return errors.Join(h.Doom(ctx, h.one, keys[0]), refused)
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if n, err := h.Drain(t.Context(), 0); n != 0 || err != nil {
			t.Fatalf("drained %d of a transaction that was rolled back, error %v", n, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var wg sync.WaitGroup
		wg.Go(func() { h.Run(ctx) })
		h.update(t, func(ctx context.Context) error { return h.Doom(ctx, h.one, keys[0], "", keys[1], keys[0]) })
		for there := true; there && ctx.Err() == nil; {
			_, first := h.content(t, keys[0])
			_, second := h.content(t, keys[1])
			there = first || second
		}
		if ctx.Err() != nil {
			t.Error("what was given up is not removed after the commit")
		}
		cancel()
		wg.Wait()
		// A set of rows, and one whose object is gone already.
		if err := h.Delete(t.Context(), keys[3]); err != nil {
			t.Fatal(err)
		}
		statement := blob.DoomSQL("(select $1 as key, $2 as thumb) r", "r.key", h.one.String())
		h.update(t, func(ctx context.Context) error {
			if _, err := h.d.Exec(ctx, statement, keys[2], ""); err != nil {
				return err
			}
			return h.Doom(ctx, h.one, keys[3])
		})
		if n, err := h.Drain(t.Context(), h.one); n < 2 || err != nil {
			t.Errorf("drained %d, want 2; error %v", n, err)
		}
		h.wantLeft(t, exit.Account(h.one.String()), 0)
		err = h.d.Update(t.Context(), func(ctx context.Context) error { return h.Doom(ctx, h.one, others[0]) })
		if err == nil {
			t.Error("one account gave up another's blob")
		}
		if _, ok := h.content(t, others[0]); !ok {
			t.Error("the other's blob is gone")
		}
	})
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		want := append(h.kept(t, h.one, 9), h.kept(t, h.other, 5)...)
		slices.Sort(want)
		var got []string
		for after := ""; ; {
			page, err := h.All(t.Context(), after, 4)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, o := range page {
				got = append(got, o.Key)
			}
			after = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("listed %q, want %q", got, want)
		}
		own, err := h.List(t.Context(), blob.Prefix(h.other), "", 100)
		if err != nil || len(own) != 5 || own[0].Size == 0 {
			t.Errorf("of the other %v, error %v", own, err)
		}
		copied := newHouse(t, h.d, filepath.Join(t.TempDir(), "copy"), "")
		for _, key := range want {
			content, _ := h.content(t, key)
			if err := copied.Restore(t.Context(), key, blob.TypeOf(key), strings.NewReader(content)); err != nil {
				t.Fatal(err)
			}
			if back, ok := copied.content(t, key); !ok || !bytes.Equal([]byte(back), []byte(content)) {
				t.Errorf("%s did not come back", key)
			}
		}
	})
}
