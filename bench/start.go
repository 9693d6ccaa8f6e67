package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"time"
)

// signIns is how many people sign in before memory is looked at.
const signIns = 10

// start measures the start of the server and its memory after ten sign-ins.
func start(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	for _, engine := range engines() {
		if err := e.startOn(ctx, r, engine); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
	}
	r.note("The real binary, from its start to its line `listening on`; the first start makes database, keys and folders, later ones open what is there. Memory is VmRSS, "+
		"%s after %d people signed in with their passwords and opened the home page. A comparable server takes 1.2–2.0 s and 120 MiB.", text(e.rest()), signIns)
	return r, nil
}

// rest is how long the server is left alone before its memory is looked at.
func (e *env) rest() time.Duration {
	return max(200*time.Millisecond, time.Duration(float64(time.Minute)*e.scale))
}

func (e *env) startOn(ctx context.Context, r *report, engine string) error {
	var first, later []time.Duration
	var resident []int64
	for round := range e.rounds {
		i, err := e.newInstall(ctx, engine)
		if err != nil {
			return err
		}
		took, err := i.startTime(ctx)
		if err != nil {
			return err
		}
		first = append(first, took)
		if err := i.people(ctx); err != nil {
			return err
		}
		if took, err = i.startTime(ctx); err != nil {
			return err
		}
		later = append(later, took)
		if round == 0 { // a minute's rest; memory hardly differs between rounds
			bytes, err := e.memoryAfterSignIns(ctx, i)
			if err != nil {
				return err
			}
			resident = append(resident, bytes)
		}
		if err := i.drop(ctx); err != nil {
			return err
		}
	}
	aim := 300 * time.Millisecond
	r.add("cold start to `listening`", engine, spread(later), "≤ 0.3 s", median(later) <= aim)
	r.add("the very first start, with all migrations", engine, spread(first), "", true)
	r.add("memory after ten sign-ins", engine, mebibytes(resident[0]), "≤ 40 MiB", resident[0] <= 40<<20)
	return nil
}

// serve starts the real server on the install and gives its address.
func (i *install) serve(ctx context.Context) (*process, string, error) {
	binary, err := i.env.binary(ctx)
	if err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, i.flags()...)...)
	cmd.Stderr = io.Discard // the log
	return begin("listening on ", cmd)
}

// startTime starts the server and ends it again.
func (i *install) startTime(ctx context.Context) (time.Duration, error) {
	if _, err := i.env.binary(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	p, _, err := i.serve(ctx)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, p.end()
}

const password = "correct horse battery staple"

// people makes those who are going to sign in.
func (i *install) people(ctx context.Context) error {
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	for n := range signIns {
		if _, err := h.Accounts.CreateAccount(ctx, fmt.Sprintf("person%c", 'a'+n), "personal", password); err != nil {
			return err
		}
	}
	return h.Close()
}

func (e *env) memoryAfterSignIns(ctx context.Context, i *install) (int64, error) {
	p, address, err := i.serve(ctx)
	if err != nil {
		return 0, err
	}
	for n := range signIns {
		if err := signIn(ctx, address, fmt.Sprintf("person%c", 'a'+n)); err != nil {
			return 0, err
		}
	}
	alone := time.NewTimer(e.rest())
	defer alone.Stop()
	select {
	case <-alone.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	bytes := memory(p.Process.Pid, "VmRSS")
	e.logf("start on %s: %s resident, at most %s", i.engine, mebibytes(bytes), mebibytes(memory(p.Process.Pid, "VmHWM")))
	return bytes, p.end()
}

// signIn signs a person in as a browser does, and opens the home page.
func signIn(ctx context.Context, address, name string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	form := url.Values{"name": {name}, "password": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(req) // follows to the home page
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	at, err := url.Parse(address)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || len(jar.Cookies(at)) == 0 {
		return fmt.Errorf("sign in as %s: %s", name, answer.Status)
	}
	return nil
}
