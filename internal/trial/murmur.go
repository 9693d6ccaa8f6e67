package trial

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"exeunt/archive"
	"exeunt/internal/post"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// topics are what the neighbours write about, in both languages.
var topics = map[ui.Lang][]string{
	ui.Chinese: {"徒步", "晨读", "阳台", "旧物", "面包", "今天的云"},
	ui.English: {"walks", "reading", "bread", "mending", "slowly"},
}

// spoken is how many posts each neighbour has on its own page, all of them of the last nine days.
const spoken = 3

// murmur has the neighbours write on their own pages, once, so that Home and Discover have something of these days.
func (r *Room) murmur(ctx context.Context, crowd []who.Viewer) error {
	had, err := r.Posts.ByAuthor(ctx, crowd[0], crowd[0].Account, post.Cursor{}, 1)
	if err != nil || len(had) > 0 {
		return err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(11, 11)) //nolint:gosec // made-up posts, the same each time
	for i, n := range crowd {
		lang := ui.Chinese
		if i >= len(crowd)/2 {
			lang = ui.English
		}
		w, about := wordsOf(lang), topics[lang]
		records := make([]any, 0, spoken)
		for j := range spoken {
			at := now.Add(-time.Duration(j*70+rng.IntN(70)) * time.Hour).Add(-time.Duration(rng.IntN(60)) * time.Minute)
			p := archive.Post{
				ID: fmt.Sprint(j), Origin: fmt.Sprintf("urn:exeunt:trial:%d:n%d", n.Account, j), Place: "page", Audience: archive.AudiencePublic,
				Text: w.sentence(rng), Language: string(lang), Published: archive.At(at),
			}
			if rng.IntN(3) > 0 {
				p.Text += " #" + about[min(rng.IntN(len(about)), rng.IntN(len(about)))]
			}
			if i%6 == 0 && j == 0 {
				p.Images = []archive.Image{{Path: fmt.Sprintf("media/n%d.png", i), Type: "image/png", Alt: w.picture}}
			}
			records = append(records, p)
		}
		if err := r.bring(ctx, n.Account, now, records, rng); err != nil {
			return err
		}
	}
	return nil
}
