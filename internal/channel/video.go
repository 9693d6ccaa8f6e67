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
		if err := r.withinDay(ctx, v, id, at, limits.ADay); err != nil {
			return err
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

// withinDay is TooMany where a video, 0 for a new one, would be one too many of the day before an instant. Where most is 0 there is no bound.
func (r *Room) withinDay(ctx context.Context, v who.Viewer, id who.ID, at time.Time, most int64) error {
	if most == 0 {
		return nil
	}
	n, err := r.store.inDay(ctx, v.Account, id, at)
	if err == nil && n >= most {
		err = exit.Fail(exit.TooMany, "channel.error.a_day", "Count", most)
	}
	return err
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
	text, mentioned, err := r.Posts.Encode(ctx, v.Account, lines(w.Text))
	if err != nil {
		return err
	}
	return r.changing(ctx, v, id, mentioned, func(ctx context.Context, pass service.Pass, x Video) error {
		w, err := w.clean(draft && (x.State == Drafted || x.State == Scheduled))
		if err != nil {
			return err
		}
		audience, err := r.audience(ctx, v, w.Audience)
		if err != nil {
			return err
		}
		old := x
		if x.Text, err = r.Posts.Keep(ctx, v.Account, old.Text, text); err != nil {
			return err
		}
		x.Title, x.Audience, x.Downloads = w.Title, audience, w.Downloads
		// What is withheld comes back as it is, without being looked at again.
		if (x.State == Live || x.State == Withheld) && (old.Title != x.Title || old.Text != x.Text) {
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
	return r.screenPart(ctx, pass, x, x.Title+"\n"+x.Text, x.Look, edit)
}

// screenPart has words and looks of a video, 16 digits each, looked at.
func (r *Room) screenPart(ctx context.Context, pass service.Pass, x Video, text, looks string, edit bool) error {
	if r.Screen == nil {
		return nil
	}
	var images []post.Image
	for ; len(looks) >= 16; looks = looks[16:] {
		images = append(images, post.Image{Look: looks[:16]})
	}
	hold, err := r.Screen(ctx, pass, post.ScreenIn{Author: x.Owner, Ref: x.Ref(), Text: text, Images: images, Edit: edit})
	if err == nil && hold {
		err = exit.Fail(exit.Invalid, "moderate.error.held")
	}
	return err
}

// screenBeside looks at what is brought along with a video: the words of subtitles, what a cover looks like. It must not be called inside a transaction.
func (r *Room) screenBeside(ctx context.Context, owner who.ID, text, look string) error {
	return r.entering(ctx, service.Write{By: owner, Service: Name, Keeps: true}, func(ctx context.Context, pass service.Pass) error {
		return r.screenPart(ctx, pass, Video{Owner: owner}, text, look, true)
	})
}

// goLive has a video stand before others, as of the pass, and tells those whom it mentions and those who want to be told. One that stood before others
// elsewhere keeps its own date, and nobody is told.
func (r *Room) goLive(ctx context.Context, pass service.Pass, x Video) error {
	brought := x.awaits()
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

// keyOf gives the key of an error's sentence, to be kept and read later: what the sentence names is not kept, so one that names something gives way.
func keyOf(err error) string {
	var e *exit.Error
	switch {
	case errors.As(err, &e) && e.Key == "moderate.error.filtered":
		return "channel.fault.word"
	case e == nil || len(e.Args) > 0:
		return "channel.fault.refused"
	}
	return e.Key
}
