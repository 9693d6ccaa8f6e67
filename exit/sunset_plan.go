package exit

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The acts of a sunset.
const (
	ActPhase  Act = "phase"  // a word of the calendar begins to hold
	ActRemind Act = "remind" // everybody concerned is told again
	ActReopen Act = "reopen" // a withdrawn sunset's calendar is taken away
)

// sunset plans an ending: a dated step for each phase and reminder, everybody's archive when writing has ceased, and then the erasure, class by
// class, of what all accounts have in what ends. A request with the calendar of a sunset that is under way postpones it.
func (m *maker) sunset() error {
	cal, err := ParseSunset([]byte(m.ask.Calendar))
	if err != nil {
		return err
	}
	if m.facts.Conductor == "" || cal.Ends != m.ask.Subject {
		return Fail(Invalid, "error.subject", "text", m.ask.Subject.String())
	}
	m.plan.Zone, m.day = cal.Zone.String(), DateOf(m.plan.At, cal.Zone)
	m.plan.Day = m.day
	before := m.openSunset()
	if before != nil {
		if err := m.postpones(before, cal); err != nil {
			return err
		}
		m.plan.Undoes = before.Run.ID
	}
	if err := m.datesToCome(cal, before); err != nil {
		return err
	}
	m.plan.CoolingOff, m.plan.Until = dayBefore(cal.At(Erased), cal.Zone), dayBefore(cal.Late, cal.Zone)
	m.sunsetPhases(cal)
	m.add(m.at(Step{Key: string(ActBegin), Act: ActBegin, After: []string{"phase:" + Erased, "pack:" + m.facts.Conductor}}, cal.At(Erased), cal.Zone))
	if err := m.sunsetClasses(cal); err != nil {
		return err
	}
	m.order()
	m.plan.ReturnTill = Date{}
	m.seal()
	if held := m.policy.Close.NameHeld; held.N > 0 {
		for _, what := range m.facts.Left {
			m.plan.Stays = append(m.plan.Stays, Stay{What: what, State: "shown", Until: held.From(dayBefore(cal.At(Erased), cal.Zone), m.facts.Calendar)})
		}
	}
	if cal.At(Erased).Before(cal.Late) {
		m.plan.Stays = append(m.plan.Stays, Stay{What: "archives", State: "held", Until: dayBefore(cal.Late, cal.Zone)})
	}
	return nil
}

// at dates a step by an instant. Its day is the last one on which it has not come.
func (m *maker) at(s Step, at time.Time, zone *time.Location) Step {
	s.Instant, s.Due = at.UTC(), dayBefore(at, zone)
	return s
}

func dayBefore(at time.Time, zone *time.Location) Date { return DateOf(at.Add(-time.Second), zone) }

func (m *maker) sunsetPhases(cal *SunsetCalendar) {
	last := ""
	for _, p := range cal.Phases {
		s := m.at(Step{Key: "phase:" + p.Word, Act: ActPhase, Holder: m.facts.Conductor, Choice: p.Word, AtConsent: !p.At.After(m.plan.At)}, p.At, cal.Zone)
		if last != "" {
			s.After = []string{last}
		}
		m.add(s)
		last = s.Key
	}
	writes := cal.Ceases(AllowWrite)
	pack := Step{Key: "pack:" + m.facts.Conductor, Act: ActPack, Holder: m.facts.Conductor, After: []string{"phase:" + cal.wordAt(writes, AllowWrite)}}
	m.add(m.at(pack, writes, cal.Zone))
	stop := cal.At(Stopped)
	for _, days := range cal.Remind {
		at := stop.In(cal.Zone).AddDate(0, 0, -days)
		if at.After(m.plan.At) && at.After(cal.At(Announced)) {
			n := strconv.Itoa(days)
			m.add(m.at(Step{Key: "remind:" + n, Act: ActRemind, Holder: m.facts.Conductor, Choice: n, After: []string{"phase:" + Announced}}, at, cal.Zone))
		}
	}
}

// wordAt gives the phase that takes something away at an instant; "" if none does.
func (s *SunsetCalendar) wordAt(at time.Time, what string) string {
	for _, p := range s.Phases {
		if p.At.Equal(at) && slices.Contains(strings.Fields(takes(p.Word)), what) {
			return p.Word
		}
	}
	return ""
}

