package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/server"
	"exeunt/internal/service"
)

// mostNode is the aim for the memory of a node while it makes everybody's archives.
const mostNode = 256 << 20

// sunset measures an ending: everybody's archive made by nodes of which one is killed, the freeze, and the erasure.
func sunset(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	for _, engine := range engines() {
		for _, part := range []func(context.Context, *report, string) error{e.sunsetExport, e.sunsetBytes, e.sunsetFreeze} {
			if err := part(ctx, r, engine); err != nil {
				return nil, fmt.Errorf("%s: %w", engine, err)
			}
		}
	}
	r.note("Own pages end. Nodes are the real binary as processes of their own: two on PostgreSQL, one on SQLite; when a third of the archives is there one is killed (SIGKILL) and "+
		"started anew, and its leases run out after half a minute, which the time includes. Each of the %d accounts has one post; that everybody has one archive, that the sums agree, and that "+
		"a seventh of the files, by turns, is whole (all checksums) is checked afterwards. Peak memory is VmHWM of the hungriest node. The accounts with files have %s each; `cp` copies the same files into another folder, "+
		"with fsync at the end. What is published to freeze holds its reason for an early stop, so no forecast is measured on the way. One worker erases.",
		e.sunsetAccounts(), mebibytes(int64(e.filesEach())*imageBytes))
	return r, nil
}

func (e *env) sunsetAccounts() int { return e.size(100_000, 100) }
func (e *env) fileAccounts() int   { return e.size(200, 4) }
func (e *env) filesEach() int      { return e.size(10, 1) }

// calendar gives the file of an ending of own pages: read-only in a month, its archives kept for years.
func calendar(name string, now time.Time) []byte {
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	return fmt.Appendf(nil, "version: 1\nname: %s\nends: page\nzone: UTC\nphases:\n  announced: %s\n  read-only: %s\n  stopped: %s\n  erased: %s\nlate_requests: %s\n"+
		"title: {en: The end}\nreason: {en: Measured.}\nask: {en: Nobody.}\noverride: It is measured.\n", name, day(0), day(31), day(62), day(93), day(2000))
}

// publish publishes an ending of own pages and gives its calendar and its run.
func publish(ctx context.Context, h *server.House, name string) (*exit.SunsetCalendar, string, error) {
	now, err := h.DB.Now(ctx)
	if err != nil {
		return nil, "", err
	}
	src := calendar(name, now)
	_, plan, err := h.Sunset().Preview(ctx, src)
	if err != nil {
		return nil, "", fmt.Errorf("preview: %w", err)
	}
	s, err := h.Sunset().Publish(ctx, src, plan.Hash(), "")
	return s.Calendar, s.Run, err
}

