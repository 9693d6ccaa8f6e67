package exit

import (
	"slices"
	"sort"
	"strings"
)

// close plans the closing of an account, or of one service or place within it.
func (m *maker) close() error {
	for _, r := range m.facts.Runs {
		if r.Run.Journey == Close && r.Run.State.Open() && r.Run.Subject.Covers(m.ask.Subject) {
			return Fail(Conflict, "error.is_closing")
		}
	}
	if err := m.checkChoices(); err != nil {
		return err
	}
	cooling := m.policy.Close.CoolingOff.From(m.day, m.facts.Calendar)
	if m.ask.Now {
		cooling = Date{}
	}
	m.plan.CoolingOff = cooling
	m.plan.Bindings = append(m.plan.Bindings, m.facts.Bindings...)

	// Bindings are released first: they need a subject that can still be written to.
	if len(m.facts.Bindings) > 0 {
		m.each(ActUnbind, holdersOf(m.facts.Bindings, m.facts.Binders), "")
	}
	if m.ask.Heir != "" {
		m.each(ActOffer, m.facts.Transfers, m.ask.Heir)
	}
	m.each(ActFreeze, m.facts.Freezers, "")
	m.each(ActVeil, m.facts.Veilers, "")
	begin := Step{Key: string(ActBegin), Act: ActBegin, Term: m.policy.Close.CoolingOff, Due: cooling}
	if m.ask.Now {
		begin.Term, begin.Due, begin.AtOnce = Term{}, m.day, true
	}
	m.add(begin)
	if err := m.classes(); err != nil {
		return err
	}
	m.order()
	m.seal()
	m.stays()
	return nil
}

func holdersOf(bindings []Binding, binders []string) []string {
	var out []string
	for _, b := range binders {
		if slices.ContainsFunc(bindings, func(x Binding) bool { return x.Holder == b }) {
			out = append(out, b)
		}
	}
	return out
}

func (m *maker) checkChoices() error {
	for class, manner := range m.ask.Choices {
		i := slices.IndexFunc(m.facts.Classes, func(c ClassFact) bool { return c.ID() == class })
		if i < 0 {
			return Fail(Invalid, "error.no_class", "class", class)
		}
		cp := m.policy.Class(class)
		if manner != cp.Manner && !slices.Contains(cp.Choice, manner) {
			return Fail(Invalid, "error.no_choice", "class", class, "manner", string(manner))
		}
	}
	if !m.ask.Until.IsZero() && (m.ask.Now || m.ask.Until.Before(m.policy.Close.CoolingOff.From(m.day, m.facts.Calendar))) {
		return Fail(Invalid, "error.until_past", "date", m.ask.Until)
	}
	return nil
}

// touches reports whether a class belongs to what is closed.
func (m *maker) touches(c ClassFact) bool {
	if s := m.ask.Subject; s.Ending() {
		name, _, _ := strings.Cut(s.Part(), ":")
		return s.Kind == SubjectInstall || c.Subject != SubjectPerson && (slices.Contains(c.Services, name) || slices.Contains(c.EndsWith, name))
	}
	if c.Subject == SubjectPerson {
		return m.ask.Subject.In == "" && m.facts.Owner != Subject{}
	}
	if svc := m.ask.Subject.Service(); svc != "" {
		return slices.Contains(c.Services, svc)
	}
	return true
}

func (m *maker) classes() error {
	for _, c := range m.facts.Classes {
		if !m.touches(c) {
			continue
		}
		s, err := m.class(c)
		if err != nil {
			return err
		}
		if c.Gate != "" {
			g := Step{Key: "gate:" + c.ID(), Act: ActGate, Holder: c.Holder, Class: c.Name, Gate: c.Gate, Due: s.Due, AtOnce: s.AtOnce, Subject: s.Subject, After: []string{string(ActBegin)}}
			m.add(g)
			s.After = append(s.After, g.Key)
		}
		m.add(s)
	}
	return nil
}

