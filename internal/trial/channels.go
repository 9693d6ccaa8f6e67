package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"exeunt/internal/channel"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// reel is a film of the trial, and the channel that it stands in.
type reel struct {
	channel, about string
	title, text    string
	tall           bool
}

// lentReels are those of which each lent account has one, neighbourReels those to be found.
var lentReels = map[ui.Lang][]reel{
	ui.Chinese: {
		{"慢慢走", "路上看见的，拍下来，不加音乐。", "清晨的颜色", "天亮以前的十分钟。 #清晨", false},
		{"慢慢走", "路上看见的，拍下来，不加音乐。", "雨停以后", "屋檐还在滴水。 #雨天", true},
	},
	ui.English: {
		{"Slow roads", "What there is to see on the way. No music.", "Colours before dawn", "Ten minutes before the sun. #morning", false},
		{"Slow roads", "What there is to see on the way. No music.", "After the rain", "The eaves still drip. #rain", true},
	},
}

var neighbourReels = []reel{
	{"窗外", "同一扇窗，每天一条。", "今天的云", "从左走到右，走了一下午。 #窗外", false},
	{"Harbour light", "One light, every evening.", "High tide", "It came up to the third step. #harbour", true},
}

// screen makes the channels that are there to be found, once: each is one of the neighbours'. Without FFmpeg there are none.
func (r *Room) screen(ctx context.Context, crowd []who.Viewer) error {
	if !r.Tools().Have() {
		return nil
	}
	rng := rand.New(rand.NewPCG(11, 11)) //nolint:gosec // made-up films, the same each time
	for i, x := range neighbourReels {
		owner := crowd[(3*i+1)%len(crowd)]
		opened, err := r.Channels.Opened(ctx, owner.Account)
		if err != nil || opened {
			return err
		}
		if err := r.shoot(ctx, owner, rng, x); err != nil {
			return err
		}
	}
	return nil
}

// film gives a lent account its channel.
func (r *Room) film(ctx context.Context, own who.Viewer, rng *rand.Rand, lang ui.Lang) error {
	if !r.Tools().Have() {
		return nil
	}
	list := lentReels[lang]
	return r.shoot(ctx, own, rng, list[rng.IntN(len(list))])
}

// shoot makes a film, sends it in as anybody's is, and has it stand before others as soon as it is worked on.
func (r *Room) shoot(ctx context.Context, own who.Viewer, rng *rand.Rand, x reel) error {
	opened, err := r.Channels.Opened(ctx, own.Account)
	if err == nil && !opened {
		err = r.Channels.Open(ctx, own, channel.Words{Name: x.channel + " · " + own.Name, Bio: x.about})
	}
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	b, err := r.expose(ctx, rng, x.tall)
	if err != nil {
		return err
	}
	u, err := r.Uploads.Bring(ctx, own.Account, upload.Draft{What: channel.KindVideo, Name: "film.mp4", Length: int64(len(b)) + 1}, bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("send film in: %w", err)
	}
	id, _ := who.ParseID(u.Detail)
	if err := r.Channels.Publish(ctx, own, id, channel.VideoWords{Title: x.title, Text: x.text, Audience: "public"}, time.Time{}); err != nil {
		return fmt.Errorf("publish film: %w", err)
	}
	return nil
}

// exposure is how long FFmpeg may take for one film.
const exposure = 20 * time.Second

// expose has FFmpeg make six seconds of colours that move, from nothing but numbers.
func (r *Room) expose(ctx context.Context, rng *rand.Rand, tall bool) (b []byte, err error) {
	ctx, stop := context.WithTimeout(ctx, exposure)
	defer stop()
	dir, err := os.MkdirTemp(r.Spool, "film-")
	if err != nil {
		return nil, fmt.Errorf("make folder for a film: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	size, hue := "640x360", rng.Float64()
	if tall {
		size = "360x640"
	}
	one, two := shade(hue, 0.35, 0.85), shade(hue+0.2, 0.5, 0.45)
	source := fmt.Sprintf("gradients=size=%s:rate=15:duration=6:speed=0.02:c0=0x%02x%02x%02x:c1=0x%02x%02x%02x:seed=%d", size, one.R, one.G, one.B, two.R, two.G, two.B, rng.IntN(1<<20))
	name := filepath.Join(dir, "film.mp4")
	cmd := exec.CommandContext(ctx, r.Tools().FFmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", name) //nolint:gosec // numbers and our own folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make film: %w: %.200s", err, out)
	}
	if b, err = os.ReadFile(name); err != nil { //nolint:gosec // in our own folder
		return nil, fmt.Errorf("read film: %w", err)
	}
	return b, nil
}
