// Package policies embeds the exit policies that come with the project. It imports
// nothing of ours: a policy is a file, and what reads it is exit.ParsePolicy.
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

// ByName gives the source of a policy by its file's name without ".yaml"; ok is false if there is none.
func ByName(name string) (src []byte, ok bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	src, err := files.ReadFile(name + ".yaml")
	return src, err == nil
}

// Names lists the policies, sorted.
func Names() []string {
	found, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic("policies: " + err.Error())
	}
	for i, f := range found {
		found[i] = strings.TrimSuffix(f, ".yaml")
	}
	return found
}
