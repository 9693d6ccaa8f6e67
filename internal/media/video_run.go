package media

import (
	"context"
	"runtime"
)

// defaultThreads is the number of processors, at most 8: more threads take memory and give little.
func defaultThreads() int { return min(runtime.NumCPU(), 8) }

func findTools(context.Context) Tools { return Tools{} }
