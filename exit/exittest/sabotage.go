package exittest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"exeunt/exit/exitsql"
)

// SkipEveryTenth makes a table silently keep each row whose key ends in 0 from deletes and updates,
// by a trigger: the [Fixture]'s Sabotage for holders on SQL. Names go into SQL as they are.
func SkipEveryTenth(ctx context.Context, db *sql.DB, d exitsql.Dialect, table, key string) error {
	text := `create trigger NAME before VERB on TABLE for each row when old.KEY % 10 = 0 begin select raise(ignore); end`
	if d == exitsql.PostgreSQL {
		text = `create function NAME() returns trigger language plpgsql as 'begin return null; end';
			create trigger NAME before VERB on TABLE for each row when (old.KEY % 10 = 0) execute function NAME()`
	}
	for _, verb := range []string{"delete", "update"} {
		statement := strings.NewReplacer("NAME", "skip_"+table+"_"+verb, "VERB", verb, "TABLE", table, "KEY", key).Replace(text)
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("have %s skip rows: %w", table, err)
		}
	}
	return nil
}
