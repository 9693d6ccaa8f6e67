package channel

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a video's words, and of what an account keeps unpublished.
const (
	mostTitle  = 100  // characters
	mostText   = 5000 // characters
	mostDrafts = 1000
	mostAhead  = 366 * 24 * time.Hour // how far ahead a video can be scheduled
)

// VideoWords is what an owner writes of a video. Audience is "public", "unlisted", "followers", "only", or "circle:ID".
type VideoWords struct {
	Title, Text, Audience string
	Downloads             bool
	Collections           []who.ID // in which it stands
}

// clean trims the words and refuses, with Invalid, what is too long or hides something. A draft needs no title.
func (w VideoWords) clean(draft bool) (VideoWords, error) {
	w.Title = strings.Join(strings.Fields(norm.NFC.String(w.Title)), " ")
	w.Text = lines(w.Text)
	switch {
	case w.Title == "" && !draft:
		return w, exit.Fail(exit.Invalid, "channel.error.title_empty")
	case !fits(w.Title, mostTitle, ""):
		return w, exit.Fail(exit.Invalid, "channel.error.title_long", "Count", mostTitle)
	case who.Hides(w.Title):
		return w, exit.Fail(exit.Invalid, "channel.error.title_hides")
	case !fits(w.Text, mostText, "\n\t"):
		return w, exit.Fail(exit.Invalid, "channel.error.text_long", "Count", mostText)
	}
	return w, nil
}

