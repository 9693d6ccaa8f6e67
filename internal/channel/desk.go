package channel

import (
	"context"
	"time"

	"exeunt/internal/who"
)

// spans are the days that the creator's desk can tell of.
var spans = []int{28, 90}

// day is how long a day of the daily sums is; they are days of UTC.
const day = 24 * time.Hour

// DeskDay is what happened in a channel on one day.
type DeskDay struct {
	Begin     time.Time // midnight, UTC
	Views     int64
	Watched   time.Duration
	By        map[string]int64 // views by source
	Joined    int64            // of today's followers, those who came on it
	Followers int64            // of today's followers, those who had come by its end
}

// DeskVideo is a video with how long it was watched in all.
type DeskVideo struct {
	Video
	Watched time.Duration
}

// Board is what a channel's owner sees of it.
type Board struct {
	Channel   Channel
	Followers int64
	Days      []DeskDay // the oldest first; today's is not over
	Used      int64     // bytes of files of the account
	Quota     int64     // bytes; 0: as many as it likes
	Uploads   int64     // on their way in
}

// Board gives the owner's desk of the last days. NotFound for who has no channel.
func (r *Room) Board(ctx context.Context, v who.Viewer, span int) (d Board, err error) {
	if d.Channel, err = r.mine(ctx, v); err != nil {
		return d, err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return d, err
	}
	last := now.UTC().Truncate(day)
	d.Days = make([]DeskDay, span)
	for i := range d.Days {
		d.Days[i] = DeskDay{Begin: last.AddDate(0, 0, i+1-span), By: map[string]int64{}}
	}
	if err := r.store.deskViews(ctx, v.Account, d.Days); err != nil {
		return d, err
	}
	if d.Followers, err = r.store.deskFollowers(ctx, v.Account, d.Days); err != nil {
		return d, err
	}
	return d, nil
}

// fillStorage adds how much room the account uses, and what is on its way in.
func (r *Room) fillStorage(ctx context.Context, v who.Viewer, d *Board) error {
	used, err := r.Accounts.Used(ctx, v.Account)
	if err != nil {
		return err
	}
	if d.Quota, err = r.Accounts.Quota(ctx); err != nil {
		return err
	}
	d.Used = used[v.Account]
	d.Uploads, err = r.store.deskUploads(ctx, v.Account)
	return err
}

// DeskVideos gives a page of the viewer's videos whatever their state, the newest first, below a cursor.
func (r *Room) DeskVideos(ctx context.Context, v who.Viewer, c Cursor, limit int) ([]DeskVideo, error) {
	list, err := r.store.ofOwner(ctx, v.Account, `'draft', 'scheduled', 'live', 'withheld'`, c, limit)
	if err != nil {
		return nil, err
	}
	watched, err := r.store.deskWatched(ctx, idsOf(list))
	if err != nil {
		return nil, err
	}
	out := make([]DeskVideo, len(list))
	for i, x := range list {
		out[i] = DeskVideo{x, watched[x.ID]}
	}
	return out, nil
}

// Bounds of the comments to answer: of how many of the last videos they are, and how many a page shows.
const (
	videosAsked = 200
	askedAPage  = 20
)

// Asked is a comment that its video's owner has not answered.
type Asked struct {
	ID, Video, Author  who.ID
	Name, Display      string // of who wrote it
	Avatar, Text, Over string // Over is the video's title
	At                 time.Time
}

// ToAnswer gives a page of the comments on the viewer's last 200 videos that it has not answered and did not write itself, the newest first, older than one of them (0: from the
// top), and the one that the next page is older than, 0 at the end.
func (r *Room) ToAnswer(ctx context.Context, v who.Viewer, before who.ID) (list []Asked, older who.ID, err error) {
	list, err = r.store.toAnswer(ctx, v.Account, before, askedAPage+1)
	if err == nil && len(list) > askedAPage {
		list = list[:askedAPage]
		older = list[askedAPage-1].ID
	}
	return list, older, err
}
