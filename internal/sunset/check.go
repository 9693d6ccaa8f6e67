package sunset

import (
	"context"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/ui"
)

// Checked is all that can be said about a calendar before it is published.
type Checked struct {
	Calendar *exit.SunsetCalendar
	Plan     *exit.Plan
	Findings []exit.Finding
	Forecast Forecast
	// Refused is why publishing it would be refused; nil if it would not be.
	Refused error
}

// Check looks at a calendar without publishing it, as of an instant of the promise clock; the zero time is now. The errors are those of
// [exit.ParseSunset]; what the plan or the forecast would refuse stands in the answer.
func (r *Room) Check(ctx context.Context, src []byte, asOf time.Time) (Checked, error) {
	cal, err := exit.ParseSunset(src)
	if err != nil {
		return Checked{}, err
	}
	c := Checked{Calendar: cal, Findings: exit.CheckSunset(cal)}
	if asOf.IsZero() {
		if asOf, err = r.DB.Now(ctx); err != nil {
			return c, err
		}
	}
	if c.Plan, c.Refused = r.planAt(ctx, cal, asOf); c.Refused != nil && exit.KindOf(c.Refused) == exit.Internal {
		return c, c.Refused
	}
	if c.Forecast, err = r.forecastAt(ctx, cal, asOf); err != nil {
		return c, err
	}
	if c.Refused == nil {
		c.Refused, err = r.tooEarly(ctx, cal, func(context.Context) (Forecast, error) { return c.Forecast, nil })
	}
	return c, err
}

// planAt plans a calendar as if it were another day.
func (r *Room) planAt(ctx context.Context, cal *exit.SunsetCalendar, asOf time.Time) (*exit.Plan, error) {
	if err := r.known(ctx, cal); err != nil {
		return nil, err
	}
	e := *r.Engine
	e.Now = func(context.Context) (time.Time, error) { return asOf, nil }
	return e.Preview(ctx, Ask(cal))
}

var (
	findingWords  = ui.Keys("sunset_forecast.rule.", "announced.write", "write.export", "charges", "successor")
	severityWords = ui.Keys("sunset_forecast.severity.", "error", "warning", "advice")
)

// FindingKey gives the sentence about a broken rule; its placeholders are the finding's Args.
func FindingKey(f exit.Finding) string {
	if f.Args["To"] == nil {
		return findingWords[f.Key[strings.LastIndexByte(f.Key, '.')+1:]]
	}
	return findingWords[fmt.Sprint(f.Args["From"], ".", f.Args["To"])]
}

// SeverityKey gives the word for how grave a finding is.
func SeverityKey(f exit.Finding) string { return severityWords[f.Severity] }
