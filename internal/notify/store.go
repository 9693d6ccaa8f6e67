package notify

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of notices.
type store struct{ db *db.DB }

// row is a notice as it is stored.
type row struct {
	Notice
	id    who.ID
	again bool // a repeat moves it to the top
	mail  bool
	seen  bool
	at    time.Time
}

// refusals says what some receivers do not want.
type refusals struct {
	switches  map[who.ID]map[Kind]Switch
	people    map[who.ID]map[who.ID]bool // by receiver
	places    map[who.ID]map[who.ID]bool
	addressed map[who.ID]bool // receivers with a proven address
}

// Switch says whether a kind is shown in the centre and sent by e-mail.
type Switch struct{ Centre, Mail bool }

// refusals reads, in one query, what the receivers of the rows do not want of these kinds, people and places.
func (s store) refusals(ctx context.Context, rows []row, now time.Time) (refusals, error) {
	out := refusals{map[who.ID]map[Kind]Switch{}, map[who.ID]map[who.ID]bool{}, map[who.ID]map[who.ID]bool{}, map[who.ID]bool{}}
	var to, by, places []who.ID
	for _, x := range rows {
		to, by, places = append(to, x.To), append(by, x.By), append(places, x.Place)
	}
	to, by, places = distinct(to), distinct(by), distinct(places)
	args := []any{db.Ms(now)}
	list := func(ids []who.ID) string {
		text, more := service.In(len(args)+1, ids)
		args = append(args, more...)
		return text
	}
	tos, bys, ins := list(to), list(by), list(places)
	found, err := s.db.Q(ctx).QueryContext(ctx, `select 'switch', account_id, kind, centre, mail from notice_switches where account_id in (`+tos+`)
		union all select 'person', account_id, '', blocked_id, 0 from blocks where account_id in (`+tos+`) and blocked_id in (`+bys+`)
		union all select 'person', blocked_id, '', account_id, 0 from blocks where blocked_id in (`+tos+`) and account_id in (`+bys+`)
		union all select 'person', account_id, '', muted_id, 0 from mutes where account_id in (`+tos+`) and muted_id in (`+bys+`) and less = 0 and (until is null or until > $1)
		union all select 'place', account_id, '', ref_id, 0 from quiets where account_id in (`+tos+`) and ref_kind = 'circle' and ref_id in (`+ins+`) and less = 0 and (until is null or until > $1)
		union all select 'address', account_id, '', 0, 0 from notice_addresses where account_id in (`+tos+`) and proven_at is not null`, args...)
	if err != nil {
		return out, fmt.Errorf("read who wants notices: %w", err)
	}
	_, err = db.Scan(found, func(r db.Row) (int, error) {
		var what, kind string
		var account, a, b int64
		err := r.Scan(&what, &account, &kind, &a, &b)
		id := who.ID(account)
		switch what {
		case "switch":
			put(out.switches, id, Kind(kind), Switch{a == 1, b == 1})
		case "person":
			put(out.people, id, who.ID(a), true)
		case "place":
			put(out.places, id, who.ID(a), true)
		case "address":
			out.addressed[id] = true
		}
		return 0, err
	})
	if err != nil {
		return out, fmt.Errorf("read who wants notices: %w", err)
	}
	return out, nil
}

func put[K comparable, V any](m map[who.ID]map[K]V, id who.ID, k K, v V) {
	if m[id] == nil {
		m[id] = map[K]V{}
	}
	m[id][k] = v
}

func distinct(ids []who.ID) []who.ID {
	seen := map[who.ID]bool{0: true}
	var out []who.ID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// add stores notices. A repeat of what happens once changes nothing but that it is shown again if it was taken back;
// a repeat of what is news each time moves the notice to the top, unseen.
func (s store) add(ctx context.Context, p service.Pass, rows []row) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	for _, again := range []bool{false, true} {
		var v db.Values
		for _, x := range rows {
			if x.again != again {
				continue
			}
			var by, due any
			if x.By != 0 {
				by = int64(x.By)
			}
			if !x.Due.IsZero() {
				due = db.Ms(x.Due)
			}
			v.Add(int64(x.id), int64(x.To), string(x.Kind), by, x.On.Kind, int64(x.On.ID), x.Service, int64(x.Place), due, db.Ms(p.At))
		}
		if len(v.Args) == 0 {
			continue
		}
		then := `taken = 0`
		if again {
			then = `taken = 0, seen = 0, mailed = 0, id = excluded.id, due_at = excluded.due_at, created_at = excluded.created_at`
		}
		if _, err := s.db.Exec(ctx, `insert into notices (id, account_id, kind, by_id, ref_kind, ref_id, service, place_id, due_at, created_at) values `+v.String()+`
			on conflict (account_id, kind, ref_kind, ref_id, coalesce(by_id, 0)) do update set `+then, v.Args...); err != nil {
			return fmt.Errorf("store notices: %w", err)
		}
	}
	return nil
}

