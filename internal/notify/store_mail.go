package notify

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

// bind stores an address that is still to be proven, in place of the one that was there.
func (s store) bind(ctx context.Context, p service.Pass, a address, hash string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	_, err := s.db.Exec(ctx, `insert into notice_addresses (id, account_id, address, hash, expires_at, created_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (account_id) do update set id = excluded.id, address = excluded.address, hash = excluded.hash, expires_at = excluded.expires_at, proven_at = null,
			created_at = excluded.created_at`, int64(a.id), int64(a.account), a.text, hash, db.Ms(a.expires), db.Ms(p.At))
	if err != nil {
		return fmt.Errorf("store address: %w", err)
	}
	return nil
}

func (s store) unbind(ctx context.Context, p service.Pass, account who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from notice_addresses where account_id = $1`, int64(account)); err != nil {
		return fmt.Errorf("erase address: %w", err)
	}
	return nil
}

func (s store) setHash(ctx context.Context, p service.Pass, id who.ID, hash string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update notice_addresses set hash = $1 where id = $2 and proven_at is null`, hash, int64(id)); err != nil {
		return fmt.Errorf("store proof of address: %w", err)
	}
	return nil
}

func (s store) prove(ctx context.Context, p service.Pass, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update notice_addresses set proven_at = $1, expires_at = null where id = $2`, db.Ms(p.At), int64(id)); err != nil {
		return fmt.Errorf("store proof of address: %w", err)
	}
	return nil
}

// byHash gives the address that a secret of the hash proves.
func (s store) byHash(ctx context.Context, hash string) (address, bool, error) {
	return s.address(ctx, `hash = $1`, hash)
}

func (s store) byID(ctx context.Context, id who.ID) (address, bool, error) {
	return s.address(ctx, `id = $1`, int64(id))
}

func (s store) addressOf(ctx context.Context, account who.ID) (address, bool, error) {
	return s.address(ctx, `account_id = $1`, int64(account))
}

func (s store) address(ctx context.Context, where string, arg any) (address, bool, error) {
	var a address
	var expires, proven sql.NullInt64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select id, account_id, address, expires_at, proven_at from notice_addresses where `+where, arg).
		Scan((*int64)(&a.id), (*int64)(&a.account), &a.text, &expires, &proven)
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("read address: %w", err)
	}
	if a.proven = proven.Valid; !a.proven {
		a.expires = db.Time(expires.Int64)
	}
	return a, true, nil
}

// toMail gives a notice about which an e-mail is still due: not seen, not taken back, for its account to see, and the first
// unseen one about its thing.
func (s store) toMail(ctx context.Context, id who.ID, now time.Time) (row, bool, error) {
	x, err := scanRow(s.db.Q(ctx).QueryRowContext(ctx, `select `+columns+` from notices n where n.id = $1 and n.seen = 0 and n.mailed = 0 and `+shown("$2")+`
		and not exists (select 1 from notices o where o.account_id = n.account_id and o.seen = 0 and o.mailed = 1 and o.kind = n.kind and o.ref_kind = n.ref_kind and o.ref_id = n.ref_id)`,
		int64(id), db.Ms(now)))
	if errors.Is(err, sql.ErrNoRows) {
		return x, false, nil
	}
	if err != nil {
		return x, false, fmt.Errorf("read notice: %w", err)
	}
	return x, true, nil
}

func (s store) mailed(ctx context.Context, p service.Pass, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update notices set mailed = 1 where id = $1`, int64(id)); err != nil {
		return fmt.Errorf("mark notice: %w", err)
	}
	return nil
}

// language gives the language of an account's settings, "" where it chose none.
func (s store) language(ctx context.Context, account who.ID) (lang string, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(max(language), '') from settings where account_id = $1`, int64(account)).Scan(&lang); err != nil {
		return "", fmt.Errorf("read language: %w", err)
	}
	return lang, nil
}
