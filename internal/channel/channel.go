// Package channel is the room of channels (视频号): videos that an account publishes, and what becomes of them. A channel is the
// part "channel" of an account, so that closing the channel alone is the ordinary case.
package channel

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/media"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/upload"
	"exeunt/internal/who"
	"exeunt/ledger"
)

// Name is the service's name, in policies, scopes and refs.
const Name = "channel"

// Service is what the registry keeps of the service.
var Service = service.Service{Name: Name, Path: "/channels", Icon: "clapperboard", Title: "channel.service"}

// KindVideo is the kind of a video in refs.
const KindVideo = "video"

// Config is what the room is made with.
type Config struct {
	DB        *db.DB
	Desk      *service.Desk
	Registry  *service.Registry
	Blobs     *blob.Store
	Queue     *job.Queue
	Notices   *notify.Room
	Search    *search.Room
	Relations *relation.Room
	Accounts  *account.Room
	Posts     *post.Room // its topics and mentions
	Talks     *talk.Room
	Uploads   *upload.Room // in which the files of videos arrive
	// Tools gives what works on videos. Without any, and where it is nil, videos play as they came.
	Tools func() media.Tools
	// Secret keys pseudonyms of others in archives.
	Secret []byte
	// Key signs where people went. Nil, or without a Host: nothing is signed.
	Key *ledger.Key
	// Host is the install's own host, for addresses that leave the house; may be "".
	Host   string
	Secure bool // behind TLS
	// Spool is a folder for files that ffmpeg works on.
	Spool string
}

// Room is the channel room. It is safe for concurrent use once it is wired.
type Room struct {
	Config
	// Screen looks at what is about to stand before others, in its transaction; an error refuses it. Nil: nothing is looked at.
	Screen func(ctx context.Context, pass service.Pass, in post.ScreenIn) (hold bool, err error)
	// UnleaveMore takes away what was left elsewhere with a run whose slip was shown. Nil: nothing was.
	UnleaveMore func(ctx context.Context, run string) error

	store   store
	limits  limitsKept
	working sync.Mutex       // held by the one video that this process works on
	turns   map[who.ID]int64 // the last turn of each account whose videos wait, by number; held by working
	turn    int64            // the number of the last one; held by working
	putOff  atomic.Int64     // how often others were put off since it began
}

// New gives the channel room.
func New(c Config) *Room {
	if c.Tools == nil {
		c.Tools = func() media.Tools { return media.Tools{} }
	}
	r := &Room{Config: c, store: store{c.DB}, turns: map[who.ID]int64{}}
	if c.Queue != nil {
		c.Queue.Handle(processJob, r.process)
		c.Queue.Handle(batchJob, r.batch)
		c.Queue.Handle(eraseJob, r.eraseDeleted)
		c.Queue.Handle(remakeJob, r.remake)
	}
	if c.Uploads != nil {
		c.Uploads.Kinds[KindVideo] = r.UploadKind()
		c.Uploads.Kinds[KindBatch] = r.batchKind()
	}
	if c.Notices != nil {
		for _, k := range []notify.Kind{notify.VideoFailed, notify.VideoUnpublished} {
			c.Notices.Lead[k] = func(n notify.Notice) string { return VideoPath(n.On.ID) + "/edit" }
		}
		c.Notices.Lead[notify.NewVideo] = func(n notify.Notice) string { return Watch(n.On.ID, fromFollow) }
	}
	if c.Notices != nil && c.Relations != nil {
		c.Notices.Audiences[notify.NewVideo] = func(ctx context.Context, n notify.News, after who.ID, limit int) ([]who.ID, error) {
			return c.Relations.Belled(ctx, n.By, after, limit)
		}
		c.Notices.Audiences[notify.ChannelMoved] = func(ctx context.Context, n notify.News, after who.ID, limit int) ([]who.ID, error) {
			return c.Relations.FollowersOf(ctx, n.By, after, limit)
		}
	}
	if c.Posts != nil {
		c.Posts.ShownTopics = func(ctx context.Context, v who.Viewer, ids []who.ID) (map[who.ID]bool, error) {
			return r.store.shownTopics(ctx, v.Account, ids)
		}
	}
	return r
}

