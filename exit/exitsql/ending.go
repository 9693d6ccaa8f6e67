package exitsql

import (
	"context"

	"exeunt/exit"
)

// Ending is a holder's tables with those of what goes as a whole when a service, a place or the install ends. A holder that embeds it in the place of
// [Tables] is an [exit.Ender].
type Ending struct {
	Tables
	// All are the tables of the classes of which something may belong to nobody. They are erased without looking for owners: of [Table].Owner, Detach, Held
	// and Stays nothing holds.
	All Tables
}

// Ends reports whether the class is erased as a whole when something ends.
func (e Ending) Ends(class string) bool { return len(e.All[class]) > 0 }

func (e Ending) of(s exit.Subject) Tables {
	if s.Ending() {
		return e.All
	}
	return e.Tables
}

// Erase does one chunk of a class, of one subject or of all that is in what ends.
func (e Ending) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	return e.of(t.Subject).Erase(ctx, t)
}

// Verify counts what is left of a class, of one subject or of all that is in what ends.
func (e Ending) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	return e.of(t.Subject).Verify(ctx, t)
}

// Whole gives tables as [Ending].All takes them: nothing of their rows stays for the sake of others' items.
func Whole(tables ...Table) []Table {
	out := make([]Table, len(tables))
	for i, t := range tables {
		t.Stays, t.StaysAs = "", ""
		out[i] = t
	}
	return out
}

// ending gives the rows of everybody and of nobody in what ends.
func (t Table) ending(a *list, s exit.Subject) (string, error) {
	where := `1 = 1`
	if t.Where != "" {
		where = `(` + t.Where + `)`
	}
	in := exit.Account("").Within(s.Part())
	switch {
	case in.In == "":
		return where, nil
	case t.Scope == nil && t.Service != "" && in.Place() == "":
		// Chunks go by the key. An index on the service would be read and sorted whole for each of them: the empty text keeps databases from it.
		return where + ` and ` + t.Service + ` || '' = ` + a.add(in.Service()), nil
	}
	return t.narrow(a, in, where)
}