// titleOf makes a title of a file's name: without its folder and its ending.
func titleOf(file string) string {
	if i := strings.LastIndexAny(file, `/\`); i >= 0 {
		file = file[i+1:]
	}
	if i := strings.LastIndexByte(file, '.'); i > 0 {
		file = file[:i]
	}
	file = strings.Join(strings.FieldsFunc(file, func(c rune) bool { return c <= ' ' || c == 0x7f || c == utf8.RuneError }), " ")
	if r := []rune(file); len(r) > mostTitle {
		file = string(r[:mostTitle])
	}
	return file
}

// NewVideo makes a draft of the viewer's, of a file called name, and gives its id. NotFound if the viewer has no channel, Conflict if there are too
// many drafts.
func (r *Room) NewVideo(ctx context.Context, v who.Viewer, file string) (id who.ID, err error) {
	err = r.own(ctx, v, func(ctx context.Context, pass service.Pass) error {
		id, err = r.draft(ctx, pass, v, file)
		return err
	})
	return id, err
}

// draft stores a new draft behind the fence.
func (r *Room) draft(ctx context.Context, pass service.Pass, v who.Viewer, file string) (who.ID, error) {
	c, err := r.mine(ctx, v)
	if err != nil {
		return 0, err
	}
	n, err := r.store.unpublished(ctx, v.Account)
	if err != nil {
		return 0, err
	}
	if n >= mostDrafts {
		return 0, exit.Fail(exit.Conflict, "channel.error.drafts", "Count", mostDrafts)
	}
	id := r.DB.IDs.Next()
	return id, r.store.addVideo(ctx, pass, Video{ID: id, Owner: v.Account, Title: titleOf(file), Audience: who.Public, Downloads: c.Downloads})
}

// Video gives a video as the viewer may see it; NotFound otherwise.
func (r *Room) Video(ctx context.Context, v who.Viewer, id who.ID) (Video, error) {
	x, err := r.store.one(ctx, v.Account, id)
	if err == nil && !sees(v, x) {
		err = errNoVideo()
	}
	return x, err
}

// changing runs a change of a video of the viewer's own, the video locked. NotFound for any other.
func (r *Room) changing(ctx context.Context, v who.Viewer, id who.ID, onto []who.ID, fn func(context.Context, service.Pass, Video) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: onto, Service: Name})
		if err != nil {
			return err
		}
		if err := r.store.lockVideo(ctx, id); err != nil {
			return err
		}
		x, err := r.store.one(ctx, v.Account, id)
		if err != nil {
			return err
		}
		if !changes(v, x) {
			return errNoVideo()
		}
		return fn(ctx, pass, x)
	})
}

// audience gives the token of an audience's word; that of a circle is refused to who may not write there.
func (r *Room) audience(ctx context.Context, v who.Viewer, word string) (who.Audience, error) {
	switch word {
	case "", "public":
		return who.Public, nil
	case "unlisted":
		return who.Unlisted, nil
	case "followers":
		return who.FollowersOf(v.Account), nil
	case "only":
		return who.Only(v.Account), nil
	}
	if kind, id := who.Audience(word).Split(); kind == "circle" && id != 0 && r.Posts.Places != nil {
		_, err := r.Posts.Places.MayPost(ctx, v, kind, id)
		return who.CircleOnly(id), err
	}
	return "", exit.Fail(exit.Invalid, "channel.error.audience")
}

// Save stores what the owner writes of a video. Where it is published, topics, search and those who are mentioned follow; what
// [Room.Screen] does not let through is refused.
func (r *Room) Save(ctx context.Context, v who.Viewer, id who.ID, w VideoWords) error {
	return r.save(ctx, v, id, w, true, nil)
}

// Publish stores the words and has the video stand before others at a time, or as soon as its file is ready if that is later; the zero time is now.
// Forbidden without the followers, and TooMany beyond the videos a day, that the operator asks for.
func (r *Room) Publish(ctx context.Context, v who.Viewer, id who.ID, w VideoWords, at time.Time) error {
	limits, err := r.Limits(ctx)
	if err != nil {
		return err
	}
	return r.save(ctx, v, id, w, false, func(ctx context.Context, pass service.Pass, x Video) error {
		switch {
		case x.State == Live || x.State == Withheld:
			return nil // its words were stored
		case x.Media == Awaited && x.Original == "":
			return exit.Fail(exit.Conflict, "channel.error.no_file")
		case x.Media == Failed:
			return exit.Fail(exit.Conflict, "channel.error.failed")
		case at.Sub(pass.At) > mostAhead:
			return exit.Fail(exit.Invalid, "channel.error.when_far")
		}
		if at.Before(pass.At) {
			at = pass.At
		}
		if err := r.enough(ctx, v, limits.ToPublish, "channel.error.followers_publish"); err != nil {
			return err
		}
		if limits.ADay > 0 {
			n, err := r.store.inDay(ctx, v.Account, id, at)
			if err != nil {
				return err
			}
			if n >= limits.ADay {
				return exit.Fail(exit.TooMany, "channel.error.a_day", "Count", limits.ADay)
			}
		}
		if err := r.screen(ctx, pass, x, false); err != nil {
			return err
		}
		x.State, x.At, x.Due, x.Fault = Scheduled, at, at, ""
		if err := r.store.setState(ctx, pass, x); err != nil {
			return err
		}
		if at.After(pass.At) || x.Media != Ready && x.Media != Plain {
			return nil
		}
		return r.goLive(ctx, pass, x)
	})
}

// Unschedule stores the words and makes a scheduled video a draft again.
func (r *Room) Unschedule(ctx context.Context, v who.Viewer, id who.ID, w VideoWords) error {
	return r.save(ctx, v, id, w, true, func(ctx context.Context, pass service.Pass, x Video) error {
		if x.State != Scheduled {
			return nil
		}
		x.State, x.Due, x.At = Drafted, time.Time{}, pass.At
		return r.store.setState(ctx, pass, x)
	})
}

// save stores a video's words and does with it what then does.
func (r *Room) save(ctx context.Context, v who.Viewer, id who.ID, w VideoWords, draft bool, then func(context.Context, service.Pass, Video) error) error {
	audience, err := r.audience(ctx, v, w.Audience)
	if err != nil {
		return err
	}
	text, mentioned, err := r.Posts.Encode(ctx, v.Account, lines(w.Text))
	if err != nil {
		return err
	}
	return r.changing(ctx, v, id, mentioned, func(ctx context.Context, pass service.Pass, x Video) error {
		w, err := w.clean(draft && (x.State == Drafted || x.State == Scheduled))
		if err != nil {
			return err
		}
		old := x
		x.Title, x.Text, x.Audience, x.Downloads = w.Title, text, audience, w.Downloads
		if x.State == Live && (old.Title != x.Title || old.Text != x.Text) {
			if err := r.screen(ctx, pass, x, true); err != nil {
				return err
			}
		}
		if x.State == Live {
			if err := r.vanish(ctx, pass, old); err != nil {
				return err
			}
		}
		if err := r.store.changeWords(ctx, pass, x); err != nil {
			return err
		}
		if err := r.store.mention(ctx, pass, x, mentioned); err != nil {
			return err
		}
		if err := r.store.collect(ctx, pass, x, w.Collections); err != nil {
			return err
		}
		if x.State == Live {
			if err := r.appear(ctx, pass, x); err != nil {
				return err
			}
			if err := r.tellMentioned(ctx, pass, x, post.Mentioned(old.Text)); err != nil {
				return err
			}
		}
		if then == nil {
			return nil
		}
		return then(ctx, pass, x)
	})
}

// screen has what is about to stand before others looked at. What would be held is refused: videos have no queue.
func (r *Room) screen(ctx context.Context, pass service.Pass, x Video, edit bool) error {
	if r.Screen == nil {
		return nil
	}
	var images []post.Image
	for look := x.Look; len(look) >= 16; look = look[16:] {
		images = append(images, post.Image{Look: look[:16]})
	}
	hold, err := r.Screen(ctx, pass, post.ScreenIn{Author: x.Owner, Ref: x.Ref(), Text: x.Title + "\n" + x.Text, Images: images, Edit: edit})
	if err == nil && hold {
		err = exit.Fail(exit.Invalid, "moderate.error.held")
	}
	return err
}

// goLive has a video stand before others, as of the pass, and tells those whom it mentions and those who want to be told. One that was brought
// along from elsewhere keeps its own date, and nobody is told.
func (r *Room) goLive(ctx context.Context, pass service.Pass, x Video) error {
	brought := x.Origin != "" && x.At.Before(pass.At.Add(-24*time.Hour))
	if !brought {
		x.At = pass.At
	}
	x.State, x.Due = Live, time.Time{}
	if err := r.store.setState(ctx, pass, x); err != nil {
		return err
	}
	if err := r.appear(ctx, pass, x); err != nil || brought {
		return err
	}
	if err := r.tellMentioned(ctx, pass, x, nil); err != nil {
		return err
	}
	kind, _ := x.Audience.Split()
	if r.Notices == nil || r.Queue == nil || kind != "public" && kind != "followers" {
		return nil
	}
	return r.Notices.Spread(ctx, pass, notify.News{Kind: notify.NewVideo, By: x.Owner, On: x.Ref(), Service: Name})
}

// tellMentioned tells those whom a video mentions, but for those who were told before.
func (r *Room) tellMentioned(ctx context.Context, pass service.Pass, x Video, before []who.ID) error {
	if r.Notices == nil {
		return nil
	}
	told := map[who.ID]bool{x.Owner: true}
	for _, id := range before {
		told[id] = true
	}
	var list []notify.Notice
	for _, id := range post.Mentioned(x.Text) {
		if !told[id] {
			list = append(list, notify.Notice{To: id, Kind: notify.Mention, By: x.Owner, On: x.Ref(), Service: Name})
		}
	}
	return r.Notices.Add(ctx, pass, list...)
}

// tellOwner tells a video's owner what became of it while it was away.
func (r *Room) tellOwner(ctx context.Context, pass service.Pass, x Video, kind notify.Kind) error {
	if r.Notices == nil {
		return nil
	}
	return r.Notices.Add(ctx, pass, notify.Notice{To: x.Owner, Kind: kind, On: x.Ref(), Service: Name})
}

// Sweep publishes scheduled videos whose day has come, at most limit, and gives how many. One that is not let through is a draft again, with the
// reason.
func (r *Room) Sweep(ctx context.Context, limit int) (int64, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return 0, err
	}
	ids, err := r.store.due(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range ids { // each in a transaction of its own, behind the fence of its owner
		if err := r.publishDue(ctx, id); err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}

// publishDue publishes a scheduled video if it is due and its file is ready.
func (r *Room) publishDue(ctx context.Context, id who.ID) error {
	var refused error
	live := func(ctx context.Context) error {
		x, pass, err := r.entered(ctx, id)
		if err != nil || x.State != Scheduled || x.Due.After(pass.At) || x.Media != Ready && x.Media != Plain {
			return err
		}
		if refused != nil {
			x.State, x.Due, x.Fault = Drafted, time.Time{}, keyOf(refused)
			if err := r.store.setState(ctx, pass, x); err != nil {
				return err
			}
			return r.tellOwner(ctx, pass, x, notify.VideoUnpublished)
		}
		if refused = r.stillWrites(ctx, pass); refused != nil {
			return refused
		}
		// What its frames look like is known only now.
		if refused = r.screen(ctx, pass, x, true); refused != nil {
			return refused
		}
		return r.goLive(ctx, pass, x)
	}
	err := r.DB.Update(ctx, live)
	switch kind := exit.KindOf(err); {
	case err == nil, kind == exit.NotFound && refused == nil:
		return nil // or it is gone
	case refused != nil && (kind == exit.Invalid || kind == exit.Forbidden || kind == exit.TooMany):
		return r.DB.Update(ctx, live)
	case kind == exit.Unavailable:
		return nil // its account rests; the sweep finds it when that is over
	case service.Stopped(err):
		return nil // it ends with the service
	}
	return err
}

// stillWrites refuses, with Forbidden, to publish once the service is read-only.
func (r *Room) stillWrites(ctx context.Context, pass service.Pass) error {
	ok, err := r.Desk.Still(ctx, exit.AllowWrite, Name, 0, pass.At)
	if err == nil && !ok {
		err = exit.Fail(exit.Forbidden, "sunset_effects.unpublished")
	}
	return err
}

// entered locks a video behind the fence, in its owner's name.
func (r *Room) entered(ctx context.Context, id who.ID) (Video, service.Pass, error) {
	x, err := r.store.one(ctx, 0, id)
	if err != nil {
		return x, service.Pass{}, err
	}
	// What was accepted before the service became read-only comes to its end.
	pass, err := r.Desk.Enter(ctx, service.Write{By: x.Owner, Service: Name, Keeps: true})
	if err != nil {
		return x, pass, err
	}
	if err := r.store.lockVideo(ctx, id); err != nil {
		return x, pass, err
	}
	x, err = r.store.one(ctx, 0, id)
	return x, pass, err
}

// undoTime is how long a deleted video can be brought back, by the machine clock.
const undoTime = 30 * time.Second

// eraseJob erases a deleted video for good.
const eraseJob = "channel.erase"

// Delete takes a video of the viewer's out: nobody sees anything of it from now on; for half a minute [Room.Undo] brings it back, then it is erased
// with all that hangs on it.
func (r *Room) Delete(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.removing(ctx, v, id, func(ctx context.Context, pass service.Pass, x Video) error {
		if x.State == Deleting {
			return errNoVideo()
		}
		if x.State == Live {
			if err := r.vanish(ctx, pass, x); err != nil {
				return err
			}
		}
		if err := r.store.hide(ctx, pass, id, r.DB.Clock.Now(), x.State); err != nil {
			return err
		}
		return r.Queue.Add(ctx, job.Job{Kind: eraseJob, Ref: id.String(), Account: x.Owner, Delay: undoTime})
	})
}

// Undo brings a video back that the viewer deleted a moment ago. NotFound once it is erased.
func (r *Room) Undo(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.removing(ctx, v, id, func(ctx context.Context, pass service.Pass, x Video) error {
		if x.State != Deleting {
			return errNoVideo()
		}
		x.State = State(x.DeletedAs)
		if err := r.store.unhide(ctx, pass, id, x.State); err != nil {
			return err
		}
		if x.Media == Processing { // nobody worked on it meanwhile
			return r.Queue.Add(ctx, job.Job{Kind: processJob, Ref: id.String(), Account: x.Owner})
		}
		if x.State != Live {
			return nil
		}
		return r.appear(ctx, pass, x)
	})
}

// removing runs a change that only takes something of the viewer's own away, or brings it back; the video is locked.
func (r *Room) removing(ctx context.Context, v who.Viewer, id who.ID, fn func(context.Context, service.Pass, Video) error) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: Name, Removal: true})
		if err != nil {
			return err
		}
		if err := r.store.lockVideo(ctx, id); err != nil {
			return err
		}
		x, err := r.store.one(ctx, v.Account, id)
		if err != nil {
			return err
		}
		if !owns(v, x) {
			return errNoVideo()
		}
		return fn(ctx, pass, x)
	})
}

// eraseDeleted is the job that erases a deleted video. It may run any number of times, and early: a video that was brought back and deleted again
// has its half minute anew.
func (r *Room) eraseDeleted(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return nil
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		x, err := r.store.one(ctx, 0, id)
		if exit.KindOf(err) == exit.NotFound || err == nil && x.State != Deleting {
			return nil
		}
		if err != nil {
			return err
		}
		if left := x.Deleted.Add(undoTime).Sub(r.DB.Clock.Now()); left > 0 {
			j.Delay = left
			return r.Queue.Add(ctx, j)
		}
		// Neither hibernating nor closing keeps what was deleted before.
		pass, err := r.Desk.EnterExit(ctx, x.Owner)
		if err != nil {
			return err
		}
		return r.erase(ctx, pass, x)
	})
}

// erase takes a video out for good, its files too.
func (r *Room) erase(ctx context.Context, pass service.Pass, x Video) error {
	if err := r.vanish(ctx, pass, x); err != nil {
		return err
	}
	if r.Notices != nil {
		if err := r.Notices.Forget(ctx, pass, x.Ref()); err != nil {
			return err
		}
	}
	if r.Uploads != nil {
		if err := r.Uploads.Drop(ctx, pass, x.Owner, KindVideo, x.ID.String()); err != nil {
			return err
		}
	}
	return r.store.remove(ctx, pass, x.ID)
}

// withhold takes living videos out of everybody's sight but their owners' and the operator's, or lets them be seen again. It is the registry's
// [service.Kind.Withhold].
func (r *Room) withhold(ctx context.Context, pass service.Pass, ids []who.ID, on bool) error {
	list, err := r.store.byIDs(ctx, 0, ids)
	if err != nil {
		return err
	}
	from, to := Withheld, Live
	if on {
		from, to = Live, Withheld
	}
	var turned []Video
	for _, x := range list {
		if x.State == from {
			x.State = to
			turned = append(turned, x)
		}
	}
	if err := r.store.turn(ctx, pass, ids, from, to); err != nil {
		return err
	}
	if on {
		return r.vanish(ctx, pass, turned...)
	}
	return r.appear(ctx, pass, turned...)
}

func idsOf(list []Video) []who.ID {
	out := make([]who.ID, len(list))
	for i, x := range list {
		out[i] = x.ID
	}
	return out
}

// keyOf gives the key of an error's sentence.
func keyOf(err error) string {
	var e *exit.Error
	if errors.As(err, &e) {
		return e.Key
	}
	return "channel.fault.refused"
}