func (s store) take(ctx context.Context, p service.Pass, n Notice) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	where, args := `kind = $1 and ref_kind = $2 and ref_id = $3 and coalesce(by_id, 0) = $4`, []any{string(n.Kind), n.On.Kind, int64(n.On.ID), int64(n.By)}
	if n.To != 0 {
		where, args = where+` and account_id = $5`, append(args, int64(n.To))
	}
	if _, err := s.db.Exec(ctx, `update notices set taken = 1 where `+where, args...); err != nil {
		return fmt.Errorf("take notice back: %w", err)
	}
	return nil
}

// key tells notices of one kind about things of one kind apart.
type key struct{ to, on who.ID }

// told gives those of the notices that are there.
func (s store) told(ctx context.Context, list []Notice) (map[key]bool, error) {
	out := map[key]bool{}
	if len(list) == 0 {
		return out, nil
	}
	ids := make([]who.ID, len(list))
	for i, n := range list {
		ids[i] = n.On.ID
	}
	in, args := service.In(3, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select account_id, ref_id from notices where ref_kind = $1 and kind = $2 and ref_id in (`+in+`)`,
		append([]any{list[0].On.Kind, string(list[0].Kind)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var k key
		err := r.Scan((*int64)(&k.to), (*int64)(&k.on))
		out[k] = true
		return 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return out, nil
}

// forget removes what others did to things.
func (s store) forget(ctx context.Context, p service.Pass, refs []who.Ref) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	kinds := map[string][]who.ID{}
	for _, ref := range refs {
		kinds[ref.Kind] = append(kinds[ref.Kind], ref.ID)
	}
	for kind, ids := range kinds {
		list, args := service.In(2, ids)
		if _, err := s.db.Exec(ctx, `delete from notices where ref_kind = $1 and ref_id in (`+list+`) and kind in ('comment', 'answer', 'like', 'mention', 'submitted', 'new_video')`,
			append([]any{kind}, args...)...); err != nil {
			return fmt.Errorf("forget notices: %w", err)
		}
	}
	return nil
}

// decided lists the kinds of what was decided about an account: no hidden entrance and no muted circle keeps it from being told.
var decided = func() string {
	var list []string
	for _, k := range rules {
		if k.fixed {
			list = append(list, `'`+string(k.kind)+`'`)
		}
	}
	return `(` + strings.Join(list, `, `) + `)`
}()

// open is the condition on rows of a table of notices that no hidden entrance of the account keeps them from it.
func open(table string) string {
	return `(` + table + `.kind in ` + decided + ` or not exists (select 1 from entrances e where e.account_id = ` + table + `.account_id and e.service = ` + table + `.service and e.shown = 0))`
}

// shown is the condition on notices n of an account that are for it to see now: not taken back, of no service whose
// entrance it hides, of nobody veiled, blocked or muted. now is the placeholder of the present.
func shown(now string) string {
	return `n.taken = 0 and ` + open("n") + `
		and (n.by_id is null or ` + service.Visible("n.by_id", "n.service", "n.place_id") + ` and ` + service.Unblocked("n.account_id", "n.by_id") + `
			and not exists (select 1 from mutes z where z.account_id = n.account_id and z.muted_id = n.by_id and z.less = 0 and (z.until is null or z.until > ` + now + `)))
		and (n.place_id = 0 or n.kind in ` + decided + ` or not exists (select 1 from quiets z where z.account_id = n.account_id and z.ref_kind = 'circle' and z.ref_id = n.place_id and z.less = 0
			and (z.until is null or z.until > ` + now + `)))`
}

// current is the condition on announcements a that an account is shown: not over, and not from before it came.
const current = `(a.until is null or a.until > $2) and a.created_at >= (select c.created_at from accounts c where c.id = $1)`

// unread counts what the account has not seen, at most mostCounted.
func (s store) unread(ctx context.Context, account who.ID, now time.Time) (int, error) {
	var n int
	err := s.db.Q(ctx).QueryRowContext(ctx, `select (select count(*) from (select 1 from notices n where n.account_id = $1 and n.seen = 0 and `+shown("$2")+` limit $3) x)
		+ (select count(*) from announcements a where `+current+` and a.id > coalesce((select m.announced from notice_marks m where m.account_id = $1), 0)
			and not exists (select 1 from notice_switches w where w.account_id = $1 and w.kind = 'announcement' and w.centre = 0))`,
		int64(account), db.Ms(now), mostCounted).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count notices: %w", err)
	}
	return min(n, mostCounted), nil
}

// list gives an account's notices, newest first, from below the id before (0: from the newest).
func (s store) list(ctx context.Context, account, before who.ID, now time.Time, limit int) ([]row, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+columns+` from notices n where n.account_id = $1 and n.id < $3 and `+shown("$2")+` order by n.id desc limit $4`,
		int64(account), db.Ms(now), int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	list, err := db.Scan(rows, scanRow)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}

const columns = `n.id, n.account_id, n.kind, coalesce(n.by_id, 0), n.ref_kind, n.ref_id, n.service, n.place_id, n.due_at, n.seen, n.created_at`

func scanRow(r db.Row) (row, error) {
	var x row
	var seen, at int64
	var due sql.NullInt64
	err := r.Scan((*int64)(&x.id), (*int64)(&x.To), (*string)(&x.Kind), (*int64)(&x.By), &x.On.Kind, (*int64)(&x.On.ID), &x.Service, (*int64)(&x.Place), &due, &seen, &at)
	if due.Valid {
		x.Due = db.Time(due.Int64)
	}
	x.seen, x.at = seen == 1, db.Time(at)
	return x, err
}

// person is who did something, as it is named.
type person struct{ name, display, avatar string }

// people gives those of the accounts that are there.
func (s store) people(ctx context.Context, ids []who.ID) (map[who.ID]person, error) {
	out := map[who.ID]person{}
	if len(ids) == 0 {
		return out, nil
	}
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name, coalesce(nullif(p.display_name, ''), a.name), coalesce(p.avatar, '')
		from accounts a left join profiles p on p.account_id = a.id where a.id in (`+list+`) and a.state <> 'gone'`, args...)
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var id int64
		var p person
		err := r.Scan(&id, &p.name, &p.display, &p.avatar)
		out[who.ID(id)] = p
		return 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	return out, nil
}

