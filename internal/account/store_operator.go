package account

import (
	"context"
	"fmt"
	"strings"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// listedColumns are those of an account with its open runs, 99 at most, and whether it waits.
const listedColumns = accountColumns + `, (select count(*) from (select 1 from exit_runs x where x.subject = 'account:' || a.id and x.subject <> '' and x.state in ('open', 'running') limit 99) o),
	case when exists (select 1 from applications w where w.account_id = a.id) then 1 else 0 end`

func scanListed(r db.Row) (Listed, error) {
	var x Listed
	var waiting int64
	var err error
	x.Account, err = scanAccount(r, &x.Runs, &waiting)
	x.Waiting = waiting == 1
	return x, err
}

// escapeLike has a text mean itself in a pattern of "like … escape '!'".
var escapeLike = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// list gives accounts whose name has a part, newest first, older than one of them (zero: all).
func (s store) list(ctx context.Context, part string, after Account, limit int) ([]Listed, error) {
	from := after.Created
	if after.ID == 0 {
		from = newest
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+listedColumns+` from accounts a left join profiles f on f.account_id = a.id
		where a.name_key like $1 escape '!' and (a.created_at < $2 or a.created_at = $2 and a.id < $3) order by a.created_at desc, a.id desc limit $4`,
		"%"+escapeLike.Replace(part)+"%", db.Ms(from), int64(after.ID), limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return db.Scan(rows, scanListed)
}

// listed gives one account; NotFound if there is none.
func (s store) listed(ctx context.Context, id who.ID) (Listed, error) {
	x, err := scanListed(s.db.Q(ctx).QueryRowContext(ctx, `select `+listedColumns+` from accounts a left join profiles f on f.account_id = a.id where a.id = $1`, int64(id)))
	if err = accountErr(err); exit.KindOf(err) == exit.NotFound {
		return x, errNoAccount()
	}
	return x, err
}
