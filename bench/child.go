package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// childVariable holds the job of a process that this program starts of itself.
const childVariable = "EXEUNT_BENCH_CHILD"

// child does a child process's job and gives its exit status.
func child(ctx context.Context, job string) int {
	serve, ok := map[string]func(context.Context) error{"home": serveHome, "circles": serveCircles, "sink": serveSink}[job]
	if !ok {
		fmt.Fprintf(os.Stderr, "bench: no child %q\n", job)
		return 2
	}
	if err := serve(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// childOf makes the command of a child that does a job on an install, and writes its profiles into a file.
func childOf(ctx context.Context, job string, i *install, profile string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+job, homeData+"="+i.data, homeDatabase+"="+i.address, homeProfile+"="+profile)
	return cmd, nil
}

// process is a program that runs beside this one.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner
}

// begin starts a program and reads its output until a line that begins so; it gives the rest of that line.
func begin(until string, cmd *exec.Cmd) (*process, string, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &process{cmd, bufio.NewScanner(out)}
	p.lines.Buffer(nil, 1<<20) // a line may hold some hundred cookies
	rest, err := p.read(until)
	if err != nil {
		return nil, "", errors.Join(err, p.end())
	}
	return p, rest, nil
}

// read reads the output until a line that begins so.
func (p *process) read(until string) (string, error) {
	for p.lines.Scan() {
		if rest, ok := strings.CutPrefix(p.lines.Text(), until); ok {
			return rest, nil
		}
	}
	return "", fmt.Errorf("%s ended without a line %q", p.Path, until)
}

// end asks the program to stop and waits for it.
func (p *process) end() error {
	if err := p.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for p.lines.Scan() { // so that it does not wait for somebody to read
	}
	return p.Wait()
}

// memory gives a number of /proc/PID/status, such as VmRSS or VmHWM, in bytes; 0 when the process has ended.
func memory(pid int, name string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscanf(rest, "%d kB", &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
