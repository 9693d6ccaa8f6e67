package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// profile gives an account's profile with its links; an empty one if it has none.
func (s store) profile(ctx context.Context, account who.ID) (Profile, error) {
	var p Profile
	err := s.db.Q(ctx).QueryRowContext(ctx, `select display_name, bio, avatar, cover from profiles where account_id = $1`, int64(account)).Scan(&p.Display, &p.Bio, &p.Avatar, &p.Cover)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("read profile: %w", err)
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select label, url from profile_links where account_id = $1 order by position, id limit $2`, int64(account), mostLinks)
	if err != nil {
		return p, fmt.Errorf("read links of profile: %w", err)
	}
	p.Links, err = db.Scan(rows, func(r db.Row) (ProfileLink, error) {
		var l ProfileLink
		err := r.Scan(&l.Label, &l.URL)
		return l, err
	})
	return p, err
}

// setProfile stores names, words and links. Pictures are [store.setPicture]'s.
func (s store) setProfile(ctx context.Context, pass service.Pass, account who.ID, p Profile) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into profiles (account_id, display_name, bio, avatar, cover) values ($1, $2, $3, '', '')
		on conflict (account_id) do update set display_name = excluded.display_name, bio = excluded.bio`, int64(account), p.Display, p.Bio); err != nil {
		return fmt.Errorf("store profile: %w", err)
	}
	if _, err := s.db.Exec(ctx, `delete from profile_links where account_id = $1`, int64(account)); err != nil {
		return fmt.Errorf("remove links of profile: %w", err)
	}
	for i, l := range p.Links {
		if _, err := s.db.Exec(ctx, `insert into profile_links (id, account_id, position, label, url) values ($1, $2, $3, $4, $5)`,
			int64(s.db.IDs.Next()), int64(account), i, l.Label, l.URL); err != nil {
			return fmt.Errorf("store link of profile: %w", err)
		}
	}
	return nil
}

// setPicture refers to a picture and gives the key of the one before.
func (s store) setPicture(ctx context.Context, pass service.Pass, account who.ID, which Which, key string, bytes int64) (old string, err error) {
	if !pass.Valid() {
		return "", service.ErrNoPass()
	}
	column := map[Which]string{Avatar: "avatar", Cover: "cover"}[which]
	if column == "" {
		return "", fmt.Errorf("store picture: no picture %q", which)
	}
	err = s.db.Q(ctx).QueryRowContext(ctx, `select `+column+` from profiles where account_id = $1`+s.db.ForUpdate(), int64(account)).Scan(&old)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errNoAccount()
	}
	if err != nil {
		return "", fmt.Errorf("read picture: %w", err)
	}
	if _, err := s.db.Exec(ctx, `update profiles set `+column+` = $1, `+column+`_bytes = $2 where account_id = $3`, key, bytes, int64(account)); err != nil {
		return "", fmt.Errorf("store picture: %w", err)
	}
	return old, nil
}

// settings gives an account's settings; those of a new account if it has none.
func (s store) settings(ctx context.Context, account who.ID) (Settings, error) {
	x := Settings{SeenBy: relation.ByMe}
	var unfound int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select language, zone, theme, lists_seen_by, ranking, 1 - found from settings where account_id = $1`, int64(account)).
		Scan((*string)(&x.Language), &x.Zone, (*string)(&x.Theme), (*string)(&x.SeenBy), (*int64)(&x.Ranking), &unfound)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return x, fmt.Errorf("read settings: %w", err)
	}
	x.Unfound = unfound == 1
	return x, nil
}

// watching is how an account watches videos, as the room of channels keeps it in the settings.
type watching struct {
	order   int64 // 0: never chosen
	forgets bool  // what it watches is not remembered
}

func (s store) watching(ctx context.Context, account who.ID) (w watching, err error) {
	err = s.db.Q(ctx).QueryRowContext(ctx, `select video_order, history = 0 from settings where account_id = $1`, int64(account)).Scan(&w.order, &w.forgets)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return w, fmt.Errorf("read how videos are watched: %w", err)
	}
	return w, nil
}

func (s store) setWatching(ctx context.Context, pass service.Pass, account who.ID, w watching) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by, video_order, history) values ($1, '', '', '', $2, $3, $4)
		on conflict (account_id) do update set video_order = excluded.video_order, history = excluded.history`, int64(account), string(relation.ByMe), w.order, 1-flag(w.forgets)); err != nil {
		return fmt.Errorf("store how videos are watched: %w", err)
	}
	return nil
}

func (s store) setSettings(ctx context.Context, pass service.Pass, account who.ID, x Settings) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by, found, ranking) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (account_id) do update set language = excluded.language, zone = excluded.zone, theme = excluded.theme, lists_seen_by = excluded.lists_seen_by, found = excluded.found,
		ranking = case when excluded.ranking = 0 then settings.ranking else excluded.ranking end`,
		int64(account), string(x.Language), x.Zone, string(x.Theme), string(x.SeenBy), 1-flag(x.Unfound), int64(x.Ranking)); err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	return nil
}
