package exit

import (
	"slices"
	"sort"
	"strings"
)

// maker builds one plan.
type maker struct {
	policy *Policy
	ask    Ask
	facts  Facts
	day    Date
	plan   *Plan
}

func (m *maker) add(s Step) { m.plan.Steps = append(m.plan.Steps, s) }

// each adds one step at consent for each holder with an ability.
func (m *maker) each(act Act, holders []string, choice string) {
	for _, h := range holders {
		m.add(Step{Key: string(act) + ":" + h, Act: act, Holder: h, Due: m.day, AtConsent: true, Choice: choice})
	}
}

func (m *maker) entrance() error {
	if m.ask.Subject.Service() == "" || m.ask.Subject.Place() != "" {
		return Fail(Invalid, "error.needs_service")
	}
	act := ActHide
	if m.ask.Journey == Show {
		act = ActShow
	}
	m.each(act, m.facts.Hiders, m.ask.Subject.Service())
	m.plan.Stays = append(m.plan.Stays, Stay{What: "everything", State: "kept"})
	return nil
}

func (m *maker) hibernate() error {
	if r := m.open(Close); r != nil && r.covers(m.ask.Subject) {
		return Fail(Conflict, "error.is_closing")
	}
	if r := m.open(Hibernate); r != nil && r.subject() == m.ask.Subject {
		return Fail(Conflict, "error.is_hibernating")
	}
	longest := m.policy.Hibernate.Longest
	if longest.N > 0 {
		end := longest.From(m.day, m.facts.Calendar)
		if m.ask.Until.IsZero() || end.Before(m.ask.Until) {
			m.ask.Until = end
		}
	}
	if !m.ask.Until.IsZero() && !m.day.Before(m.ask.Until) {
		return Fail(Invalid, "error.until_past", "date", m.ask.Until)
	}
	m.plan.Until = m.ask.Until
	m.each(ActFreeze, m.facts.Freezers, "")
	m.each(ActVeil, m.facts.Veilers, "")
	if !m.ask.Until.IsZero() {
		m.add(Step{Key: string(ActWake), Act: ActWake, Due: m.ask.Until.AddDays(-1)})
		m.seal()
	}
	m.plan.Stays = append(m.plan.Stays, Stay{What: "everything", State: "kept", Until: m.ask.Until})
	return nil
}

func (m *maker) takeAlong() error {
	if m.facts.Packer == "" {
		return Fail(Unavailable, "error.no_packer")
	}
	if m.emptied(m.facts.Packer + ".archives") {
		return Fail(Conflict, "error.is_closing") // nothing would take the archive away again
	}
	if m.packing() {
		return Fail(Conflict, "error.is_packing") // one after another: each may be as large as all there is
	}
	m.add(Step{Key: string(ActPack), Act: ActPack, Holder: m.facts.Packer, Due: m.day, AtOnce: true, Choice: m.ask.Pack})
	keep := m.policy.Export.Keep
	erase := Step{
		Key: "erase:" + m.facts.Packer + ".archives", Act: ActErase, Holder: m.facts.Packer, Class: "archives", Manner: Erase,
		Term: keep, From: string(ActPack), Due: keep.From(m.day, m.facts.Calendar), After: []string{string(ActPack)}, Choice: "run",
		Back: BackByItself,
	}
	if at := m.ask.Keep; m.day.AddDays(1).Before(DateOf(at, m.policy.Zone)) && erase.Due.Before(dayBefore(at, m.policy.Zone)) {
		erase = m.at(erase, at, m.policy.Zone)
		erase.Term, erase.From = Term{}, ""
	}
	m.add(erase)
	m.seal()
	m.plan.Stays = append(m.plan.Stays, Stay{What: "everything", State: "kept"})
	return nil
}

// packing reports whether an archive of the same subject is being made, or about to be.
func (m *maker) packing() bool {
	return slices.ContainsFunc(m.facts.Runs, func(r RunFact) bool {
		return r.Run.Journey == TakeAlong && r.Run.State.Open() && r.Run.Subject == m.ask.Subject &&
			slices.ContainsFunc(r.Steps, func(s StepStatus) bool {
				return s.Act == ActPack && (s.State == StepWaiting || s.State == StepRunning)
			})
	})
}

// emptied reports whether an open closing of all of the subject has begun to erase a class.
func (m *maker) emptied(class string) bool {
	return slices.ContainsFunc(m.facts.Runs, func(r RunFact) bool {
		if r.Run.Journey != Close || !r.Run.State.Open() || r.Run.Subject != m.ask.Subject.Whole() {
			return false
		}
		return slices.ContainsFunc(r.Steps, func(s StepStatus) bool {
			return s.Act.Irreversible() && s.ClassID() == class && (s.Started() || s.State == StepRunning)
		})
	})
}

// seal adds the last step, which waits for all others.
func (m *maker) seal() {
	s := Step{Key: string(ActSeal), Act: ActSeal, Due: m.day, AtOnce: m.ask.Now}
	for _, o := range m.plan.Steps {
		if !o.AtConsent {
			s.After = append(s.After, o.Key)
		}
		if s.Due.Before(o.Due) {
			s.Due = o.Due
		}
	}
	m.add(s)
}

// openRun is an open run of the facts.
type openRun struct{ RunFact }

