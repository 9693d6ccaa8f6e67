package db

import (
	"fmt"
	"strings"
)

// Values builds what stands behind "values" in an insert of many rows, with its arguments from $1 on.
type Values struct {
	Args []any // none: no row was added
	text strings.Builder
}

// Add adds a row.
func (v *Values) Add(row ...any) {
	sep := "("
	if len(v.Args) > 0 {
		sep = ", ("
	}
	for _, x := range row {
		v.Args = append(v.Args, x)
		fmt.Fprintf(&v.text, "%s$%d", sep, len(v.Args))
		sep = ", "
	}
	v.text.WriteByte(')')
}

// String is the text.
func (v *Values) String() string { return v.text.String() }
