package channel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

func (s store) addCollection(ctx context.Context, pass service.Pass, c Collection) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `insert into collections (id, account_id, title, text, created_at) values ($1, $2, $3, $4, $5)`, int64(c.ID), int64(c.Owner), c.Title, c.Text, db.Ms(pass.At)); err != nil {
		return fmt.Errorf("store collection: %w", err)
	}
	return nil
}

// changeCollection stores other words of a collection; NotFound if the owner has none of that id.
func (s store) changeCollection(ctx context.Context, pass service.Pass, c Collection) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	n, err := s.db.Exec(ctx, `update collections set title = $1, text = $2 where id = $3 and account_id = $4`, c.Title, c.Text, int64(c.ID), int64(c.Owner))
	if err != nil {
		return fmt.Errorf("change collection: %w", err)
	}
	if n == 0 {
		return errNoCollection()
	}
	return nil
}

// dropCollection deletes a collection; NotFound if the owner has none of that id.
func (s store) dropCollection(ctx context.Context, pass service.Pass, owner, id who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if _, err := s.db.Exec(ctx, `delete from collection_videos where collection_id = $1 and account_id = $2`, int64(id), int64(owner)); err != nil {
		return fmt.Errorf("take collection apart: %w", err)
	}
	n, err := s.db.Exec(ctx, `delete from collections where id = $1 and account_id = $2`, int64(id), int64(owner))
	if err != nil {
		return fmt.Errorf("delete collection: %w", err)
	}
	if n == 0 {
		return errNoCollection()
	}
	return nil
}

func (s store) collectionCount(ctx context.Context, account who.ID) (n int64, err error) {
	if err := s.db.Q(ctx).QueryRowContext(ctx, `select count(*) from collections where account_id = $1`, int64(account)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count collections: %w", err)
	}
	return n, nil
}

// collectionColumns are those of a collection c.
const collectionColumns = `c.id, c.account_id, c.title, c.text,
	(select count(*) from collection_videos l join videos p on p.id = l.video_id where l.collection_id = c.id and p.state = 'live' and p.audience = 'public'),
	coalesce((select p.thumb from collection_videos l join videos p on p.id = l.video_id where l.collection_id = c.id and p.state = 'live' and p.audience = 'public'
		and p.thumb <> '' order by l.position, l.id limit 1), '')`

func scanCollection(r db.Row) (c Collection, err error) {
	err = r.Scan((*int64)(&c.ID), (*int64)(&c.Owner), &c.Title, &c.Text, &c.Videos, &c.Picture)
	return c, err
}

func (s store) collectionList(ctx context.Context, query string, args ...any) ([]Collection, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list collections: %w", err)
	}
	list, err := db.Scan(rows, scanCollection)
	if err != nil {
		return nil, fmt.Errorf("list collections: %w", err)
	}
	return list, nil
}

// collections gives an account's collections, the newest first, below an id; an account has no more than [mostCollections].
func (s store) collections(ctx context.Context, account, before who.ID, limit int) ([]Collection, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return s.collectionList(ctx, `select `+collectionColumns+` from collections c where c.account_id = $1 and c.id < $2 order by c.id desc limit $3`, int64(account), int64(before), limit)
}

func (s store) collection(ctx context.Context, id who.ID) (Collection, error) {
	list, err := s.collectionList(ctx, `select `+collectionColumns+` from collections c where c.id = $1`, int64(id))
	if err != nil {
		return Collection{}, err
	}
	if len(list) == 0 {
		return Collection{}, errNoCollection()
	}
	return list[0], nil
}

// inCollection gives a page of a collection's published videos, in their order, after a position; last is the position of the last.
func (s store) inCollection(ctx context.Context, viewer, collection who.ID, after int64, limit int) (list []Video, last int64, err error) {
	list, err = s.videos(ctx, "list a collection's videos", `select `+columns+` from collection_videos l join videos p on p.id = l.video_id`+withChannel+`
		where l.collection_id = $2 and l.position > $3 and p.state = 'live' order by l.position, l.id limit $4`, int64(viewer), int64(collection), after, limit)
	if err != nil || len(list) == 0 {
		return nil, 0, err
	}
	err = s.db.Q(ctx).QueryRowContext(ctx, `select position from collection_videos where collection_id = $1 and video_id = $2`, int64(collection), int64(list[len(list)-1].ID)).Scan(&last)
	if err != nil {
		return nil, 0, fmt.Errorf("list a collection's videos: %w", err)
	}
	return list, last, nil
}

