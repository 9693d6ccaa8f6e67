package post

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// undoTime is how long a deleted post can be brought back, by the machine clock.
const undoTime = 30 * time.Second

// eraseJob erases a deleted post for good.
const eraseJob = "post.erase"

// Delete takes a post of the viewer's own out. Nobody sees anything of it from now on; for half a minute [Room.Undo] brings
// it back, then it is erased. Others' living comments stay beneath a skeleton. NotFound for what the viewer may not delete.
func (r *Room) Delete(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.standing(ctx, v, id, removes)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.Place, Removal: true})
		if err != nil {
			return err
		}
		if r.Queue == nil {
			return r.erase(ctx, pass, p)
		}
		if p.State == Live {
			if err := r.vanish(ctx, pass, []Post{p}); err != nil {
				return err
			}
		}
		if err := r.store.hide(ctx, pass, p.ID, db.Ms(r.DB.Clock.Now()), p.State); err != nil {
			return err
		}
		return r.Queue.Add(ctx, job.Job{Kind: eraseJob, Ref: p.ID.String(), Account: p.Author, Delay: undoTime})
	})
}

// Undo brings a post back that the viewer deleted a moment ago. NotFound once it is erased.
func (r *Room) Undo(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.standing(ctx, v, id, undoes)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: p.Service, Place: p.Place, Removal: true})
		if err != nil {
			return err
		}
		p.State = p.DeletedAs
		if err := r.store.unhide(ctx, pass, p.ID, p.State); err != nil || p.State != Live {
			return err
		}
		return r.appear(ctx, pass, []Post{p})
	})
}

// eraseDeleted is the job that erases a deleted post. It may run any number of times, and early: a post that was brought
// back and deleted again has its half minute anew.
func (r *Room) eraseDeleted(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return nil
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		p, err := r.store.one(ctx, 0, id)
		if exit.KindOf(err) == exit.NotFound || err == nil && p.State != Deleting {
			return nil
		}
		if err != nil {
			return err
		}
		if left := p.Deleted.Add(undoTime).Sub(r.DB.Clock.Now()); left > 0 {
			j.Delay = left
			return r.Queue.Add(ctx, j)
		}
		// Neither hibernating nor closing keeps what was deleted before.
		pass, err := r.Desk.EnterExit(ctx, p.Author)
		if err != nil {
			return err
		}
		return r.erase(ctx, pass, p)
	})
}

// erase takes a post out for good, its files too.
func (r *Room) erase(ctx context.Context, pass service.Pass, p Post) error {
	images, err := r.store.images(ctx, []who.ID{p.ID})
	if err != nil {
		return err
	}
	if err := r.giveUp(ctx, images[p.ID]); err != nil {
		return err
	}
	if err := r.unindex(ctx, pass, []Post{p}); err != nil {
		return err
	}
	if r.Notices != nil {
		if err := r.Notices.Forget(ctx, pass, p.Ref()); err != nil {
			return err
		}
	}
	return r.store.remove(ctx, pass, p)
}

// giveUp has the files of images deleted after the commit.
func (r *Room) giveUp(ctx context.Context, images []Image) error {
	for _, i := range images {
		if i.Key == "" {
			continue
		}
		if err := r.Blobs.Doom(ctx, i.Author, i.Key, i.Thumb); err != nil {
			return err
		}
	}
	return nil
}

// appear has posts that were just made living counted, found and listed by their topics.
func (r *Room) appear(ctx context.Context, pass service.Pass, posts []Post) error {
	if len(posts) == 0 {
		return nil
	}
	if err := r.store.recount(ctx, pass, idsOf(posts)); err != nil {
		return err
	}
	if err := r.store.link(ctx, pass, posts); err != nil {
		return err
	}
	if err := r.indexTags(ctx, pass, posts); err != nil {
		return err
	}
	return r.index(ctx, pass, posts)
}

// vanish takes living posts out of counts, topics and search; their state changes after it.
func (r *Room) vanish(ctx context.Context, pass service.Pass, posts []Post) error {
	if len(posts) == 0 {
		return nil
	}
	tags, err := r.store.topicsOf(ctx, idsOf(posts))
	if err != nil {
		return err
	}
	if err := r.store.vanish(ctx, pass, idsOf(posts)); err != nil {
		return err
	}
	if err := r.unindexTags(ctx, pass, tags); err != nil {
		return err
	}
	return r.unindex(ctx, pass, posts)
}

func idsOf(posts []Post) []who.ID {
	out := make([]who.ID, len(posts))
	for i, p := range posts {
		out[i] = p.ID
	}
	return out
}

// withhold takes living posts out of everybody's sight but their authors' and the moderators', or lets them be seen again. It is
// the registry's [service.Kind.Withhold].
func (r *Room) withhold(ctx context.Context, pass service.Pass, ids []who.ID, on bool) error {
	list, err := r.store.byIDs(ctx, 0, ids)
	if err != nil {
		return err
	}
	from, to := Withheld, Live
	if on {
		from, to = Live, Withheld
	}
	var turned []Post
	for _, p := range list {
		if p.State == from {
			p.State = to
			turned = append(turned, p)
		}
	}
	if len(turned) == 0 {
		return nil
	}
	if on {
		if err := r.vanish(ctx, pass, turned); err != nil {
			return err
		}
		return r.store.turn(ctx, pass, idsOf(turned), from, to)
	}
	if err := r.store.turn(ctx, pass, idsOf(turned), from, to); err != nil {
		return err
	}
	return r.appear(ctx, pass, turned)
}
