package media

import (
	"context"
	"os"
	"time"
)

// ParseProbe is for the fuzz target: what a hostile file makes ffprobe report.
var ParseProbe = parseProbe

// Ask has ffprobe look at a file without a look at its first bytes before.
func (t Tools) Ask(ctx context.Context, f *os.File) ([]byte, error) { return t.ask(ctx, f) }

// Online are the tools as they are on a machine that gives children no network of their own.
func (t Tools) Online() Tools { t.alone = false; return t }

// Rung is a size of the ladder.
type Rung struct{ Side, Width, Height int }

// Ladder gives the sizes that are made of a video.
func (p Probe) Ladder() []Rung {
	var list []Rung
	for _, r := range p.ladder() {
		list = append(list, Rung{r.side, r.width, r.height})
	}
	return list
}

// Rate gives the frame rate of renditions as ffmpeg is told it.
func (p Probe) Rate(nominal float64) string { p.nominal = nominal; return fraction(p.rate()) }

// RunProgram runs any program as the tools are run.
func (t Tools) RunProgram(ctx context.Context, patience time.Duration, program string, args ...string) error {
	return t.run(ctx, work{program: program, args: args, patience: patience, out: &bounded{most: 1 << 10}})
}