// class makes the step for one class: its manner, its date, and how hard it is to get back.
func (m *maker) class(c ClassFact) (Step, error) {
	cp := m.policy.Class(c.ID())
	manner := cp.Manner
	if chosen, ok := m.ask.Choices[c.ID()]; ok {
		manner = chosen
	}
	if manner != Erase && !slices.Contains(c.Manners, manner) {
		return Step{}, Fail(Invalid, "error.no_choice", "class", c.ID(), "manner", string(manner))
	}
	s := Step{
		Act: Act(manner), Holder: c.Holder, Class: c.Name, Manner: manner, Term: cp.After, From: cp.From,
		After: []string{string(ActBegin)}, Back: BackNever,
	}
	s.Key = string(s.Act) + ":" + c.ID()
	if c.Exported && c.Imported {
		s.Back = BackArchive
	}
	for _, choice := range cp.Choice {
		if slices.Contains(c.Manners, choice) || choice == Erase {
			s.Choices = append(s.Choices, choice)
		}
	}
	if c.Subject == SubjectPerson {
		s.Subject = m.facts.Owner.String()
	}
	s.Due = cp.After.From(m.day, m.facts.Calendar)
	if !m.ask.Until.IsZero() && m.ask.Until.Before(s.Due) {
		s.Due = m.ask.Until
	}
	if manner == Hold {
		from, ok := m.facts.HoldFrom[c.ID()]
		if !ok || from.IsZero() {
			from = m.day
		}
		s.Law, s.Term, s.Due = cp.Law, cp.Until, m.plan.CoolingOff
		s.Until = cp.Until.From(from, m.facts.Calendar)
		if s.Until.Before(m.day) { // the law's term is over: nothing says to keep it any more
			s.Act, s.Manner, s.Term, s.From, s.Law, s.Until = ActErase, Erase, m.policy.Close.CoolingOff, "", "", Date{}
			s.Key = string(s.Act) + ":" + c.ID()
		}
	}
	if s.Due.Before(m.plan.CoolingOff) {
		s.Due = m.plan.CoolingOff
	}
	if m.ask.Now {
		s.Due, s.AtOnce = m.day, true
	}
	return s, nil
}

// order adds to each class's step the steps it waits for: declared ones, with their reason,
// and all of a lower rank. A step is never due before one it waits for.
func (m *maker) order() {
	at := map[string]int{}
	rank := map[string]int{}
	for i, s := range m.plan.Steps {
		if s.Act.Irreversible() {
			at[s.ClassID()] = i
		}
	}
	for _, c := range m.facts.Classes {
		rank[c.ID()] = c.Rank
	}
	for _, c := range m.facts.Classes {
		i, ok := at[c.ID()]
		if !ok {
			continue
		}
		s := &m.plan.Steps[i]
		for _, o := range c.After {
			if j, ok := at[o.Class]; ok {
				s.After = append(s.After, m.plan.Steps[j].Key)
				s.Why = append(s.Why, o.Why)
			}
		}
		for id, j := range at {
			if rank[id] < c.Rank {
				s.After = append(s.After, m.plan.Steps[j].Key)
			}
		}
		sort.Strings(s.After)
		s.After = slices.Compact(s.After)
	}
	m.settleDates()
}

func (m *maker) settleDates() {
	due := map[string]Date{}
	for changed := true; changed; {
		changed = false
		for i := range m.plan.Steps {
			s := &m.plan.Steps[i]
			for _, a := range s.After {
				if s.Due.Before(due[a]) {
					s.Due, changed = due[a], true
				}
			}
			if due[s.Key] != s.Due {
				due[s.Key], changed = s.Due, true
			}
		}
	}
	m.plan.ReturnTill = Date{}
	if m.ask.Now {
		return
	}
	for _, s := range m.plan.Steps {
		if s.Act == ActErase || s.Act == ActDetach {
			if m.plan.ReturnTill.Before(s.Due) {
				m.plan.ReturnTill = s.Due
			}
		}
	}
}

// stays names what the plan leaves as it is.
func (m *maker) stays() {
	if m.ask.Subject.In != "" {
		for _, s := range m.facts.Services {
			// Who leaves one circle keeps the others, and the service with them.
			if s != m.ask.Subject.Service() || m.ask.Subject.Place() != "" {
				m.plan.Stays = append(m.plan.Stays, Stay{What: "service:" + s, State: "kept"})
			}
		}
		m.plan.Stays = append(m.plan.Stays, Stay{What: "account", State: "kept"})
		m.left()
		return
	}
	if m.facts.Owner == (Subject{}) {
		m.plan.Stays = append(m.plan.Stays, Stay{What: "person", State: "kept"})
	}
	if end := m.heldTill(); !end.IsZero() {
		m.plan.Stays = append(m.plan.Stays, Stay{What: "name", State: "held", Until: end})
	}
	m.left()
	m.plan.Stays = append(m.plan.Stays, Stay{What: "archives", State: "elsewhere"})
}

// heldTill gives the last day on which a name is held; no date where the policy holds none.
func (m *maker) heldTill() Date {
	held := m.policy.Close.NameHeld
	if held.N <= 0 {
		return Date{}
	}
	last := m.day
	if !m.plan.ReturnTill.IsZero() {
		last = m.plan.ReturnTill
	}
	return held.From(last, m.facts.Calendar)
}

// left names what is shown in the subject's place as long as its name is held; never for ever.
func (m *maker) left() {
	if end := m.heldTill(); !end.IsZero() {
		for _, what := range m.facts.Left {
			m.plan.Stays = append(m.plan.Stays, Stay{What: what, State: "shown", Until: end})
		}
	}
}
