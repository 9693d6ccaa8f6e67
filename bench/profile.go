package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// profiled runs fn and gives where this process spent its processor time meanwhile.
func (e *env) profiled(ctx context.Context, name string, fn func() error) (string, error) {
	file := filepath.Join(e.dir, name+".pprof")
	if err := recordProfile(file, fn); err != nil {
		return "", err
	}
	return topOf(ctx, file)
}

func recordProfile(file string, fn func() error) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("make profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return fmt.Errorf("begin profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	return fn()
}

// topOf gives the functions of a profile in which most of the time was spent by themselves, and ours with what they call.
func topOf(ctx context.Context, file string) (string, error) {
	var parts []string
	for _, which := range [][]string{{"-flat", "-nodecount=10"}, {"-cum", "-nodecount=14", `-show=exeunt/|database/sql\.\(\*(DB|Tx|Rows)\)|^crypto|^syscall`}} {
		args := append(append([]string{"tool", "pprof", "-top"}, which...), file)
		out, err := exec.CommandContext(ctx, "go", args...).Output()
		if err != nil {
			return "", fmt.Errorf("read profile: %w", err)
		}
		text := string(out)
		if i := strings.Index(text, "      flat"); i >= 0 {
			text = text[i:]
		}
		parts = append(parts, strings.TrimRight(text, "\n"))
	}
	return strings.Join(parts, "\n\n"), nil
}
