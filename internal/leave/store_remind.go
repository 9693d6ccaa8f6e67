package leave

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
)

// duePlan is the plan of an open closing that has a step due soon.
type duePlan struct {
	run     string
	subject exit.Subject
	plan    exit.Plan
}

// duePlans gives at most n open closings of accounts with a step due after one instant and no later than another, by run, from after
// a run on: it costs what is due, not what waits.
func (l *Room) duePlans(ctx context.Context, from, to time.Time, after string, n int) ([]duePlan, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select r.id, r.subject, r.plan from exit_runs r
		where r.id in (select s.run from exit_steps s where s.state = 'waiting' and s.open = 0 and s.due > $1 and s.due <= $2)
			and r.journey = 'close' and r.state in ('open', 'running') and r.subject like 'account:%' and r.id > $3 order by r.id limit $4`,
		db.Ms(from), db.Ms(to), after, n)
	if err != nil {
		return nil, fmt.Errorf("read closings that end soon: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (duePlan, error) {
		var p duePlan
		var subject, plan string
		if err := r.Scan(&p.run, &subject, &plan); err != nil {
			return p, err
		}
		if err := json.Unmarshal([]byte(plan), &p.plan); err != nil {
			return p, fmt.Errorf("read plan of %s: %w", p.run, err)
		}
		var err error
		p.subject, err = exit.ParseSubject(subject)
		return p, err
	})
}
