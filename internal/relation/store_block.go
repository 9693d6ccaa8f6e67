package relation

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Unmuted gives an SQL condition: the viewer has not muted the account. Both are SQL expressions ("$1",
// "p.author_id"). Mutes that have ended are swept, so it needs no time.
func Unmuted(viewer, account string) string {
	return `not exists (select 1 from mutes z where z.account_id = ` + viewer + ` and z.muted_id = ` + account + ` and z.less = 0)`
}

// Heard gives an SQL condition: the viewer has not muted the circle or topic. Kind and id are SQL
// expressions ("p.service", "p.place_id").
func Heard(viewer, kind, id string) string {
	return `not exists (select 1 from quiets z where z.account_id = ` + viewer + ` and z.ref_kind = ` + kind + ` and z.ref_id = ` + id + ` and z.less = 0)`
}

// Quieted gives an SQL condition: the viewer has muted the circle or topic, or wants less of it; kind and id as those of [Heard].
func Quieted(viewer, kind, id string) string {
	return `exists (select 1 from quiets z where z.account_id = ` + viewer + ` and z.ref_kind = ` + kind + ` and z.ref_id = ` + id + `)`
}

// Wanted gives an SQL condition for rows of posts p: the viewer has not muted a topic of it, and has not asked for less
// of its author, circle or topics, or others have liked the post or commented on it.
func Wanted(viewer string) string {
	topics := func(less string) string {
		return `not exists (select 1 from post_topics y join quiets z on z.account_id = ` + viewer + ` and z.ref_kind = 'topic' and z.ref_id = y.topic_id
			where y.post_id = p.id and z.less = ` + less + `)`
	}
	return topics("0") + ` and (p.likes + p.comments > 0 or not exists (select 1 from mutes z where z.account_id = ` + viewer + ` and z.muted_id = p.author_id and z.less = 1)
		and not exists (select 1 from quiets z where z.account_id = ` + viewer + ` and z.ref_kind = p.service and z.ref_id = p.place_id and z.less = 1) and ` + topics("1") + `)`
}

// since is an account with the time from which something holds.
type since struct {
	account who.ID
	at      time.Time
}

// block stores blocks in one statement and ends the follows between the accounts. It gives those that were new.
func (s store) block(ctx context.Context, p service.Pass, by who.ID, whom []since) (map[who.ID]bool, error) {
	if !p.Valid() {
		return nil, service.ErrNoPass()
	}
	ids := make([]who.ID, len(whom))
	for i, w := range whom {
		ids[i] = w.account
	}
	had, err := s.has(ctx, `select blocked_id from blocks where account_id = $1 and blocked_id in (`, by, ids)
	if err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	fresh := map[who.ID]bool{}
	var v db.Values
	for _, w := range whom {
		if !had[w.account] && !fresh[w.account] {
			fresh[w.account] = true
			v.Add(int64(s.db.IDs.Next()), int64(by), int64(w.account), db.Ms(w.at))
		}
	}
	if len(fresh) == 0 {
		return fresh, nil
	}
	if _, err := s.db.Exec(ctx, `insert into blocks (id, account_id, blocked_id, created_at) values `+v.String()+` on conflict (account_id, blocked_id) do nothing`, v.Args...); err != nil {
		return nil, fmt.Errorf("store blocks: %w", err)
	}
	list, args := service.In(2, ids)
	if _, err := s.db.Exec(ctx, `delete from follows where follower_id = $1 and followee_id in (`+list+`) or followee_id = $1 and follower_id in (`+list+`)`,
		append([]any{int64(by)}, args...)...); err != nil {
		return nil, fmt.Errorf("end follows: %w", err)
	}
	return fresh, nil
}

// muted gives those of the accounts that an account has muted, or of which it wants less.
func (s store) muted(ctx context.Context, by who.ID, accounts []who.ID) (map[who.ID]bool, error) {
	out, err := s.has(ctx, `select muted_id from mutes where account_id = $1 and muted_id in (`, by, accounts)
	if err != nil {
		return nil, fmt.Errorf("read mutes: %w", err)
	}
	return out, nil
}

// has gives those of the accounts for which a query, open at its list, has a row of the account by.
func (s store) has(ctx context.Context, query string, by who.ID, accounts []who.ID) (map[who.ID]bool, error) {
	out := map[who.ID]bool{}
	if by == 0 || len(accounts) == 0 {
		return out, nil
	}
	list, args := service.In(2, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, query+list+`)`, append([]any{int64(by)}, args...)...)
	if err != nil {
		return nil, err
	}
	ids, err := db.Scan(rows, scanID)
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

func (s store) unblock(ctx context.Context, p service.Pass, by, account who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from blocks where account_id = $1 and blocked_id = $2`, int64(by), int64(account)); err != nil {
		return fmt.Errorf("remove block: %w", err)
	}
	return nil
}

// blocked gives those of the accounts between whom and the viewer a block stands, whoever made it.
func (s store) blocked(ctx context.Context, viewer who.ID, accounts []who.ID) (map[who.ID]bool, error) {
	if viewer == 0 || len(accounts) == 0 {
		return map[who.ID]bool{}, nil
	}
	list, _ := service.In(2, accounts)
	out, err := s.has(ctx, `select account_id from blocks where blocked_id = $1 and account_id in (`+list+`)
		union all select blocked_id from blocks where account_id = $1 and blocked_id in (`, viewer, accounts)
	if err != nil {
		return nil, fmt.Errorf("read blocks: %w", err)
	}
	return out, nil
}

// top gives the key from below which a page is read.
func top(before who.ID) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return int64(before)
}

// blocks gives a page of whom an account has blocked. Who is veiled stays in it without a name: it can be taken back.
func (s store) blocks(ctx context.Context, account, before who.ID, limit int) ([]Person, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select b.id, b.created_at, `+personColumns+`, `+veiled+` from blocks b join accounts a on a.id = b.blocked_id
		left join profiles p on p.account_id = a.id where b.account_id = $1 and b.id < $2 order by b.id desc limit $3`, int64(account), top(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (Person, error) { return scanListed(r) })
	if err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	return list, nil
}

var veiled = `case when ` + service.VisibleAccount("a.id") + ` then 0 else 1 end`

// scanListed reads a person of an account's own list: its row, its time, the person, whether they are veiled.
func scanListed(r db.Row, more ...any) (Person, error) {
	var p Person
	var at, hidden int64
	err := r.Scan(append([]any{(*int64)(&p.Row), &at, (*int64)(&p.ID), &p.Name, &p.Display, &p.Avatar, &p.Bio, &hidden}, more...)...)
	if p.Since = db.Time(at); hidden == 1 {
		p.Name, p.Display, p.Avatar, p.Bio = "", "", "", ""
	}
	return p, err
}

func end(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return db.Ms(at)
}

func begin(until sql.NullInt64) time.Time {
	if !until.Valid {
		return time.Time{}
	}
	return db.Time(until.Int64)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// mute stores mutes of accounts, in the place of what there was.
func (s store) mute(ctx context.Context, p service.Pass, by who.ID, list []Mute) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if len(list) == 0 {
		return nil
	}
	var v db.Values
	for _, m := range list {
		v.Add(int64(s.db.IDs.Next()), int64(by), int64(m.Ref.ID), flag(m.Less), end(m.Until), db.Ms(m.Since))
	}
	if _, err := s.db.Exec(ctx, `insert into mutes (id, account_id, muted_id, less, until, created_at) values `+v.String()+`
		on conflict (account_id, muted_id) do update set less = excluded.less, until = excluded.until, created_at = excluded.created_at`, v.Args...); err != nil {
		return fmt.Errorf("store mutes: %w", err)
	}
	return nil
}

// quiet stores mutes of circles and topics, in the place of what there was.
func (s store) quiet(ctx context.Context, p service.Pass, by who.ID, list []Mute) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if len(list) == 0 {
		return nil
	}
	var v db.Values
	for _, m := range list {
		v.Add(int64(s.db.IDs.Next()), int64(by), m.Ref.Kind, int64(m.Ref.ID), flag(m.Less), end(m.Until), db.Ms(m.Since))
	}
	if _, err := s.db.Exec(ctx, `insert into quiets (id, account_id, ref_kind, ref_id, less, until, created_at) values `+v.String()+`
		on conflict (account_id, ref_kind, ref_id) do update set less = excluded.less, until = excluded.until, created_at = excluded.created_at`, v.Args...); err != nil {
		return fmt.Errorf("store quiets: %w", err)
	}
	return nil
}

func (s store) unmute(ctx context.Context, p service.Pass, by who.ID, ref who.Ref) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	query, args := `delete from quiets where account_id = $1 and ref_id = $2 and ref_kind = $3`, []any{int64(by), int64(ref.ID), ref.Kind}
	if ref.Kind == kindAccount {
		query, args = `delete from mutes where account_id = $1 and muted_id = $2`, args[:2]
	}
	if _, err := s.db.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("remove mute: %w", err)
	}
	return nil
}

