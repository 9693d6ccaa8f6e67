package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"exeunt/internal/server"
)

// sunsetBytes has the archives of accounts with large files made, beside a copy of the same files.
func (e *env) sunsetBytes(ctx context.Context, r *report, engine string) (err error) {
	n, each := e.fileAccounts(), e.filesEach()
	total := int64(n) * int64(each) * imageBytes
	e.logf("sunset on %s: make %d accounts with %d files each", engine, n, each)
	i, _, run, err := e.ending(ctx, engine, append(accounts(others, n), posts(otherPosts, n, others, n, each),
		fmt.Sprintf(`insert into post_images (id, post_id, author_id, position, key, thumb, type, width, height, bytes, alt, missing) %s
			select 10000000 + i, %d + 1 + (i - 1) / %d, %d + 1 + (i - 1) / %d, (i - 1) %% %d, 'k' || i, '', 'image/jpeg', 3000, 2000, %d, '', '' from g`,
			series(n*each), otherPosts, each, others, each, each, imageBytes))...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(i.putFiles(ctx, h, n, each), h.Close()); err != nil {
		return err
	}
	copied, err := i.copyFiles(ctx)
	if err != nil {
		return err
	}
	if err := e.calm(ctx, engine); err != nil {
		return err
	}
	took, peak, err := i.exportAll(ctx, run, n, false)
	if err != nil {
		return err
	}
	if err := i.allOnce(ctx, n); err != nil {
		return err
	}
	perSecond := func(d time.Duration) string { return mebibytes(int64(float64(total)/d.Seconds())) + "/s" }
	r.beside(fmt.Sprintf("archives of %d accounts with %s each", n, mebibytes(total/int64(n))), engine, text(took)+", "+perSecond(took))
	r.beside("`cp` of the same files, with fsync", engine, text(copied)+", "+perSecond(copied))
	r.beside("archives ÷ `cp`", engine, times(ratio(took, copied)))
	r.add("peak memory of a node, with files", engine, mebibytes(peak), "< 256 MiB", peak < mostNode)
	return nil
}

// putFiles writes files of random content, of a fixed seed, into the media folder, and their keys into the rows.
func (i *install) putFiles(ctx context.Context, h *server.House, n, each int) error {
	seed := [32]byte{}
	copy(seed[:], "exeunt sunset")
	source := rand.NewChaCha8(seed)
	content := make([]byte, imageBytes)
	return h.DB.Update(ctx, func(ctx context.Context) error {
		for k := range n * each {
			account := others + 1 + k/each
			folder := filepath.Join(i.data, "media", fmt.Sprint(account), "posts")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return fmt.Errorf("make folder: %w", err)
			}
			if _, err := source.Read(content); err != nil {
				return err
			}
			binary.LittleEndian.PutUint32(content, uint32(k+1)) // no two are alike
			name := imageName(k + 1)
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
				return fmt.Errorf("write file: %w", err)
			}
			if _, err := h.DB.Exec(ctx, `update post_images set key = $1 where key = $2`, fmt.Sprintf("%d/posts/%s", account, name), fmt.Sprintf("k%d", k+1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// copyFiles gives how long `cp` of the media folder takes, with all of it written to disk at the end.
func (i *install) copyFiles(ctx context.Context) (time.Duration, error) {
	to := filepath.Join(i.env.dir, "copied")
	began := time.Now()
	for _, args := range [][]string{{"cp", "-r", filepath.Join(i.data, "media"), to}, {"sync", "-f", to}} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
	}
	return time.Since(began), os.RemoveAll(to)
}
