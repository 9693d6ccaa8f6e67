package blob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"exeunt/exit"
	"exeunt/internal/who"
)

func (s *Store) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

// Name is the holder's name.
func (s *Store) Name() string { return "blob" }

// Classes declares the files of an account. They go after the rows that refer to them. For a whole account the class is all
// that lies under its prefix; narrowed to a service or a place it is what the rows erased there have given up.
func (s *Store) Classes() []exit.Class {
	return []exit.Class{{
		Name: "media", Subject: exit.SubjectAccount, Outside: true, Rank: 2, Services: s.Services,
		Places: []exit.Place{
			{Table: "blob_pending", Column: "account_id"},
			{Table: "blob_doomed", Column: "account_id"},
			{Blobs: ""},
		},
	}}
}

// A chunk either counts or removes, so that a repeat answers what it answered before: nothing is gone before all is counted.
// The cursor is "count:KEY" and then "remove:KEY".
const (
	counting = "count:"
	removing = "remove:"
)

// Erase removes files: in its first chunks it counts them, page by page, in the later ones it removes them. When the engine
// begins anew, because something was found to be left, what is left was counted already or came later: that is not told apart,
// and the step is uncounted.
func (s *Store) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	account, err := accountOf(t.Subject)
	if err != nil {
		return exit.Progress{}, err
	}
	narrowed := t.Subject.In != ""
	limit := t.Limit
	if limit <= 0 || limit > 1000 {
		limit = 1000 // as many as S3 lists at once
	}
	again := t.Chunk > 0 && t.Cursor == ""
	if after, ok := strings.CutPrefix(t.Cursor, removing); ok || again {
		last, err := s.empty(ctx, account, narrowed, after, limit)
		return exit.Progress{Cursor: removing + last, Done: last == "", Uncounted: again}, err
	}
	found, err := s.found(ctx, account, narrowed, strings.TrimPrefix(t.Cursor, counting), limit)
	if err != nil {
		return exit.Progress{}, err
	}
	p := exit.Progress{Cursor: removing}
	for _, o := range found {
		if o.Size >= 0 {
			p.Items, p.Bytes = p.Items+1, p.Bytes+o.Size
		}
	}
	if len(found) == limit {
		p.Cursor = counting + found[limit-1].Key
	}
	return p, nil
}

func accountOf(s exit.Subject) (who.ID, error) {
	id, ok := who.ParseID(s.ID)
	if !ok || s.Kind != exit.SubjectAccount {
		return 0, exit.Fail(exit.Invalid, "error.subject", "text", s.String())
	}
	return id, nil
}

// found gives the next page of what the step is to remove. A key that was given up and has no object has size -1.
func (s *Store) found(ctx context.Context, account who.ID, narrowed bool, after string, limit int) ([]Object, error) {
	if !narrowed {
		return s.List(ctx, Prefix(account), after, limit)
	}
	keys, err := s.doomedOf(ctx, account, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Object, len(keys))
	for i, key := range keys {
		size, err := s.Size(ctx, key)
		if exit.KindOf(err) == exit.NotFound {
			size, err = -1, nil
		}
		if err != nil {
			return nil, err
		}
		out[i] = Object{Key: key, Size: size}
	}
	return out, nil
}

// empty removes up to limit files after a key and gives the last of them, "" if there were no more.
func (s *Store) empty(ctx context.Context, account who.ID, narrowed bool, after string, limit int) (last string, err error) {
	if narrowed {
		keys, err := s.doomedOf(ctx, account, after, min(limit, page))
		if err != nil || len(keys) == 0 {
			return "", err
		}
		return keys[len(keys)-1], s.removeDoomed(ctx, keys)
	}
	// The rows go first: a Put that is under way finds its row gone and takes its object back.
	if err := s.strike(ctx, account); err != nil {
		return "", err
	}
	objects, err := s.List(ctx, Prefix(account), after, limit)
	if err != nil || len(objects) == 0 {
		return "", err
	}
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = o.Key
	}
	return keys[len(keys)-1], s.removeAll(ctx, keys)
}

// strike takes the account's rows away; all that they name lies under its prefix.
func (s *Store) strike(ctx context.Context, account who.ID) error {
	return s.DB.Update(ctx, func(ctx context.Context) error {
		for _, table := range []string{"blob_pending", "blob_doomed"} {
			if _, err := s.DB.Exec(ctx, `delete from `+table+` where account_id = $1`, int64(account)); err != nil {
				return fmt.Errorf("erase %s: %w", table, err)
			}
		}
		return nil
	})
}

// hands is how many objects are removed at once.
const hands = 8

// removeAll removes objects; the keys are as they were listed.
func (s *Store) removeAll(ctx context.Context, keys []string) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	next := make(chan string)
	for range min(hands, len(keys)) {
		wg.Go(func() {
			for key := range next {
				if err := s.remove(ctx, key); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, key := range keys {
		next <- key
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// Verify lists what lies under the account's prefix and counts its rows; narrowed, it counts what was given up and is
// not removed yet.
func (s *Store) Verify(ctx context.Context, t exit.Task) (exit.Residue, error) {
	var r exit.Residue
	account, err := accountOf(t.Subject)
	if err != nil {
		return r, err
	}
	var pending, doomed int64
	err = s.DB.Q(ctx).QueryRowContext(ctx, `select (select count(*) from blob_pending where account_id = $1), (select count(*) from blob_doomed where account_id = $1)`,
		int64(account)).Scan(&pending, &doomed)
	if err != nil {
		return r, fmt.Errorf("count blobs: %w", err)
	}
	if t.Subject.In != "" {
		r.Left = doomed
		return r, nil
	}
	there, err := s.Count(ctx, t.Subject, t.Class)
	r.Left = pending + doomed + there.Items
	return r, err
}

// Count tells how many files there are and their bytes.
func (s *Store) Count(ctx context.Context, subject exit.Subject, _ string) (exit.Count, error) {
	var c exit.Count
	account, err := accountOf(subject)
	if err != nil {
		return c, err
	}
	for after := ""; ; {
		objects, err := s.found(ctx, account, subject.In != "", after, 1000)
		if err != nil {
			return c, err
		}
		for _, o := range objects {
			if o.Size >= 0 {
				c.Items, c.Bytes = c.Items+1, c.Bytes+o.Size
			}
			after = o.Key
		}
		if len(objects) < 1000 {
			return c, nil
		}
	}
}

var (
	_ exit.Holder  = (*Store)(nil)
	_ exit.Counter = (*Store)(nil)
)
