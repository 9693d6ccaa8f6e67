package sunset

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"exeunt/exit"
	"exeunt/internal/leave"
	"exeunt/internal/who"
)

// Bounds of a forecast's cost, whatever the size of the install.
const (
	mostListed   = 5000             // accounts found one by one; of more an estimate is made
	mostCounted  = 200              // of them, whose data is counted; of a large install twice as many
	mostMeasured = 20               // of those, whose archives are packed
	mostTime     = 10 * time.Second // of packing, by the machine clock
)

// sampleSeed makes two forecasts of the same install look at the same accounts.
const sampleSeed = 20210528

// Amount is how much of a class everybody concerned has together.
type Amount struct {
	Class string `json:"class"` // "post.posts"
	Items int64  `json:"items"`
	Bytes int64  `json:"bytes"`
}

// Forecast says whom an ending concerns, and how long making everybody's archive is expected to take on this very install. Durations are of the machine,
// instants of the promise clock.
type Forecast struct {
	Exact    bool     `json:"exact"`    // counted one by one, and not estimated by a sample
	Accounts int64    `json:"accounts"` // with something to take along
	Archives int64    `json:"archives"` // theirs, and those of places as a whole
	Amounts  []Amount `json:"amounts"`
	Bytes    int64    `json:"bytes"` // of all amounts

	Measured       int           `json:"measured"` // archives packed to find the rate
	Took           time.Duration `json:"took"`
	PerSecond      float64       `json:"archives_per_second"` // 0: nothing could be measured
	BytesPerSecond float64       `json:"bytes_per_second"`
	Takes          time.Duration `json:"takes"`

	Begins time.Time `json:"begins"` // nobody writes any more
	Ends   time.Time `json:"ends"`   // the last archive is expected
	Stop   time.Time `json:"stop"`   // archives are made until then
	Short  bool      `json:"short"`  // it stops before the last archive is expected
	// Propose is the first day on which it could stop; no date where it is long enough.
	Propose exit.Date `json:"propose,omitzero"`
}

// Forecast counts whom a calendar concerns and packs the archives of a seeded sample of them, at most twenty and for about ten seconds, to nowhere. Where more
// than five thousand accounts may be concerned their number and what they have are estimated.
func (r *Room) Forecast(ctx context.Context, cal *exit.SunsetCalendar) (Forecast, error) {
	now, err := r.DB.Now(ctx)
	if err != nil {
		return Forecast{}, err
	}
	return r.forecastAt(ctx, cal, now)
}

func (r *Room) forecastAt(ctx context.Context, cal *exit.SunsetCalendar, now time.Time) (Forecast, error) {
	f := Forecast{Begins: cal.Ceases(exit.AllowWrite), Stop: cal.Ceases(exit.AllowExport)}
	if f.Begins.Before(now) {
		f.Begins = now
	}
	crowd, err := r.crowdOf(ctx, cal.Ends, 0)
	if err != nil {
		return f, err
	}
	f.Exact, f.Accounts, f.Archives, f.Amounts = crowd.exact, crowd.accounts(), crowd.archives(), crowd.amounts()
	for _, a := range f.Amounts {
		f.Bytes += a.Bytes
	}
	if err := r.measure(ctx, &f, cal.Ends.Part(), crowd.found); err != nil {
		return f, err
	}
	f.expect(cal.Zone)
	return f, nil
}

// expect draws the conclusions of the rates.
func (f *Forecast) expect(zone *time.Location) {
	var takes float64
	if f.PerSecond > 0 {
		takes = float64(f.Archives) / f.PerSecond
	}
	if f.BytesPerSecond > 0 {
		takes = max(takes, float64(f.Bytes)/f.BytesPerSecond)
	}
	f.Takes = seconds(takes).Round(time.Millisecond)
	f.Ends = f.Begins.Add(f.Takes)
	if f.Short = f.Ends.After(f.Stop); f.Short {
		f.Propose = exit.DateOf(f.Ends, zone).AddDays(1)
	}
}

// seconds gives a length of time, a century at most.
func seconds(n float64) time.Duration {
	return time.Duration(min(n, 100*365*24*time.Hour.Seconds()) * float64(time.Second))
}

