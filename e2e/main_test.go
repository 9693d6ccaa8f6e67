// Package e2e_test drives the real binary with a real browser: it starts `exeunt serve` on data of its own, taps and types
// what a person would, and uses the command line for what an operator does. The promise clock moves through `exeunt clock`;
// nothing here waits for a length of time, all waits are for something to be seen, with a deadline.
package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "exeunt-e2e-")
	if err != nil {
		return 1, fmt.Errorf("make folder for the binary: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary = filepath.Join(dir, "exeunt")
	build := exec.Command("go", "build", "-o", binary, "exeunt/cmd/exeunt")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build exeunt: %w\n%s", err, out)
	}
	return m.Run(), nil
}