// see marks notices from an id down to another as seen, those of hidden services not.
func (s store) see(ctx context.Context, p service.Pass, account, from, to who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `update notices set seen = 1 where account_id = $1 and seen = 0 and id <= $2 and id >= $3 and `+open("notices"), int64(account), int64(from), int64(to)); err != nil {
		return fmt.Errorf("mark notices: %w", err)
	}
	return nil
}

// mark stores how far the account has read announcements, and that what is unread has changed.
func (s store) mark(ctx context.Context, p service.Pass, account, announced who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into notice_marks (account_id, announced, changed) values ($1, $2, $3)
		on conflict (account_id) do update set changed = excluded.changed,
			announced = case when excluded.announced > notice_marks.announced then excluded.announced else notice_marks.announced end`,
		int64(account), int64(announced), int64(s.db.IDs.Next())); err != nil {
		return fmt.Errorf("mark announcements: %w", err)
	}
	return nil
}

// switches gives what an account has chosen.
func (s store) switches(ctx context.Context, account who.ID) (map[Kind]Switch, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select kind, centre, mail from notice_switches where account_id = $1`, int64(account))
	if err != nil {
		return nil, fmt.Errorf("read switches: %w", err)
	}
	out := map[Kind]Switch{}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var kind string
		var centre, mail int64
		err := r.Scan(&kind, &centre, &mail)
		out[Kind(kind)] = Switch{centre == 1, mail == 1}
		return 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("read switches: %w", err)
	}
	return out, nil
}

// setSwitches stores what an account chooses, in one statement.
func (s store) setSwitches(ctx context.Context, p service.Pass, account who.ID, chosen map[Kind]Switch) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	var v db.Values
	for _, k := range rules {
		if c, ok := chosen[k.kind]; ok {
			v.Add(int64(s.db.IDs.Next()), int64(account), string(k.kind), flag(c.Centre), flag(c.Mail))
		}
	}
	if len(v.Args) == 0 {
		return nil
	}
	if _, err := s.db.Exec(ctx, `insert into notice_switches (id, account_id, kind, centre, mail) values `+v.String()+`
		on conflict (account_id, kind) do update set centre = excluded.centre, mail = excluded.mail`, v.Args...); err != nil {
		return fmt.Errorf("store switches: %w", err)
	}
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
