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

const farewellColumns = `f.id, f.scope, f.words, f.links, f.redirect, f.created_at, case when f.shown_at is null then 0 else 1 end, coalesce(f.until_at, 0), f.offered`

// readFarewell gives the one farewell of a query; NotFound for none.
func (s store) readFarewell(ctx context.Context, query string, args ...any) (f Farewell, err error) {
	var links string
	var redirect, at, shown, until, offered int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select `+farewellColumns+query, args...).Scan((*int64)(&f.ID), &f.Scope, &f.Words, &links, &redirect, &at, &shown, &until, &offered)
	if errors.Is(err, sql.ErrNoRows) {
		return f, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return f, fmt.Errorf("read farewell: %w", err)
	}
	f.Links, f.Redirect, f.At, f.Shown, f.Until, f.Offered = strings.Fields(links), redirect == 1, db.Time(at), shown == 1, db.TimeIf(until), offered == 1
	return f, nil
}

// farewell gives what an account has left for a scope.
func (s store) farewell(ctx context.Context, account who.ID, scope string) (Farewell, error) {
	return s.readFarewell(ctx, ` from farewells f where f.account_id = $1 and f.scope = $2`, int64(account), scope)
}

// standing is a condition on farewells (f) that are read in somebody's place at an instant ($2): they are shown, or what they were left for has stopped.
const standing = `(f.shown_at is not null and f.until_at > $2 or f.shown_at is null and exists (select 1 from shut z where z.scope = '' or z.scope = f.scope))`

// farewellUnder gives what is shown under a name's hash; whole asks for what was left for the whole account alone.
func (s store) farewellUnder(ctx context.Context, hash string, whole bool, now time.Time) (Farewell, error) {
	scope := ``
	if whole {
		scope = ` and f.scope = ''`
	}
	return s.readFarewell(ctx, ` from farewells f where f.hash = $1 and f.hash <> '' and `+standing+scope+` order by f.scope desc, f.id desc limit 1`, hash, db.Ms(now))
}

// farewellOfVideo gives what is shown at a video's address: of one that is erased, or whose owner is leaving. What others could not open keeps to itself.
func (s store) farewellOfVideo(ctx context.Context, id who.ID, now time.Time) (Farewell, error) {
	return s.readFarewell(ctx, ` from farewells f where `+standing+` and (
		f.id in (select v.farewell_id from farewell_videos v where v.video_id = $1)
		or f.account_id in (select p.account_id from videos p where p.id = $1 and p.state = 'live' and p.audience in ('public', 'unlisted')))
		order by f.scope desc, f.id desc limit 1`, int64(id), db.Ms(now))
}

// farewellOfCollection gives what is shown at a collection's address.
func (s store) farewellOfCollection(ctx context.Context, id who.ID, now time.Time) (Farewell, error) {
	return s.readFarewell(ctx, ` from farewells f where `+standing+` and (
		f.id in (select v.farewell_id from farewell_collections v where v.collection_id = $1) or f.account_id in (select p.account_id from collections p where p.id = $1))
		order by f.scope desc, f.id desc limit 1`, int64(id), db.Ms(now))
}

// addresses are the tables of the addresses at which farewells are shown.
var addresses = []string{"farewell_videos", "farewell_collections"}

// dropAddresses forgets at which addresses the farewells of a select are shown.
func (s store) dropAddresses(ctx context.Context, farewells string, args ...any) error {
	for _, table := range addresses {
		if _, err := s.db.Exec(ctx, `delete from `+table+` where farewell_id in (`+farewells+`)`, args...); err != nil {
			return fmt.Errorf("delete a farewell's addresses: %w", err)
		}
	}
	return nil
}

// putFarewell keeps what an account leaves, in the place of what it left for the scope before, under the hash of its name.
func (s store) putFarewell(ctx context.Context, pass service.Pass, account who.ID, f Farewell, hash string) error {
	if err := s.dropFarewell(ctx, pass, account, f.Scope); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `insert into farewells (id, account_id, scope, words, links, redirect, created_at, hash, offered) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		int64(f.ID), int64(account), f.Scope, f.Words, strings.Join(f.Links, "\n"), flag(f.Redirect), db.Ms(pass.At), hash, flag(f.Offered)); err != nil {
		return fmt.Errorf("store farewell: %w", err)
	}
	return nil
}

// offerMove notes that the followers were told.
func (s store) offerMove(ctx context.Context, pass service.Pass, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update farewells set offered = 1 where id = $1`, int64(id)); err != nil {
		return fmt.Errorf("note that followers are told: %w", err)
	}
	return nil
}

// dropFarewell takes away what an account has left for a scope.
func (s store) dropFarewell(ctx context.Context, pass service.Pass, account who.ID, scope string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if err := s.dropAddresses(ctx, `select id from farewells where account_id = $1 and scope = $2`, int64(account), scope); err != nil {
		return err
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
	const over = `select id from farewells where until_at is not null and until_at <= $1 order by until_at, id limit $2`
	if err := s.dropAddresses(ctx, over, db.Ms(now), limit); err != nil {
		return 0, err
	}
	n, err := s.db.Exec(ctx, `delete from farewells where id in (`+over+`)`, db.Ms(now), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep farewells: %w", err)
	}
	return n, nil
}
