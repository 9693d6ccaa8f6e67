package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const farewellColumns = `f.id, f.scope, f.words, f.links, f.redirect, case when f.shown_at is null then 0 else 1 end, coalesce(f.until_at, 0)`

// readFarewell gives the one farewell of a query; NotFound for none.
func (s store) readFarewell(ctx context.Context, query string, args ...any) (f Farewell, err error) {
	var links string
	var redirect, shown, until int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select `+farewellColumns+query, args...).Scan((*int64)(&f.ID), &f.Scope, &f.Words, &links, &redirect, &shown, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return f, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return f, fmt.Errorf("read farewell: %w", err)
	}
	f.Links, f.Redirect, f.Shown, f.Until = strings.Fields(links), redirect == 1, shown == 1, timeOf(until)
	return f, nil
}

// farewell gives what an account has left for a scope.
func (s store) farewell(ctx context.Context, account who.ID, scope string) (Farewell, error) {
	return s.readFarewell(ctx, ` from farewells f where f.account_id = $1 and f.scope = $2`, int64(account), scope)
}

// farewellUnder gives what is shown under a name's hash; whole asks for what was left for the whole account alone.
func (s store) farewellUnder(ctx context.Context, hash string, whole bool, now time.Time) (Farewell, error) {
	scope := ``
	if whole {
		scope = ` and f.scope = ''`
	}
	return s.readFarewell(ctx, ` from farewells f where f.hash = $1 and f.shown_at is not null and f.until_at > $2`+scope+` order by f.scope desc, f.id desc limit 1`, hash, db.Ms(now))
}

// farewellOfVideo gives what is shown at a video's address: of one that is erased, or whose owner is leaving. What others could not open keeps to itself.
func (s store) farewellOfVideo(ctx context.Context, id who.ID, now time.Time) (Farewell, error) {
	return s.readFarewell(ctx, ` from farewells f where f.shown_at is not null and f.until_at > $2 and (
		f.id in (select v.farewell_id from farewell_videos v where v.video_id = $1)
		or f.account_id in (select p.account_id from videos p where p.id = $1 and p.state = 'live' and p.audience in ('public', 'unlisted')))
		order by f.scope desc, f.id desc limit 1`, int64(id), db.Ms(now))
}

// putFarewell keeps what an account leaves, in the place of what it left for the scope before.
func (s store) putFarewell(ctx context.Context, pass service.Pass, account who.ID, f Farewell) error {
	if err := s.dropFarewell(ctx, pass, account, f.Scope); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `insert into farewells (id, account_id, scope, words, links, redirect, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		int64(f.ID), int64(account), f.Scope, f.Words, strings.Join(f.Links, "\n"), flag(f.Redirect), db.Ms(pass.At)); err != nil {
		return fmt.Errorf("store farewell: %w", err)
	}
	return nil
}

// dropFarewell takes away what an account has left for a scope.
func (s store) dropFarewell(ctx context.Context, pass service.Pass, account who.ID, scope string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from farewell_videos where farewell_id in (select id from farewells where account_id = $1 and scope = $2)`, int64(account), scope); err != nil {
		return fmt.Errorf("delete a farewell's addresses: %w", err)
	}
	if _, err := s.db.Exec(ctx, `delete from farewells where account_id = $1 and scope = $2`, int64(account), scope); err != nil {
		return fmt.Errorf("delete farewell: %w", err)
	}
	return nil
}

// leftBy reports whether something stands that was left with a run.
func (s store) leftBy(ctx context.Context, run string) (bool, error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from farewells where run = $1 and run <> ''`, run).Scan(&n); err != nil {
		return false, fmt.Errorf("look for farewell: %w", err)
	}
	return n > 0, nil
}

// sweepFarewells removes what has come to its end.
func (s store) sweepFarewells(ctx context.Context, now time.Time, limit int) (int64, error) {
	const over = `(select id from farewells where until_at is not null and until_at <= $1 order by until_at, id limit $2)`
	if _, err := s.db.Exec(ctx, `delete from farewell_videos where farewell_id in `+over, db.Ms(now), limit); err != nil {
		return 0, fmt.Errorf("sweep farewells' addresses: %w", err)
	}
	n, err := s.db.Exec(ctx, `delete from farewells where id in `+over, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep farewells: %w", err)
	}
	return n, nil
}
