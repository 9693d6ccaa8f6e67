package channel

import (
	"context"
	"fmt"
	"math"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// deskViews fills in the views of days that follow on one another.
func (s store) deskViews(ctx context.Context, account who.ID, days []DeskDay) error {
	first := dayOf(days[0].Begin)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select d.day, d.source, cast(sum(d.views) as bigint), cast(sum(d.watched) as bigint) from video_days d
		where d.account_id = $1 and d.day >= $2 and d.day < $3 group by d.day, d.source`, int64(account), first, first+int64(len(days)))
	if err != nil {
		return fmt.Errorf("count views: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (n int64, err error) {
		var source string
		var views, watched int64
		if err = r.Scan(&n, &source, &views, &watched); err == nil {
			d := &days[n-first]
			d.Views, d.Watched = d.Views+views, d.Watched+watchedFor(watched)
			d.By[source] += views
		}
		return n, err
	})
	if err != nil {
		return fmt.Errorf("count views: %w", err)
	}
	return nil
}

// watchedFor gives the time of the column watched.
func watchedFor(n int64) time.Duration { return time.Duration(n) * time.Second }

// deskFollowers fills in who came to follow on each of the days, and gives how many follow today.
func (s store) deskFollowers(ctx context.Context, account who.ID, days []DeskDay) (all int64, err error) {
	first := dayOf(days[0].Begin)
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from follows where followee_id = $1`, int64(account)).Scan(&all); err != nil {
		return 0, fmt.Errorf("count followers: %w", err)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select f.created_at / 86400000, count(*) from follows f where f.followee_id = $1 and f.created_at >= $2 group by f.created_at / 86400000`,
		int64(account), db.Ms(days[0].Begin))
	if err != nil {
		return 0, fmt.Errorf("count followers by day: %w", err)
	}
	_, err = db.Scan(rows, func(r db.Row) (n int64, err error) {
		var joined int64
		if err = r.Scan(&n, &joined); err == nil {
			days[min(max(n-first, 0), int64(len(days)-1))].Joined += joined
		}
		return n, err
	})
	if err != nil {
		return 0, fmt.Errorf("count followers by day: %w", err)
	}
	left := all
	for i := len(days) - 1; i >= 0; i-- {
		days[i].Followers = left
		left -= days[i].Joined
	}
	return all, nil
}

// deskUploads counts the account's uploads of videos that are on their way in.
func (s store) deskUploads(ctx context.Context, account who.ID) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from uploads where account_id = $1 and what in ('video', 'batch') and state = 'open'`, int64(account)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count uploads: %w", err)
	}
	return n, nil
}

// deskWatched gives for how long each of the videos was watched in all.
func (s store) deskWatched(ctx context.Context, ids []who.ID) (map[who.ID]time.Duration, error) {
	list, args := service.In(1, ids)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select d.video_id, cast(sum(d.watched) as bigint) from video_days d where d.video_id in (`+list+`) group by d.video_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("sum up watch time: %w", err)
	}
	out := map[who.ID]time.Duration{}
	_, err = db.Scan(rows, func(r db.Row) (id who.ID, err error) {
		var n int64
		err = r.Scan((*int64)(&id), &n)
		out[id] = watchedFor(n)
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("sum up watch time: %w", err)
	}
	return out, nil
}

// toAnswer gives comments that an owner has not answered, the newest first, older than one (0: from the top). Of each of the last videos as many are read as
// a page has, by index: any of them may fill it.
func (s store) toAnswer(ctx context.Context, owner, before who.ID, limit int) ([]Asked, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `with mine (id) as (select p.id from videos p where p.account_id = $1 and p.state = 'live' order by p.at desc, p.id desc limit $2)
		select c.id, c.ref_id, c.author_id, a.name, coalesce(f.display_name, ''), coalesce(f.avatar, ''), c.text, p.title, c.created_at
		from (`+s.of("mine", "comments", "id, ref_id, author_id, text, created_at", `x.ref_kind = 'video' and x.ref_id = s.id and x.parent_id is null and x.moment is null and x.id < $3
			and x.state = 'live' and x.author_id <> $1 and `+service.Visible("x.author_id", "'channel'", "'0'")+` and `+service.Unblocked("$1", "x.author_id")+` and `+relation.Unmuted("$1", "x.author_id")+`
			and not exists (select 1 from comments w where w.parent_id = x.id and w.author_id = $1 and w.state = 'live') order by x.id desc limit $4`)+`) c
		join videos p on p.id = c.ref_id join accounts a on a.id = c.author_id left join profiles f on f.account_id = c.author_id
		order by c.id desc limit $4`, int64(owner), videosAsked, int64(before), limit)
	if err != nil {
		return nil, fmt.Errorf("look for comments to answer: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (x Asked, err error) {
		var at int64
		err = r.Scan((*int64)(&x.ID), (*int64)(&x.Video), (*int64)(&x.Author), &x.Name, &x.Display, &x.Avatar, &x.Text, &x.Over, &at)
		x.At = db.Time(at)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for comments to answer: %w", err)
	}
	return list, nil
}
