package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/server"
	"exeunt/internal/who"
)

// scope narrows a journey to one service or one circle.
type scope struct {
	Service string `help:"Only this service: page, circle." placeholder:"NAME"`
	Circle  string `help:"Only this circle of the account's, by its name or id." placeholder:"NAME"`
}

// in gives the scope as a subject is narrowed to it.
func (s scope) in(a *app, h *server.House, account who.ID) (string, error) {
	if s.Circle == "" {
		return s.Service, nil
	}
	if id, ok := who.ParseID(s.Circle); ok {
		return "circle:" + id.String(), nil
	}
	id, err := h.CircleByName(a.ctx, account, s.Circle)
	return "circle:" + id.String(), err
}

// request is what plan and leave have in common.
type request struct {
	place
	scope
	Account string            `required:"" help:"Name of the account." placeholder:"NAME"`
	Journey string            `required:"" enum:"hide,show,hibernate,wake,take-along,close,hasten,cancel,return" help:"${enum}" placeholder:"JOURNEY"`
	Choice  map[string]string `help:"What becomes of a class: erase or detach." placeholder:"CLASS=MANNER"`
	Heir    string            `help:"Who takes over the circles." placeholder:"NAME"`
	Until   string            `help:"Hibernate: wake then. Close: returnable until then." placeholder:"DATE"`
}

func (r request) ask(a *app, h *server.House) (exit.Ask, error) {
	acc, err := h.Accounts.ByName(a.ctx, r.Account)
	if err != nil {
		return exit.Ask{}, err
	}
	in, err := r.in(a, h, acc.ID)
	if err != nil {
		return exit.Ask{}, err
	}
	ask := exit.Ask{Subject: leave.SubjectOf(acc.ID, in), Journey: exit.Journey(r.Journey)}
	for class, manner := range r.Choice {
		if ask.Choices == nil {
			ask.Choices = map[string]exit.Manner{}
		}
		ask.Choices[class] = exit.Manner(manner)
	}
	if r.Heir != "" {
		heir, err := h.Accounts.ByName(a.ctx, r.Heir)
		if err != nil {
			return ask, err
		}
		ask.Heir = heir.ID.String()
	}
	if r.Until != "" {
		if ask.Until, err = exit.ParseDate(r.Until); err != nil {
			return ask, err
		}
	}
	if ask.Journey == exit.TakeAlong {
		ask.Pack = leave.Packing{Media: true}.Words()
	}
	return ask, nil
}

type planCmd struct{ request }

func (c *planCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		ask, err := c.ask(a, h)
		if err != nil {
			return err
		}
		p, err := h.Engine.Preview(a.ctx, ask)
		if err != nil {
			return err
		}
		var text strings.Builder
		for _, s := range p.Steps {
			fmt.Fprintf(&text, "%-10s  %-28s %s\n", when(s), s.Key, counted(p, s))
		}
		for _, s := range p.Stays {
			fmt.Fprintf(&text, "%-10s  %s %s\n", "", s.What, s.State)
		}
		return a.print(map[string]any{"hash": p.Hash(), "plan": p, "forecast": p.Forecast}, "%splan %s\n", text.String(), p.Hash())
	})
}

func when(s exit.Step) string {
	if s.AtConsent || s.AtOnce {
		return "at once"
	}
	return s.Due.String()
}

func counted(p *exit.Plan, s exit.Step) string {
	if n, ok := p.Forecast[s.ClassID()]; ok && n.Items > 0 {
		return fmt.Sprintf("about %d", n.Items)
	}
	return ""
}

type leaveCmd struct {
	request
	Yes  bool   `help:"The person's written request is there."`
	Plan string `help:"The hash of the plan that was previewed; another plan is a conflict." placeholder:"HASH"`
}

func (c *leaveCmd) Run(a *app) error {
	if !c.Yes {
		return errors.New("say --yes: the operator acts on a person's written request, and it is recorded as such")
	}
	return a.with(c.place, func(h *server.House) error {
		ask, err := c.ask(a, h)
		if err != nil {
			return err
		}
		hash := c.Plan
		if hash == "" {
			p, err := h.Engine.Preview(a.ctx, ask)
			if err != nil {
				return err
			}
			hash = p.Hash()
		}
		run, secret, err := h.Leave.Agree(a.ctx, ask, hash, "operator")
		if err != nil {
			return err
		}
		if err := h.Settle(a.ctx, pause); err != nil {
			return err
		}
		now, _, err := h.DB.Runs.Load(a.ctx, run.ID)
		if err != nil {
			return err
		}
		v := map[string]any{"run": run.ID, "account": ask.Subject.ID, "hash": hash, "state": now.State}
		if secret != "" {
			v["slip"] = "/slip/" + secret
		}
		return a.print(v, "run %s of account %s: %s\nplan %s\n", run.ID, ask.Subject.ID, now.State, hash)
	})
}

