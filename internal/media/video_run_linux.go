package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// canConfine reports whether children can be kept within limits on this system.
const canConfine = true

// niceness lets pages be served before videos are made.
const niceness = 10

// confined runs a child under the limits of t until its end. The child is killed, with all of its group, when ctx ends or the
// server does.
func (t Tools) confined(ctx context.Context, cmd *exec.Cmd, patience time.Duration) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if t.alone && owned(cmd.ExtraFiles) {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return nil
	}
	// The parent whose death kills the child is this thread (prctl(2), PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errNotStarted, err)
	}
	if err := t.limit(cmd.Process.Pid, patience); err != nil {
		return errors.Join(errNotStarted, err, cmd.Cancel(), cmd.Wait())
	}
	return cmd.Wait()
}

// owned reports whether all files are this process's own user's. In a user namespace of its own, in which there is only this user, a child
// cannot open others', not even root's child.
func owned(files []*os.File) bool {
	for _, f := range files {
		var s syscall.Stat_t
		if err := syscall.Fstat(int(f.Fd()), &s); err != nil || int(s.Uid) != os.Getuid() {
			return false
		}
	}
	return true
}

// limit puts the limits on a process that has just begun, since Go cannot do so before: what it has taken by then counts, and beyond
// them it gets no more. The tools start no processes of their own, which would escape in that moment.
func (t Tools) limit(pid int, patience time.Duration) error {
	l := t.Limits.orDefault()
	for _, r := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_AS, uint64(l.Memory)},
		{unix.RLIMIT_FSIZE, uint64(l.Output)},
		{unix.RLIMIT_CPU, uint64(patience/time.Second) * uint64(runtime.NumCPU())},
		{unix.RLIMIT_NOFILE, 64},
		{unix.RLIMIT_CORE, 0},
	} {
		err := unix.Prlimit(pid, r.resource, &unix.Rlimit{Cur: r.most, Max: r.most}, nil)
		if errors.Is(err, unix.ESRCH) {
			return nil // it has ended
		}
		if err != nil {
			return fmt.Errorf("limit a child: %w", err)
		}
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, pid, niceness); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("limit a child: %w", err)
	}
	return nil
}
