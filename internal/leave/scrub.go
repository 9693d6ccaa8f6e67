package leave

import (
	"context"
	"fmt"
	"sync"
)

// scrubber knows the runs whose certificate waits and for which the file of the database has been scrubbed.
type scrubber struct {
	mu   sync.Mutex
	done map[string]bool
}

// scrubPages bounds the pages of one transaction, and scrubRuns the runs that one scrubbing serves.
const (
	scrubPages = 500
	scrubRuns  = 10_000
)

// scrub overwrites what SQLite has left behind between the cells of its pages before a certificate says that nothing is
// left. It looks through the whole file, so it serves every run that is sealed when it begins.
func (l *Room) scrub(ctx context.Context, run string) error {
	if !l.DB.SQLite() {
		return nil
	}
	l.scrubber.mu.Lock()
	defer l.scrubber.mu.Unlock()
	if l.scrubber.done[run] {
		delete(l.scrubber.done, run)
		return nil
	}
	waiting, err := l.Queue.Refs(ctx, jobCertificate, scrubRuns)
	if err != nil {
		return err
	}
	for from := int64(1); from != 0; {
		err := l.DB.Update(ctx, func(ctx context.Context) (err error) {
			from, err = l.DB.Scrub(ctx, from, scrubPages)
			return err
		})
		if err != nil {
			return fmt.Errorf("overwrite what is left behind: %w", err)
		}
	}
	l.scrubber.done = make(map[string]bool, len(waiting))
	for _, ref := range waiting {
		l.scrubber.done[ref] = ref != run
	}
	return nil
}
