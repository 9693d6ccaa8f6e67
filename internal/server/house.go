package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/install"
	"exeunt/internal/job"
	"exeunt/internal/leave"
	"exeunt/internal/media"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/page"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/sunset"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
	"exeunt/ledger"
	"exeunt/policies"
)

// Options says where an install lives. Empty fields take what the install remembers, then the default.
type Options struct {
	Data         string      // folder of the SQLite database, media, keys, the list outside, spool
	Database     string      // postgres://…; "" is the SQLite file in Data
	Media        string      // a folder or s3://…; remembered
	Outside      string      // a folder or bucket for the list outside the database; remembered
	SigningKey   string      // the ledger key's file
	Policy       string      // the policy's file; its source is remembered
	Host         string      // where people reach the install, without scheme; for addresses in archives
	MetricsToken string      // whoever has it may read /metrics; "": the operator alone
	Secure       bool        // behind TLS: cookies are Secure
	Mail         notify.Post // sends e-mail; nil: this process sends none
	Log          *slog.Logger
	Clock        clock.Clock // the machine clock
	Hash         account.HashCost
	Rates        []moderate.Rate // how often an account may do what within an hour; nil: as often as it likes
}

// House is the install put together.
type House struct {
	Options  Options
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Blobs    *blob.Store
	Queue    *job.Queue
	Engine   *exit.Engine
	Policy   *exit.Policy
	Accounts *account.Room
	Leave    *leave.Room

	notices   *notify.Room
	search    *search.Room
	install   *install.Room
	meter     *meter
	relations *relation.Room
	posts     *post.Room
	talks     *talk.Room
	order     *moderate.Room
	circles   *circle.Room
	uploads   *upload.Room
	channels  *channel.Room
	pages     *page.Room
	sunsets   *sunset.Room
	rooms     []room
	wake      chan struct{}
}

// room is a part of the house with pages.
type room interface{ Routes() []service.Route }

// database gives where the install's database is.
func (o Options) database() string {
	if o.Database != "" {
		return o.Database
	}
	return filepath.Join(o.Data, "exeunt.sqlite")
}

