package talk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// errSame says that a mark is already as it is asked to be.
var errSame = errors.New("nothing changes")

func notChanged(err error) error {
	if errors.Is(err, errSame) {
		return nil
	}
	return err
}

// markRow is a like or a favourite.
type markRow struct {
	id, account who.ID
	on          who.Ref
	service     string
	place       who.ID
	at          time.Time
	private     bool // a like that is nobody else's to know
}

// columns are those of the list's rows; only likes can be private.
func (l list) columns() string {
	private := `0`
	if l == likes {
		private = `private`
	}
	return `id, ref_kind, ref_id, service, place_id, created_at, ` + private
}

// marked gives a mark that the account has made. NotFound if it has not.
func (s store) marked(ctx context.Context, account who.ID, l list, ref who.Ref) (markRow, error) {
	var m markRow
	var place int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select service, place_id from `+string(l)+` where account_id = $1 and ref_kind = $2 and ref_id = $3`,
		int64(account), ref.Kind, int64(ref.ID)).Scan(&m.service, &place)
	if errors.Is(err, sql.ErrNoRows) {
		return m, errSame
	}
	if err != nil {
		return m, fmt.Errorf("read %s: %w", l, err)
	}
	m.place = who.ID(place)
	return m, nil
}

func (s store) addMark(ctx context.Context, pass service.Pass, l list, m markRow) error {
	n, err := s.insertMarks(ctx, pass, l, []markRow{m}, ` on conflict (account_id, ref_kind, ref_id) do nothing`)
	if err == nil && n == 0 {
		err = errSame
	}
	return err
}

// addMarks stores marks of one account that it does not have, in one statement.
func (s store) addMarks(ctx context.Context, pass service.Pass, l list, marks []markRow) error {
	if len(marks) == 0 {
		return nil
	}
	_, err := s.insertMarks(ctx, pass, l, marks, "")
	return err
}

func (s store) insertMarks(ctx context.Context, pass service.Pass, l list, marks []markRow, then string) (int64, error) {
	if !pass.Valid() {
		return 0, service.ErrNoPass()
	}
	var v db.Values
	for _, m := range marks {
		row := []any{int64(m.id), int64(m.account), m.on.Kind, int64(m.on.ID), m.service, int64(m.place), db.Ms(m.at)}
		if l == likes {
			row = append(row, flag(m.private))
		}
		v.Add(row...)
	}
	columns := `id, account_id, ref_kind, ref_id, service, place_id, created_at`
	if l == likes {
		columns += `, private`
	}
	n, err := s.db.Exec(ctx, `insert into `+string(l)+` (`+columns+`) values `+v.String()+then, v.Args...)
	if err != nil {
		return 0, fmt.Errorf("store in %s: %w", l, err)
	}
	return n, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// setPrivate makes a like that is there public or private, and says whether it was the other.
func (s store) setPrivate(ctx context.Context, pass service.Pass, m markRow) (changed bool, err error) {
	if !pass.Valid() {
		return false, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update likes set private = $4 where account_id = $1 and ref_kind = $2 and ref_id = $3 and private <> $4`, int64(m.account), m.on.Kind, int64(m.on.ID), flag(m.private))
	if err != nil {
		return false, fmt.Errorf("change like: %w", err)
	}
	return n > 0, nil
}

func (s store) removeMark(ctx context.Context, pass service.Pass, l list, account who.ID, ref who.Ref) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `delete from `+string(l)+` where account_id = $1 and ref_kind = $2 and ref_id = $3`, int64(account), ref.Kind, int64(ref.ID))
	if err != nil {
		return fmt.Errorf("delete from %s: %w", l, err)
	}
	if n == 0 {
		return errSame
	}
	return nil
}

// marks gives what the account has done with things of one kind, in one query.
func (s store) marks(ctx context.Context, account who.ID, kind string, ids []who.ID) (map[who.ID]Mark, error) {
	out := map[who.ID]Mark{}
	if len(ids) == 0 || account == 0 {
		return out, nil
	}
	in, args := service.In(3, ids)
	match := ` where account_id = $1 and ref_kind = $2 and ref_id in (` + in + `)`
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select 1, ref_id, private from likes`+match+` union all select 2, ref_id, 0 from favourites`+match, append([]any{int64(account), kind}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read likes: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var which, id, private int64
		err := r.Scan(&which, &id, &private)
		m := out[who.ID(id)]
		if which == 1 {
			m.Liked, m.Private = true, private == 1
		} else {
			m.Saved = true
		}
		out[who.ID(id)] = m
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read likes: %w", err)
	}
	return out, nil
}

// listed gives a page of what an account has marked, newest first.
func (s store) listed(ctx context.Context, account who.ID, l list, before who.ID, limit int) ([]markRow, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.markRows(ctx, `select `+l.columns()+` from `+string(l)+` where account_id = $1 and id < $2 order by id desc limit $3`, int64(account), int64(before), limit)
}

func (s store) markRows(ctx context.Context, query string, args ...any) ([]markRow, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list marks: %w", err)
	}
	out, err := db.Scan(rows, func(r db.Row) (markRow, error) {
		var m markRow
		var id, ref, place, at, private int64
		err := r.Scan(&id, &m.on.Kind, &ref, &m.service, &place, &at, &private)
		m.id, m.on.ID, m.place, m.at, m.private = who.ID(id), who.ID(ref), who.ID(place), db.Time(at), private == 1
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("list marks: %w", err)
	}
	return out, nil
}

// friends gives which friends of the viewer like things of one kind in public, and how many: of each thing the last three. It begins with the
// friends, of whom there are few, and looks up what each of them likes of the things.
func (s store) friends(ctx context.Context, viewer who.ID, kind string, ids []who.ID) (map[who.ID]Likers, error) {
	out := map[who.ID]Likers{}
	if len(ids) == 0 {
		return out, nil
	}
	in, args := service.In(4, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select w.ref_id, w.n, a.id, a.name, coalesce(p.display_name, ''), coalesce(p.avatar, '') from (
			select l.ref_id, l.account_id, row_number() over (partition by l.ref_id order by l.id desc) as place, count(*) over (partition by l.ref_id) as n
			from (select f.followee_id as id from follows f where f.follower_id = $1
				and exists (select 1 from follows b where b.follower_id = f.followee_id and b.followee_id = $1)
				and not exists (select 1 from mutes z where z.account_id = $1 and z.muted_id = f.followee_id and z.less = 0) order by f.id desc limit $3) m
			join likes l on l.account_id = m.id and l.ref_kind = $2 and l.ref_id in (`+in+`) and l.private = 0
			where `+service.Visible("l.account_id", "l.service", "l.place_id")+` and `+service.Unblocked("$1", "l.account_id")+`
		) w join accounts a on a.id = w.account_id left join profiles p on p.account_id = a.id where w.place <= 3 order by w.ref_id, w.place`,
		append([]any{int64(viewer), kind, mostFriends}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read what friends like: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var id, n int64
		var p Person
		err := r.Scan(&id, &n, (*int64)(&p.ID), &p.Name, &p.Display, &p.Avatar)
		l := out[who.ID(id)]
		l.People, l.Count = append(l.People, p), int(n)
		out[who.ID(id)] = l
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what friends like: %w", err)
	}
	return out, nil
}
