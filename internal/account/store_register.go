package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func (s store) addApplication(ctx context.Context, p service.Pass, account who.ID, about string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into applications (account_id, text, created_at) values ($1, $2, $3) on conflict do nothing`, int64(account), about, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store application: %w", err)
	}
	return nil
}

// application gives what an account that waits said of itself; ok is false if it does not wait.
func (s store) application(ctx context.Context, account who.ID) (about string, ok bool, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select text from applications where account_id = $1`, int64(account)).Scan(&about)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read application: %w", err)
	}
	return about, true, nil
}

// dropApplication ends the waiting; ok is false if the account did not wait.
func (s store) dropApplication(ctx context.Context, p service.Pass, account who.ID) (ok bool, err error) {
	if !p.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from applications where account_id = $1`, int64(account))
	if err != nil {
		return false, fmt.Errorf("end application: %w", err)
	}
	return n == 1, nil
}

// applications gives accounts that wait, the longest first, after one of them. Those that are leaving ask for nothing any more.
func (s store) applications(ctx context.Context, after Application, limit int) ([]Application, error) {
	from := db.Ms(after.Asked)
	if after.ID == 0 {
		from = -1
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+accountColumns+`, w.text, w.created_at from applications w join accounts a on a.id = w.account_id
		left join profiles f on f.account_id = a.id where (w.created_at > $1 or w.created_at = $1 and w.account_id > $2) and a.state = $3
		order by w.created_at, w.account_id limit $4`, from, int64(after.ID), string(who.Active), limit)
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (Application, error) {
		var x Application
		var asked int64
		var err error
		x.Account, err = scanAccount(r, &x.About, &asked)
		x.Asked = db.Time(asked)
		return x, err
	})
}

func (s store) addSignUpLink(ctx context.Context, l SignUpLinkView, hash string) error {
	if _, err := s.db.Exec(ctx, `insert into sign_up_links (id, hash, note, created_at, expires_at) values ($1, $2, $3, $4, $5)`,
		int64(l.ID), hash, l.Note, db.Ms(l.Created), db.Ms(l.Expires)); err != nil {
		return fmt.Errorf("store sign-up link: %w", err)
	}
	return nil
}

// signUpLink reports whether a link can be used.
func (s store) signUpLink(ctx context.Context, hash string, machine time.Time) (ok bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from sign_up_links where hash = $1 and expires_at > $2`, hash, db.Ms(machine)).Scan(&n); err != nil {
		return false, fmt.Errorf("read sign-up link: %w", err)
	}
	return n > 0, nil
}

// useSignUpLink uses a link up; ok is false if it cannot be used any more.
func (s store) useSignUpLink(ctx context.Context, hash string, machine time.Time) (ok bool, err error) {
	n, err := s.db.Exec(ctx, `delete from sign_up_links where hash = $1 and expires_at > $2`, hash, db.Ms(machine))
	if err != nil {
		return false, fmt.Errorf("use sign-up link: %w", err)
	}
	return n == 1, nil
}

func (s store) signUpLinks(ctx context.Context, before who.ID, machine time.Time, limit int) ([]SignUpLinkView, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, note, created_at, expires_at from sign_up_links where id < $1 and expires_at > $2 order by id desc limit $3`,
		int64(before), db.Ms(machine), limit)
	if err != nil {
		return nil, fmt.Errorf("list sign-up links: %w", err)
	}
	return db.Scan(rows, func(r db.Row) (SignUpLinkView, error) {
		var l SignUpLinkView
		var created, expires int64
		err := r.Scan((*int64)(&l.ID), &l.Note, &created, &expires)
		l.Created, l.Expires = db.Time(created), db.Time(expires)
		return l, err
	})
}

func (s store) dropSignUpLink(ctx context.Context, id who.ID) error {
	if _, err := s.db.Exec(ctx, `delete from sign_up_links where id = $1`, int64(id)); err != nil {
		return fmt.Errorf("take sign-up link back: %w", err)
	}
	return nil
}

// sweepSignUpLinks removes up to limit links that have expired.
func (s store) sweepSignUpLinks(ctx context.Context, machine time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `delete from sign_up_links where id in (select id from sign_up_links where expires_at <= $1 limit $2)`, db.Ms(machine), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep sign-up links: %w", err)
	}
	return n, nil
}
