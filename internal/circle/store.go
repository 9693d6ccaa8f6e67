package circle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of circles.
type store struct{ db *db.DB }

// columns of a circle (c) with its owner (o), a viewer's membership (m) and whether it is paused.
var columns = `c.id, c.name, c.intro, c.category, c.rules, c.question, c.join_mode, c.preview, c.found, c.approves, c.cover, c.avatar, c.state, c.members, c.created_at,
	coalesce(o.account_id, 0), case when o.account_id is null or ` + service.Visible("o.account_id", "'circle'", "c.id") + ` then 0 else 1 end,
	case when exists (select 1 from circle_pauses z where z.circle_id = c.id) then 1 else 0 end, case when c.withheld_at is null then 0 else 1 end,
	coalesce(m.id, 0), coalesce(m.role, ''), coalesce(m.state, ''), coalesce(m.created_at, 0), coalesce(m.named, 0), coalesce(m.seen_notice, 0)`

// joins of a circle with its owner and with the membership of the account $1.
const joins = ` left join circle_members o on o.circle_id = c.id and o.role = 'owner'
	left join circle_members m on m.circle_id = c.id and m.account_id = $1`

func scanCircle(r db.Row) (Mine, error) {
	var x Mine
	var created, since, veiled, paused, withheld, found, approves, named int64
	err := r.Scan((*int64)(&x.ID), &x.Name, &x.Intro, &x.Category, &x.Rules, &x.Question, (*string)(&x.Mode), (*string)(&x.Preview), &found, &approves,
		&x.Cover, &x.Avatar, (*string)(&x.Circle.State), &x.Members, &created, (*int64)(&x.Owner), &veiled, &paused, &withheld,
		(*int64)(&x.Row), (*string)(&x.Role), (*string)(&x.Membership.State), &since, &named, (*int64)(&x.Seen))
	x.Created, x.Veiled, x.Paused, x.Withheld, x.Unlisted, x.Approves, x.Named = db.Time(created), veiled == 1, paused == 1, withheld == 1, found == 0, approves == 1, named == 1
	if x.Row != 0 {
		x.Since = db.Time(since)
	}
	return x, err
}

// circle gives a circle with an account's place in it; NotFound if there is none.
func (s store) circle(ctx context.Context, id, account who.ID) (Circle, Membership, error) {
	x, err := scanCircle(s.db.Q(ctx).QueryRowContext(ctx, `select `+columns+` from circles c`+joins+` where c.id = $2`, int64(account), int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return Circle{}, Membership{}, errNone()
	}
	if err != nil {
		return Circle{}, Membership{}, fmt.Errorf("read circle: %w", err)
	}
	return x.Circle, x.Membership, nil
}

// circles gives those of the ids that exist.
func (s store) circles(ctx context.Context, account who.ID, ids []who.ID) ([]Mine, error) {
	list, args := service.In(2, ids)
	return s.list(ctx, `select `+columns+` from circles c`+joins+` where c.id in (`+list+`) order by c.id`, append([]any{int64(account)}, args...)...)
}

func (s store) list(ctx context.Context, query string, args ...any) ([]Mine, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list circles: %w", err)
	}
	out, err := db.Scan(rows, scanCircle)
	if err != nil {
		return nil, fmt.Errorf("list circles: %w", err)
	}
	return out, nil
}

// mine gives a page of an account's circles, by the row of its membership. Circles that ended
// without words or posts have nothing left to open.
func (s store) mine(ctx context.Context, account, before who.ID, limit int) ([]Mine, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.list(ctx, `select `+columns+` from circles c`+joins+`
		where m.account_id = $1 and m.id < $2 and (c.state <> 'ended' or c.name <> '' or exists (select 1 from posts p where p.service = 'circle' and p.place_id = c.id))
		order by m.id desc limit $3`, int64(account), int64(before), limit)
}

// found gives a page of the circles that can be found, of a category or of all, the largest first.
func (s store) found(ctx context.Context, account who.ID, category string, after After, limit int) ([]Circle, error) {
	if after.ID == 0 {
		after = After{math.MaxInt64, math.MaxInt64}
	}
	args := []any{int64(account), after.Members, int64(after.ID), limit}
	of := ""
	if category != "" {
		of, args = ` and c.category = $5`, append(args, category)
	}
	list, err := s.list(ctx, `select `+columns+` from circles c`+joins+`
		where c.state = 'open' and c.withheld_at is null and (c.members, c.id) < ($2, $3) and c.join_mode <> 'invitation' and c.found = 1 and m.id is null`+of+`
		and (o.account_id is null or `+service.Visible("o.account_id", "'circle'", "c.id")+` and `+service.Unblocked("$1", "o.account_id")+`)
		order by c.members desc, c.id desc limit $4`, args...)
	out := make([]Circle, len(list))
	for i, x := range list {
		out[i] = x.Circle
	}
	return out, err
}

