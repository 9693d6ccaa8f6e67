package leave

import (
	"context"
	"fmt"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// RunLine is a run in a list: ids and states, nobody's words.
type RunLine struct {
	ID      string
	Subject exit.Subject // empty once its account is gone
	Journey exit.Journey
	State   exit.RunState
	By      string
	Agreed  time.Time
	Ended   time.Time // zero while it goes on
	Stuck   int       // steps
}

// runFields are the columns that scanLine reads.
const runFields = `r.id, r.subject, r.part, r.journey, r.state, r.agreed_by, r.agreed, r.ended,
	(select count(*) from exit_steps s where s.run = r.id and s.state = 'stuck')`

func scanLine(r db.Row) (l RunLine, err error) {
	var subject, part string
	var agreed, ended int64
	if err = r.Scan(&l.ID, &subject, &part, &l.Journey, &l.State, &l.By, &agreed, &ended, &l.Stuck); err != nil {
		return l, err
	}
	if l.Subject, err = exit.ParseSubject(subject); err != nil {
		return l, err
	}
	l.Subject.In, l.Agreed = part, db.Time(agreed)
	if ended > 0 {
		l.Ended = db.Time(ended)
	}
	return l, nil
}

// Past gives the newest runs of an account that have ended and that a person would look for: no
// entrances, at most n.
func (l *Room) Past(ctx context.Context, account who.ID, n int) ([]RunLine, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select `+runFields+` from exit_runs r
		where r.subject = $1 and r.subject <> '' and r.state in ('sealed', 'cancelled', 'returned') and r.journey in ('close', 'hibernate', 'take-along')
		order by r.agreed desc, r.id desc limit $2`, SubjectOf(account, "").String(), n)
	if err != nil {
		return nil, fmt.Errorf("read past runs: %w", err)
	}
	return db.Scan(rows, scanLine)
}

// OpenRuns gives open runs of all accounts, newest first, those after the key (the last one's instant and id) alone.
func (l *Room) OpenRuns(ctx context.Context, before time.Time, id string, n int) ([]RunLine, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select `+runFields+` from exit_runs r
		where r.state in ('open', 'running') and (r.agreed < $1 or r.agreed = $1 and r.id < $2)
		order by r.agreed desc, r.id desc limit $3`, db.Ms(before), id, n)
	if err != nil {
		return nil, fmt.Errorf("read open runs: %w", err)
	}
	return db.Scan(rows, scanLine)
}

// StuckStep is a step that needs the operator.
type StuckStep struct {
	Run      string
	Seq      int
	Key      string
	Class    string // "holder.class", "" for none
	Attempts int
	Problem  string // the key of a sentence
	Due      time.Time
}

// Stuck gives steps that are stuck, by run and place, those after the key alone.
func (l *Room) Stuck(ctx context.Context, run string, seq, n int) ([]StuckStep, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select run, seq, step_key, holder, class, attempts, problem, due from exit_steps
		where state = 'stuck' and (run > $1 or run = $1 and seq > $2) order by run, seq limit $3`, run, seq, n)
	if err != nil {
		return nil, fmt.Errorf("read stuck steps: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (s StuckStep, err error) {
		var holder, class string
		var due int64
		err = r.Scan(&s.Run, &s.Seq, &s.Key, &holder, &class, &s.Attempts, &s.Problem, &due)
		s.Due = db.Time(due)
		if class != "" {
			s.Class = holder + "." + class
		}
		return s, err
	})
}

// Retry has a stuck step tried again from where it is. NotFound if there is no such step, Conflict
// if it is not stuck any more.
func (l *Room) Retry(ctx context.Context, run, step string) error {
	return l.DB.Update(ctx, func(ctx context.Context) error {
		r, steps, err := l.DB.Runs.Load(ctx, run)
		if err != nil {
			return fmt.Errorf("read run: %w", err)
		}
		for _, s := range steps {
			if s.Key != step {
				continue
			}
			if s.State != exit.StepStuck {
				return exit.Fail(exit.Conflict, "leave.error.not_stuck")
			}
			now, err := l.DB.Now(ctx)
			if err != nil {
				return err
			}
			if err := l.DB.Runs.Alter(ctx, run, r.Version, exit.Alteration{Now: now, DueNow: []string{step}}); err != nil {
				return fmt.Errorf("try step again: %w", err)
			}
			return nil
		}
		return exit.Fail(exit.NotFound, "error.not_found")
	})
}

// subjectsAtGates gives the accounts whose open runs wait at a gate of a person's, at most a hundred.
func (l *Room) subjectsAtGates(ctx context.Context, person exit.Subject) ([]exit.Subject, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select distinct r.subject from exit_steps s join exit_runs r on r.id = s.run
		where s.subject = $1 and s.subject <> '' and s.act = 'gate' and s.state = 'waiting' and r.state in ('open', 'running') and r.subject <> '' order by r.subject limit 100`, person.String())
	if err != nil {
		return nil, fmt.Errorf("read runs at gates: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (exit.Subject, error) {
		var subject string
		if err := r.Scan(&subject); err != nil {
			return exit.Subject{}, err
		}
		return exit.ParseSubject(subject)
	})
}
