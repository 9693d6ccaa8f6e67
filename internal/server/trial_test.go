package server_test

import (
	"testing"
	"time"
)

// TestTrialAfterAnEnding begins a trial install again after its circles have ended and are erased.
func TestTrialAfterAnEnding(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		must(t, in.BeginTrial(t.Context(), time.Time{}), "begin trial")
		now := value[time.Time](t, "read clock")(in.DB.Now(t.Context()))
		in.publishSunset(t, sunsetFile(now, "circle"), "")
		in.travel(t, 300)
		must(t, in.BeginTrial(t.Context(), time.Time{}), "begin trial again")
	})
}
