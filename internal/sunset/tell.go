package sunset

import (
	"context"
	"strings"
)

func cutWhole(part string) (string, bool) { return strings.CutSuffix(part, "/whole") }

// tell tells everybody concerned of a phase, a reminder or a withdrawal.
func (r *Room) tell(_ context.Context, _ Sunset, _ string) error { return nil }
