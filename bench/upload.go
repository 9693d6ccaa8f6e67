package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// upload measures how fast a file arrives by the protocol against a handler that copies the body to a file.
func upload(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	file := filepath.Join(e.dir, "film")
	size := int64(e.size(1<<30, 16<<20))
	if err := noise(file, size); err != nil {
		return nil, err
	}
	e.later(func() error { return os.Remove(file) })
	for _, engine := range engines() {
		if err := e.uploadOn(ctx, r, engine, file, size); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	r.note("One file of %s with random content, sent by `curl` on loopback, that is read from memory. By tus it is one PATCH to the real binary, which keeps it in pieces of 4 to 64 MiB with a "+
		"checksum each, every piece written to disk (fsync) before its row and the upload's offset are committed. The bare handler is a process of its own that copies the body "+
		"to a file and leaves the rest to the system; with fsync it waits for the disk at the end. All lie in the same file system, and the rounds take turns.", mebibytes(size))
	return r, nil
}

// gigabit has curl send no faster than such a line does, in bytes a second.
var gigabit = []string{"--limit-rate", "125000000"}

// noise makes a file that cannot be packed.
func noise(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	_, err = io.CopyN(f, mathrand.NewChaCha8([32]byte{7}), size)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	return nil
}

func (e *env) uploadOn(ctx context.Context, r *report, engine, file string, size int64) (err error) {
	e.logf("upload on %s", engine)
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	cookie, err := i.uploader(ctx)
	if err != nil {
		return err
	}
	server, address, err := i.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.end()) }()
	cmd, err := childOf(ctx, "sink", i, "")
	if err != nil {
		return err
	}
	sink, bare, err := begin("sink ", cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.end()) }()
	var tus, copied, synced, tusLine, copiedLine []time.Duration
	for range e.rounds {
		for _, x := range []struct {
			to   *[]time.Duration
			send func() (time.Duration, error)
		}{
			{&tus, func() (time.Duration, error) { return sendByTus(ctx, address, cookie, file, size) }},
			{&tusLine, func() (time.Duration, error) { return sendByTus(ctx, address, cookie, file, size, gigabit...) }},
			{&copiedLine, func() (time.Duration, error) { return curl(ctx, file, bare+"/", gigabit...) }},
			{&copied, func() (time.Duration, error) { return curl(ctx, file, bare+"/") }},
			{&synced, func() (time.Duration, error) { return curl(ctx, file, bare+"/?sync") }},
		} {
			took, err := x.send()
			if err != nil {
				return err
			}
			*x.to = append(*x.to, took)
		}
	}
	by, line := ratios(tus, copied), ratios(tusLine, copiedLine)
	e.logf("upload on %s: %s, bare %s, with fsync %s", engine, spread(tus), spread(copied), spread(synced))
	r.add("upload by tus against `curl -T` into a bare handler", engine, times(by), "≤ 1.3×", by <= 1.3)
	r.beside("… both at the speed of a gigabit line", engine, times(line))
	r.beside("… by tus", engine, spread(tus))
	r.beside("… bare", engine, spread(copied))
	r.beside("… bare, with fsync at the end", engine, spread(synced))
	r.beside("peak memory of the server", engine, mebibytes(memory(server.Process.Pid, "VmHWM")))
	return nil
}

// uploader makes an account with a channel, and a session of its.
func (i *install) uploader(ctx context.Context) (cookie string, err error) {
	h, err := i.open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	v, err := h.Accounts.CreateAccount(ctx, "uploader", "personal", password)
	if err != nil {
		return "", err
	}
	channel := fmt.Sprintf(`insert into channels (account_id, name, bio, avatar, cover, created_at) values (%d, 'films', '', '', '', 0)`, int64(v.Account))
	if err := fill(ctx, h.DB, channel); err != nil {
		return "", err
	}
	return h.Accounts.Begin(ctx, v.Person, v.Account, "")
}

// sendByTus sends all of a file but that the upload is one byte longer: nothing is made of it then, and it is taken back.
func sendByTus(ctx context.Context, address, cookie, file string, size int64, more ...string) (time.Duration, error) {
	ask := func(method, url string, headers ...string) (http.Header, error) {
		req, err := http.NewRequestWithContext(ctx, method, url, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Cookie", "session="+cookie)
		req.Header.Set("Tus-Resumable", "1.0.0")
		for n := 0; n < len(headers); n += 2 {
			req.Header.Set(headers[n], headers[n+1])
		}
		client := &http.Client{Timeout: time.Minute}
		defer client.CloseIdleConnections()
		answer, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode >= 300 {
			return nil, errors.Join(fmt.Errorf("%s: %s", method, answer.Status), err)
		}
		return answer.Header, nil
	}
	told, err := ask(http.MethodPost, address+"/uploads", "Upload-Length", strconv.FormatInt(size+1, 10), "Upload-Metadata", "what "+base64.StdEncoding.EncodeToString([]byte("video")))
	if err != nil {
		return 0, err
	}
	url := address + told.Get("Location")
	took, err := curl(ctx, file, url, append([]string{
		"-X", "PATCH", "-H", "Cookie: session=" + cookie, "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Offset: 0", "-H", "Content-Type: application/offset+octet-stream",
	}, more...)...)
	if err != nil {
		return 0, err
	}
	if told, err = ask(http.MethodHead, url); err != nil {
		return 0, err
	}
	if got := told.Get("Upload-Offset"); got != strconv.FormatInt(size, 10) {
		return 0, fmt.Errorf("the upload is at %s", got)
	}
	_, err = ask(http.MethodDelete, url)
	return took, err
}

// curl sends a file and gives how long that took.
func curl(ctx context.Context, file, url string, more ...string) (time.Duration, error) {
	args := append([]string{"--silent", "--show-error", "--fail", "--header", "Expect:", "--output", os.DevNull, "-T", file}, more...)
	cmd := exec.CommandContext(ctx, "curl", append(args, url)...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("curl: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return took, nil
}

// serveSink is the child that copies bodies to a file and forgets them.
func serveSink(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	dir := os.Getenv(homeData)
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := sinkInto(filepath.Join(dir, "sink-"+rand.Text()), req); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	fmt.Printf("sink http://%s\n", l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func sinkInto(name string, req *http.Request) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, req.Body)
	if err == nil && req.URL.RawQuery == "sync" {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(name))
}
