// Package leave is the Exit Center: where every journey begins and is followed, where archives
// are made and taken back, where receipts become a ledger and certificates.
package leave

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/job"
	"exeunt/internal/notify"
	"exeunt/internal/service"
	"exeunt/internal/who"
	"exeunt/ledger"
	"exeunt/ledger/ledgersql"
)

// Room is the Exit Center with all it needs.
type Room struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Blobs    *blob.Store
	Queue    *job.Queue
	Engine   *exit.Engine
	Accounts *account.Room
	Notices  *notify.Room // tells of last days and archives; nil: nobody is told
	Left     Left         // what people leave to be read; nil: nothing
	Endings  Endings      // what was published of sunsets; nil: nothing ends here
	Policy   *exit.Policy
	Key      *ledger.Key
	Outside  *Outside
	Log      *slog.Logger
	// Packed hears, in the transaction that makes it exist, that a run's archive is whole; Fetched that it was downloaded. Nil: nobody asks.
	Packed  func(ctx context.Context, run string, bytes int64) error
	Fetched func(ctx context.Context, run string) error
	// MadeFor gives the runs of an account's archives that were made because something ends, with what ends ("" is the install). Nil: none.
	MadeFor func(ctx context.Context, account who.ID) (map[string]string, error)
	Host    string // where this install is reached, for addresses in archives
	Spool   string // a folder for what is being packed or unpacked

	ledger *ledger.Log
	signs  bool // the tree agrees with the head outside

	scrubber scrubber

	replays bool // before anything is served: what is open is ended there, and nothing waits in the queue
}

// Left keeps what people leave to be read where they were. Its room has the page at [FarewellPath] for it.
type Left interface {
	// LeftBy reports whether something that was left with a run stands still.
	LeftBy(ctx context.Context, run string) (bool, error)
}

// Endings keeps what was published of sunsets.
type Endings interface {
	// Certified gives what the certificate of a sunset's run says of its dates and archives.
	Certified(ctx context.Context, run exit.Run) (*ledger.Sunset, error)
	// Republish stores a calendar again that was published at an instant as a run's, with its reason.
	Republish(ctx context.Context, cal *exit.SunsetCalendar, run, why string, at time.Time) error
	// Reached notes again when a phase of a sunset began to hold.
	Reached(ctx context.Context, name, word string, at time.Time) error
	// Over notes again when the sunset of a run was sealed or withdrawn.
	Over(ctx context.Context, run string, at time.Time) error
	// CatchUp takes out of sight what may not be read any more by now.
	CatchUp(ctx context.Context) error
}

// FarewellPath is where one writes what one leaves to be read, of a service with ?in=SERVICE.
const FarewellPath = "/exit/farewell"

// Begin prepares the room when all its parts are there: it takes the engine's hooks, the
// accounts' and the queue's jobs.
func (l *Room) Begin() {
	l.ledger = ledger.NewLog(l.leaves(), l.Key)
	l.signs = true
	l.Engine.Facts = l.facts
	l.Engine.Receipt = l.receipt
	l.Engine.Agreed = l.agreed
	l.Engine.Certify = l.sealed
	if l.Notices != nil {
		l.Notices.Lead[notify.ArchiveReady] = func(notify.Notice) string { return archivesPath }
	}
	l.Engine.Extend = l.holdEnded
	l.Accounts.Changed = l.knockLater
	l.Queue.Handle(jobKnock, l.knock)
	l.Queue.Handle(jobSequence, func(ctx context.Context, _ job.Job) error { return l.Sequence(ctx) })
	l.Queue.Handle(jobImport, l.importJob)
	l.Queue.Handle(jobCertificate, func(ctx context.Context, j job.Job) error { return l.certificate(ctx, j.Ref) })
	l.Queue.Handle(jobExtend, func(ctx context.Context, j job.Job) error { return l.extend(ctx, j.Ref) })
}

// leaves are the log's hashes, in tables that the house's own migrations make.
func (l *Room) leaves() ledgersql.Store { return ledgersql.Store{Runs: l.DB.Runs} }

// Kinds of the room's jobs.
const (
	jobKnock       = "leave.knock"
	jobSequence    = "leave.sequence"
	jobCertificate = "leave.certificate"
	jobExtend      = "leave.extend"
)

// enterImport lets an import through the fence.
func (l *Room) enterImport(ctx context.Context, account who.ID) (service.Pass, error) {
	return l.Desk.Enter(ctx, service.Write{By: account})
}

// SubjectOf gives the subject of an account, narrowed to a service or a place ("circle", "circle:7"; "" for all of it).
func SubjectOf(account who.ID, in string) exit.Subject {
	return exit.Account(account.String()).Within(in)
}

// facts fills in what the engine cannot know of a subject.
func (l *Room) facts(ctx context.Context, ask exit.Ask, f *exit.Facts) error {
	for _, s := range l.Registry.Services {
		f.Services = append(f.Services, s.Name)
	}
	if ask.Subject.Ending() && (ask.Journey == exit.Sunset || ask.Journey == exit.Withdraw) {
		return nil
	}
	id, ok := who.ParseID(ask.Subject.ID)
	if !ok || ask.Subject.Kind != exit.SubjectAccount {
		return exit.Fail(exit.Invalid, "error.subject", "text", ask.Subject.String())
	}
	if err := l.checkScope(ask.Subject); err != nil {
		return err
	}
	if ask.Journey == exit.Cancel || ask.Journey == exit.Return {
		var err error
		f.Ended, err = l.ended(ctx)
		return err
	}
	if ask.Journey != exit.Close {
		return nil
	}
	person, last, err := l.Accounts.Owner(ctx, id)
	if err != nil {
		return fmt.Errorf("find the owner: %w", err)
	}
	if last && person != 0 {
		f.Owner = exit.Subject{Kind: exit.SubjectPerson, ID: person.String()}
	}
	return nil
}

// ended gives what has been stopped by a sunset: nobody comes back to it.
func (l *Room) ended(ctx context.Context) ([]string, error) {
	list, err := l.Desk.Endings(ctx)
	if err != nil {
		return nil, err
	}
	now, err := l.DB.Now(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list {
		if !e.Allows(exit.AllowExport, now) && !slices.Contains(out, e.Scope) {
			out = append(out, e.Scope)
		}
	}
	slices.Sort(out)
	return out, nil
}

// checkScope refuses a part in a form that the fence does not know: what is closed under such a name
// would be frozen under none.
func (l *Room) checkScope(s exit.Subject) error {
	if s.In == "" {
		return nil
	}
	svc, place, narrowed := strings.Cut(s.In, ":")
	if _, ok := l.Registry.Service(svc); !ok {
		return exit.Fail(exit.Invalid, "error.no_service", "service", svc)
	}
	if id, ok := who.ParseID(place); narrowed && (!ok || id.String() != place) {
		return exit.Fail(exit.Invalid, "error.subject", "text", s.String())
	}
	return nil
}
