package exit

import (
	"context"
	"io"
	"time"
)

// Manner is what a step does to a class of data.
type Manner string

// The manners.
const (
	Erase  Manner = "erase"  // gone
	Detach Manner = "detach" // stays as "a member who left"
	Hold   Manner = "hold"   // kept because a law says so, pseudonymised, with an end date
)

// Place is where data of a class lies: a table's column that refers to the subject, or a
// prefix of blobs. A test compares the places with the schema.
type Place struct {
	Table, Column string
	Blobs         string // a prefix below the account's own, e.g. "posts/"
}

// Class is one kind of data of one holder, with a retention of its own. Names are never reused.
type Class struct {
	Name     string   // without the holder's name: "comments"
	Places   []Place  // where it lies
	Subject  string   // the kind of subject it belongs to: SubjectAccount, unless a person's
	Services []string // the services to which it can be narrowed; nil: belongs to the whole only
	EndsWith []string // the services with whose end all of it that is in them, or about them, goes at once; its holder is an [Ender]
	Manners  []Manner // what can be done to it; nil: erase only
	After    []Order  // classes that go first
	Rank     int      // 0 ordinary; a class goes after all of a lower rank that the run touches
	Exported bool     // it can be taken along
	Parts    []string // the archive's classes that it is taken along as; nil: one of its own name
	Imported bool     // and brought back from what was taken along
	Gate     string   // a fact that must hold before it goes, asked of the holder as [Gatekeeper]
	Outside  bool     // it is not in the engine's database: no transaction covers it
}

// Order says that a class ("holder.class") is erased first, and why.
type Order struct{ Class, Why string }

// Task is one bounded piece of a step, handed to a holder.
type Task struct {
	Run     string
	Step    string // the step's key within the run
	Chunk   int    // 0, 1, 2 …: (Run, Step, Chunk) is the idempotency key
	Subject Subject
	Class   string
	Manner  Manner
	Cursor  string    // what the last chunk's Progress said
	Limit   int       // at most so many items
	Part    string    // export: the archive's class that is being written
	Since   time.Time // export: nothing older; zero: all
	Cut     string    // export: the highest id there was at the start; what came later stays out
	Choice  string    // what the person chose for this step, e.g. an heir's id
	Until   Date      // the end date of a hold
	Ends    Subject   // what ends, where the task is one subject's part in the end of something for all; else empty
	Now     time.Time
}

// Progress is what one chunk did. Items and bytes of all chunks add up to the receipt.
type Progress struct {
	Items     int64
	Bytes     int64
	Cursor    string
	Done      bool
	Uncounted bool          // the holder cannot tell how much a repeat had already done
	Again     time.Duration // there is nothing to do for now: the step is asked again after so long, by the promise clock
}

// Residue is what a second look found to be left. Left is the number of items; Excepted
// those that stay under a named exception.
type Residue struct {
	Left     int64
	Excepted int64
	Note     string
}

// Holder keeps some data of subjects. Erase and Verify are handed a context that carries
// the chunk's transaction where the store has one.
type Holder interface {
	// Name is the holder's name, the first half of "holder.class"; never reused.
	Name() string
	// Classes declares what it keeps and where.
	Classes() []Class
	// Erase does one bounded chunk in the manner asked. Done in its Progress ends the step.
	Erase(ctx context.Context, t Task) (Progress, error)
	// Verify looks again, with another query than Erase's.
	Verify(ctx context.Context, t Task) (Residue, error)
}

// Count is how much there is of a class: a forecast, never a promise.
type Count struct{ Items, Bytes int64 }

// Counter is a holder that can say beforehand how much there is.
type Counter interface {
	Count(ctx context.Context, s Subject, class string) (Count, error)
}

// Hider takes the entrance of a service out of the subject's own sight, or puts it back.
type Hider interface {
	Hide(ctx context.Context, t Task, hidden bool) error
}

// Veiler keeps others from seeing the subject. Veils are sets of reasons; the reason is
// the task's run. Repeating a call changes nothing.
type Veiler interface {
	Veil(ctx context.Context, t Task, veiled bool) error
}

// Freezer keeps everybody from writing for or onto the subject. Freezes are sets of
// reasons, like veils. Freeze returns only when no write that began before can still commit.
type Freezer interface {
	Freeze(ctx context.Context, t Task, frozen bool) error
}

