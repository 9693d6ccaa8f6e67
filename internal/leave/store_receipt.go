package leave

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// addReceipt stores the receipt of a step, which is not in the log yet.
func (l *Room) addReceipt(ctx context.Context, id who.ID, run, step, body string, leaf tlog.Hash) error {
	if _, err := l.DB.Exec(ctx, `insert into receipts (id, run, step, body, leaf) values ($1, $2, $3, $4, $5)`, int64(id), run, step, body, leaf[:]); err != nil {
		return fmt.Errorf("store receipt: %w", err)
	}
	return nil
}

// restoreReceipt stores a receipt that is in the log, or gives its number to one that was saved before it had one.
func (l *Room) restoreReceipt(ctx context.Context, run, step, body string, leaf []byte, index int64) error {
	n, err := l.DB.Exec(ctx, `update receipts set idx = $1 where run = $2 and step = $3 and leaf = $4`, index, run, step, leaf)
	if err != nil {
		return fmt.Errorf("number receipt: %w", err)
	}
	if n > 0 {
		return nil
	}
	if _, err := l.DB.Exec(ctx, `insert into receipts (id, run, step, body, leaf, idx) values ($1, $2, $3, $4, $5, $6)`,
		int64(l.DB.IDs.Next()), run, step, body, leaf, index); err != nil {
		return fmt.Errorf("store receipt: %w", err)
	}
	return nil
}

// unlogged gives the oldest receipts that are not in the log yet, at most so many, with their leaves.
func (l *Room) unlogged(ctx context.Context, limit int) (ids []who.ID, leaves []tlog.Hash, err error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select id, leaf from receipts where idx is null order by id limit $1`, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("read receipts: %w", err)
	}
	ids, err = db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		var leaf []byte
		var h tlog.Hash
		err := r.Scan(&id, &leaf)
		copy(h[:], leaf)
		leaves = append(leaves, h)
		return who.ID(id), err
	})
	return ids, leaves, err
}

// numberReceipts gives receipts their numbers in the log, in the order of their ids, from the first on.
func (l *Room) numberReceipts(ctx context.Context, first int64, ids []who.ID) error {
	list, args := service.In(2, ids)
	if _, err := l.DB.Exec(ctx, `update receipts set idx = $1 + (select count(*) from receipts o where o.id < receipts.id and o.id in (`+list+`))
		where id in (`+list+`)`, append([]any{first}, args...)...); err != nil {
		return fmt.Errorf("number receipts: %w", err)
	}
	return nil
}

// receiptsOf gives the receipts of a run that are in the log, without their salt.
func (l *Room) receiptsOf(ctx context.Context, run string) ([]ledger.Entry, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select body, idx from receipts where run = $1 and idx is not null order by idx limit 10000`, run)
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (e ledger.Entry, err error) {
		var body string
		if err := r.Scan(&body, &e.Index); err != nil {
			return e, err
		}
		_, text, _ := strings.Cut(body, "\n")
		return e, json.Unmarshal([]byte(text), &e.Receipt)
	})
}

// endedHolds gives the receipts, with their salts, of the holds that have ended and that no certificate has taken in.
func (l *Room) endedHolds(ctx context.Context, held exit.Subject) ([]ledger.Entry, error) {
	rows, err := l.DB.Q(ctx).QueryContext(ctx, `select c.body, c.idx, s.salt from exit_runs r join receipts c on c.run = r.id join run_salts s on s.run = r.id
		where r.subject = $1 and r.subject <> '' and r.state = 'sealed' and c.idx is not null order by c.idx limit 1000`, held.String())
	if err != nil {
		return nil, fmt.Errorf("read the ends of holds: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (e ledger.Entry, err error) {
		var body string
		var salt []byte
		if err := r.Scan(&body, &e.Index, &salt); err != nil {
			return e, err
		}
		copy(e.Salt[:], salt)
		_, text, _ := strings.Cut(body, "\n")
		return e, json.Unmarshal([]byte(text), &e.Receipt)
	})
}

// forgetHeldSalts deletes the salts of the runs that ended holds.
func (l *Room) forgetHeldSalts(ctx context.Context, held exit.Subject) error {
	_, err := l.DB.Exec(ctx, `delete from run_salts where run in (select id from exit_runs where subject = $1 and subject <> '' and state = 'sealed')`, held.String())
	if err != nil {
		return fmt.Errorf("forget salts: %w", err)
	}
	return nil
}

// saltOf gives the salt of a run's receipts; ok is false if it has none yet.
func (l *Room) saltOf(ctx context.Context, run string) (salt ledger.Salt, ok bool, err error) {
	var b []byte
	err = l.DB.Q(ctx).QueryRowContext(ctx, `select salt from run_salts where run = $1`, run).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return salt, false, nil
	}
	if err != nil {
		return salt, false, fmt.Errorf("read salt: %w", err)
	}
	copy(salt[:], b)
	return salt, true, nil
}

// addSalt stores a run's salt unless it has one.
func (l *Room) addSalt(ctx context.Context, run string, salt []byte) error {
	if _, err := l.DB.Exec(ctx, `insert into run_salts (run, salt) values ($1, $2) on conflict (run) do nothing`, run, salt); err != nil {
		return fmt.Errorf("store salt: %w", err)
	}
	return nil
}

// forgetSalt deletes a run's salt: from then on its leaves in the log tell nothing.
func (l *Room) forgetSalt(ctx context.Context, run string) error {
	if _, err := l.DB.Exec(ctx, `delete from run_salts where run = $1`, run); err != nil {
		return fmt.Errorf("forget salt: %w", err)
	}
	return nil
}

// addCertificate stores the certificate of a run; added is false if it has one.
func (l *Room) addCertificate(ctx context.Context, run, body string, at time.Time) (added bool, err error) {
	n, err := l.DB.Exec(ctx, `insert into certificates (run, body, created_at) values ($1, $2, $3) on conflict (run) do nothing`, run, body, db.Ms(at))
	if err != nil {
		return false, fmt.Errorf("store certificate: %w", err)
	}
	return n > 0, nil
}

// replaceCertificate stores the next version of a run's certificate; replaced is false if the one that it
// was made from is no longer there.
func (l *Room) replaceCertificate(ctx context.Context, run, from, to string) (replaced bool, err error) {
	n, err := l.DB.Exec(ctx, `update certificates set body = $1 where run = $2 and body = $3`, to, run, from)
	if err != nil {
		return false, fmt.Errorf("store certificate: %w", err)
	}
	return n > 0, nil
}

// Certificate gives the newest certificate of a run; NotFound until it is made.
func (l *Room) Certificate(ctx context.Context, run string) ([]byte, error) {
	var body string
	err := l.DB.Q(ctx).QueryRowContext(ctx, `select body from certificates where run = $1`, run).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, exit.Fail(exit.NotFound, "error.no_certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return []byte(body), nil
}

// dropCertificates forgets all certificates.
func (l *Room) dropCertificates(ctx context.Context) error {
	if _, err := l.DB.Exec(ctx, `delete from certificates`); err != nil {
		return fmt.Errorf("forget certificates: %w", err)
	}
	return nil
}
