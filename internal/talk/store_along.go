package talk

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// written gives the next comments of an export, by id.
func (s store) written(ctx context.Context, x span) ([]Comment, error) {
	within, args := x.Within("c.", 6)
	return s.comments(ctx, "read comments to take along", `select `+columns+` from comments c`+authors+`
		where c.author_id = $1 and c.id > $2 and c.id <= $3 and c.created_at >= $4`+within+` order by c.id limit $5`,
		append([]any{int64(x.Owner), x.After, x.Cut, x.Since, most}, args...)...)
}

// received gives the next comments that others left on the account's posts and videos, by thing and id. Who is veiled is not read.
func (s store) received(ctx context.Context, x span) ([]Comment, error) {
	within, args := x.Within("c.", 7)
	arm := func(table, owner, kind string) string {
		return `select * from (select p.id as thing, c.id as comment from ` + table + ` p join comments c on c.ref_kind = '` + kind + `' and c.ref_id = p.id
			where p.` + owner + ` = $1 and p.id >= $2 and (p.id > $2 or c.id > $3) and c.id <= $4 and c.created_at >= $5 and c.state = 'live'
			and (c.author_id is null or c.author_id <> $1) and ` + service.Visible("c.author_id", "c.service", "c.place_id") + within + ` order by p.id, c.id limit $6) ` + kind
	}
	return s.comments(ctx, "read received comments", `select `+columns+` from (`+arm("posts", "author_id", "post")+` union all `+arm("videos", "account_id", "video")+`) w
		join comments c on c.id = w.comment`+authors+`order by w.thing, w.comment limit $6`,
		append([]any{int64(x.Owner), x.thing, x.After, x.Cut, x.Since, most}, args...)...)
}

// marksAlong gives the next marks of an export, by id.
func (s store) marksAlong(ctx context.Context, x span, l list) ([]markRow, error) {
	within, args := x.Within("", 6)
	return s.markRows(ctx, `select `+l.columns()+` from `+string(l)+`
		where account_id = $1 and id > $2 and id <= $3 and created_at >= $4`+within+` order by id limit $5`,
		append([]any{int64(x.Owner), x.After, x.Cut, x.Since, most}, args...)...)
}

// known gives which comments, by origin or by their own id, the author has here.
func (s store) known(ctx context.Context, author who.ID, origins []string, ids []who.ID) (map[string]bool, error) {
	out := map[string]bool{}
	list, _ := service.In(2, make([]who.ID, len(origins)))
	args := []any{int64(author)}
	for _, o := range origins {
		args = append(args, o)
	}
	own, more := service.In(len(args)+1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select coalesce(origin, ''), id from comments where author_id = $1 and (origin in (`+list+`) or id in (`+own+`))`, append(args, more...)...)
	if err != nil {
		return nil, fmt.Errorf("look for comments: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (int64, error) {
		var origin string
		var id int64
		err := r.Scan(&origin, &id)
		out[origin], out[originPrefix+who.ID(id).String()] = true, true
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for comments: %w", err)
	}
	return out, nil
}

// frozen gives those of the accounts that somewhere take no writes.
func (s store) frozen(ctx context.Context, accounts []who.ID) (map[who.ID]bool, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select distinct account_id from reasons where what = 'freeze' and account_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read freezes: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (who.ID, error) {
		var id int64
		err := r.Scan(&id)
		return who.ID(id), err
	})
	if err != nil {
		return nil, fmt.Errorf("read freezes: %w", err)
	}
	out := map[who.ID]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}
