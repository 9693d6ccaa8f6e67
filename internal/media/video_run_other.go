//go:build !linux

package media

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

// canConfine is false: only Linux sets limits on a child from outside, and without limits nothing of strangers is decoded.
const canConfine = false

func (t Tools) confined(context.Context, *exec.Cmd, time.Duration) error {
	return errors.New("children cannot be limited on this system")
}