// mutes gives a page of the accounts that an account has muted.
func (s store) mutes(ctx context.Context, account, before who.ID, limit int) ([]MutedPerson, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select m.id, m.created_at, `+personColumns+`, `+veiled+`, m.less, m.until from mutes m join accounts a on a.id = m.muted_id
		left join profiles p on p.account_id = a.id where m.account_id = $1 and m.id < $2 order by m.id desc limit $3`, int64(account), top(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list mutes: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (MutedPerson, error) {
		var less int64
		var until sql.NullInt64
		p, err := scanListed(r, &less, &until)
		return MutedPerson{p, Mute{p.Row, who.Ref{Kind: kindAccount, ID: p.ID}, less == 1, p.Since, begin(until)}}, err
	})
	if err != nil {
		return nil, fmt.Errorf("list mutes: %w", err)
	}
	return list, nil
}

// quiets gives a page of the circles and topics that an account has muted.
func (s store) quiets(ctx context.Context, account, before who.ID, limit int) ([]Mute, error) {
	return s.quieted(ctx, `account_id = $1 and id < $2 order by id desc limit $3`, int64(account), top(before), limit)
}

func (s store) quieted(ctx context.Context, where string, args ...any) ([]Mute, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, ref_kind, ref_id, less, until, created_at from quiets where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list quiets: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (Mute, error) {
		var m Mute
		var less, at int64
		var until sql.NullInt64
		err := r.Scan((*int64)(&m.Row), &m.Ref.Kind, (*int64)(&m.Ref.ID), &less, &until, &at)
		m.Less, m.Until, m.Since = less == 1, begin(until), db.Time(at)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("list quiets: %w", err)
	}
	return list, nil
}

// sweep removes mutes that have ended. It writes for nobody: what it removes holds no longer.
func (s store) sweep(ctx context.Context, now time.Time, limit int) (most int64, err error) {
	for _, table := range []string{"mutes", "quiets"} {
		n, err := s.db.Exec(ctx, `delete from `+table+` where id in (select id from `+table+` where until <= $1 limit $2)`, db.Ms(now), limit)
		if err != nil {
			return 0, fmt.Errorf("sweep %s: %w", table, err)
		}
		most = max(most, n)
	}
	return most, nil
}

// listed is a block or a mute as it is taken along.
type listed struct {
	row, at    int64
	name, kind string
	ref        int64
	less       bool
	until      time.Time
}

// lists gives at most limit rows of one of an account's own lists above the row id after, up to the row id cut, none from before since (Unix
// milliseconds). Veiled accounts stay out: their name is not for others to see.
func (s store) lists(ctx context.Context, table string, account who.ID, after, cut, since int64, limit int) ([]listed, error) {
	query := `select x.id, x.created_at, '', x.ref_kind, x.ref_id, x.less, x.until from quiets x where x.account_id = $1`
	others := map[string]string{"blocks": "blocked_id", "mutes": "muted_id"}
	if other := others[table]; other != "" {
		rest := `, x.less, x.until`
		if table == "blocks" {
			rest = `, 0, null`
		}
		query = `select x.id, x.created_at, a.name, '', 0` + rest + ` from ` + table + ` x join accounts a on a.id = x.` + other + `
			where x.account_id = $1 and a.state <> 'gone' and ` + service.VisibleAccount("a.id")
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, query+` and x.id > $2 and x.id <= $3 and x.created_at >= $4 order by x.id limit $5`, int64(account), after, cut, since, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return db.Scan(rows, func(r db.Row) (listed, error) {
		var x listed
		var less int64
		var until sql.NullInt64
		err := r.Scan(&x.row, &x.at, &x.name, &x.kind, &x.ref, &less, &until)
		x.less, x.until = less == 1, begin(until)
		return x, err
	})
}

// quietedOf gives those of the refs that an account has muted.
func (s store) quietedOf(ctx context.Context, account who.ID, refs []who.Ref) (map[who.Ref]bool, error) {
	out := map[who.Ref]bool{}
	ids := make([]who.ID, len(refs))
	for i, ref := range refs {
		ids[i] = ref.ID
	}
	in, args := service.In(2, ids)
	list, err := s.quieted(ctx, `account_id = $1 and ref_id in (`+in+`)`, append([]any{int64(account)}, args...)...)
	for _, m := range list {
		out[m.Ref] = true
	}
	return out, err
}
