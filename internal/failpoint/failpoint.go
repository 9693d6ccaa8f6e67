// Package failpoint lets a test end the process between two effects. A program built with the tag
// "failpoint" kills itself (SIGKILL: nothing is flushed, nothing deferred runs) at the n-th [Hit],
// where n is EXEUNT_FAIL_AT. In all other programs Hit is empty.
package failpoint