// measure packs archives of the sample until the bounds are reached.
func (r *Room) measure(ctx context.Context, f *Forecast, part string, found []holding) error {
	clock := r.DB.Clock
	began := clock.Now()
	var bytes int64
	for _, x := range found {
		if f.Measured >= mostMeasured || clock.Now().Sub(began) >= mostTime {
			break
		}
		packings := []leave.Packing{{Account: x.account, In: part, Media: true}}
		for _, place := range x.owned {
			packings = append(packings, leave.Packing{Account: x.account, In: place, Media: true, Whole: true})
		}
		for _, p := range packings {
			_, err := r.Leave.Measure(ctx, p)
			if kind := exit.KindOf(err); kind == exit.NotFound || kind == exit.Forbidden {
				continue // gone meanwhile, or no longer theirs
			}
			if err != nil {
				return fmt.Errorf("measure the archive of account %s: %w", x.account, err)
			}
			f.Measured++
		}
		bytes += x.bytes()
	}
	f.Took = clock.Now().Sub(began)
	if s := f.Took.Seconds(); s > 0 && f.Measured > 0 {
		f.PerSecond, f.BytesPerSecond = float64(f.Measured)/s, float64(bytes)/s
	}
	return nil
}

// holding is what one account has to take along.
type holding struct {
	account who.ID
	counts  map[string]exit.Count
	owned   []string
}

func (h holding) bytes() (n int64) {
	for _, c := range h.counts {
		n += c.Bytes
	}
	return n
}

// crowd is who is concerned: all of them, or a sample.
type crowd struct {
	exact bool
	total float64 // of those with something; an estimate where it is not exact
	found []holding
}

// scaled gives what a number of those found is of all.
func (c crowd) scaled(n int64) int64 {
	if c.exact || len(c.found) == 0 {
		return n
	}
	return int64(math.Round(float64(n) * c.total / float64(len(c.found))))
}

func (c crowd) accounts() int64 { return c.scaled(int64(len(c.found))) }

func (c crowd) archives() int64 {
	n := int64(len(c.found))
	for _, x := range c.found {
		n += int64(len(x.owned))
	}
	return c.scaled(n)
}

func (c crowd) amounts() []Amount {
	sums := map[string]exit.Count{}
	for _, x := range c.found {
		for class, n := range x.counts {
			s := sums[class]
			sums[class] = exit.Count{Items: s.Items + n.Items, Bytes: s.Bytes + n.Bytes}
		}
	}
	out := []Amount{}
	for class, n := range sums {
		out = append(out, Amount{class, c.scaled(n.Items), c.scaled(n.Bytes)})
	}
	slices.SortFunc(out, func(a, b Amount) int { return strings.Compare(a.Class, b.Class) })
	return out
}

// crowdOf finds who is concerned by an ending, above an id, and counts what a seeded sample of them has. Of more than can be listed, the share of some accounts
// from all over the install tells how many there are.
func (r *Room) crowdOf(ctx context.Context, ends exit.Subject, after who.ID) (crowd, error) {
	columns := r.exported(ends)
	if len(columns) == 0 {
		return crowd{exact: true}, nil
	}
	ids, err := r.store.several(ctx, columns, after, mostListed+1)
	if err != nil {
		return crowd{}, err
	}
	rng := rand.New(rand.NewPCG(sampleSeed, uint64(len(ids)))) //nolint:gosec // a sample that can be drawn again, no secret
	rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	sample := ids[:min(len(ids), mostCounted)]
	c := crowd{exact: len(sample) == len(ids)}
	if c.found, err = r.holdings(ctx, ends.Part(), sample); err != nil || len(ids) == 0 {
		return c, err
	}
	if c.total = float64(len(ids)) * float64(len(c.found)) / float64(len(sample)); len(ids) <= mostListed {
		return c, nil
	}
	return c, r.lookAround(ctx, &c, ends.Part(), after, rng)
}

// lookAround asks accounts from all over a large install.
func (r *Room) lookAround(ctx context.Context, c *crowd, part string, after who.ID, rng *rand.Rand) error {
	n, last, err := r.store.accounts(ctx, after)
	if err != nil || n == 0 {
		return err
	}
	var asked []who.ID
	for range mostCounted {
		id, err := r.store.next(ctx, [][2]string{{"accounts", "id"}}, after+who.ID(rng.Int64N(max(1, int64(last-after)))))
		if err != nil {
			return err
		}
		if id != 0 && !slices.Contains(asked, id) {
			asked = append(asked, id)
		}
	}
	more, err := r.holdings(ctx, part, asked)
	if err != nil || len(asked) == 0 {
		return err
	}
	c.total = max(c.total, float64(n)*float64(len(more))/float64(len(asked)))
	for _, x := range more {
		if !slices.ContainsFunc(c.found, func(y holding) bool { return x.account == y.account }) {
			c.found = append(c.found, x)
		}
	}
	return nil
}

// holdings counts what accounts have, and leaves those out that have nothing.
func (r *Room) holdings(ctx context.Context, part string, accounts []who.ID) (out []holding, err error) {
	for _, id := range accounts {
		h, err := r.holdingOf(ctx, part, id)
		if err != nil {
			return nil, err
		}
		if h.counts != nil {
			out = append(out, h)
		}
	}
	return out, nil
}

