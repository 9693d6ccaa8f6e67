// Package policies embeds the exit policies and the calendars of sunsets that come with the project. It imports
// nothing of ours: each is a file, and what reads it is exit.ParsePolicy or exit.ParseSunset.
package policies

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Default gives the source of the policy that an install has without another one.
func Default() []byte {
	src, ok := ByName("default")
	if !ok {
		panic("policies: default.yaml is not embedded")
	}
	return src
}

// sunsetMark ends the names of files that are calendars of sunsets and no policies.
const sunsetMark = "-sunset"

// ByName gives the source of a policy by its file's name without ".yaml"; ok is false if there is none.
func ByName(name string) (src []byte, ok bool) {
	if strings.HasSuffix(name, sunsetMark) {
		return nil, false
	}
	return read(name)
}

// Names lists the policies, sorted.
func Names() []string { return list(false) }

// Sunset gives the source of a sunset's calendar by its file's name without "-sunset.yaml"; ok is false if there is none.
func Sunset(name string) (src []byte, ok bool) { return read(name + sunsetMark) }

// Sunsets lists the calendars of sunsets by the names that [Sunset] takes, sorted.
func Sunsets() []string { return list(true) }

func read(name string) (src []byte, ok bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	src, err := files.ReadFile(name + ".yaml")
	return src, err == nil
}

func list(sunsets bool) []string {
	found, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic("policies: " + err.Error())
	}
	var out []string
	for _, f := range found {
		name, is := strings.CutSuffix(strings.TrimSuffix(f, ".yaml"), sunsetMark)
		if is == sunsets {
			out = append(out, name)
		}
	}
	return out
}
