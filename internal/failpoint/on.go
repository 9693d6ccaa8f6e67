//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

var (
	hits atomic.Int64
	// last is the hit at which the process ends; 0, or anything that is no number: none.
	last, _ = strconv.ParseInt(os.Getenv("EXEUNT_FAIL_AT"), 10, 64)
)

// Hit marks a place after a commit, or around a call to the blob store. At the hit whose number is
// EXEUNT_FAIL_AT it kills the process, and does not return.
func Hit() {
	if hits.Add(1) != last {
		return
	}
	for {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) // nobody is left to hear of a failure
	}
}
