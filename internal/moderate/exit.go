package moderate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Holder keeps reports, acts, appeals and what holds against accounts.
type Holder struct {
	exitsql.Ending
	room *Room
}

// always keeps the row of a side that only names an account beside its owner: the name goes.
const always = `1 = 1`

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name, owner string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: owner, Key: "id", OwnerID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	by, about := table("reports", "account_id"), table("cases", "about_id")
	by.Bytes = "length(words)"
	by.Also, about.Also = []string{dropEmptyCases}, []string{dropReports}
	// Only the act remains, by its id: what was done, where, by which rule, when.
	whom, actor := table("acts", "about_id"), table("acts", "by_id")
	whom.Stays, whom.StaysAs = always, `about_id = null, ref_id = 0, words = '', detail = '', case_id = 0`
	// What its author is told stays: the rule. The words were the actor's.
	actor.Stays, actor.StaysAs = always, `by_id = null, words = ''`
	actor.Also = []string{dropRefusals}
	own, judge := table("appeals", "account_id"), table("appeals", "decided_by")
	own.Bytes = "length(words)"
	judge.Stays, judge.StaysAs = always, `decided_by = null, answer = ''`
	// What somebody has written goes with them; that there was a complaint, and what came of it, stays for the other side as long as it is kept.
	claimant, accused, decider := table("claims", "account_id"), table("claims", "owner_id"), table("claims", "decided_by")
	claimant.Bytes = "length(statement)"
	claimant.Stays, claimant.StaysAs = always, `account_id = null, name = '', email = '', hash = '', work = '', statement = ''`
	accused.Stays, accused.StaysAs = always, `owner_id = null, ref_id = 0, counter = ''`
	decider.Stays, decider.StaysAs = always, `decided_by = null, answer = ''`
	return &Holder{room: r, Ending: exitsql.Ending{All: r.endingOf(), Tables: exitsql.Tables{
		"claims":    {claimant, accused, decider},
		"reports":   {by, about},
		"acts":      {whom, actor},
		"appeals":   {own, judge},
		"sanctions": {table("sanctions", "account_id")},
	}}}
}

// Name is the holder's name.
func (h *Holder) Name() string { return "moderate" }

// Classes declares what the room keeps.
func (h *Holder) Classes() []exit.Class {
	return []exit.Class{
		{Name: "reports", EndsWith: services, Exported: true, Places: []exit.Place{{Table: "reports", Column: "account_id"}, {Table: "cases", Column: "about_id"}}},
		{Name: "acts", EndsWith: services, Exported: true, Places: []exit.Place{{Table: "acts", Column: "about_id"}, {Table: "acts", Column: "by_id"}}},
		{Name: "appeals", EndsWith: services, Exported: true, Places: []exit.Place{{Table: "appeals", Column: "account_id"}, {Table: "appeals", Column: "decided_by"}}},
		{Name: "sanctions", EndsWith: services, Exported: true, Places: []exit.Place{{Table: "sanctions", Column: "account_id"}}},
		{Name: "claims", EndsWith: []string{"channel"}, Exported: true, Places: []exit.Place{
			{Table: "claims", Column: "account_id"}, {Table: "claims", Column: "owner_id"}, {Table: "claims", Column: "decided_by"},
		}},
	}
}

// ReportRecord is a report of one's own as it is taken along.
type ReportRecord struct {
	On     string `json:"on"` // "post:7"
	Reason string `json:"reason"`
	Words  string `json:"words,omitempty"`
	At     string `json:"at"`
}

// ActRecord is what was done about the account as it is taken along; not by whom.
type ActRecord struct {
	ID    string `json:"id"`
	What  string `json:"what"`
	On    string `json:"on"`
	Where string `json:"where,omitempty"`
	Rule  string `json:"rule,omitempty"`
	Words string `json:"words,omitempty"`
	Until string `json:"until,omitempty"`
	State string `json:"state"`
	At    string `json:"at"`
}

// AppealRecord is an appeal with its answer as it is taken along.
type AppealRecord struct {
	Act    string `json:"act"`
	Words  string `json:"words"`
	State  string `json:"state"`
	Answer string `json:"answer,omitempty"`
	At     string `json:"at"`
}

// SanctionRecord is what holds against the account as it is taken along.
type SanctionRecord struct {
	What  string `json:"what"`
	Where string `json:"where,omitempty"`
	Rule  string `json:"rule"`
	Until string `json:"until,omitempty"`
	Since string `json:"since"`
}

// ClaimRecord is a copyright complaint as it is taken along: by the claimant with what they wrote, by whose thing it was with their counter-notice.
type ClaimRecord struct {
	On        string `json:"on"`
	Mine      bool   `json:"mine"` // the account complained
	Work      string `json:"work,omitempty"`
	Statement string `json:"statement,omitempty"`
	Counter   string `json:"counter,omitempty"`
	Answer    string `json:"answer,omitempty"` // the operator's
	State     string `json:"state"`
	At        string `json:"at"`
	AnswerBy  string `json:"answer_by"`
	Countered string `json:"countered,omitempty"`
	Decided   string `json:"decided,omitempty"`
}

func claimRecord(c Claim, account who.ID) ClaimRecord {
	x := ClaimRecord{On: c.On.String(), Mine: c.By == account, Answer: c.Answer, State: c.State, At: stamp(c.At), AnswerBy: stamp(c.AnswerBy), Countered: stamp(c.Countered), Decided: stamp(c.Decided)}
	if x.Mine {
		x.Work, x.Statement = c.Work, c.Statement
	} else {
		x.Counter = c.Counter
	}
	return x
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

func (p Place) ref() string {
	if p.ID == 0 {
		return ""
	}
	return who.Ref{Kind: p.Service, ID: p.ID}.String()
}

// most is how many records one call exports at most.
const most = 500

// entry is a record with its row.
type entry struct {
	row    who.ID
	record any
}

// Export writes what the account reported, what was done about it and what it said to that, oldest first. Others are not named.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	id, _ := who.ParseID(t.Subject.ID)
	after, cut, since := int64(0), int64(math.MaxInt64), int64(math.MinInt64)
	for text, n := range map[string]*int64{t.Cursor: &after, t.Cut: &cut} {
		var err error
		if text == "" {
			continue
		}
		if *n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return p, fmt.Errorf("read cursor: %w", err)
		}
	}
	if !t.Since.IsZero() {
		since = db.Ms(t.Since)
	}
	list, err := h.room.store.along(ctx, t.Class, id, after, cut, since, most)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		raw, err := json.Marshal(x.record)
		if err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		if err := to.Record(json.RawMessage(raw)); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		p.Items, p.Cursor = p.Items+1, x.row.String()
	}
	p.Done = len(list) < most
	return p, nil
}

var (
	_ exit.Holder   = (*Holder)(nil)
	_ exit.Counter  = (*Holder)(nil)
	_ exit.Exporter = (*Holder)(nil)
)
