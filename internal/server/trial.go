package server

import (
	"context"
	"path/filepath"
	"time"

	"exeunt/internal/service"
	"exeunt/internal/trial"
	"exeunt/internal/ui"
)

// BeginTrial turns an empty install into a trial install and makes the accounts that live on it. A
// begin that is not zero is the day on which its clock starts.
func (h *House) BeginTrial(ctx context.Context, begin time.Time) error {
	if err := h.DB.MakeTrial(ctx, begin); err != nil {
		return err
	}
	return h.trials().Begin(ctx)
}

func (h *House) trials() *trial.Room {
	return &trial.Room{
		DB: h.DB, Accounts: h.Accounts, Relations: h.relations, Posts: h.posts, Talk: h.talks, Circles: h.circles,
		Channels: h.channels, Uploads: h.uploads, Tools: h.channels.Tools, Spool: filepath.Join(h.Options.Data, "spool"),
		Travel: func(ctx context.Context, by time.Duration) error { return h.Travel(ctx, by, breathe) },
	}
}

// breathe waits a moment while other workers work.
func breathe(ctx context.Context) error {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (h *House) trialRoutes() []service.Route { return h.trials().Routes() }

func (h *House) trialBar(ctx context.Context, now time.Time) *ui.TrialBar { return trial.Bar(ctx, now) }
