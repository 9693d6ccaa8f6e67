package relation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of follows, blocks and mutes.
type store struct{ db *db.DB }

// add stores that one follows another; a repeat changes nothing.
func (s store) add(ctx context.Context, p service.Pass, id, follower, followee who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	_, err := s.db.Exec(ctx, `insert into follows (id, follower_id, followee_id, created_at) values ($1, $2, $3, $4) on conflict (follower_id, followee_id) do nothing`,
		int64(id), int64(follower), int64(followee), db.Ms(p.At))
	if err != nil {
		return fmt.Errorf("store follow: %w", err)
	}
	return nil
}

// remove takes a follow out.
func (s store) remove(ctx context.Context, p service.Pass, follower, followee who.ID) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from follows where follower_id = $1 and followee_id = $2`, int64(follower), int64(followee)); err != nil {
		return fmt.Errorf("remove follow: %w", err)
	}
	return nil
}

// follows gives those of the accounts that the follower follows.
func (s store) follows(ctx context.Context, follower who.ID, accounts []who.ID) (map[who.ID]bool, error) {
	out := make(map[who.ID]bool, len(accounts))
	if follower == 0 || len(accounts) == 0 {
		return out, nil
	}
	list, args := service.In(2, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select followee_id from follows where follower_id = $1 and followee_id in (`+list+`)`,
		append([]any{int64(follower)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read follows: %w", err)
	}
	ids, err := db.Scan(rows, scanID)
	if err != nil {
		return nil, fmt.Errorf("read follows: %w", err)
	}
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

func scanID(r db.Row) (who.ID, error) {
	var id int64
	err := r.Scan(&id)
	return who.ID(id), err
}

func (s store) followers(ctx context.Context, followee, after who.ID, limit int) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select follower_id from follows where followee_id = $1 and follower_id > $2 order by follower_id limit $3`, int64(followee), int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list followers: %w", err)
	}
	ids, err := db.Scan(rows, scanID)
	if err != nil {
		return nil, fmt.Errorf("list followers: %w", err)
	}
	return ids, nil
}

func (s store) totals(ctx context.Context, account who.ID) (following, followers int64, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select (select count(*) from follows where follower_id = $1), (select count(*) from follows where followee_id = $1)`,
		int64(account)).Scan(&following, &followers)
	if err != nil {
		return 0, 0, fmt.Errorf("count follows: %w", err)
	}
	return following, followers, nil
}

// seenBy gives who may see an account's lists and whether the viewer follows it.
func (s store) seenBy(ctx context.Context, viewer, account who.ID) (by SeenBy, follows bool, err error) {
	var text sql.NullString
	var n int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select (select lists_seen_by from settings where account_id = $1),
		(select count(*) from follows where follower_id = $2 and followee_id = $1)`, int64(account), int64(viewer)).Scan(&text, &n)
	if err != nil {
		return "", false, fmt.Errorf("read who sees lists: %w", err)
	}
	return SeenBy(text.String), n > 0, nil
}

// personColumns are those of a person beside the follow's own.
const personColumns = `a.id, a.name, coalesce(p.display_name, ''), coalesce(p.avatar, ''), coalesce(p.bio, '')`

// list gives a page of one side, newest first, without those between whom and the viewer a block stands.
func (s store) list(ctx context.Context, viewer, account who.ID, side Side, before who.ID, limit int) ([]Person, error) {
	mine, other := "follower_id", "followee_id"
	if side == Followers {
		mine, other = other, mine
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select f.id, f.created_at, `+personColumns+`
		from follows f join accounts a on a.id = f.`+other+` left join profiles p on p.account_id = a.id
		where f.`+mine+` = $1 and f.id < $2 and a.state <> 'gone' and `+service.VisibleAccount("a.id")+` and `+service.Unblocked("$4", "a.id")+`
		order by f.id desc limit $3`, int64(account), top(before), limit, int64(viewer))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", side, err)
	}
	people, err := db.Scan(rows, func(r db.Row) (Person, error) {
		var p Person
		var row, id, since int64
		err := r.Scan(&row, &since, &id, &p.Name, &p.Display, &p.Avatar, &p.Bio)
		p.Row, p.ID, p.Since = who.ID(row), who.ID(id), db.Time(since)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", side, err)
	}
	return people, nil
}

// named gives the account of a name's key, veiled or not.
func (s store) named(ctx context.Context, key string) (Person, error) {
	return s.one(ctx, `a.name_key = $1`, key)
}

