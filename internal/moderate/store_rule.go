package moderate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// words gives the filter of a place, in the order of its words.
func (s store) words(ctx context.Context, p Place, limit int) ([]Word, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, word, word_key, does from word_rules where service = $1 and place_id = $2 order by word_key limit $3`,
		p.Service, int64(p.ID), limit)
	if err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	list, err := db.Scan(rows, scanWord)
	if err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	return list, nil
}

func scanWord(r db.Row) (Word, error) {
	var w Word
	err := r.Scan((*int64)(&w.ID), &w.Word, &w.key, &w.Does)
	return w, err
}

func (s store) countWords(ctx context.Context, p Place) (n int, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from word_rules where service = $1 and place_id = $2`, p.Service, int64(p.ID)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count words: %w", err)
	}
	return n, nil
}

func (s store) addWord(ctx context.Context, p service.Pass, at Place, w Word) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into word_rules (id, service, place_id, word, word_key, does, created_at) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (service, place_id, word_key) do update set word = excluded.word, does = excluded.does`,
		int64(w.ID), at.Service, int64(at.ID), w.Word, w.key, w.Does, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store word: %w", err)
	}
	return nil
}

// removeWord takes one word out and gives it; the zero one if there is none. The condition's argument is $3.
func (s store) removeWord(ctx context.Context, p service.Pass, at Place, condition string, arg any) (Word, error) {
	if !p.Valid() {
		return Word{}, service.ErrNoPass()
	}
	w, err := scanWord(s.db.Q(ctx).QueryRowContext(ctx, `delete from word_rules where service = $1 and place_id = $2 and `+condition+` returning id, word, word_key, does`,
		at.Service, int64(at.ID), arg))
	if errors.Is(err, sql.ErrNoRows) {
		return Word{}, nil
	}
	if err != nil {
		return w, fmt.Errorf("remove word: %w", err)
	}
	return w, nil
}

// looks gives a page of the images that a place does not let through, the last first.
func (s store) looks(ctx context.Context, p Place, before who.ID, limit int) ([]Look, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select id, look from image_blocks where service = $1 and place_id = $2 and id < $3 order by id desc limit $4`,
		p.Service, int64(p.ID), top(before), limit)
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	list, err := db.Scan(rows, scanLook)
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	return list, nil
}

func scanLook(r db.Row) (Look, error) {
	var l Look
	err := r.Scan((*int64)(&l.ID), &l.Look)
	return l, err
}

// looksOf gives what the images of a post look like.
func (s store) looksOf(ctx context.Context, post who.ID) ([]string, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select look from post_images where post_id = $1 and look <> '' order by position limit 9`, int64(post))
	if err != nil {
		return nil, fmt.Errorf("read looks: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (string, error) {
		var look string
		err := r.Scan(&look)
		return look, err
	})
	if err != nil {
		return nil, fmt.Errorf("read looks: %w", err)
	}
	return list, nil
}

// addLook stores an image that is not let through; Conflict if the place has most of them.
func (s store) addLook(ctx context.Context, p service.Pass, at Place, l Look, most int) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	var n int
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from image_blocks where service = $1 and place_id = $2`, at.Service, int64(at.ID)).Scan(&n); err != nil {
		return fmt.Errorf("count images: %w", err)
	}
	if n >= most {
		return exit.Fail(exit.Conflict, "moderate.error.most_images", "Most", most)
	}
	if _, err := s.db.Exec(ctx, `insert into image_blocks (id, service, place_id, look, created_at) values ($1, $2, $3, $4, $5) on conflict (service, place_id, look) do nothing`,
		int64(l.ID), at.Service, int64(at.ID), l.Look, db.Ms(p.At)); err != nil {
		return fmt.Errorf("store image: %w", err)
	}
	return nil
}

// removeLook takes one image out of the list and gives it; the zero one if there is none. The condition's argument is $3.
func (s store) removeLook(ctx context.Context, p service.Pass, at Place, condition string, arg any) (Look, error) {
	if !p.Valid() {
		return Look{}, service.ErrNoPass()
	}
	l, err := scanLook(s.db.Q(ctx).QueryRowContext(ctx, `delete from image_blocks where service = $1 and place_id = $2 and `+condition+` returning id, look`, at.Service, int64(at.ID), arg))
	if errors.Is(err, sql.ErrNoRows) {
		return Look{}, nil
	}
	if err != nil {
		return l, fmt.Errorf("remove image: %w", err)
	}
	return l, nil
}

