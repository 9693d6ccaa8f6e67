package account

import (
	"context"
	"fmt"

	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func scanFound(r db.Row) (Found, error) {
	var f Found
	var open int64
	var err error
	f.Account, err = scanAccount(r, &f.Bio, &open)
	f.Open = open == 1
	return f, err
}

// foundColumns are those of an account with its words and whether the account $1 may see it.
var foundColumns = accountColumns + `, coalesce(f.bio, ''), case when a.id = $1 or a.state <> 'gone' and ` + service.VisibleAccount("a.id") + ` and ` + service.Unblocked("$1", "a.id") + ` then 1 else 0 end`

// found gives those of the accounts that exist.
func (s store) found(ctx context.Context, viewer who.ID, ids []who.ID) ([]Found, error) {
	list, args := service.In(2, ids)
	return s.foundBy(ctx, `select `+foundColumns+` from accounts a left join profiles f on f.account_id = a.id where a.id in (`+list+`)`, append([]any{int64(viewer)}, args...)...)
}

// foundAbove gives accounts with an id above after, by id, not those whose profile is erased already. In a transaction their rows
// are kept from changing.
func (s store) foundAbove(ctx context.Context, after who.ID, limit int) ([]Found, error) {
	query := `select ` + foundColumns + ` from accounts a join profiles f on f.account_id = a.id where a.id > $2 and a.state <> 'gone' order by a.id limit $3`
	if _, ok := exitsql.Tx(ctx); ok && !s.db.SQLite() {
		query += ` for share of a`
	}
	return s.foundBy(ctx, query, int64(0), int64(after), limit)
}

func (s store) foundBy(ctx context.Context, query string, args ...any) ([]Found, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	out, err := db.Scan(rows, scanFound)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return out, nil
}
