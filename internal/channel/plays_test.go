package channel_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestKnowsWhatPlays keeps of each file whether browsers play it as it came: an MP4 of HEVC is one that they do not.
func TestKnowsWhatPlays(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ann := h.creator("ann")
		path := filepath.Join(t.TempDir(), "hevc.mp4")
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10", "-t", "1", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1", path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		hevc, err := os.ReadFile(path)
		h.must(err)
		for _, test := range []struct {
			name  string
			file  []byte
			plays bool
		}{{"H.264", clip(t, ".mp4"), true}, {"HEVC", hevc, false}, {"VP8 in WebM", clip(t, ".webm"), true}} {
			id := h.bring(ann, 0, "film.mp4", test.file)
			h.work()
			if x := h.see(ann, id); x.Plays != test.plays || x.Media != "ready" {
				t.Errorf("%s: %s, plays %t, want %t", test.name, x.Media, x.Plays, test.plays)
			}
		}
	})
}
