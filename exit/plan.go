package exit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Journey is what a person asks of a subject.
type Journey string

// The journeys. Show, wake, cancel and return undo what is not yet done or still kept.
const (
	Hide      Journey = "hide"
	Show      Journey = "show"
	Hibernate Journey = "hibernate"
	Wake      Journey = "wake"
	TakeAlong Journey = "take-along"
	Close     Journey = "close"
	Hasten    Journey = "hasten"
	Cancel    Journey = "cancel"
	Return    Journey = "return"
)

// Journeys lists all journeys in the order of their doors.
var Journeys = []Journey{Hide, Show, Hibernate, Wake, TakeAlong, Close, Hasten, Cancel, Return}

// Act is what a step does.
type Act string

// The acts. Those of a holder are carried out by the ability of the same name.
const (
	ActHide     Act = "hide"
	ActShow     Act = "show"
	ActVeil     Act = "veil"
	ActUnveil   Act = "unveil"
	ActFreeze   Act = "freeze"
	ActThaw     Act = "thaw"
	ActUnbind   Act = "unbind"
	ActRebind   Act = "rebind"
	ActOffer    Act = "offer"    // what is shared is offered to the heir
	ActWithdraw Act = "withdraw" // the offer is taken back
	ActPack     Act = "pack"     // the archive is made
	ActBegin    Act = "begin"    // cooling-off is over: from here on some of it cannot be undone
	ActGate     Act = "gate"
	ActErase    Act = "erase"
	ActDetach   Act = "detach"
	ActHold     Act = "hold"
	ActWake     Act = "wake" // the hibernation's own end
	ActSeal     Act = "seal"
)

// Irreversible reports whether what the act does cannot be undone by the engine.
func (a Act) Irreversible() bool { return a == ActErase || a == ActDetach || a == ActHold }

// Back says how hard it is to get something back after its step was carried out.
type Back string

// The three answers.
const (
	BackByItself Back = "by-itself"
	BackArchive  Back = "archive"
	BackNever    Back = "never"
)

// Ask is a person's request.
type Ask struct {
	Subject  Subject
	Journey  Journey
	Choices  map[string]Manner // class → manner, where the policy leaves a choice
	Heir     string            // who takes over what is shared
	Until    Date              // hibernate: wakes then; close: returnable until then
	Now      bool              // close: nothing is kept for a return
	Pack     string            // take-along: what to pack, in the packer's own words ("" is all of it)
	Run      string            // cancel, return, hasten, wake: the run meant; "" if there is only one
	Calendar string            `json:",omitempty"` // sunset: the calendar, as [ParseSunset] reads it
	Keep     time.Time         `json:",omitzero"`  // take-along: until when the archive is kept, where that is later than by the policy
}

// ClassFact is a declared class with its holder.
type ClassFact struct {
	Holder string
	Class
}

// ID gives "holder.class".
func (c ClassFact) ID() string { return c.Holder + "." + c.Name }

// RunFact is an open run of the subject, with its steps.
type RunFact struct {
	Run   Run
	Steps []StepStatus
}

// Facts is all that a plan depends on besides the policy, the request and the day.
type Facts struct {
	Classes   []ClassFact // declared by the registered holders, sorted by ID
	Hiders    []string    // names of holders with the ability, sorted; so are the following
	Veilers   []string
	Freezers  []string
	Binders   []string
	Transfers []string
	Packer    string
	Conductor string // carries sunsets out
	Bindings  []Binding
	Runs      []RunFact       // open runs that touch the subject
	Owner     Subject         // the person to whom the account belongs; empty if it is not their last
	Services  []string        // services the subject uses, sorted
	HoldFrom  map[string]Date // class → the day from which the term of its hold counts
	Ended     []string        // services and places ("circle", "circle:7"; "" is the install) that have ended: a return finds nothing of them
	Left      []string        // what a closing or a sunset leaves to be seen, by its owner's choice, sorted
	Calendar  Calendar
	Counts    map[string]Count // forecast; not part of the hash
}

// Plan is a dated list of steps: what is previewed, agreed, carried out and certified.
type Plan struct {
	Format     int       `json:"format"`
	Journey    Journey   `json:"journey"`
	Subject    string    `json:"subject,omitempty"`
	Policy     string    `json:"policy"`
	Zone       string    `json:"zone"`
	Day        Date      `json:"day"`         // from which its terms count
	CoolingOff Date      `json:"cooling_off"` // until the end of this day a cancel undoes all of it
	ReturnTill Date      `json:"return_till"` // until the end of this day something is left to come back to; no date: nothing is kept for a return
	Until      Date      `json:"until"`
	Undoes     string    `json:"undoes,omitempty"` // the run that this plan cancels, returns from, hastens or wakes
	Steps      []Step    `json:"steps"`
	Stays      []Stay    `json:"stays"`
	Bindings   []Binding `json:"bindings"`

	At       time.Time        `json:"-"` // when it was made
	Forecast map[string]Count `json:"-"`
}

