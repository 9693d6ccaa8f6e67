package circle

import (
	"context"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// kept is what a circle is kept in order by, as it is taken along: its topics, and what is not let through there.
type kept struct {
	topics, closed []string // closed are among topics
	rules          moderate.Rules
}

// mostTopics bounds the topics of a record that are brought back.
const mostTopics = 100

// keptIn gives what circles are kept in order by.
func (r *Room) keptIn(ctx context.Context, list []exported) (map[who.ID]*kept, error) {
	out := make(map[who.ID]*kept, len(list))
	ids := make([]who.ID, len(list))
	for i, x := range list {
		ids[i], out[x.ID] = x.ID, &kept{}
	}
	if err := r.store.topicsOf(ctx, ids, out); err != nil || r.Bans == nil {
		return out, err
	}
	rules, err := r.Bans.RulesOf(ctx, ids)
	for id, x := range rules {
		out[id].rules = *x
	}
	return out, err
}

// into writes it into a circle's record.
func (k kept) into(c *archive.Circle) {
	c.Topics, c.ClosedTopics = k.topics, k.closed
	for _, w := range k.rules.Words {
		c.FilteredWords = append(c.FilteredWords, archive.FilteredWord{Word: w.Word, Does: w.Does})
	}
	for _, l := range k.rules.Looks {
		c.BlockedImages = append(c.BlockedImages, l.Look)
	}
	if l := k.rules.Limits; l.Days > 0 {
		c.NewMembers = &archive.NewMemberLimits{Days: l.Days, Posts: l.Posts, Links: l.Links, Images: l.Images}
	}
}

// keptOf reads it from a record.
func keptOf(c archive.Circle) kept {
	k := kept{topics: c.Topics, closed: c.ClosedTopics}
	for _, w := range c.FilteredWords {
		k.rules.Words = append(k.rules.Words, moderate.Word{Word: w.Word, Does: w.Does})
	}
	for _, look := range c.BlockedImages {
		k.rules.Looks = append(k.rules.Looks, moderate.Look{Look: look})
	}
	if l := c.NewMembers; l != nil {
		k.rules.Limits = moderate.Limits{Days: l.Days, Posts: l.Posts, Links: l.Links, Images: l.Images}
	}
	return k
}

// takeKept gives a circle that is brought back the topics and rules that it had. A topic whose name cannot stand here is passed over: it is said of the
// record that carries it, which is taken.
func (r *Room) takeKept(ctx context.Context, pass service.Pass, id, owner who.ID, k kept) error {
	if !pass.Valid() {
		return service.ErrNoPass()
	}
	if r.Bans != nil {
		if err := r.Bans.BringRules(ctx, pass, moderate.Place{Service: Name, ID: id}, k.rules); err != nil {
			return err
		}
	}
	if r.Posts == nil {
		return nil
	}
	closed := map[string]bool{}
	for _, name := range k.closed {
		closed[name] = true
	}
	v := who.Viewer{Account: owner, State: who.Active}
	for _, name := range k.topics[:min(len(k.topics), mostTopics)] {
		err := r.Posts.BringTopic(ctx, v, post.Place{Service: Name, ID: id, Staff: true}, name, closed[name])
		if kind := exit.KindOf(err); err != nil && kind != exit.Invalid && kind != exit.Conflict {
			return err
		}
	}
	return nil
}