// collectionsOf gives the collections in which a video stands; there are no more than [mostCollections].
func (s store) collectionsOf(ctx context.Context, video who.ID) ([]who.ID, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select collection_id from collection_videos where video_id = $1 order by collection_id limit $2`, int64(video), mostCollections)
	if err != nil {
		return nil, fmt.Errorf("read a video's collections: %w", err)
	}
	ids, err := db.Scan(rows, func(r db.Row) (id who.ID, err error) { err = r.Scan((*int64)(&id)); return id, err })
	if err != nil {
		return nil, fmt.Errorf("read a video's collections: %w", err)
	}
	return ids, nil
}

// collect has a video stand in these collections of its owner's, as the last of those in which it did not stand, and in no others. NotFound if one of
// them is not the owner's.
func (s store) collect(ctx context.Context, pass service.Pass, x Video, collections []who.ID) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	list, args := service.In(2, append([]who.ID{0}, collections...)) // in no empty list: SQL takes that for unknown
	if _, err := s.db.Exec(ctx, `delete from collection_videos where video_id = $1 and collection_id not in (`+list+`)`, append([]any{int64(x.ID)}, args...)...); err != nil {
		return fmt.Errorf("take video out of collections: %w", err)
	}
	if len(collections) == 0 {
		return nil
	}
	list, args = service.In(3, collections)
	found, err := s.db.Q(ctx).QueryContext(ctx, `select c.id, coalesce((select max(l.position) from collection_videos l where l.collection_id = c.id), 0) + 1,
		(select count(*) from collection_videos l where l.collection_id = c.id and l.video_id = $1) from collections c where c.account_id = $2 and c.id in (`+list+`)`,
		append([]any{int64(x.ID), int64(x.Owner)}, args...)...)
	if err != nil {
		return fmt.Errorf("read collections: %w", err)
	}
	var fresh db.Values
	own, err := db.Scan(found, func(r db.Row) (id int64, err error) {
		var last, in int64
		if err = r.Scan(&id, &last, &in); err == nil && in == 0 {
			fresh.Add(int64(s.db.IDs.Next()), id, int64(x.Owner), int64(x.ID), last)
		}
		return id, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("read collections: %w", err)
	case len(own) < len(collections):
		return errNoCollection()
	case len(fresh.Args) == 0:
		return nil
	}
	if _, err := s.db.Exec(ctx, `insert into collection_videos (id, collection_id, account_id, video_id, position) values `+fresh.String()+` on conflict (collection_id, video_id) do nothing`, fresh.Args...); err != nil {
		return fmt.Errorf("put video into collections: %w", err)
	}
	return nil
}

// swap has a published video of an owner's collection change places with the published one before it, or after it; the first and the last stay. NotFound
// if it is not in the collection.
func (s store) swap(ctx context.Context, pass service.Pass, owner, collection, video who.ID, before bool) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	var at int64
	err := s.db.Q(ctx).QueryRowContext(ctx, `select position from collection_videos where collection_id = $1 and account_id = $2 and video_id = $3`, int64(collection), int64(owner), int64(video)).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoCollection()
	}
	if err != nil {
		return fmt.Errorf("read a video's place: %w", err)
	}
	next := `l.position > $2 order by l.position, l.id`
	if before {
		next = `l.position < $2 order by l.position desc, l.id desc`
	}
	var other, there int64
	err = s.db.Q(ctx).QueryRowContext(ctx, `select l.video_id, l.position from collection_videos l join videos p on p.id = l.video_id
		where l.collection_id = $1 and p.state = 'live' and `+next+` limit 1`, int64(collection), at).Scan(&other, &there)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the place beside a video: %w", err)
	}
	if _, err := s.db.Exec(ctx, `update collection_videos set position = case when video_id = $1 then cast($2 as bigint) else $3 end where collection_id = $4 and video_id in ($1, $5)`,
		int64(video), there, at, int64(collection), other); err != nil {
		return fmt.Errorf("change places in a collection: %w", err)
	}
	return nil
}
