package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// jobRebuild goes on with making the index anew.
const jobRebuild = "search.rebuild"

// What the install remembers of the index: the form in which it is whole, and how far it has come while it is being made.
const (
	settingVersion  = "search.version"
	settingPosition = "search.position"
)

// How far an index has come: the rows of the old one are being taken out; or rows are put in, source by source ("fill post 17").
const (
	clearing = "clear"
	filling  = "fill"
)

// pageRows is how many rows one transaction of a rebuild takes out or puts in.
const pageRows = 100

// Begin makes sure that there is an index: of an install from before there was one, or with one of another form, it has a job
// make it. It is called once at start, when Sources are set.
func (r *Room) Begin(ctx context.Context) error {
	if r.Queue != nil {
		r.Queue.Handle(jobRebuild, func(ctx context.Context, _ job.Job) error { return r.resume(ctx, nil) })
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		version, _, err := r.DB.Setting(ctx, settingVersion)
		if err != nil || version == indexVersion {
			return err
		}
		position, _, err := r.DB.Setting(ctx, settingPosition)
		if err != nil || position != "" {
			return err // a job is at it
		}
		empty, err := r.store.nobody(ctx)
		if err != nil {
			return err
		}
		if empty {
			return r.DB.SetSetting(ctx, settingVersion, indexVersion)
		}
		// Rows of another form cannot be taken out one by one: their terms are not known any more.
		if err := r.store.empty(ctx); err != nil {
			return err
		}
		if err := r.DB.SetSetting(ctx, settingPosition, filling); err != nil || r.Queue == nil {
			return err
		}
		return r.Queue.Add(ctx, job.Job{Kind: jobRebuild, Ref: indexVersion})
	})
}

// Rebuilt is how far a rebuild has come.
type Rebuilt struct {
	Removed int64 `json:"removed"` // rows of the old index
	Stored  int64 `json:"stored"`  // rows of the new one
}

// Rebuild makes the index anew, page by page; what was not yet put in again is not found meanwhile. It may be stopped at
// any time and goes on where it was when it is called again. Progress is called after each page; it may be nil.
func (r *Room) Rebuild(ctx context.Context, progress func(Rebuilt)) error {
	position, _, err := r.DB.Setting(ctx, settingPosition)
	if err != nil {
		return err
	}
	if position == "" {
		if err := r.DB.SetSetting(ctx, settingPosition, clearing); err != nil {
			return err
		}
	}
	return r.resume(ctx, progress)
}

// resume goes on from where the index is until it is whole.
func (r *Room) resume(ctx context.Context, progress func(Rebuilt)) error {
	var sum Rebuilt
	for done := false; !done; {
		err := r.DB.Update(ctx, func(ctx context.Context) (err error) {
			var page Rebuilt
			page, done, err = r.step(ctx)
			sum.Removed, sum.Stored = sum.Removed+page.Removed, sum.Stored+page.Stored
			return err
		})
		if err != nil {
			return fmt.Errorf("make index: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if progress != nil {
			progress(sum)
		}
	}
	return nil
}

// step does one page in the context's transaction.
func (r *Room) step(ctx context.Context) (page Rebuilt, done bool, err error) {
	position, _, err := r.DB.Setting(ctx, settingPosition)
	if err != nil || position == "" {
		return page, true, err
	}
	if position == clearing {
		if page.Removed, err = r.store.removeFirst(ctx, pageRows); err != nil {
			return page, false, err
		}
		if page.Removed < pageRows {
			position = filling
		}
		return page, false, r.DB.SetSetting(ctx, settingPosition, position)
	}
	page.Stored, position, err = r.fillPage(ctx, position)
	if err != nil {
		return page, false, err
	}
	if position == "" {
		if err := r.DB.SetSetting(ctx, settingVersion, indexVersion); err != nil {
			return page, false, err
		}
	}
	return page, position == "", r.DB.SetSetting(ctx, settingPosition, position)
}

// fillPage puts in a page of one source, without what has been put in meanwhile, and gives where to go on; "" at the end.
func (r *Room) fillPage(ctx context.Context, position string) (n int64, next string, err error) {
	kind, after, err := parsePosition(position)
	if err != nil {
		return 0, "", err
	}
	i := slices.IndexFunc(r.Sources, func(s Source) bool { return kind == "" || s.Kind() == kind })
	if i < 0 {
		return 0, "", nil
	}
	docs, last, more, err := r.Sources[i].Docs(ctx, after, pageRows)
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", r.Sources[i].Kind(), err)
	}
	pass, err := r.Desk.EnterExit(ctx)
	if err != nil {
		return 0, "", err
	}
	n, err = r.store.addMissing(ctx, pass, docs)
	switch {
	case err != nil:
		return 0, "", err
	case more && last > after:
		return n, positionOf(r.Sources[i].Kind(), last), nil
	case i+1 < len(r.Sources):
		return n, positionOf(r.Sources[i+1].Kind(), 0), nil
	}
	return n, "", nil
}

func positionOf(kind string, after who.ID) string {
	return filling + " " + kind + " " + after.String()
}

// parsePosition reads what positionOf wrote; the kind is "" at the beginning.
func parsePosition(position string) (kind string, after who.ID, err error) {
	words := strings.Fields(position)
	if len(words) == 1 && words[0] == filling {
		return "", 0, nil
	}
	if len(words) != 3 || words[0] != filling {
		return "", 0, exit.Fail(exit.Internal, "error.internal")
	}
	after, _ = who.ParseID(words[2])
	return words[1], after, nil
}

// addMissing puts in those of the things that are not in the index.
func (s store) addMissing(ctx context.Context, p service.Pass, docs []Doc) (int64, error) {
	if len(docs) == 0 {
		return 0, nil
	}
	refs := make([]who.Ref, len(docs))
	for i, d := range docs {
		refs[i] = d.Ref
	}
	known, err := s.known(ctx, refs)
	if err != nil {
		return 0, err
	}
	var fresh []row
	for _, d := range docs {
		if !known[d.Ref] {
			fresh = append(fresh, rowOf(d))
		}
	}
	return int64(len(fresh)), s.add(ctx, p, fresh)
}