type statusCmd struct {
	place
	scope
	Account string `help:"Name of the account." placeholder:"NAME" xor:"what" required:""`
	RunID   string `help:"A run." name:"run" placeholder:"ID" xor:"what" required:""`
}

// runStatus is a run as status prints it.
type runStatus struct {
	Run     string       `json:"run"`
	Journey string       `json:"journey"`
	Scope   string       `json:"scope,omitempty"`
	State   string       `json:"state"`
	By      string       `json:"by"`
	Hash    string       `json:"hash"`
	Agreed  time.Time    `json:"agreed"`
	Steps   []stepStatus `json:"steps"`
}

type stepStatus struct {
	Key       string    `json:"key"`
	State     string    `json:"state"`
	Due       time.Time `json:"due"`
	Ended     time.Time `json:"ended,omitzero"`
	Items     int64     `json:"items"`
	Bytes     int64     `json:"bytes"`
	Uncounted bool      `json:"uncounted,omitempty"`
	Attempts  int       `json:"attempts,omitempty"`
	Problem   string    `json:"problem,omitempty"`
	Amended   bool      `json:"amended,omitempty"`
}

func (c *statusCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		var found []exit.RunFact
		var in string
		if c.RunID != "" {
			r, steps, err := h.DB.Runs.Load(a.ctx, c.RunID)
			if err != nil {
				return err
			}
			found = []exit.RunFact{{Run: r, Steps: steps}}
		} else {
			acc, err := h.Accounts.ByName(a.ctx, c.Account)
			if err != nil {
				return err
			}
			if in, err = c.in(a, h, acc.ID); err != nil {
				return err
			}
			if found, err = h.DB.Runs.Open(a.ctx, leave.SubjectOf(acc.ID, "")); err != nil {
				return err
			}
		}
		var out []runStatus
		var text strings.Builder
		for _, f := range found {
			if in != "" && f.Run.Subject.In != in {
				continue
			}
			s := statusOf(f)
			out = append(out, s)
			fmt.Fprintf(&text, "run %s  %s %s  %s\n", s.Run, s.Journey, s.Scope, s.State)
			for _, st := range s.Steps {
				fmt.Fprintf(&text, "  %s  %-28s %-10s %8d items %12d bytes  %s\n", st.Due.In(h.Policy.Zone).Format("2006-01-02 15:04"), st.Key, st.State, st.Items, st.Bytes, st.Problem)
			}
		}
		if c.RunID != "" {
			return a.print(out[0], "%s", text.String())
		}
		return a.print(map[string]any{"runs": out}, "%s", text.String())
	})
}

func statusOf(f exit.RunFact) runStatus {
	s := runStatus{
		Run: f.Run.ID, Journey: string(f.Run.Journey), Scope: f.Run.Subject.In, State: string(f.Run.State), By: f.Run.By, Hash: f.Run.Hash, Agreed: f.Run.Agreed,
	}
	for _, st := range f.Steps {
		s.Steps = append(s.Steps, stepStatus{
			Key: st.Key, State: string(st.State), Due: st.At, Ended: st.Ended, Items: st.Items, Bytes: st.Bytes, Uncounted: st.Uncounted,
			Attempts: st.Attempts, Problem: st.Problem, Amended: st.Amended,
		})
	}
	return s
}

type certificateCmd struct {
	place
	RunID string `required:"" help:"The run." name:"run" placeholder:"ID"`
	Out   string `required:"" help:"File to write." type:"path" placeholder:"FILE"`
}

func (c *certificateCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		b, err := h.Leave.Certificate(a.ctx, c.RunID)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Out, b, 0o600); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
		return a.print(map[string]any{"file": c.Out, "bytes": len(b), "key": h.Leave.Key.Verifier()}, "%s\nkey %s\n", c.Out, h.Leave.Key.Verifier())
	})
}

type clockCmd struct {
	place
	By string `arg:"" help:"How far: +720h, +30d." placeholder:"+720h"`
}

func (c *clockCmd) Run(a *app) error {
	by, err := span(c.By)
	if err != nil {
		return err
	}
	return a.with(c.place, func(h *server.House) error {
		if err := h.Travel(a.ctx, by, pause); err != nil {
			return err
		}
		now, err := h.DB.Now(a.ctx)
		if err != nil {
			return err
		}
		return a.print(map[string]any{"now": now}, "%s\n", now.In(h.Policy.Zone).Format(time.RFC3339))
	})
}

// span reads "+720h" or "+30d"; forward only.
func span(s string) (time.Duration, error) {
	text := strings.TrimPrefix(s, "+")
	if days, ok := strings.CutSuffix(text, "d"); ok {
		text = days + "h"
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("a clock moves forward by hours or days, like +720h, not %q", s)
		}
		return 24 * d, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("a clock moves forward by hours or days, like +720h, not %q", s)
	}
	return d, nil
}
