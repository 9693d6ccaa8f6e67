package exit

import (
	"context"
	"time"
)

// RunState is the state of a run.
type RunState string

// The states of a run. Open is cooling-off; running means that irreversible steps may be
// carried out; the other three are ends. A returned run may still finish a class that had
// been begun.
const (
	RunOpen      RunState = "open"
	RunRunning   RunState = "running"
	RunSealed    RunState = "sealed"
	RunCancelled RunState = "cancelled"
	RunReturned  RunState = "returned"
)

// Open reports whether the run still holds its subject.
func (s RunState) Open() bool { return s == RunOpen || s == RunRunning }

// Run is an agreed plan on its way.
type Run struct {
	ID      string
	Subject Subject // empty once sealed with an account that is gone
	Journey Journey
	State   RunState
	By      string // "person", or "operator" for a written request
	Hash    string // of the plan that was agreed
	Plan    *Plan
	Policy  string // hash
	Agreed  time.Time
	Began   time.Time // the first irreversible act became possible
	Ended   time.Time
	Version int // counts changes to the agreed run: cancel, return, hasten, amendment
}

// StepState is the state of a step.
type StepState string

// The states of a step. Due is not stored: it is waiting, with no open dependency, and its
// date reached. Stuck is shown to operator and person and is never "completed".
const (
	StepWaiting   StepState = "waiting"
	StepRunning   StepState = "running"
	StepVerified  StepState = "verified"
	StepExcepted  StepState = "excepted"
	StepSatisfied StepState = "satisfied"
	StepCancelled StepState = "cancelled"
	StepStuck     StepState = "stuck"
)

// Ended reports whether nothing more happens to the step by itself.
func (s StepState) Ended() bool {
	return s == StepVerified || s == StepExcepted || s == StepSatisfied || s == StepCancelled
}

// StepStatus is a step with what became of it.
type StepStatus struct {
	Step
	Seq       int
	State     StepState
	At        time.Time // the instant at which it is due
	Began     time.Time // its first chunk
	Ended     time.Time
	Chunks    int
	Items     int64
	Bytes     int64
	Cursor    string
	Uncounted bool
	Attempts  int
	Problem   string // why it is stuck or was tried again: a key, for person and operator
	Satisfier string // run and step whose receipt satisfied it
	Amended   bool   // added to the agreed run at its seal
}

// Started reports whether the step has done something that cannot be undone.
func (s StepStatus) Started() bool {
	return s.Chunks > 0 || s.State == StepVerified || s.State == StepStuck && s.Chunks > 0
}

// Lease is the right to work on one step for a while. Fence changes with each lease, so a
// worker that lost its lease can no longer change the step.
type Lease struct {
	Run   Run // its Plan may be nil where no worker needs it: at an erasure from whose end no other step's term counts
	Step  StepStatus
	Fence int64
	Until time.Time // machine time
}

// Settlement is how a step ends, or why it goes back to waiting.
type Settlement struct {
	State     StepState
	Now       time.Time // promise time
	Retry     time.Time // machine time; for StepWaiting after a failure
	Ask       time.Time // promise time; for a gate that is still closed
	Soon      time.Time // promise time; for a step that has nothing to do for now, and is due again then
	Problem   string
	Satisfier string
	Redate    map[string]time.Time // steps whose term counts from the end of this one
}

// Alteration changes an agreed run: the person's own cancel, return or hasten, an
// amendment at the seal, or the seal itself.
type Alteration struct {
	State     RunState             // the new state; "" leaves it
	Now       time.Time            // promise time
	Cancel    []string             // keys of waiting steps that fall away
	DueNow    []string             // keys of steps that are due at once
	Add       []StepStatus         // amendments
	Forget    bool                 // drop the subject from the run and from its plan
	FreeSteps bool                 // steps that go on lose their dependencies on cancelled ones
	Due       map[string]time.Time // new dates
}

// RunStore keeps runs. All methods but Update join the transaction that their context
// carries; the instants they are given come from the engine's clocks.
type RunStore interface {
	// Update runs fn in one transaction that fn's context carries; it joins one that is there already.
	Update(ctx context.Context, fn func(ctx context.Context) error) error
	// Add stores an agreed run with its steps and the policy's source. An open closing or
	// hibernation of the same subject is a Conflict.
	Add(ctx context.Context, r Run, steps []StepStatus, policy []byte) error
	// Load gives a run with its steps in order; NotFound if there is none.
	Load(ctx context.Context, id string) (Run, []StepStatus, error)
	// Open gives the open runs of an account (or other whole subject), of all its parts, newest first.
	Open(ctx context.Context, whole Subject) ([]RunFact, error)
	// Policy gives the source of a stored policy.
	Policy(ctx context.Context, hash string) ([]byte, error)
	// Lease takes up to limit steps that are due at now, or whose worker's lease has run out, until machine+ttl. Each is
	// an attempt more, but where a worker was lost: it has not failed.
	Lease(ctx context.Context, now, machine time.Time, ttl time.Duration, limit int) ([]Lease, error)
	// Renew keeps a lease; Conflict if it was lost.
	Renew(ctx context.Context, l Lease, until time.Time) error
	// Chunk runs fn in a transaction in which run and step are locked and the lease holds, and adds
	// fn's progress to the step. Rows, cursor and counts change together or not at all. Conflict if the lease was lost.
	Chunk(ctx context.Context, l Lease, now time.Time, fn func(ctx context.Context, s StepStatus) (Progress, error)) (StepStatus, error)
	// Settle ends a step, or puts it back; Conflict if the lease was lost. Open steps of other runs that the
	// same erasure covers are satisfied; one that its choice narrows covers none.
	Settle(ctx context.Context, l Lease, s Settlement) error
	// Alter changes a run of the version given; Conflict if it has changed since.
	Alter(ctx context.Context, id string, version int, a Alteration) error
}

// Traveller is a run store that can tell what is due next: a trial install's clock goes
// from date to date.
type Traveller interface {
	// Next gives the earliest instant at which a waiting step with nothing open before it is due; ok is false if none is.
	Next(ctx context.Context) (at time.Time, ok bool, err error)
	// Busy counts steps that are due at now and waiting, or running. A step behind a closed gate is not due.
	Busy(ctx context.Context, now time.Time) (int, error)
}
