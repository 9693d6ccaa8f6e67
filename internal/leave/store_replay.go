package leave

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"exeunt/exit"
	"exeunt/internal/db"
)

// known is what the database has of a run.
type known struct {
	state     exit.RunState
	certified bool
}

// knownRuns gives what the database has of the runs whose ids are the keys.
func (l *Room) knownRuns(ctx context.Context, ids map[string][]string) (map[string]known, error) {
	var marks []string
	var args []any
	for id := range ids {
		args = append(args, id)
		marks = append(marks, "$"+strconv.Itoa(len(args)))
	}
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select r.id, r.state, (select count(*) from certificates c where c.run = r.id) from exit_runs r
		where r.id in (`+strings.Join(marks, ",")+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	out := map[string]known{}
	_, err = db.Scan(rows, func(r db.Row) (id string, err error) {
		var k known
		var n int
		err = r.Scan(&id, (*string)(&k.state), &n)
		k.certified = n > 0
		out[id] = k
		return id, err
	})
	return out, err
}

// openRunsOfGone gives open runs whose account is gone, by id, those after the key alone, at most so many.
func (l *Room) openRunsOfGone(ctx context.Context, after string, limit int) ([]string, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select r.id from exit_runs r where r.state in ('open', 'running') and r.subject like 'account:%'
		and not exists (select 1 from accounts a where 'account:' || cast(a.id as text) = r.subject) and r.id > $1 order by r.id limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read runs of who is gone: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (id string, err error) { return id, r.Scan(&id) })
}
