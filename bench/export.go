package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"exeunt/internal/leave"
	"exeunt/internal/server"
)

// The data of the export: an account with large images, and one with many small posts.
const (
	collector   = 1 // has the images
	chatterer   = 2 // has the posts
	imageBytes  = 2 << 20
	imagesAPost = 4
	mostMemory  = 64 << 20
)

// export measures what a person takes along against copying the same files.
func export(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	for _, engine := range engines() {
		if err := e.exportOn(ctx, r, engine); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	r.note("`exeunt export` is the real binary as a process of its own; its time is that of the whole process: it opens the install, writes the archive with two checksums of each "+
		"file, has it written to disk (fsync), reads it back whole with all checksums, and renames it. `cat` reads the same %d files of %s into one and leaves the rest to the system; "+
		"its time with fsync stands beside it. All files have been read before, so that both find them in memory. Peak memory is VmHWM of the exporting process.",
		e.images(), mebibytes(imageBytes))
	return r, nil
}

func (e *env) images() int { return e.size(1024, 8) }

func (e *env) exportOn(ctx context.Context, r *report, engine string) (err error) {
	i, err := e.library(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	if engine == engines()[0] { // the files lie in a folder beside either database
		if err := e.exportMedia(ctx, r, i); err != nil {
			return err
		}
	}
	out := filepath.Join(e.dir, "posts.zip")
	took, peak, err := i.export(ctx, "n2", out)
	if err != nil {
		return err
	}
	n := e.smallPosts()
	e.logf("export on %s: %d small posts: %s, %s", engine, n, text(took), mebibytes(peak))
	r.add(fmt.Sprintf("peak memory, exporting %d small posts (in %s)", n, text(took)), engine, mebibytes(peak), "< 64 MiB", peak < mostMemory)
	return os.Remove(out)
}

func (e *env) smallPosts() int { return e.size(200_000, 200) }

// library makes the install: files with random content from a fixed seed, and the rows that name them.
func (e *env) library(ctx context.Context, engine string) (*install, error) {
	e.logf("export on %s: make %d files and %d posts", engine, e.images(), e.smallPosts())
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return nil, err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, err
	}
	n := e.images()
	statements := append(accounts(0, 2),
		posts(ownPosts, max(1, n/imagesAPost), collector-1, 1, imagesAPost),
		posts(otherPosts, e.smallPosts(), chatterer-1, 1, 0),
		fmt.Sprintf(`insert into post_images (id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing) %s
			select 10000000 + i, %d + 1 + (i - 1) / %d, %d, (i - 1) %% %d, 'k' || i, '', 'image/jpeg', 3000, 2000, %d, '第 ' || i || ' 张', '' from g`,
			series(max(1, n/imagesAPost)*imagesAPost), ownPosts, imagesAPost, collector, imagesAPost, imageBytes),
	)
	if err := fill(ctx, h.DB, statements...); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return i, errors.Join(i.putImages(ctx, h), h.Close())
}

// putImages writes the files into the media folder and their keys into the rows.
func (i *install) putImages(ctx context.Context, h *server.House) error {
	folder := filepath.Join(i.data, "media", fmt.Sprint(collector), "posts")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	seed := [32]byte{}
	copy(seed[:], "exeunt bench")
	source := rand.NewChaCha8(seed)
	content := make([]byte, imageBytes)
	return h.DB.Update(ctx, func(ctx context.Context) error {
		for n := 1; n <= i.env.images(); n++ {
			if _, err := source.Read(content); err != nil {
				return err
			}
			binary.LittleEndian.PutUint32(content, uint32(n)) // no two are alike
			name := imageName(n)
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
				return err
			}
			if _, err := h.DB.Exec(ctx, `update post_images set key = $1 where key = $2`, fmt.Sprintf("%d/posts/%s", collector, name), fmt.Sprintf("k%d", n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// imageName gives the last part of a key in the blob store's form: 26 characters of base32.
func imageName(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	name := []byte(strings.Repeat("a", 26))
	for at := 0; n > 0; at, n = at+1, n/len(alphabet) {
		name[at] = alphabet[n%len(alphabet)]
	}
	return string(name) + ".jpg"
}

// exportTimes are the times of one run.
type exportTimes struct {
	export, cat, synced, zip []time.Duration
	peak                     int64
}

func (e *env) exportMedia(ctx context.Context, r *report, i *install) error {
	files, err := filepath.Glob(filepath.Join(i.data, "media", "*", "posts", "*.jpg"))
	if err != nil || len(files) != e.images() {
		return fmt.Errorf("found %d files of %d: %w", len(files), e.images(), err)
	}
	var t exportTimes
	if err := e.calm(ctx, i.engine); err != nil {
		return err
	}
	for round := range e.rounds {
		if err := e.exportRound(ctx, i, files, &t); err != nil {
			return err
		}
		e.logf("export: round %d: export %s, cat %s (synced %s), peak %s", round+1, text(t.export[round]), text(t.cat[round]), text(t.synced[round]), mebibytes(t.peak))
	}
	size := fmt.Sprintf("%.2g GiB in %d files", float64(len(files)*imageBytes)/(1<<30), len(files))
	x := ratios(t.export, t.cat)
	r.beside("`exeunt export`, "+size, i.engine, spread(t.export))
	r.beside("`cat` of the same files into one", "", spread(t.cat))
	r.add("export ÷ cat", i.engine, times(x), "≤ 2.5×", x <= 2.5)
	r.beside("`cat` and fsync; export ÷ that", "", spread(t.synced)+"; "+times(ratios(t.export, t.synced)))
	if len(t.zip) > 0 {
		r.beside("`zip -0` and `sha256sum`, without fsync and without reading back; export ÷ that", "", spread(t.zip)+"; "+times(ratios(t.export, t.zip)))
	}
	r.add("peak memory, exporting "+size, i.engine, mebibytes(t.peak), "< 64 MiB", t.peak < mostMemory)
	if !r.missedIn(i.engine) {
		return nil
	}
	return e.exportProfile(ctx, r, i)
}

func (e *env) exportRound(ctx context.Context, i *install, files []string, t *exportTimes) error {
	out := filepath.Join(e.dir, "out")
	took, err := timeCat(ctx, out, files)
	if err != nil {
		return err
	}
	t.cat, t.synced = append(t.cat, took[0]), append(t.synced, took[1])
	if err := e.discard(ctx, i.engine, out); err != nil {
		return err
	}
	one, peak, err := i.export(ctx, "n1", out+".zip")
	if err != nil {
		return err
	}
	t.export, t.peak = append(t.export, one), max(t.peak, peak)
	if err := e.discard(ctx, i.engine, out+".zip"); err != nil {
		return err
	}
	if path, _ := exec.LookPath("zip"); path == "" {
		return nil // it is not on every machine
	}
	began := time.Now()
	if err := exec.CommandContext(ctx, "zip", append([]string{"-q", "-0", out + ".zip"}, files...)...).Run(); err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	if err := exec.CommandContext(ctx, "sha256sum", files...).Run(); err != nil {
		return fmt.Errorf("sha256sum: %w", err)
	}
	t.zip = append(t.zip, time.Since(began))
	return e.discard(ctx, i.engine, out+".zip")
}

// discard removes a file and has the disk come to rest.
func (e *env) discard(ctx context.Context, engine, file string) error {
	return errors.Join(os.Remove(file), e.calm(ctx, engine))
}

// timeCat gives the time of cat, and with fsync.
func timeCat(ctx context.Context, out string, files []string) (took [2]time.Duration, err error) {
	began := time.Now()
	f, err := os.Create(out)
	if err != nil {
		return took, err
	}
	cmd := exec.CommandContext(ctx, "cat", files...)
	cmd.Stdout = f
	err = cmd.Run()
	took[0] = time.Since(began)
	if err != nil {
		return took, errors.Join(fmt.Errorf("cat: %w", err), f.Close())
	}
	err = f.Sync()
	took[1] = time.Since(began)
	return took, errors.Join(err, f.Close())
}

// export runs the real binary and gives its time and its peak memory.
func (i *install) export(ctx context.Context, name, out string) (took time.Duration, peak int64, err error) {
	binary, err := i.env.binary(ctx)
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, binary, append([]string{"export", "--account", name, "--out", out}, i.flags()...)...)
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	var most atomic.Int64
	done, watched := make(chan struct{}), make(chan struct{})
	go func() { // the number only grows while the process lives, and is gone with it
		defer close(watched)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				most.Store(max(most.Load(), memory(cmd.Process.Pid, "VmHWM")))
			}
		}
	}()
	err = cmd.Wait()
	took = time.Since(began)
	close(done)
	<-watched
	if err != nil {
		return 0, 0, fmt.Errorf("exeunt export: %w", err)
	}
	return took, most.Load(), nil
}

// exportProfile has one more export, in this process, watched.
func (e *env) exportProfile(ctx context.Context, r *report, i *install) error {
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	out := filepath.Join(e.dir, "profiled.zip")
	top, err := e.profiled(ctx, "export", func() error {
		_, err := h.Leave.PackTo(ctx, &leave.Packing{Account: collector, Media: true, MaxBytes: -1}, out)
		return err
	})
	r.profiles = append(r.profiles, profile{"an export of the files", top})
	return errors.Join(err, h.Close(), os.Remove(out))
}
