package sunset

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/who"
)

// PhaseStatus is a phase with its dates.
type PhaseStatus struct {
	Word  string    `json:"word"`
	First time.Time `json:"first"`         // by the first version
	Due   time.Time `json:"due"`           // by the newest
	Done  time.Time `json:"done,omitzero"` // when it began
}

// VersionStatus is one published version of a calendar.
type VersionStatus struct {
	Version   int       `json:"version"`
	Published time.Time `json:"published"`
	Why       string    `json:"why,omitempty"`
}

// Status is how far a sunset has come.
type Status struct {
	Sunset   Sunset
	Word     string // the phase now; "" before the announcement
	Phases   []PhaseStatus
	Versions []VersionStatus
	Run      exit.RunState

	Made     int64 // archives
	Fetched  int64
	Bytes    int64 // of archives
	Skipped  int64 // given up by the operator, with a reason
	Leavers  int64 // whose owners were leaving already: nothing is kept for them
	Packing  int64 // asked for, not packed
	Failed   int64 // of them, tried often enough: they wait for the operator
	Waiting  int64 // for something that their owners pack themselves
	NotAsked int64 // an estimate; those whose turn has not come
	Exact    bool  // NotAsked was counted

	PerSecond float64   // archives so far, by the promise clock, up to the newest; 0: none yet
	Expected  time.Time // the last archive of those that have not failed; zero where nothing is left, or nothing is known
	Extend    int       // by so many days the stop should be later; 0: it need not
}

// Left gives how many archives are still to be made.
func (s Status) Left() int64 { return s.Packing + s.Waiting + s.NotAsked }

// Status tells how far a sunset has come, by its name; NotFound. The dates of what is expected are of the promise clock.
func (r *Room) Status(ctx context.Context, name string) (Status, error) {
	s, err := r.store.byName(ctx, name)
	if err != nil {
		return Status{}, err
	}
	out := Status{Sunset: s}
	if out.Phases, err = r.store.phases(ctx, s.ID); err != nil {
		return out, err
	}
	// What a later version has left out is not due any more.
	out.Phases = slices.DeleteFunc(out.Phases, func(p PhaseStatus) bool { return place(s.Calendar, p.Word) < 0 })
	// The order of the words is the calendar's: phases may share an instant.
	slices.SortStableFunc(out.Phases, func(a, b PhaseStatus) int { return place(s.Calendar, a.Word) - place(s.Calendar, b.Word) })
	if out.Versions, err = r.store.versions(ctx, s.ID); err != nil {
		return out, err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return out, err
	}
	for _, p := range s.Calendar.Phases {
		if !p.At.After(now) {
			out.Word = p.Word
		}
	}
	return out, r.progress(ctx, &out, now)
}

func place(cal *exit.SunsetCalendar, word string) int {
	return slices.IndexFunc(cal.Phases, func(p exit.Phase) bool { return p.Word == word })
}

// progress fills in how far the archives are, and when the last one is expected.
func (r *Room) progress(ctx context.Context, s *Status, now time.Time) error {
	x, err := r.ExportsOf(ctx, s.Sunset.ID)
	if err != nil {
		return err
	}
	s.Made, s.Fetched, s.Bytes, s.Skipped, s.Leavers = int64(x.Made), int64(x.Fetched), x.Bytes, int64(x.Skipped), int64(x.Left)
	s.Packing, s.Failed, s.Waiting, s.Exact = int64(x.Asked+x.Failed), int64(x.Failed), int64(x.Waiting), true
	run, steps, err := r.DB.Runs.Load(ctx, s.Sunset.Run)
	if err != nil {
		return err
	}
	s.Run = run.State
	pack := slices.IndexFunc(steps, func(x exit.StepStatus) bool { return x.Act == exit.ActPack })
	if !run.State.Open() || pack < 0 || steps[pack].State.Ended() {
		return nil
	}
	if err := r.notAsked(ctx, s, steps[pack].Cursor); err != nil {
		return err
	}
	took, err := r.store.packing(ctx, s.Sunset.ID)
	if err != nil {
		return err
	}
	left := s.Left() - s.Failed // they wait for the operator, and not for the workers
	if s.Made == 0 || left == 0 || took == 0 {
		return nil
	}
	s.PerSecond = float64(s.Made) / took.Seconds()
	s.Expected = now.Add(seconds(float64(left) / s.PerSecond))
	if stop := s.Sunset.Calendar.Ceases(exit.AllowExport); s.Expected.After(stop) {
		s.Extend = int(math.Ceil(s.Expected.Sub(stop).Hours() / 24))
	}
	return nil
}

// notAsked estimates the archives of those whose turn has not come: who is behind the step's cursor.
func (r *Room) notAsked(ctx context.Context, s *Status, cursor string) error {
	if strings.HasPrefix(cursor, atEnd) {
		return nil
	}
	after, _ := who.ParseID(cursor)
	c, err := r.crowdOf(ctx, s.Sunset.Calendar.Ends, after)
	if err != nil {
		return err
	}
	s.NotAsked, s.Exact = c.archives(), c.exact
	return nil
}
