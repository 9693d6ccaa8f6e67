package exittest

import (
	"context"
	"database/sql"
	"fmt"

	"exeunt/exit/exitsql"
)

// SkipEveryTenth makes a table silently keep each row whose key ends in 0 from deletes and updates,
// by a trigger: the [Fixture]'s Sabotage for holders on SQL. Names go into SQL as they are.
func SkipEveryTenth(ctx context.Context, db *sql.DB, d exitsql.Dialect, table, key string) error {
	for _, verb := range []string{"delete", "update"} {
		name := "skip_" + table + "_" + verb
		statement := fmt.Sprintf(`create trigger %s before %s on %s for each row when old.%s %% 10 = 0 begin select raise(ignore); end`, name, verb, table, key)
		if d == exitsql.PostgreSQL {
			statement = fmt.Sprintf(`create function %[1]s() returns trigger language plpgsql as 'begin return null; end';
				create trigger %[1]s before %[2]s on %[3]s for each row when (old.%[4]s %% 10 = 0) execute function %[1]s()`, name, verb, table, key)
		}
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("have %s skip rows: %w", table, err)
		}
	}
	return nil
}