func (r openRun) subject() Subject { return r.Run.Subject }

func (r openRun) covers(s Subject) bool { return r.Run.Subject.Covers(s) }

func (m *maker) open(j Journey) *openRun {
	for _, r := range m.facts.Runs {
		if r.Run.Journey == j && r.Run.State.Open() && r.Run.Subject.Covers(m.ask.Subject) {
			return &openRun{r}
		}
	}
	return nil
}

// nothingTo are the keys for those who have nothing to undo or to hasten.
var nothingTo = map[Journey]string{
	Cancel: "error.nothing_to_cancel", Return: "error.nothing_to_return", Wake: "error.nothing_to_wake", Hasten: "error.nothing_to_hasten",
}

// target finds the run that the request undoes or hastens.
func (m *maker) target(journeys ...Journey) (*openRun, error) {
	var found []openRun
	for _, r := range m.facts.Runs {
		if !r.Run.State.Open() || !slices.Contains(journeys, r.Run.Journey) {
			continue
		}
		if m.ask.Run != "" && m.ask.Run != r.Run.ID || m.ask.Run == "" && r.Run.Subject != m.ask.Subject {
			continue
		}
		found = append(found, openRun{r})
	}
	if len(found) == 0 {
		return nil, Fail(NotFound, nothingTo[m.ask.Journey])
	}
	// The newest: an older one of the same subject cannot be open beside it, other than a journey of another kind.
	sort.Slice(found, func(i, j int) bool { return found[j].Run.Agreed.Before(found[i].Run.Agreed) })
	return &found[0], nil
}

// undo plans cancel, return and wake: the inverse of what is not yet done or still kept.
func (m *maker) undo() error {
	kinds := []Journey{Close}
	if m.ask.Journey == Wake {
		kinds = []Journey{Hibernate}
	}
	r, err := m.target(kinds...)
	if err != nil {
		return err
	}
	if m.ask.Journey == Cancel && r.Run.State != RunOpen {
		return Fail(Conflict, "error.cooling_off_over")
	}
	m.plan.Undoes = r.Run.ID
	inverse := map[Act]Act{ActVeil: ActUnveil, ActFreeze: ActThaw, ActUnbind: ActRebind, ActOffer: ActWithdraw}
	// In the reverse order: what was shut last opens first, the veil lifts when all is back.
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		if back, ok := inverse[s.Act]; ok {
			m.add(Step{Key: string(back) + ":" + s.Holder, Act: back, Holder: s.Holder, Due: m.day, AtConsent: true, Choice: s.Choice})
		}
	}
	for _, s := range r.Steps {
		if !s.Act.Irreversible() {
			continue
		}
		stay := Stay{What: s.ClassID(), State: "kept"}
		switch {
		case s.State == StepVerified || s.State == StepSatisfied:
			stay.State, stay.Until = "gone", s.Due
			if ended := DateOf(s.Ended, m.policy.Zone); ended.Before(s.Due) { // it was hastened
				stay.Until = ended
			}
		case s.State == StepExcepted:
			stay.State, stay.Until, stay.Law = "held", s.Until, s.Law
		case s.Started():
			stay.State = "finishing"
		case m.ended(r.Run.Subject, s.ClassID()):
			stay.State = "gone"
		}
		m.plan.Stays = append(m.plan.Stays, stay)
	}
	for _, part := range m.facts.Ended {
		// One circle of many is no reason to speak of when all of an account comes back.
		if s := r.Run.Subject; !strings.Contains(part, ":") && s.In == "" || s.Whole().Within(part).Covers(s) {
			m.plan.Stays = append(m.plan.Stays, Stay{What: "service:" + part, State: "gone"})
		}
	}
	return nil
}

// ended reports whether all of a subject's class is in what has ended: there is nothing of it to come back to.
func (m *maker) ended(s Subject, class string) bool {
	gone := func(part string) bool {
		return slices.ContainsFunc(m.facts.Ended, func(e string) bool { return s.Whole().Within(e).Covers(s.Whole().Within(part)) })
	}
	if s.In != "" || gone("") {
		return gone(s.In)
	}
	i := slices.IndexFunc(m.facts.Classes, func(c ClassFact) bool { return c.ID() == class })
	return i >= 0 && len(m.facts.Classes[i].Services) > 0 && !slices.ContainsFunc(m.facts.Classes[i].Services, func(name string) bool { return !gone(name) })
}

// hasten plans the rest of an open closing for now.
func (m *maker) hasten() error {
	r, err := m.target(Close)
	if err != nil {
		return err
	}
	m.plan.Undoes = r.Run.ID
	for _, s := range r.Steps {
		if s.State != StepWaiting || s.Act == ActSeal {
			continue
		}
		h := s.Step
		h.Due, h.AtOnce = m.day, true
		if s.Act.Irreversible() {
			h.Back = m.backAfter(s.Step)
		}
		m.add(h)
	}
	if len(m.plan.Steps) == 0 {
		return Fail(NotFound, "error.nothing_to_hasten")
	}
	return nil
}

func (m *maker) backAfter(s Step) Back {
	for _, c := range m.facts.Classes {
		if c.ID() == s.ClassID() && c.Exported && c.Imported {
			return BackArchive
		}
	}
	return BackNever
}
