// Package ui is how Exeunt looks and speaks: the page layout, the pieces that
// many pages share, the calendar of a plan, the two languages and the files a
// browser loads. It knows nothing of rooms and services: it is handed plain
// view structs and draws them. README.md beside this file is the one-page guide.
package ui

//go:generate go tool templ generate