// Exporter writes what a subject takes along. It returns when the sink is full or the
// class is at its end (Done), and goes on at the cursor when called again.
type Exporter interface {
	Export(ctx context.Context, t Task, to Sink) (Progress, error)
}

// Sink takes what an [Exporter] gives.
type Sink interface {
	// Record takes one record of the class that is being exported.
	Record(v any) error
	// Media takes one file. A file that cannot be read is noted as missing, not an error.
	Media(name string, size int64, modTime time.Time, open func() (io.ReadCloser, error)) error
	// Missing notes something that should be there and is not, with the reason.
	Missing(name, reason string)
	// Full says that the volume has no room for more: return at the next item's end.
	Full() bool
}

// Outcome says what became of one imported record.
type Outcome struct {
	Result  string // "taken", "duplicate", "skipped"
	Reason  string // why it was skipped
	Missing int    // media that it names and the archive lacks
}

// Importer takes records back in. Original times are kept, nobody is notified, and a repeat is a duplicate.
type Importer interface {
	// Import reads a batch of records and puts the files that they name, outside of any transaction. It gives
	// what stores the batch.
	Import(ctx context.Context, t Task, records []any, files Files) (Intake, error)
}

// Intake stores a batch of records in the transaction of its context and says what became of each, in their order. The
// caller stores the report of the batch in the same transaction: whoever is killed finds both, or neither. It may
// be called again when the transaction is begun again.
type Intake func(ctx context.Context) ([]Outcome, error)

// Files opens the files of an archive by the name a record gives.
type Files interface {
	File(ctx context.Context, name string) (io.ReadCloser, int64, error)
}

// Packer makes the archive of a take-along journey: each chunk is one volume.
type Packer interface {
	Pack(ctx context.Context, t Task) (Progress, error)
}

// Binding ties a subject to something else and stands in the way of closing. Words of
// people (titles, names) are not in it: Ref leads to them.
type Binding struct {
	Holder   string   `json:"holder"`
	Code     string   `json:"code"`
	Ref      string   `json:"ref"`
	Required bool     `json:"required"`
	Fixes    []string `json:"fixes"` // what can be done about it; the first is what happens without a choice
}

// Binder tells the bindings of a subject.
type Binder interface {
	Bindings(ctx context.Context, s Subject) ([]Binding, error)
	// Unbind resolves what can be resolved at consent, Rebind puts it back on cancel and return.
	Unbind(ctx context.Context, t Task) error
	Rebind(ctx context.Context, t Task) error
}

// Transferrer offers what is shared to an heir (t.Choice), or takes the offer back.
type Transferrer interface {
	Transfer(ctx context.Context, t Task, offered bool) error
}

// Leaver tells what a subject has left to be seen once it is closed, by its owner's own choice: codes of sentences ("farewell"). The plan of
// a closing states them as what stays, until the name is held no longer. Of what a sunset ends it tells what may be left until then.
type Leaver interface {
	Left(ctx context.Context, s Subject) ([]string, error)
}

// Answer is what a [Gatekeeper] says.
type Answer int

// The answers: not yet, yes, and never (the step falls away; the reason is in the plan).
const (
	Closed Answer = iota
	Open
	Void
)

// Gatekeeper answers whether a fact holds that a step waits for.
type Gatekeeper interface {
	Gate(ctx context.Context, t Task, gate string) (Answer, error)
}

// HoldKeeper pseudonymises what a law says to keep and tells from which day its term counts.
type HoldKeeper interface {
	// HoldFrom gives the day of the anchor that the policy names, in the policy's own word; no date where
	// there is none of it, and the term counts from the consent.
	HoldFrom(ctx context.Context, s Subject, class, anchor string) (Date, error)
	// Hold does one bounded chunk: what is kept no longer refers to the subject, only to the run
	// (t.Run). Verify with the manner [Hold] then finds none of the subject. When the hold is over Erase and
	// Verify are asked for the class of the subject [Held] of that run.
	Hold(ctx context.Context, t Task) (Progress, error)
}

// Watcher hears of a run's changes inside the transaction that makes them.
type Watcher interface {
	RunChanged(ctx context.Context, r Run) error
}