// sunsetClasses adds the steps that erase, and hold where a law says so. What a holder keeps for people only, the policy's terms for those who close,
// does not hold here: the calendar is the term.
func (m *maker) sunsetClasses(cal *SunsetCalendar) error {
	name := Account("").Within(m.ask.Subject.Part()).Service()
	var about []string
	for _, c := range m.facts.Classes {
		if !m.touches(c) {
			continue
		}
		cp := m.policy.Class(c.ID())
		s := Step{Act: ActErase, Holder: c.Holder, Class: c.Name, Manner: Erase, After: []string{string(ActBegin)}, Back: BackNever}
		if cp.Manner == Hold && slices.Contains(c.Manners, Hold) {
			s.Act, s.Manner, s.Law = ActHold, Hold, cp.Law
			s.Until = cp.Until.From(DateOf(cal.At(Erased), cal.Zone), m.facts.Calendar)
		}
		if c.Exported && c.Imported {
			s.Back = BackArchive
		}
		s.Key = string(s.Act) + ":" + c.ID()
		if name != "" && c.Rank == 0 && !slices.Contains(c.Services, name) {
			about = append(about, s.Key)
		}
		m.add(m.at(s, cal.At(Erased), cal.Zone))
	}
	m.aboutFirst(about, name)
	return nil
}

// aboutFirst has what was said about things of a service go before the things, by which it is found.
func (m *maker) aboutFirst(about []string, name string) {
	for _, c := range m.facts.Classes {
		i := slices.IndexFunc(m.plan.Steps, func(s Step) bool { return s.Act.Irreversible() && s.ClassID() == c.ID() })
		if i >= 0 && slices.Contains(c.Services, name) {
			m.plan.Steps[i].After = append(m.plan.Steps[i].After, about...)
		}
	}
}

func (m *maker) openSunset() *openRun {
	for _, r := range m.facts.Runs {
		if r.Run.Journey == Sunset && r.Run.State.Open() && r.Run.Subject == m.ask.Subject {
			return &openRun{r}
		}
	}
	return nil
}

// datesToCome refuses a calendar whose dates are over before anybody could read it. What an earlier version had reached stays as it was.
func (m *maker) datesToCome(cal *SunsetCalendar, before *openRun) error {
	for _, p := range cal.Phases {
		if p.At.After(m.plan.At) {
			continue
		}
		reached := before != nil && before.instant(p.Word).Equal(p.At)
		today := p.Word == Announced && DateOf(p.At, cal.Zone) == m.day
		if !reached && !today {
			return Fail(Invalid, "error.sunset_past", "phase", p.Word, "date", DateOf(p.At, cal.Zone))
		}
	}
	return nil
}

// instant gives the instant of a phase in an agreed run's plan.
func (r openRun) instant(word string) time.Time {
	for _, s := range r.Steps {
		if s.Act == ActPhase && s.Key == "phase:"+word {
			return s.Instant
		}
	}
	return time.Time{}
}

// postpones refuses a calendar that takes something away earlier than the published one does, archives among it, and one that moves what has come.
func (m *maker) postpones(before *openRun, cal *SunsetCalendar) error {
	if before.Run.State != RunOpen {
		return Fail(Conflict, "error.sunset_begun")
	}
	old := &SunsetCalendar{Zone: cal.Zone}
	for _, p := range phases {
		if at := before.instant(p.word); !at.IsZero() {
			old.Phases = append(old.Phases, Phase{Word: p.word, At: at})
		}
	}
	type end struct {
		word     string
		was, now time.Time
	}
	ends := []end{{Erased, old.At(Erased), cal.At(Erased)}, {Announced, old.At(Announced), cal.At(Announced)}}
	for _, what := range everything {
		was := old.Ceases(what)
		ends = append(ends, end{old.wordAt(was, what), was, cal.Ceases(what)})
	}
	for _, x := range ends {
		switch {
		case x.now.Before(x.was):
			return Fail(Conflict, "error.sunset_earlier", "phase", x.word, "date", DateOf(x.was, cal.Zone))
		case !x.was.After(m.plan.At) && !x.now.Equal(x.was):
			return Fail(Conflict, "error.sunset_reached", "phase", x.word, "date", DateOf(x.was, cal.Zone))
		}
	}
	// The day is one of the zone in which it was published.
	published, err := time.LoadLocation(before.Run.Plan.Zone)
	if err != nil {
		return fmt.Errorf("read zone of a published calendar: %w", err)
	}
	if late := before.Run.Plan.Until; dayBefore(cal.Late, published).Before(late) {
		return Fail(Conflict, "error.sunset_late", "date", late)
	}
	return nil
}