// holdingOf counts what an account has to take along of a part, by the same counters as packing; no counts where it is nothing.
func (r *Room) holdingOf(ctx context.Context, part string, account who.ID) (holding, error) {
	out := holding{account: account}
	subject := leave.SubjectOf(account, part)
	for _, h := range r.Engine.Holders {
		counter, ok := h.(exit.Counter)
		if !ok {
			continue
		}
		for _, c := range h.Classes() {
			if !c.Exported || c.Subject == exit.SubjectPerson || !inService(c, subject.Service()) {
				continue // as packing does
			}
			n, err := counter.Count(ctx, subject, c.Name)
			if err != nil {
				return out, fmt.Errorf("count %s.%s: %w", h.Name(), c.Name, err)
			}
			if n.Items == 0 {
				continue
			}
			if out.counts == nil {
				out.counts = map[string]exit.Count{}
			}
			out.counts[h.Name()+"."+c.Name] = n
		}
	}
	if r.Owned == nil || out.counts == nil {
		return out, nil
	}
	var err error
	out.owned, err = r.Owned(ctx, account, part)
	return out, err
}

// longEnough refuses, with Conflict, a calendar that breaks a rule whose breach is an error, or that stops before all archives are expected to be made, unless
// it says why. A later version is compared with the one before it: what is no worse than what everybody was told already may be published.
func (r *Room) longEnough(ctx context.Context, cal *exit.SunsetCalendar) error {
	refused, err := r.tooEarly(ctx, cal, func(ctx context.Context) (Forecast, error) { return r.Forecast(ctx, cal) })
	if err != nil {
		return err
	}
	return refused
}

// tooEarly gives why a calendar is refused; a forecast is made only where one is needed.
func (r *Room) tooEarly(ctx context.Context, cal *exit.SunsetCalendar, forecast func(context.Context) (Forecast, error)) (refused, err error) {
	if cal.Override != "" {
		return nil, nil
	}
	before, err := r.store.open(ctx, cal.Ends.Part())
	if err != nil && exit.KindOf(err) != exit.NotFound {
		return nil, err
	}
	if refused := breaksRule(cal, before.Calendar); refused != nil {
		return refused, nil
	}
	if before.Calendar != nil && window(cal) >= window(before.Calendar) {
		return nil, nil
	}
	f, err := forecast(ctx)
	if err != nil || !f.Short {
		return nil, err
	}
	return tooShort(f, cal.Zone), nil
}

func tooShort(f Forecast, zone *time.Location) error {
	return exit.Fail(exit.Conflict, "sunset_forecast.error.short", "stop", exit.DateOf(f.Stop, zone), "ends", exit.DateOf(f.Ends, zone), "date", f.Propose)
}

// window is how long everything can be taken along when nobody writes any more.
func window(cal *exit.SunsetCalendar) time.Duration {
	return cal.Ceases(exit.AllowExport).Sub(cal.Ceases(exit.AllowWrite))
}

// breaksRule refuses a breach that is an error, and that the version before, if there is one, did not have.
func breaksRule(cal, before *exit.SunsetCalendar) error {
	var known []exit.Finding
	if before != nil {
		known = exit.CheckSunset(before)
	}
	for _, f := range exit.CheckSunset(cal) {
		same := func(x exit.Finding) bool {
			return x.Rule == f.Rule && x.Profile == f.Profile && x.Severity == f.Severity
		}
		if f.Severity == "error" && !slices.ContainsFunc(known, same) {
			return exit.Fail(exit.Conflict, "sunset_forecast.error.rule", "rule", f.Rule, "source", f.Source, "phase", f.Args["To"], "date", f.Propose)
		}
	}
	return nil
}

// lastForecast keeps the one that was made last for the page of how far an ending has come, which is opened often.
type lastForecast struct {
	mu       sync.Mutex
	of       Sunset
	at       time.Time // machine time
	forecast Forecast
}

// forecastLife is how long it is shown, by the machine clock.
const forecastLife = 10 * time.Minute

// lately gives the forecast of a published calendar, as of ten minutes ago at most.
func (r *Room) lately(ctx context.Context, s Sunset) (Forecast, error) {
	k, now := &r.last, r.DB.Clock.Now()
	k.mu.Lock()
	f, good := k.forecast, k.of.ID == s.ID && k.of.Version == s.Version && now.Sub(k.at) < forecastLife
	k.mu.Unlock()
	if good {
		return f, nil
	}
	f, err := r.Forecast(ctx, s.Calendar)
	if err != nil {
		return f, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of, k.at, k.forecast = s, now, f
	return f, nil
}