// looksLike reports whether a living circle of others that can be found has a name that looks the same.
func (s store) looksLike(ctx context.Context, owner who.ID, key string) (yes bool, err error) {
	var n int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from (select 1 from circles c left join circle_members o on o.circle_id = c.id and o.role = 'owner'
		where c.name_key = $1 and c.state = 'open' and c.found = 1 and c.join_mode <> 'invitation' and coalesce(o.account_id, 0) <> $2 limit 1) x`, key, int64(owner)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for names: %w", err)
	}
	return n > 0, nil
}

func (s store) idList(ctx context.Context, query string, args ...any) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read circles' ids: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		return who.ID(id), err
	})
	if err != nil {
		return nil, fmt.Errorf("read circles' ids: %w", err)
	}
	return ids, nil
}

// named gives at most two circles of a name that an account is in.
func (s store) named(ctx context.Context, account who.ID, name string) ([]who.ID, error) {
	return s.idList(ctx, `select c.id from circle_members m join circles c on c.id = m.circle_id
		where m.account_id = $1 and m.state = 'active' and c.name = $2 order by c.id limit 2`, int64(account), name)
}

// ofName gives at most two circles of a name, whoever owns them.
func (s store) ofName(ctx context.Context, name string) ([]who.ID, error) {
	return s.idList(ctx, `select c.id from circles c where c.name_key = $1 and c.name = $2 order by c.id limit 2`, who.Looks(name), name)
}

// totals counts what an account owns and is in.
func (s store) totals(ctx context.Context, account who.ID) (owned, joined int64, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(sum(case when role = 'owner' then 1 else 0 end), 0), count(*) from circle_members where account_id = $1`,
		int64(account)).Scan(&owned, &joined)
	if err != nil {
		return 0, 0, fmt.Errorf("count circles: %w", err)
	}
	return owned, joined, nil
}

// lock keeps a circle from being changed by others until the transaction ends.
func (s store) lock(ctx context.Context, id who.ID) error {
	var n int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select members from circles where id = $1`+s.db.ForUpdate(), int64(id)).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return errNone()
	}
	if err != nil {
		return fmt.Errorf("lock circle: %w", err)
	}
	return nil
}

// lockName keeps others from giving a circle a name of the same looks until the transaction ends. On SQLite a writing transaction is alone.
func (s store) lockName(ctx context.Context, key string) error {
	if s.db.SQLite() {
		return nil
	}
	if _, err := s.db.Exec(ctx, `select pg_advisory_xact_lock($1::int, hashtext($2))`, nameLocks, key); err != nil {
		return fmt.Errorf("lock name: %w", err)
	}
	return nil
}

// nameLocks sets the locks of names apart from others of two keys; those of accounts and services have one.
const nameLocks = 1

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// create stores a circle and its owner. Origin is the URI of the circle that it is brought back from, or "".
func (s store) create(ctx context.Context, p service.Pass, id, owner who.ID, d Draft, origin string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into circles (id, name, name_key, intro, category, rules, question, join_mode, preview, found, approves, cover, avatar, origin, state, members, posts, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', '', $12, 'open', 1, 0, $13)`,
		int64(id), d.Name, who.Looks(d.Name), d.Intro, d.Category, d.Rules, d.Question, string(d.Mode), string(d.Preview), flag(!d.Unlisted), flag(d.Approves), origin, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store circle: %w", err)
	}
	if _, err := s.db.Exec(ctx, `insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $2, $3, 'owner', 'active', $4)`,
		int64(s.db.IDs.Next()), int64(id), int64(owner), db.Ms(p.At)); err != nil {
		return fmt.Errorf("store owner: %w", err)
	}
	return nil
}

// change stores new words and ways.
func (s store) change(ctx context.Context, p service.Pass, id who.ID, d Draft) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circles set name = $1, name_key = $2, intro = $3, category = $4, rules = $5, question = $6, join_mode = $7, preview = $8, found = $9, approves = $10
		where id = $11`, d.Name, who.Looks(d.Name), d.Intro, d.Category, d.Rules, d.Question, string(d.Mode), string(d.Preview), flag(!d.Unlisted), flag(d.Approves), int64(id)); err != nil {
		return fmt.Errorf("change circle: %w", err)
	}
	return nil
}

// setPicture refers to a picture and gives the key of the one before.
func (s store) setPicture(ctx context.Context, p service.Pass, id who.ID, which Which, pic picture) (old string, err error) {
	if !p.Valid() {
		return "", service.ErrNoPass()
	}
	column := map[Which]string{Avatar: "avatar", Cover: "cover"}[which]
	if column == "" {
		return "", fmt.Errorf("store picture: no picture %q", which)
	}
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select `+column+` from circles where id = $1`+s.db.ForUpdate(), int64(id)).Scan(&old); err != nil {
		return "", fmt.Errorf("read picture: %w", err)
	}
	if _, err := s.db.Exec(ctx, `update circles set `+column+` = $1, `+column+`_bytes = $2 where id = $3`, pic.key, pic.bytes, int64(id)); err != nil {
		return "", fmt.Errorf("store picture: %w", err)
	}
	return old, nil
}

