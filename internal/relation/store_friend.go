package relation

import (
	"context"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// friends gives those of the accounts that the viewer follows and that follow the viewer.
func (s store) friends(ctx context.Context, viewer who.ID, accounts []who.ID) (map[who.ID]bool, error) {
	out, err := s.has(ctx, `select followee_id from follows f where follower_id = $1
		and exists (select 1 from follows b where b.follower_id = f.followee_id and b.followee_id = $1) and followee_id in (`, viewer, accounts)
	if err != nil {
		return nil, fmt.Errorf("read friends: %w", err)
	}
	return out, nil
}

// bells gives those of the accounts whose bell the follower has on.
func (s store) bells(ctx context.Context, follower who.ID, accounts []who.ID) (map[who.ID]bool, error) {
	out, err := s.has(ctx, `select followee_id from follows where follower_id = $1 and bell = 1 and followee_id in (`, follower, accounts)
	if err != nil {
		return nil, fmt.Errorf("read bells: %w", err)
	}
	return out, nil
}

// setBell turns a follow's bell on or off and gives how many follows there were.
func (s store) setBell(ctx context.Context, p service.Pass, follower, followee who.ID, on bool) (int64, error) {
	if !p.Valid() {
		return 0, service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update follows set bell = $3 where follower_id = $1 and followee_id = $2`, int64(follower), int64(followee), flag(on))
	if err != nil {
		return 0, fmt.Errorf("store bell: %w", err)
	}
	return n, nil
}

// belled gives a page of who has a followed account's bell on, by account.
func (s store) belled(ctx context.Context, followee, after who.ID, limit int) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select follower_id from follows where followee_id = $1 and bell = 1 and follower_id > $2 order by follower_id limit $3`,
		int64(followee), int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("list bells: %w", err)
	}
	ids, err := db.Scan(rows, scanID)
	if err != nil {
		return nil, fmt.Errorf("list bells: %w", err)
	}
	return ids, nil
}

// topicsOf gives the first topics of a post or a video.
func (s store) topicsOf(ctx context.Context, ref who.Ref, limit int) ([]who.ID, error) {
	query := `select topic_id from post_topics where post_id = $1 order by topic_id limit $2`
	if ref.Kind == kindVideo {
		query = `select topic_id from video_topics where video_id = $1 order by id limit $2`
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, int64(ref.ID), limit)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	ids, err := db.Scan(rows, scanID)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	return ids, nil
}
