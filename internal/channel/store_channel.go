package channel

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// putChannel stores a channel's words, of a new one or of one that is there, and its links.
func (s store) putChannel(ctx context.Context, pass service.Pass, account who.ID, w Words) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into channels (account_id, name, looks, bio, avatar, cover, downloads, category, explicit, created_at) values ($1, $2, $3, $4, '', '', $5, $6, $7, $8)
		on conflict (account_id) do update set name = excluded.name, looks = excluded.looks, bio = excluded.bio, downloads = excluded.downloads, category = excluded.category, explicit = excluded.explicit`,
		int64(account), w.Name, who.Looks(w.Name), w.Bio, flag(w.Downloads), w.Category, flag(w.Explicit), db.Ms(pass.At)); err != nil {
		return fmt.Errorf("store channel: %w", err)
	}
	if _, err := s.db.Exec(ctx, `delete from channel_links where account_id = $1`, int64(account)); err != nil {
		return fmt.Errorf("clear a channel's links: %w", err)
	}
	if len(w.Links) == 0 {
		return nil
	}
	var v db.Values
	for i, l := range w.Links {
		v.Add(int64(s.db.IDs.Next()), int64(account), i, l.Label, l.URL)
	}
	if _, err := s.db.Exec(ctx, `insert into channel_links (id, account_id, position, label, url) values `+v.String(), v.Args...); err != nil {
		return fmt.Errorf("store a channel's links: %w", err)
	}
	return nil
}

// links gives a channel's links, in their order.
func (s store) links(ctx context.Context, account who.ID) ([]Link, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select label, url from channel_links where account_id = $1 order by position, id limit $2`, int64(account), mostLinks)
	if err != nil {
		return nil, fmt.Errorf("read a channel's links: %w", err)
	}
	list, err := db.Scan(rows, func(r db.Row) (l Link, err error) { err = r.Scan(&l.Label, &l.URL); return l, err })
	if err != nil {
		return nil, fmt.Errorf("read a channel's links: %w", err)
	}
	return list, nil
}

// looksLike tells whether the channel of another has a name that looks the same.
func (s store) looksLike(ctx context.Context, besides who.ID, name string) (bool, error) {
	var n int64
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from channels where looks = $1 and account_id <> $2`, who.Looks(name), int64(besides)).Scan(&n); err != nil {
		return false, fmt.Errorf("look for a channel's name: %w", err)
	}
	return n > 0, nil
}

// setPicture stores the key of a channel's avatar or cover.
func (s store) setPicture(ctx context.Context, pass service.Pass, account who.ID, which Which, key string) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	column := "avatar"
	if which == Cover {
		column = "cover"
	}
	if _, err := s.db.Exec(ctx, `update channels set `+column+` = $1 where account_id = $2`, key, int64(account)); err != nil {
		return fmt.Errorf("store a channel's picture: %w", err)
	}
	return nil
}

// setBadge stores what the operator has verified of a channel, and gives how many there are: one or none.
func (s store) setBadge(ctx context.Context, pass service.Pass, account who.ID, words string) (int64, error) {
	if !pass.Valid() {
		return 0, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update channels set badge = $1, badged_at = case when $1 = '' then null else cast($2 as bigint) end where account_id = $3`, words, db.Ms(pass.At), int64(account))
	if err != nil {
		return 0, fmt.Errorf("store a channel's badge: %w", err)
	}
	return n, nil
}

// channelsAbove gives channels by account, above an id.
func (s store) channelsAbove(ctx context.Context, viewer, after who.ID, limit int) ([]Channel, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+channelColumns("c.account_id")+` from channels c join accounts a on a.id = c.account_id
		where c.account_id > $2 order by c.account_id limit $3`, int64(viewer), int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	list, err := db.Scan(rows, scanChannel)
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	return list, nil
}

// flag gives what a column holds for a yes or no.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
