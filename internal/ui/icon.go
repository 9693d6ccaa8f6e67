package ui

import (
	"context"
	"html"
	"io"

	"github.com/a-h/templ"
)

// Icon draws the named Lucide icon at 20 px beside a word; it has no name of
// its own for a screen reader. The file must stand under assets/icons.
func Icon(name string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<svg class="icon" aria-hidden="true"><use href="`+
			AssetURL("icons.svg")+"#"+html.EscapeString(name)+`"/></svg>`)
		return err
	})
}

// HasIcon reports whether an icon of that name is part of the sprite; services
// give their icons as data and are checked with it when they are registered.
func HasIcon(name string) bool { return iconShapes[name] != "" }