// limits gives what a place lets new members do; one that set none lets them do all.
func (s store) limits(ctx context.Context, p Place) (Limits, error) {
	var l Limits
	var links, images int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select days, posts, links, images from place_limits where service = $1 and place_id = $2`, p.Service, int64(p.ID)).
		Scan(&l.Days, &l.Posts, &links, &images)
	if errors.Is(err, sql.ErrNoRows) {
		return Limits{}, nil
	}
	if err != nil {
		return l, fmt.Errorf("read limits: %w", err)
	}
	l.Links, l.Images = links == 1, images == 1
	return l, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (s store) setLimits(ctx context.Context, p service.Pass, at Place, l Limits) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into place_limits (service, place_id, days, posts, links, images) values ($1, $2, $3, $4, $5, $6)
		on conflict (service, place_id) do update set days = excluded.days, posts = excluded.posts, links = excluded.links, images = excluded.images`,
		at.Service, int64(at.ID), l.Days, l.Posts, flag(l.Links), flag(l.Images)); err != nil {
		return fmt.Errorf("store limits: %w", err)
	}
	return nil
}

// rulesOf gives the words, images and limits of circles.
func (s store) rulesOf(ctx context.Context, circles []who.ID) (map[who.ID]*Rules, error) {
	out := map[who.ID]*Rules{}
	for _, id := range circles {
		out[id] = &Rules{}
	}
	if len(circles) == 0 {
		return out, nil
	}
	list, args := service.In(1, circles)
	where := ` where service = 'circle' and place_id in (` + list + `) order by place_id, `
	for query, scan := range map[string]func(db.Row) error{
		`select place_id, word, does from word_rules` + where + `word_key`: func(r db.Row) error {
			var place who.ID
			var w Word
			err := r.Scan((*int64)(&place), &w.Word, &w.Does)
			if err == nil {
				out[place].Words = append(out[place].Words, w)
			}
			return err
		},
		`select place_id, look from image_blocks` + where + `id`: func(r db.Row) error {
			var place who.ID
			var l Look
			err := r.Scan((*int64)(&place), &l.Look)
			if err == nil {
				out[place].Looks = append(out[place].Looks, l)
			}
			return err
		},
		`select place_id, days, posts, links, images from place_limits` + where + `days`: func(r db.Row) error {
			var place who.ID
			var l Limits
			var links, images int64
			err := r.Scan((*int64)(&place), &l.Days, &l.Posts, &links, &images)
			if err == nil {
				l.Links, l.Images = links == 1, images == 1
				out[place].Limits = l
			}
			return err
		},
	} {
		rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
		if err == nil {
			_, err = db.Scan(rows, func(r db.Row) (struct{}, error) { return struct{}{}, scan(r) })
		}
		if err != nil {
			return nil, fmt.Errorf("read rules of circles: %w", err)
		}
	}
	return out, nil
}

// atOnce bounds the rows of one statement.
const atOnce = 1000

// bringRules stores the lists and limits of a place that has none yet.
func (s store) bringRules(ctx context.Context, p service.Pass, at Place, in Rules) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	for some := range slices.Chunk(in.Words, atOnce) {
		var v db.Values
		for _, w := range some {
			v.Add(int64(w.ID), at.Service, int64(at.ID), w.Word, w.key, w.Does, db.Ms(p.At))
		}
		if _, err := s.db.Exec(ctx, `insert into word_rules (id, service, place_id, word, word_key, does, created_at) values `+v.String()+`
			on conflict (service, place_id, word_key) do nothing`, v.Args...); err != nil {
			return fmt.Errorf("store words: %w", err)
		}
	}
	for some := range slices.Chunk(in.Looks, atOnce) {
		var v db.Values
		for _, l := range some {
			v.Add(int64(l.ID), at.Service, int64(at.ID), l.Look, db.Ms(p.At))
		}
		if _, err := s.db.Exec(ctx, `insert into image_blocks (id, service, place_id, look, created_at) values `+v.String()+`
			on conflict (service, place_id, look) do nothing`, v.Args...); err != nil {
			return fmt.Errorf("store images: %w", err)
		}
	}
	if in.Limits.Days == 0 {
		return nil
	}
	return s.setLimits(ctx, p, at, in.Limits)
}

// bucket is the time into which attempts are counted together.
const bucket = 5 * time.Minute