// Open puts the install together: it opens and migrates the database, and wires the rooms. It
// starts nothing.
func Open(ctx context.Context, o Options) (*House, error) {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Join(o.Data, "spool"), 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	d, err := db.Open(ctx, o.database(), o.Clock)
	if err != nil {
		return nil, err
	}
	h := &House{Options: o, DB: d, wake: make(chan struct{}, 1)}
	if err := h.furnish(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Close lets go of database, media and list.
func (h *House) Close() error {
	var closers []io.Closer
	if h.Leave != nil && h.Leave.Outside != nil {
		closers = append(closers, h.Leave.Outside)
	}
	if h.Blobs != nil {
		closers = append(closers, h.Blobs)
	}
	var errs []error
	for _, c := range append(closers, h.DB) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// remembered gives an option, or what the install remembers of it, or its default; an option that
// is given is remembered.
func (h *House) remembered(ctx context.Context, name, given, otherwise string) (string, error) {
	if given != "" {
		old, ok, err := h.DB.Setting(ctx, name)
		if err != nil || ok && old == given {
			return given, err
		}
		return given, h.DB.SetSetting(ctx, name, given)
	}
	value, ok, err := h.DB.Setting(ctx, name)
	if err != nil || ok {
		return value, err
	}
	return otherwise, nil
}

func (h *House) readPolicy(ctx context.Context) error {
	var given string
	if h.Options.Policy != "" {
		b, err := os.ReadFile(h.Options.Policy)
		if err != nil {
			return fmt.Errorf("read policy: %w", err)
		}
		if _, err := exit.ParsePolicy(b); err != nil {
			return fmt.Errorf("policy %s: %w", h.Options.Policy, err)
		}
		given = string(b)
	}
	source, err := h.remembered(ctx, "policy", given, string(policies.Default()))
	if err != nil {
		return err
	}
	if h.Policy, err = exit.ParsePolicy([]byte(source)); err != nil {
		return fmt.Errorf("the install's policy: %w", err)
	}
	return nil
}

// furnish wires the rooms in the order of the layers.
func (h *House) furnish(ctx context.Context) error {
	o := h.Options
	if err := h.readPolicy(ctx); err != nil {
		return err
	}
	media, err := h.remembered(ctx, "media", o.Media, filepath.Join(o.Data, "media"))
	if err != nil {
		return err
	}
	outside, err := h.remembered(ctx, "outside", o.Outside, filepath.Join(o.Data, "outside"))
	if err != nil {
		return err
	}
	if h.Blobs, err = blob.Open(ctx, media, h.DB, o.Clock, page.Service.Name, circle.Service.Name, channel.Service.Name); err != nil {
		return err
	}
	list, err := leave.OpenOutside(ctx, outside)
	if err != nil {
		return err
	}
	h.Leave = &leave.Room{Outside: list}
	keyFile := o.SigningKey
	if keyFile == "" {
		keyFile = filepath.Join(o.Data, "keys", "ledger")
		if err := os.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
			return fmt.Errorf("make folder for keys: %w", err)
		}
	}
	key, err := ledger.LoadOrCreateKey(keyFile, "exeunt")
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	secret, err := account.InstallSecret(ctx, h.DB)
	if err != nil {
		return err
	}
	h.Queue = job.New(h.DB, o.Clock)
	h.Queue.Log = o.Log
	return h.wire(ctx, key, secret)
}

func (h *House) wire(ctx context.Context, key *ledger.Key, secret []byte) error {
	o := h.Options
	h.Registry = &service.Registry{}
	h.Desk = service.NewDesk(h.DB, h.Registry)
	h.install = install.New(h.DB)
	h.install.Ways = operatorWays
	h.meter = h.measure()
	h.search = search.New(search.Config{DB: h.DB, Desk: h.Desk, Registry: h.Registry, Queue: h.Queue})
	h.notices = notify.New(notify.Config{DB: h.DB, Desk: h.Desk, Registry: h.Registry, Queue: h.Queue, Log: o.Log, Post: o.Mail, Secret: secret, Host: o.Host, Secure: o.Secure, Zone: h.Policy.Zone})
	h.Accounts = account.New(account.Config{
		Search: h.search, DB: h.DB, Desk: h.Desk, Blobs: h.Blobs, Secret: secret, Secure: o.Secure, Host: o.Host, Hash: o.Hash, Slip: h.Leave.OpenSlip,
		Install: h.install, Dismiss: h.dismiss,
	})
	h.notices.Limit = h.Accounts.Attempt
	h.notices.Site = h.install.Site
	h.relations = relation.New(relation.Config{Notices: h.notices, DB: h.DB, Desk: h.Desk, Registry: h.Registry, NameKey: account.NameKey, Host: o.Host})
	h.posts = post.New(post.Config{RoomFor: h.Accounts.RoomFor, Queue: h.Queue, Notices: h.notices, Search: h.search, DB: h.DB, Desk: h.Desk, Registry: h.Registry, Blobs: h.Blobs, NameKey: account.NameKey, Host: o.Host})
	h.talks = talk.New(talk.Config{Notices: h.notices, DB: h.DB, Desk: h.Desk, Registry: h.Registry, Posts: h.posts, Host: o.Host, Secret: secret})
	h.order = moderate.New(moderate.Config{
		DB: h.DB, Desk: h.Desk, Registry: h.Registry, Notices: h.notices, Relations: h.relations, Posts: h.posts, Talks: h.talks, NameKey: account.NameKey, Secret: secret, Rates: o.Rates, Log: o.Log, Attempt: h.Accounts.Attempt,
	})
	h.order.Guard()
	h.circles = circle.New(circle.Config{RoomFor: h.Accounts.RoomFor, Bans: h.order, Notices: h.notices, Search: h.search, DB: h.DB, Desk: h.Desk, Relations: h.relations, Posts: h.posts, Blobs: h.Blobs, Secret: secret, Key: key, Host: o.Host})
	h.posts.Places, h.order.Places = h.circles, h.circles.Order()
	h.posts.Staff = func(ctx context.Context, service string, place who.ID) ([]who.ID, error) {
		return h.order.Places.Staff(ctx, moderate.Place{Service: service, ID: place})
	}
	h.Registry.Moderates = h.circles.Moderates
	h.uploads = upload.New(upload.Config{DB: h.DB, Desk: h.Desk, Blobs: h.Blobs, RoomFor: h.Accounts.RoomFor})
	h.channels = channel.New(channel.Config{
		DB: h.DB, Desk: h.Desk, Registry: h.Registry, Blobs: h.Blobs, Queue: h.Queue, Notices: h.notices, Search: h.search, Relations: h.relations,
		Accounts: h.Accounts, Posts: h.posts, Talks: h.talks, Secret: secret, Key: key, Host: o.Host, Secure: o.Secure, Spool: filepath.Join(o.Data, "spool"),
		Uploads: h.uploads, Tools: sync.OnceValue(func() media.Tools { return media.FindTools(context.WithoutCancel(ctx)) }), // most processes need none
	})
	h.channels.Screen, h.channels.UnleaveMore = h.order.ScreenPost, h.circles.UnleaveRun
	h.pages = page.New(page.Config{
		DB: h.DB, Desk: h.Desk, Accounts: h.Accounts, Relations: h.relations, Posts: h.posts, Registry: h.Registry, Blobs: h.Blobs, Circles: h.circles.Suggest, Channel: h.channels.LinkTo, HideForm: h.Leave.HideForm, Lend: h.lend, Announcements: h.standing,
	})

	h.Engine = &exit.Engine{
		Store: h.DB.Runs, Policy: h.Policy, Now: h.DB.Now, Machine: o.Clock.Now, Log: o.Log,
		Holders: []exit.Holder{h.Desk, h.notices.Holder(), h.search.Holder(), h.Accounts, h.relations.Holder(), h.posts.Holder(), h.talks.Holder(), h.order.Holder(), h.circles.Holder(), h.uploads.Holder(), h.channels.Holder(), h.Leave, h.Queue, h.Blobs},
	}
	l := h.Leave
	l.DB, l.Desk, l.Registry, l.Blobs, l.Queue, l.Engine, l.Accounts = h.DB, h.Desk, h.Registry, h.Blobs, h.Queue, h.Engine, h.Accounts
	l.Notices, l.Left = h.notices, lefts{h}
	l.Policy, l.Key, l.Log, l.Host, l.Spool = h.Policy, key, o.Log, o.Host, filepath.Join(o.Data, "spool")
	l.Begin()
	h.sunsets = sunset.New(sunset.Config{
		DB: h.DB, Desk: h.Desk, Registry: h.Registry, Blobs: h.Blobs, Queue: h.Queue, Engine: h.Engine, Leave: l, Notices: h.notices, Install: h.install,
		Log: o.Log, Host: o.Host, Owned: h.circles.Owned,
	})
	h.circles.Handed = h.sunsets.Handed
	h.Engine.Holders = append(h.Engine.Holders, h.sunsets.Holder())
	h.Accounts.Stored = []account.Stored{h.posts.Stored, h.circles.Stored, h.uploads.Stored, h.channels.Stored, l.Stored}
	h.Registry.Services = []service.Service{page.Service, circle.Service, channel.Service}
	h.Registry.Kinds = []service.Kind{h.posts.Kind(), h.posts.TopicKind(), h.talks.Kind(), h.circles.Kind(), h.circles.NoticeKind(), h.channels.Kind(), h.Accounts.Kind(), h.sunsets.Kind()}
	h.Registry.Holders = h.Engine.Holders
	h.rooms = []room{h.install, h.search, h.Accounts, h.notices, h.relations, h.posts, h.talks, h.order, h.circles, h.uploads, h.channels, h.pages, h.Leave, h.sunsets}
	if err := h.Engine.Check(); err != nil {
		return fmt.Errorf("holders: %w", err)
	}
	h.search.Sources = []search.Source{h.Accounts.Source(), h.circles.Source(), h.posts.Source(), h.posts.TopicSource(), h.channels.Source()}
	if err := h.search.Begin(ctx); err != nil {
		return err
	}
	return h.Desk.Announce(ctx)
}

// standing gives what stands on Home for everybody: what is ending, then what the operator says.
func (h *House) standing(ctx context.Context) ([]ui.Notice, error) {
	ends, err := h.sunsets.Standing(ctx)
	if err != nil {
		return nil, err
	}
	said, err := h.notices.Standing(ctx)
	return append(ends, said...), err
}

// dismiss closes an account that was not let in, and has all of it erased at once: the two journeys by which people leave, agreed by the
// operator and recorded as such.
func (h *House) dismiss(ctx context.Context, account who.ID) error {
	return h.DB.Update(ctx, func(ctx context.Context) error {
		ask := exit.Ask{Subject: leave.SubjectOf(account, ""), Journey: exit.Close}
		for range 2 {
			plan, err := h.Engine.Preview(ctx, ask)
			if err != nil {
				return fmt.Errorf("preview %s: %w", ask.Journey, err)
			}
			run, _, err := h.Leave.Agree(ctx, ask, plan.Hash(), "operator")
			if err != nil {
				return err
			}
			ask = exit.Ask{Subject: ask.Subject, Journey: exit.Hasten, Run: run.ID}
		}
		return nil
	})
}

// RebuildSearch makes the search index anew; see [search.Room.Rebuild].
func (h *House) RebuildSearch(ctx context.Context, progress func(search.Rebuilt)) error {
	return h.search.Rebuild(ctx, progress)
}

// Settle works on everything that is due now and gives when none of it is waiting or running, here
// or on another node, and the files that it gave up are removed. Wait is called between looks while others work.
func (h *House) Settle(ctx context.Context, wait func(context.Context) error) error {
	for {
		now, err := h.DB.Now(ctx) // what falls due while others are worked on is not waited for
		if err != nil {
			return err
		}
		steps, err := h.Engine.Work(ctx, 10)
		if err != nil {
			return fmt.Errorf("work on steps: %w", err)
		}
		jobs, err := h.Queue.Work(ctx, 10)
		if err != nil {
			return fmt.Errorf("work on jobs: %w", err)
		}
		if steps+jobs > 0 {
			continue
		}
		busy, err := h.DB.Runs.Busy(ctx, now)
		if err != nil {
			return err
		}
		pending, err := h.Queue.Pending(ctx, 10*time.Minute)
		if err != nil {
			return err
		}
		if busy == 0 && pending == 0 {
			_, err := h.Blobs.Drain(ctx, 0)
			return err
		}
		if err := wait(ctx); err != nil {
			return err
		}
	}
}

// Travel moves a trial install's promise clock forward, from due date to due date, and has all that
// is due at each done before it goes on.
func (h *House) Travel(ctx context.Context, by time.Duration, wait func(context.Context) error) error {
	now, err := h.DB.Now(ctx)
	if err != nil {
		return err
	}
	end := now.Add(by)
	for {
		if err := h.Settle(ctx, wait); err != nil {
			return err
		}
		next, ok, err := h.DB.Runs.Next(ctx)
		if err != nil {
			return err
		}
		if !ok || next.After(end) {
			break
		}
		if now, err = h.DB.Now(ctx); err != nil {
			return err
		}
		if next.After(now) {
			if err := h.DB.Move(ctx, next); err != nil {
				return err
			}
		}
	}
	if now, err = h.DB.Now(ctx); err != nil {
		return err
	}
	if end.After(now) {
		if err := h.DB.Move(ctx, end); err != nil {
			return err
		}
	}
	if err := h.Leave.Sweep(ctx); err != nil {
		return err
	}
	if err := h.expire(ctx); err != nil {
		return err
	}
	if err := all(ctx, h.Accounts.Sweep); err != nil {
		return fmt.Errorf("sweep accounts: %w", err)
	}
	return h.Settle(ctx, wait)
}
