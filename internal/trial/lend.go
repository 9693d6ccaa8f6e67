package trial

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// posts is how many posts a lent account has.
const posts = 200

// Make makes one ready-made account: 200 posts of two years, 40 followers, a circle of its own with
// members, comments and likes. The same seed makes the same words.
func (r *Room) Make(ctx context.Context, seed uint64, lang ui.Lang) (account.Created, error) {
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // as above: made-up posts
	name := fmt.Sprintf("%s_%04d", wordsOf(lang).name, rng.IntN(10000))
	made, err := r.Accounts.CreateAccount(ctx, name, account.Personal, Password)
	if err != nil {
		return made, err
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return made, err
	}
	crowd, err := r.crowd(ctx)
	if err != nil {
		return made, err
	}
	own := who.Viewer{Person: made.Person, Account: made.Account, Name: name, State: who.Active}
	for i, n := range crowd {
		if err := r.Relations.Follow(ctx, n, made.Account); err != nil {
			return made, fmt.Errorf("follow: %w", err)
		}
		if i%5 == 0 {
			if err := r.Relations.Follow(ctx, own, n.Account); err != nil {
				return made, fmt.Errorf("follow: %w", err)
			}
		}
	}
	if err := r.write(ctx, made.Account, now, rng, lang); err != nil {
		return made, err
	}
	if err := unlessOver(r.gather(ctx, own, crowd, rng, lang)); err != nil {
		return made, err
	}
	if err := unlessOver(r.chat(ctx, own, crowd, rng, lang)); err != nil {
		return made, err
	}
	return made, unlessOver(r.film(ctx, own, rng, lang))
}

// write brings the posts in as an archive would: with their own times, and nobody is told.
func (r *Room) write(ctx context.Context, id who.ID, now time.Time, rng *rand.Rand, lang ui.Lang) error {
	w := wordsOf(lang)
	records := make([]any, 0, posts)
	for i := range posts {
		at := now.Add(-time.Duration(posts-i) * 88 * time.Hour).Add(-time.Duration(rng.IntN(80*60)) * time.Minute)
		p := archive.Post{
			ID: fmt.Sprint(i), Origin: fmt.Sprintf("urn:exeunt:trial:%d:%d", id, i), Place: "page", Audience: archive.AudiencePublic,
			Text: w.sentence(rng), Language: string(lang), Published: archive.At(at),
		}
		if i%9 == 0 {
			p.Audience = archive.AudienceFollowers
		}
		if i%8 == 4 {
			p.Images = []archive.Image{{Path: fmt.Sprintf("media/%d.png", i), Type: "image/png", Alt: w.picture}}
		}
		records = append(records, p)
	}
	return r.bring(ctx, id, now, records, rng)
}

// bring takes posts in, a hundred at a time.
func (r *Room) bring(ctx context.Context, id who.ID, now time.Time, records []any, rng *rand.Rand) error {
	t := exit.Task{Subject: exit.Account(id.String()), Class: "posts", Part: archive.ClassPosts, Now: now}
	for from := 0; from < len(records); from += 100 {
		intake, err := r.Posts.Holder().Import(ctx, t, records[from:min(from+100, len(records))], pictures{rng})
		if err != nil {
			return fmt.Errorf("write posts: %w", err)
		}
		if err := r.DB.Update(ctx, func(ctx context.Context) error { return allTaken(intake(ctx)) }); err != nil {
			return fmt.Errorf("write posts: %w", err)
		}
	}
	return nil
}

func allTaken(out []exit.Outcome, err error) error {
	for _, o := range out {
		if o.Result != "taken" {
			return fmt.Errorf("a record is %s: %s", o.Result, o.Reason)
		}
	}
	return err
}

// gather makes the circle, with members and what they say there.
func (r *Room) gather(ctx context.Context, own who.Viewer, crowd []who.Viewer, rng *rand.Rand, lang ui.Lang) error {
	w := wordsOf(lang)
	id, err := r.foundOne(ctx, own, rng, lang)
	if err != nil {
		return err
	}
	for i, n := range crowd[:12] {
		if _, err := r.Circles.Join(ctx, n, id); err != nil {
			return fmt.Errorf("join circle: %w", err)
		}
		if i < 6 {
			if _, err := r.Posts.Write(ctx, n, post.Draft{Service: "circle", Place: id, Text: w.sentence(rng)}); err != nil {
				return fmt.Errorf("post in circle: %w", err)
			}
		}
	}
	for range 3 {
		if _, err := r.Posts.Write(ctx, own, post.Draft{Service: "circle", Place: id, Text: w.sentence(rng)}); err != nil {
			return fmt.Errorf("post in circle: %w", err)
		}
	}
	return nil
}

// chat has neighbours comment on and like the newest posts, and the account answer them.
func (r *Room) chat(ctx context.Context, own who.Viewer, crowd []who.Viewer, rng *rand.Rand, lang ui.Lang) error {
	w := wordsOf(lang)
	newest, err := r.Posts.ByAuthor(ctx, own, own.Account, post.Cursor{}, 12)
	if err != nil {
		return fmt.Errorf("read posts: %w", err)
	}
	for i, p := range newest {
		if kind, _ := p.Audience.Split(); kind != string(who.Public) {
			continue
		}
		for j := range 1 + rng.IntN(5) {
			if err := r.Talk.Like(ctx, crowd[(i*7+j*3)%len(crowd)], p.Ref(), false); err != nil {
				return fmt.Errorf("like: %w", err)
			}
		}
		if i%2 == 0 {
			if _, err := r.Talk.Comment(ctx, crowd[i%len(crowd)], p.Ref(), talk.Draft{Text: w.answers[rng.IntN(len(w.answers))]}); err != nil {
				return fmt.Errorf("comment: %w", err)
			}
		}
	}
	theirs, err := r.Posts.Home(ctx, own, post.Cursor{}, 20)
	if err != nil {
		return fmt.Errorf("read home: %w", err)
	}
	for _, p := range theirs {
		if p.Author == own.Account {
			continue
		}
		if err := r.Talk.Like(ctx, own, p.Ref(), false); err != nil {
			return fmt.Errorf("like: %w", err)
		}
	}
	return nil
}

// pictures makes the images of a lent account: hills under a sky, of seeded colours.
type pictures struct{ rng *rand.Rand }

// File gives one picture; the name does not matter.
func (p pictures) File(context.Context, string) (io.ReadCloser, int64, error) {
	const width, height = 960, 640
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	hue, phase := p.rng.Float64(), p.rng.Float64()*6
	for x := range width {
		far := 360 + 50*math.Sin(float64(x)/130+phase)
		near := 470 + 40*math.Sin(float64(x)/90+2*phase)
		for y := range height {
			c := shade(hue, 0.05+0.10*float64(y)/height, 0.97-0.08*float64(y)/height)
			if float64(y) > far {
				c = shade(hue+0.08, 0.20, 0.72)
			}
			if float64(y) > near {
				c = shade(hue+0.12, 0.28, 0.48)
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, 0, fmt.Errorf("draw picture: %w", err)
	}
	return io.NopCloser(&b), int64(b.Len()), nil
}

// shade gives a colour of hue (0 to 1, wrapping), saturation and brightness.
func shade(hue, saturation, value float64) color.RGBA {
	part := func(shift float64) uint8 {
		k := math.Mod(shift+hue*6, 6)
		return uint8(255 * (value - value*saturation*max(0, min(k, 4-k, 1))))
	}
	return color.RGBA{part(5), part(3), part(1), 255}
}