// ending makes an install from statements, whose own pages are read-only by now, and gives the run of it.
func (e *env) ending(ctx context.Context, engine string, statements ...string) (i *install, cal *exit.SunsetCalendar, run string, err error) {
	if i, err = e.newInstall(ctx, engine); err != nil {
		return nil, nil, "", err
	}
	h, err := i.open(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.DB.MakeTrial(ctx, time.Time{}); err != nil {
		return nil, nil, "", err
	}
	if err := fill(ctx, h.DB, statements...); err != nil {
		return nil, nil, "", err
	}
	if cal, run, err = publish(ctx, h, "the-end"); err != nil {
		return nil, nil, "", err
	}
	return i, cal, run, h.DB.Move(ctx, cal.At(exit.ReadOnly))
}

// nodes is how many processes serve an install.
func nodes(engine string) int {
	if engine == sqlite {
		return 1
	}
	return 2
}

// exportAll has nodes make everybody's archives until the run's step is done; with killed, one of them dies in the middle and is started anew.
func (i *install) exportAll(ctx context.Context, run string, accounts int, killed bool) (took time.Duration, peak int64, err error) {
	h, err := i.open(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if _, err := i.env.binary(ctx); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	var list []*process
	defer func() {
		for _, p := range list {
			if p != nil {
				err = errors.Join(err, p.end())
			}
		}
	}()
	for range nodes(i.engine) {
		p, _, err := i.serve(ctx)
		if err != nil {
			return 0, 0, err
		}
		list = append(list, p)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-tick.C:
		}
		var made int
		if err := h.DB.Reader.QueryRowContext(ctx, `select archives, case when exists (select 1 from exit_steps where run = $1 and act = 'pack' and state = 'verified') then 1 else 0 end
			from sunsets where run = $1`, run).Scan(&made, &done); err != nil {
			return 0, 0, fmt.Errorf("look at the archives: %w", err)
		}
		for _, p := range list {
			peak = max(peak, memory(p.Process.Pid, "VmHWM"))
		}
		if killed && made >= accounts/3 {
			killed = false
			if err := list[0].Process.Kill(); err != nil {
				return 0, 0, err
			}
			_ = list[0].Wait() // that it was killed is no news
			list[0] = nil
			if list[0], _, err = i.serve(ctx); err != nil {
				return 0, 0, err
			}
		}
	}
	return time.Since(began), peak, nil
}

// sunsetExport has the archives of everybody made, and then all of it erased.
func (e *env) sunsetExport(ctx context.Context, r *report, engine string) (err error) {
	n := e.sunsetAccounts()
	e.logf("sunset on %s: make %d accounts", engine, n)
	i, cal, run, err := e.ending(ctx, engine, append(accounts(others, n), posts(otherPosts, n, others, n, 0))...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	killed, how := e.scale >= 0.01, ", a node killed" // a leased step waits half a minute for another node: too long for a test
	if !killed {
		how = ""
	}
	took, peak, err := i.exportAll(ctx, run, n, killed)
	if err != nil {
		return err
	}
	e.logf("sunset on %s: %d archives in %s, %s", engine, n, text(took), mebibytes(peak))
	if err := i.allOnce(ctx, n); err != nil {
		return err
	}
	r.beside(fmt.Sprintf("everybody's archive, %d accounts%s", n, how), engine, text(took))
	r.beside("archives a second", engine, fmt.Sprintf("%.1f", float64(n)/took.Seconds()))
	r.add("peak memory of a node", engine, mebibytes(peak), "< 256 MiB", peak < mostNode)
	r.add("accounts with one archive, whole", engine, fmt.Sprint(n), "all", true) // else it has failed above
	return i.eraseAll(ctx, r, cal, run, n)
}

// allOnce checks that everybody has one archive and that the files are whole.
func (i *install) allOnce(ctx context.Context, n int) (err error) {
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	for _, q := range []string{
		`select archives from sunsets`, `select count(*) from sunset_exports where state = 'packed'`, `select count(*) from sunset_exports`,
		`select count(distinct account_id) from exports where state = 'done'`, `select count(*) from exports`, `select count(*) from export_volumes`,
	} {
		var got int
		if err := h.DB.Reader.QueryRowContext(ctx, q).Scan(&got); err != nil || got != n {
			return fmt.Errorf("%s gives %d, want %d: %w", q, got, n, err)
		}
	}
	seen := 0
	return filepath.WalkDir(filepath.Join(i.data, "media"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) != blob.Archives || !strings.HasSuffix(path, ".zip") {
			return err
		}
		if seen++; seen%7 != 0 {
			return nil
		}
		_, err = archive.Verify(ctx, path)
		return err
	})
}

// eraseAll erases what has ended, with one worker, and says how fast.
func (i *install) eraseAll(ctx context.Context, r *report, cal *exit.SunsetCalendar, run string, n int) (err error) {
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	var took time.Duration
	for _, word := range []string{exit.Stopped, exit.Erased} {
		if err := h.DB.Move(ctx, cal.At(word).Add(time.Hour)); err != nil {
			return err
		}
		began := time.Now()
		if err := drainSteps(ctx, h); err != nil {
			return err
		}
		took = time.Since(began) // of the last: the erasure
	}
	ended, _, err := h.DB.Runs.Load(ctx, run)
	if err != nil {
		return err
	}
	if ended.State != exit.RunSealed {
		return fmt.Errorf("the run is %s, not sealed", ended.State)
	}
	r.beside("erased a second, posts of as many accounts, to the seal", i.engine, fmt.Sprintf("%.0f", float64(n)/took.Seconds()))
	return nil
}

// sunsetFreeze compares publishing, and the instant, of an install with one account and of one with a million.
func (e *env) sunsetFreeze(ctx context.Context, r *report, engine string) error {
	many := e.size(1_000_000, 1000)
	var published, refused [2][]time.Duration
	for k, n := range []int{1, many} {
		e.logf("sunset on %s: freeze %d accounts", engine, n)
		var err error
		if published[k], refused[k], err = e.freeze(ctx, engine, n); err != nil {
			return err
		}
	}
	number := fmt.Sprint(many)
	r.beside("publishing, 1 account", engine, spread(published[0]))
	r.beside("publishing, "+number+" accounts", engine, spread(published[1]))
	x := ratio(median(published[1]), median(published[0]))
	r.add("… "+number+" ÷ 1", engine, times(x), "≤ 2×", x <= 2)
	r.beside("a write that the instant refuses, 1 account", engine, text(median(refused[0])))
	r.beside("a write that the instant refuses, "+number+" accounts", engine, text(median(refused[1])))
	return nil
}

// freeze publishes endings and takes them back, once a round, then lets the instant of one pass and gives how long writes took to be refused after it.
func (e *env) freeze(ctx context.Context, engine string, n int) (published, refused []time.Duration, err error) {
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	h, err := i.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := h.DB.MakeTrial(ctx, time.Time{}); err != nil {
		return nil, nil, err
	}
	if err := fill(ctx, h.DB, accounts(others, n)...); err != nil {
		return nil, nil, err
	}
	var cal *exit.SunsetCalendar
	for round := range e.rounds + 1 {
		name := fmt.Sprintf("end-%d", round)
		began := time.Now()
		if cal, _, err = publish(ctx, h, name); err != nil {
			return nil, nil, err
		}
		if published = append(published, time.Since(began)); round == e.rounds {
			break
		}
		if err := h.Sunset().Withdraw(ctx, name); err != nil {
			return nil, nil, err
		}
	}
	published = published[1:] // the first prepares statements
	if err := h.DB.Move(ctx, cal.At(exit.ReadOnly)); err != nil {
		return nil, nil, err
	}
	for range 20 {
		began := time.Now()
		err := h.DB.Update(ctx, func(ctx context.Context) error {
			_, err := h.Desk.Enter(ctx, service.Write{By: others + 1, Service: "page"})
			return err
		})
		if exit.KindOf(err) != exit.Forbidden {
			return nil, nil, fmt.Errorf("a write after the instant was not refused: %w", err)
		}
		refused = append(refused, time.Since(began))
	}
	return published, refused, nil
}