// Step is one thing owed, with its date.
type Step struct {
	Key       string    `json:"key"` // unique in the plan: the act and what it acts on
	Act       Act       `json:"act"`
	Holder    string    `json:"holder,omitempty"`
	Class     string    `json:"class,omitempty"`
	Manner    Manner    `json:"manner,omitempty"`
	Subject   string    `json:"subject,omitempty"` // where it is not the plan's
	Term      Term      `json:"term"`
	From      string    `json:"from,omitempty"`   // the anchor: "", or the key of the step from whose end the term counts
	Due       Date      `json:"due"`              // it is carried out at the end of this day
	Instant   time.Time `json:"instant,omitzero"` // where it is carried out at an instant that was published
	AtConsent bool      `json:"at_consent,omitempty"`
	AtOnce    bool      `json:"at_once,omitempty"` // it does not wait for the end of the day
	After     []string  `json:"after,omitempty"`   // keys of the steps it waits for
	Why       []string  `json:"why,omitempty"`     // why it waits for classes that go first
	Gate      string    `json:"gate,omitempty"`
	Choice    string    `json:"choice,omitempty"`
	Choices   []Manner  `json:"choices,omitempty"` // what the person may choose
	Law       string    `json:"law,omitempty"`
	Until     Date      `json:"until"` // end of a hold
	Back      Back      `json:"back,omitempty"`
	Settles   string    `json:"settles,omitempty"` // the key of the hold that it ends, in the run that the plan's subject names
	Gated     bool      `json:"-"`
}

// ClassID gives "holder.class", "" for a step without a class.
func (s Step) ClassID() string {
	if s.Class == "" {
		return ""
	}
	return s.Holder + "." + s.Class
}

// DueAt gives the instant at which the step is due in a plan agreed at an instant. A term of
// hours runs by the clock, unless the step was put on another day than its term's.
func (s Step) DueAt(agreed time.Time, zone *time.Location) time.Time {
	switch {
	case !s.Instant.IsZero():
		return s.Instant
	case s.AtConsent || s.AtOnce:
		return agreed
	case s.Term.Unit == Hours && s.Due == s.Term.From(DateOf(agreed, zone), Calendar{}):
		return agreed.Add(time.Duration(s.Term.N) * time.Hour)
	default:
		return s.Due.End(zone)
	}
}

// Stay says that something is left as it is, and why.
type Stay struct {
	What  string `json:"what"`  // a class, "service:circle", or the code of a sentence
	State string `json:"state"` // "kept", "gone", "finishing", "elsewhere", "held", "shown"
	Until Date   `json:"until"`
	Law   string `json:"law,omitempty"`
}

// Hash gives the SHA-256, in hex, of the plan's canonical form. It covers steps, terms,
// manners, exceptions, the policy's hash and the day; never counts or the time of day.
func (p *Plan) Hash() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic("exit: a plan has no unmarshalable field: " + err.Error())
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Step gives the step with a key.
func (p *Plan) Step(key string) (Step, bool) {
	for _, s := range p.Steps {
		if s.Key == key {
			return s, true
		}
	}
	return Step{}, false
}

// MakePlan turns a policy, a request and the facts into a plan for the day of now in the
// policy's zone. It is pure: the same input gives the same bytes. Errors are of kind
// Invalid (a choice the policy does not leave), NotFound (nothing to undo) or Conflict
// (another run stands in the way).
func MakePlan(policy *Policy, ask Ask, facts Facts, now time.Time) (*Plan, error) {
	m := &maker{policy: policy, ask: ask, facts: facts, day: DateOf(now, policy.Zone)}
	m.plan = &Plan{
		Format: 1, Journey: ask.Journey, Subject: ask.Subject.String(), Policy: policy.Hash(), Zone: policy.Zone.String(),
		Day: m.day, Steps: []Step{}, Stays: []Stay{}, Bindings: []Binding{}, At: now, Forecast: facts.Counts,
	}
	var err error
	switch ask.Journey {
	case Hide, Show:
		err = m.entrance()
	case Hibernate:
		err = m.hibernate()
	case TakeAlong:
		err = m.takeAlong()
	case Close:
		err = m.close()
	case Hasten:
		err = m.hasten()
	case Sunset:
		err = m.sunset()
	case Withdraw:
		err = m.withdraw()
	case Wake, Cancel, Return:
		err = m.undo()
	default:
		err = Fail(Invalid, "error.journey", "journey", string(ask.Journey))
	}
	if err != nil {
		return nil, err
	}
	return m.plan, nil
}