// person gives an account that is not veiled, if no block stands between it and the viewer.
func (s store) person(ctx context.Context, viewer, id who.ID) (Person, error) {
	return s.one(ctx, `a.id = $1 and `+service.VisibleAccount("a.id")+` and `+service.Unblocked("$2", "a.id"), int64(id), int64(viewer))
}

func (s store) one(ctx context.Context, where string, args ...any) (Person, error) {
	var p Person
	var id int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select `+personColumns+` from accounts a left join profiles p on p.account_id = a.id
		where a.state <> 'gone' and `+where, args...).Scan(&id, &p.Name, &p.Display, &p.Avatar, &p.Bio)
	if errors.Is(err, sql.ErrNoRows) {
		return p, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return p, fmt.Errorf("read account: %w", err)
	}
	p.ID = who.ID(id)
	return p, nil
}

// exported is one follow as it is taken along.
type exported struct {
	row, at int64
	name    string
	bell    bool // the follower is told of what the other publishes
}

// along gives at most limit follows of one side above the row id after, up to the row id cut, none from before since
// (Unix milliseconds). Veiled accounts stay out: their name is not for others to see.
func (s store) along(ctx context.Context, account who.ID, side Side, after, cut, since int64, limit int) ([]exported, error) {
	mine, other := "follower_id", "followee_id"
	if side == Followers {
		mine, other = other, mine
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select f.id, f.created_at, a.name, f.bell from follows f join accounts a on a.id = f.`+other+`
		where f.`+mine+` = $1 and f.id > $2 and f.id <= $3 and f.created_at >= $5 and a.state <> 'gone' and `+service.VisibleAccount("a.id")+`
		order by f.id limit $4`, int64(account), after, cut, limit, since)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", side, err)
	}
	return db.Scan(rows, func(r db.Row) (exported, error) {
		var x exported
		var bell int64
		err := r.Scan(&x.row, &x.at, &x.name, &bell)
		x.bell = bell == 1
		return x, err
	})
}

// open gives, of the names' keys, the accounts that the viewer can follow now: there, not veiled, not frozen, no block between.
func (s store) open(ctx context.Context, viewer who.ID, keys []string) (map[string]who.ID, error) {
	return s.keyed(ctx, keys, service.Unblocked("$1", "a.id"), int64(viewer))
}

// reachable gives, of the names' keys, the accounts that are there, not veiled, not frozen.
func (s store) reachable(ctx context.Context, keys []string) (map[string]who.ID, error) {
	return s.keyed(ctx, keys, `cast($1 as bigint) = 0`, int64(0))
}

func (s store) keyed(ctx context.Context, keys []string, condition string, arg any) (map[string]who.ID, error) {
	out := map[string]who.ID{}
	if len(keys) == 0 {
		return out, nil
	}
	list, _ := service.In(2, make([]who.ID, len(keys)))
	args := []any{arg}
	for _, k := range keys {
		args = append(args, k)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name_key from accounts a where a.name_key in (`+list+`) and a.state <> 'gone' and not exists
		(select 1 from reasons z where z.account_id = a.id and z.scope = '' and z.what <> 'mute') and `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		var key string
		err := r.Scan(&id, &key)
		out[key] = who.ID(id)
		return who.ID(id), err
	})
	if err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	return out, nil
}

// addAll stores follows that were brought along, with the bells of some, in one statement, and gives the followees that were new.
func (s store) addAll(ctx context.Context, p service.Pass, follower who.ID, followees []who.ID, since []int64, bells map[who.ID]bool) (map[who.ID]bool, error) {
	if !p.Valid() {
		return nil, service.ErrNoPass()
	}
	known, err := s.follows(ctx, follower, followees)
	if err != nil {
		return nil, err
	}
	fresh := map[who.ID]bool{}
	var v db.Values
	for i, id := range followees {
		if !known[id] && !fresh[id] {
			fresh[id] = true
			v.Add(int64(s.db.IDs.Next()), int64(follower), int64(id), since[i], flag(bells[id]))
		}
	}
	if len(v.Args) == 0 {
		return fresh, nil
	}
	if _, err := s.db.Exec(ctx, `insert into follows (id, follower_id, followee_id, created_at, bell) values `+v.String()+` on conflict (follower_id, followee_id) do nothing`, v.Args...); err != nil {
		return nil, fmt.Errorf("store follows: %w", err)
	}
	return fresh, nil
}