// withdraw plans the inverse of a sunset that has erased nothing.
func (m *maker) withdraw() error {
	r := m.openSunset()
	switch {
	case r == nil:
		return Fail(NotFound, "error.nothing_to_withdraw")
	case r.Run.State != RunOpen:
		return Fail(Conflict, "error.sunset_begun")
	}
	m.plan.Undoes = r.Run.ID
	m.add(Step{Key: string(ActReopen) + ":" + m.facts.Conductor, Act: ActReopen, Holder: m.facts.Conductor, Due: m.day, AtConsent: true})
	m.plan.Stays = append(m.plan.Stays, Stay{What: "everything", State: "kept"})
	return nil
}

// Finding is a rule that a calendar breaks.
type Finding struct {
	Rule     string // "SU-01"
	Profile  string // whose rule
	Severity string // "error", "warning", "advice"
	Key      string // the sentence
	Args     map[string]any
	Source   string // law, article, and how its text was read
	Propose  Date   // the date of the phase that would do; no date where no date helps
}

// sunsetRules are the numbers of rules SU-01 and SU-03, by profile, each with its source and how its text was read.
var sunsetRules = []struct {
	rule, profile, severity, from, to string
	days                              int
	source                            string
}{
	{"SU-01", "cn-ecommerce", "error", Announced, AllowWrite, 30, "电子商务法 16 (text read)"},
	{"SU-01", "cn-telecom", "error", Announced, AllowWrite, 90, "电信条例 15 (text read)"},
	{"SU-01", "cn-games", "advice", Announced, AllowWrite, 60, "网络游戏管理暂行办法 22 (repealed 2019; draft 2023)"},
	{"SU-01", "eu-business", "error", Announced, AllowWrite, 30, "Regulation (EU) 2019/1150 Art. 4(2) (text read; repeal proposed, COM(2025) 837)"},
	{"SU-03", "eu-da", "error", AllowWrite, AllowExport, 30, "Regulation (EU) 2023/2854 Art. 25(2)(g) (text read)"},
	{"SU-03", "", "advice", AllowWrite, AllowExport, 90, "practice: Pocket 92 days (2025)"},
}

// CheckSunset compares a calendar with the rules SU-01 to SU-03 for the profiles that it names, those of everybody included. None is legal advice.
//
// Part of what SU-02 and SU-03 ask of cn no calendar can break: nobody joins once nobody writes, so that from a stated day on nothing is collected of anybody, minors
// included, and there is a day of erasure. What becomes of charges, refunds and guardians is for its words to say. That no successor is named is advice and no error: the
// law asks for a name where personal data is handed on, and an ending hands none on.
func CheckSunset(cal *SunsetCalendar) []Finding {
	var out []Finding
	at := func(what string) time.Time {
		if what == Announced {
			return cal.At(Announced)
		}
		return cal.Ceases(what)
	}
	for _, r := range sunsetRules {
		if r.profile != "" && !slices.Contains(cal.Profiles, r.profile) {
			continue
		}
		from := DateOf(at(r.from), cal.Zone)
		earliest := from.AddDays(r.days)
		if !at(r.to).Before(earliest.Start(cal.Zone)) {
			continue
		}
		out = append(out, Finding{
			Rule: r.rule, Profile: r.profile, Severity: r.severity, Source: r.source, Propose: earliest, Key: "sunset.rule." + r.rule + "." + r.to,
			Args: map[string]any{"Days": r.days, "Date": earliest, "From": r.from, "To": r.to},
		})
	}
	china := slices.Contains(cal.Profiles, "cn")
	if china && len(cal.Charges) == 0 {
		out = append(out, Finding{
			Rule: "SU-02", Profile: "cn", Severity: "warning", Source: "个人信息保护法 47(2) (text read); 儿童个人信息网络保护规定 23 (translation read); GB/T 35273-2020 6.4 (not verified)",
			Key: "sunset.rule.SU-02.charges", Args: map[string]any{},
		})
	}
	if china && cal.Successor == "" {
		out = append(out, Finding{
			Rule: "SU-03", Profile: "cn", Severity: "advice", Source: "个人信息保护法 22 (text read)", Key: "sunset.rule.SU-03.successor", Args: map[string]any{},
		})
	}
	sort.SliceStable(out, func(i, j int) bool { return severity(out[i]) < severity(out[j]) })
	return out
}

func severity(f Finding) int { return slices.Index([]string{"error", "warning", "advice"}, f.Severity) }