// attempt counts that something is done under a key and gives how often it was within a time, at most a day, this once included. Counts are
// swept with those of the account room after a day.
func (s store) attempt(ctx context.Context, key string, machine time.Time, within time.Duration) (n int64, err error) {
	if _, err := s.db.Exec(ctx, `insert into attempts (key, at, n) values ($1, $2, 1) on conflict (key, at) do update set n = attempts.n + 1`,
		key, db.Ms(machine.Truncate(bucket))); err != nil {
		return 0, fmt.Errorf("count attempt: %w", err)
	}
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select cast(sum(n) as bigint) from attempts where key = $1 and at > $2`, key, db.Ms(machine.Add(-within))).Scan(&n); err != nil {
		return 0, fmt.Errorf("read attempts: %w", err)
	}
	return n, nil
}

// said is a comment as those read it who decide about it.
type said struct {
	text   string
	on     who.Ref
	parent who.ID        // the comment that it answers; 0: none
	moment sql.NullInt64 // of a bullet comment: milliseconds into what is played
}

// said gives a comment; the zero one if it is gone.
func (s store) said(ctx context.Context, id who.ID) (x said, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select text, ref_kind, ref_id, coalesce(parent_id, 0), moment from comments where id = $1`, int64(id)).Scan(&x.text, &x.on.Kind, (*int64)(&x.on.ID), (*int64)(&x.parent), &x.moment)
	if errors.Is(err, sql.ErrNoRows) {
		return said{}, nil
	}
	if err != nil {
		return x, fmt.Errorf("read comment: %w", err)
	}
	return x, nil
}

// stands reports whether a post or a comment stands before others.
func (s store) stands(ctx context.Context, ref who.Ref) (yes bool, err error) {
	table := "posts"
	if ref.Kind == kindComment {
		table = "comments"
	}
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from `+table+` where id = $1 and state = 'live'`, int64(ref.ID)).Scan(&n); err != nil {
		return false, fmt.Errorf("ask whether a thing stands: %w", err)
	}
	return n > 0, nil
}

// knownIn reports whether an account wrote something in a place that those who answer for it see, or something was laid on it or done about it there.
func (s store) knownIn(ctx context.Context, p Place, account who.ID) (yes bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from accounts a where a.id = $1 and (
		exists (select 1 from posts x where x.author_id = a.id and x.service = $2 and x.place_id = $3 and x.state in ('live', 'submitted', 'withheld'))
		or exists (select 1 from comments x where x.author_id = a.id and x.service = $2 and x.place_id = $3)
		or exists (select 1 from sanctions x where x.account_id = a.id and x.service = $2 and x.place_id = $3)
		or exists (select 1 from acts x where x.about_id = a.id and x.service = $2 and x.place_id = $3))`, int64(account), p.Service, int64(p.ID)).Scan(&n); err != nil {
		return false, fmt.Errorf("look for an account in a place: %w", err)
	}
	return n > 0, nil
}

// veiled reports whether an account is veiled where something of it stands, for another reason than an act of moderation: who
// decides on an appeal has to read what it is about.
func (s store) veiled(ctx context.Context, account who.ID, at string, place who.ID) (yes bool, err error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from reasons z where z.account_id = $1 and z.what = 'veil' and z.reason not like 'act:%' and z.scope in ('', $2, $3)`,
		int64(account), at, at+":"+place.String()).Scan(&n); err != nil {
		return false, fmt.Errorf("ask the veil: %w", err)
	}
	return n > 0, nil
}

// veils gives the scopes in which those of the accounts are veiled that are, for another reason than an act of moderation.
func (s store) veils(ctx context.Context, accounts []who.ID) (map[who.ID][]string, error) {
	list, args := service.In(1, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select z.account_id, z.scope from reasons z where z.what = 'veil' and z.reason not like 'act:%' and z.account_id in (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("ask the veil: %w", err)
	}
	out := map[who.ID][]string{}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var id int64
		var scope string
		err := r.Scan(&id, &scope)
		out[who.ID(id)] = append(out[who.ID(id)], scope)
		return 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the veil: %w", err)
	}
	return out, nil
}

// person is an account as the pages of this room name it.
type person struct {
	id                    who.ID
	name, display, avatar string
	state                 string
}

// people gives those of the accounts that are there, veiled ones too: those who decide see whom about.
func (s store) people(ctx context.Context, condition string, args ...any) (map[who.ID]person, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select a.id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, ''), a.state
		from accounts a left join profiles f on f.account_id = a.id where a.state <> 'gone' and `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	out := map[who.ID]person{}
	_, err = db.Scan(rows, func(r db.Row) (int, error) {
		var p person
		err := r.Scan((*int64)(&p.id), &p.name, &p.display, &p.avatar, &p.state)
		out[p.id] = p
		return 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return out, nil
}
