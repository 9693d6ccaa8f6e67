package service

import (
	"context"
	"fmt"

	"exeunt/exit"
)

// Ends reports that entrances to a service and reasons that hold in it go with it as a whole.
func (k *Desk) Ends(class string) bool { return class == "entrances" || class == "standing" }

// inEnding gives the table of a class, its key, and the condition of the rows that go with a service or a place of one ("circle", "circle:7") as argument $1. With the install
// all have gone with their accounts.
func inEnding(t exit.Task) (table, key, where string, arg any) {
	part := t.Subject.Part()
	switch {
	case part == "":
		return "", "", "", nil
	case t.Class == "standing" && t.Subject.Kind == exit.SubjectPlace:
		return "reasons", "account_id, what, scope, reason", `scope = $1`, part
	case t.Class == "standing":
		return "reasons", "account_id, what, scope, reason", `(scope = $1 or substr(scope, 1, length($1) + 1) = $1 || ':')`, part
	case t.Subject.Kind == exit.SubjectPlace:
		return "", "", "", nil // an entrance is to the service
	}
	return "entrances", "account_id, service", `service = $1`, part
}

func (k *Desk) eraseIn(ctx context.Context, t exit.Task) (exit.Progress, error) {
	table, key, where, arg := inEnding(t)
	if table == "" {
		return exit.Progress{Done: true}, nil
	}
	n, err := k.db.Exec(ctx, `delete from `+table+` where (`+key+`) in (select `+key+` from `+table+` where `+where+` limit $2)`, arg, t.Limit)
	if err != nil {
		return exit.Progress{}, fmt.Errorf("erase %s: %w", table, err)
	}
	return exit.Progress{Items: n, Done: n < int64(t.Limit)}, nil
}

func (k *Desk) verifyIn(ctx context.Context, t exit.Task) (left exit.Residue, err error) {
	table, _, where, arg := inEnding(t)
	if table == "" {
		return left, nil
	}
	if err := k.db.Q(ctx).QueryRowContext(ctx, `select count(*) from `+table+` where `+where, arg).Scan(&left.Left); err != nil {
		return left, fmt.Errorf("count %s: %w", table, err)
	}
	return left, nil
}

var _ exit.Ender = (*Desk)(nil)
