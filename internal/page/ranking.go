package page

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Ranking says whether somebody's home is ranked. Who turned ranking off is not asked again.
type Ranking = account.Ranking

// The answers.
const (
	NeverRanked Ranking = 0
	Ranked              = account.Ranked
	Unranked            = account.Unranked
)

// SetRanking turns the ranking of the viewer's home on or off.
func (r *Room) SetRanking(ctx context.Context, v who.Viewer, on bool) error {
	to := Unranked
	if on {
		to = Ranked
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account})
		if err != nil {
			return err
		}
		return r.store.setRanking(ctx, pass, v.Account, to)
	})
}

// place is where a page of the ranked list begins: the snapshot that its first page was made of, and the key below which
// this page stands. Now is promise time in Unix milliseconds; what has an id above Mark came after the first page.
type place struct {
	Now   int64
	Mark  who.ID
	Score int64
	ID    who.ID // 0: the top
}

// String gives the place for an address.
func (p place) String() string {
	return fmt.Sprintf("r%d-%d-%d-%d", p.Now, p.Mark, p.Score, p.ID)
}

// parsePlace reads what [place.String] wrote; ok is false for anything else.
func parsePlace(s string) (p place, ok bool) {
	parts := strings.Split(strings.TrimPrefix(s, "r"), "-")
	if !strings.HasPrefix(s, "r") || len(parts) != 4 {
		return p, false
	}
	var n [4]int64
	for i, part := range parts {
		v, err := strconv.ParseInt(part, 10, 64)
		if err != nil || v < 0 {
			return p, false
		}
		n[i] = v
	}
	return place{n[0], who.ID(n[1]), n[2], who.ID(n[3])}, true
}

// whyPost is a post with what moved it.
type whyPost struct {
	post.Post
	signals
}

// rank gives a page of the viewer's ranked home from a place on, and the place of the page after it: ranked, or, where
// the window is at its end, the cursor from which home goes on newest first. Both are zero at the end of home.
func (r *Room) rank(ctx context.Context, v who.Viewer, at place, limit int) (list []whyPost, next place, below post.Cursor, err error) {
	candidates, err := r.Posts.Home(ctx, v, post.Cursor{At: at.Now + 1, ID: 0}, window)
	if err != nil || len(candidates) == 0 {
		return nil, next, below, err
	}
	facts, err := r.signals(ctx, v, candidates, at)
	if err != nil {
		return nil, next, below, err
	}
	all := make([]ranked, len(candidates))
	for i, p := range candidates {
		all[i] = ranked{facts[i].score(), p.ID, i}
	}
	order(all)
	got := pageOf(all, at.Score, at.ID, limit)
	for _, g := range got {
		list = append(list, whyPost{candidates[g.Index], facts[g.Index]})
	}
	last := all[len(all)-1]
	if n := len(got); n > 0 && got[n-1].ID != last.ID {
		next = at
		next.Score, next.ID = got[n-1].Score, got[n-1].ID
	} else {
		below = post.Next(candidates, window)
	}
	return list, next, below, nil
}

// signals reads what ranking looks at, with the counts of the moment of the snapshot: a like that came since moves nothing
// between two pages.
func (r *Room) signals(ctx context.Context, v who.Viewer, posts []post.Post, at place) ([]signals, error) {
	ids := make([]who.ID, len(posts))
	for i, p := range posts {
		ids[i] = p.ID
	}
	fond, err := r.store.fond(ctx, v.Account, time.UnixMilli(at.Now).AddDate(0, 0, -fondDays), at.Mark)
	if err != nil {
		return nil, err
	}
	less, err := r.store.less(ctx, v.Account, at.Now)
	if err != nil {
		return nil, err
	}
	topics, err := r.store.lessTopics(ctx, less, ids)
	if err != nil {
		return nil, err
	}
	since := map[who.ID]talked{}
	if at.ID != 0 {
		if since, err = r.store.since(ctx, ids, at.Mark); err != nil {
			return nil, err
		}
	}
	out := make([]signals, len(posts))
	for i, p := range posts {
		s := signals{
			At: p.At, Own: p.Author == v.Account, Followed: p.Followed && p.Author != 0, Circle: p.Service != post.Page, Fond: fond[p.Author],
			Likes: p.Likes - since[p.ID].likes, Comments: p.Comments - since[p.ID].comments, Less: topics[p.ID],
		}
		for _, ref := range []who.Ref{{Kind: "account", ID: p.Author}, {Kind: p.Service, ID: p.Place}} {
			if less[ref] {
				s.Less++
			}
		}
		out[i] = s
	}
	return out, nil
}

var whyWords = ui.Keys("page.why.", "followed", "circle", "fond", "talk", "likes", "comments", "less")

// why says in a sentence what moved a post.
func (p whyPost) why(ctx context.Context) string {
	if p.Own {
		return ui.T(ctx, "page.why.own")
	}
	terms := p.terms()
	if len(terms) == 0 {
		return ui.T(ctx, "page.why.none")
	}
	name := p.Display
	if name == "" {
		name = p.Name
	}
	var told []string
	for _, m := range terms {
		word := string(m.Term)
		switch {
		case m.Term == termTalk && p.signals.Comments <= 0:
			word = "likes"
		case m.Term == termTalk && p.signals.Likes <= 0:
			word = "comments"
		}
		told = append(told, ui.T(ctx, whyWords[word], "Name", name, "Circle", p.In.Name, "Likes", p.signals.Likes, "Comments", p.signals.Comments, "Fond", p.Fond, "Hours", int(math.Abs(float64(m.Hours)))))
	}
	return ui.T(ctx, "page.why.sentence", "Terms", strings.Join(told, ui.T(ctx, "page.why.and")))
}

// newPlace gives the top of a ranked list of now.
func (r *Room) newPlace(ctx context.Context) (place, error) {
	now, err := r.DB.Now(ctx)
	return place{Now: db.Ms(now), Mark: r.DB.IDs.Next()}, err
}

func errSwitch() error { return exit.Fail(exit.Invalid, "page.error.ranking") }