// pictureBytes gives how many bytes the pictures of the circles that accounts own have.
func (s store) pictureBytes(ctx context.Context, accounts []who.ID) (map[who.ID]int64, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select o.account_id, cast(sum(c.cover_bytes + c.avatar_bytes) as bigint) from circle_members o join circles c on c.id = o.circle_id
		where o.role = 'owner' and o.account_id in (`+list+`) group by o.account_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("measure circles' pictures: %w", err)
	}
	sums, err := db.Scan(rows, service.ScanSum)
	return service.Sums(sums), err
}

// withhold has circles out of sight since now, or in sight again.
func (s store) withhold(ctx context.Context, p service.Pass, ids []who.ID, on bool) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	var at any
	if on {
		at = db.Ms(p.At)
	}
	list, args := service.In(2, ids)
	if _, err := s.db.Exec(ctx, `update circles set withheld_at = $1 where id in (`+list+`)`, append([]any{at}, args...)...); err != nil {
		return fmt.Errorf("withhold circles: %w", err)
	}
	return nil
}

// ofPicture gives the circle that a blob is a picture of; NotFound if there is none.
func (s store) ofPicture(ctx context.Context, owner who.ID, key string) (id who.ID, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select c.id from circle_members o join circles c on c.id = o.circle_id
		where o.account_id = $1 and o.role = 'owner' and (c.cover = $2 or c.avatar = $2) limit 1`, int64(owner), key).Scan((*int64)(&id))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errNone()
	}
	if err != nil {
		return 0, fmt.Errorf("find picture: %w", err)
	}
	return id, nil
}

// end ends a circle and all that leads into it.
func (s store) end(ctx context.Context, p service.Pass, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circles set state = 'ended', ended_at = $2 where id = $1 and state <> 'ended'`, int64(id), db.Ms(p.At)); err != nil {
		return fmt.Errorf("end circle: %w", err)
	}
	for _, statement := range []string{
		`delete from circle_invites where circle_id = $1`, `delete from circle_offers where circle_id = $1`,
		`delete from circle_members where circle_id = $1 and state = 'asked'`,
		// Nobody writes there any more: its rules filter nothing.
		`delete from word_rules where service = 'circle' and place_id = $1`, `delete from image_blocks where service = 'circle' and place_id = $1`,
		`delete from place_limits where service = 'circle' and place_id = $1`,
	} {
		if _, err := s.db.Exec(ctx, statement, int64(id)); err != nil {
			return fmt.Errorf("end circle: %w", err)
		}
	}
	return nil
}

// wordless takes from a circle all that was its owner's.
const wordless = `name = '', name_key = '', intro = '', rules = '', question = '', cover = '', avatar = '', cover_bytes = 0, avatar_bytes = 0, origin = ''`

// ownerOf gives a circle's owner, 0 if it has none.
func (s store) ownerOf(ctx context.Context, id who.ID) (owner who.ID, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select coalesce(max(account_id), 0) from circle_members where circle_id = $1 and role = 'owner'`, int64(id)).Scan((*int64)(&owner))
	if err != nil {
		return 0, fmt.Errorf("read owner: %w", err)
	}
	return owner, nil
}

// unname takes the words of an ended circle away when its owner leaves it.
func (s store) unname(ctx context.Context, p service.Pass, id who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update circles set `+wordless+` where id = $1 and state = 'ended'`, int64(id)); err != nil {
		return fmt.Errorf("take words from circle: %w", err)
	}
	return nil
}

// sweep removes those of the circles that have ended and in which nobody and nothing is left.
func (s store) sweep(ctx context.Context, ids []who.ID) error {
	if len(ids) == 0 {
		return nil
	}
	list, args := service.In(1, ids)
	empty := `(select c.id from circles c where c.id in (` + list + `) and c.state = 'ended'
		and not exists (select 1 from circle_members m where m.circle_id = c.id)
		and not exists (select 1 from posts p where p.service = 'circle' and p.place_id = c.id))`
	for _, statement := range []string{
		`delete from circle_invites where circle_id in ` + empty, `delete from circle_offers where circle_id in ` + empty,
		`delete from circle_pauses where circle_id in ` + empty, `delete from circle_notices where circle_id in ` + empty,
		`delete from circle_farewells where until_at is null and circle_id in ` + empty, // what is shown stays for its term
		`delete from topics where service = 'circle' and place_id in ` + empty, `delete from circles where id in ` + empty,
	} {
		if _, err := s.db.Exec(ctx, statement, args...); err != nil {
			return fmt.Errorf("remove empty circles: %w", err)
		}
	}
	return nil
}