// State says whether a video is published.
type State string

// The states of a video.
const (
	Drafted   State = "draft"
	Scheduled State = "scheduled" // published when its day comes
	Live      State = "live"
	Withheld  State = "withheld" // taken out by who moderates: its owner sees it still
	Deleting  State = "deleted"  // for the moment in which that can be taken back
)

// Media says how far a video's file is.
type Media string

// The states of a video's file.
const (
	Awaited    Media = "awaited"    // nothing has come, or not all of it
	Processing Media = "processing" // renditions are being made
	Ready      Media = "ready"
	Plain      Media = "plain"  // it plays as it came: there is no ffmpeg here
	Failed     Media = "failed" // it cannot be read; the fault says why
)

// Channel is an account's channel.
type Channel struct {
	Account       who.ID
	Name, Bio     string
	Avatar, Cover string // blob keys; "" for none
	Badge         string // what the operator has verified, in words; "" for nothing
	Downloads     bool   // new videos may be downloaded
	Category      string // as of [Words]
	Explicit      bool   // as of [Words]
	Created       time.Time

	Handle       string // the account's name, for addresses
	Organisation bool
	Veiled       bool // others do not see it
	Blocked      bool // one of owner and viewer has blocked the other
	Followed     bool // the viewer follows its owner
}

// Video is a video with what is needed to show it and to decide who may.
type Video struct {
	ID, Owner   who.ID
	Title, Text string // mentions as @{id}
	Audience    who.Audience
	Language    string
	State       State
	Media       Media
	Fault       string // the key of a sentence
	Progress    int    // of processing, thousandths
	At          time.Time
	Due         time.Time // zero: not scheduled
	Created     time.Time
	Edited      time.Time // zero: never
	Deleted     time.Time
	DeletedAs   string
	Origin      string

	Original, Type, File string // the blob key, its content type, and the name under which it came
	Plays                bool   // browsers play it as it came
	Bytes                int64
	SHA256               string
	Look                 string // what its first frames look like, to know it again; "": not known
	Duration             time.Duration
	Width, Height        int // as it is shown, rotation applied
	Poster, Thumb        string
	Downloads            bool
	Likes, Comments      int
	Views                int64
	Hot                  int64

	Channel Channel // its owner's, as the viewer sees it
	Member  bool    // the viewer is in the circle that it is for
}

// Ref names the video for other rooms.
func (v Video) Ref() who.Ref { return who.Ref{Kind: KindVideo, ID: v.ID} }

// VideoPath gives the address of a video's page.
func VideoPath(id who.ID) string { return "/videos/" + id.String() }

// Path gives the address of a channel, by its account's name.
func Path(handle string) string { return "/@" + handle + "/channel" }

// Things gives those of the videos that exist, with what the viewer may do.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := r.store.byIDs(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	out := make([]service.Thing, len(list))
	for i, x := range list {
		out[i] = service.Thing{
			Ref: x.Ref(), Owner: x.Owner, Service: Name, Title: x.Title, Excerpt: post.Excerpt(x.Text), Words: x.Title + "\n" + x.Text, Link: VideoPath(x.ID), Picture: x.Thumb, Length: x.Duration,
			See: sees(v, x), Talk: talks(v, x),
		}
	}
	return out, nil
}

// Kind tells the registry of videos.
func (r *Room) Kind() service.Kind {
	return service.Kind{Name: KindVideo, Table: "videos", Counted: true, Played: true, Hot: hotSQL, Keeper: r, Withhold: r.withhold}
}

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route {
	return slices.Concat(
		r.coreRoutes(),
		r.watchRoutes(),
		r.feedRoutes(),
		r.deskRoutes(),
		r.leaveRoutes(),
		r.batchRoutes(),
	)
}
