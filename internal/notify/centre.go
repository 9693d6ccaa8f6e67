package notify

import (
	"context"
	"slices"

	"exeunt/internal/service"
	"exeunt/internal/who"
)

const (
	// mostGroups is how many rows a page of the centre has.
	mostGroups = 30
	// window is how many notices are read to fill them.
	window = 300
	// named is how many people a row names.
	named = 2
)

// group is what a row tells: one kind of thing that several did to one thing, or an announcement.
type group struct {
	row                      // the newest
	first    who.ID          // the oldest
	by       []who.ID        // who did it, the latest first, at most named
	everyone map[who.ID]bool // who did it, all that were read
	people   []person        // those of by who can be named
	thing    service.Thing   // what it is about
	told     *Announcement   // what the operator told everybody
}

// rest gives how many more did it than are named.
func (g group) rest() int { return max(0, len(g.everyone)-len(g.people)) }

// centre is a page of what happened to an account.
type centre struct {
	groups    []group
	newest    who.ID // the notices that were read, and were shown or fell away
	oldest    who.ID
	announced who.ID // the newest announcement of the page
	next      who.ID // where the next page begins; 0: there is none
	hasUnseen bool
}

// centre reads a page of what happened to the viewer, newest first, from below an id (0: from the newest).
func (r *Room) centre(ctx context.Context, v who.Viewer, before who.ID) (centre, error) {
	var c centre
	now, err := r.DB.Now(ctx)
	if err != nil {
		return c, err
	}
	rows, err := r.store.list(ctx, v.Account, before, now, window)
	if err != nil {
		return c, err
	}
	read := c.fold(rows)
	if read < len(rows) || len(rows) == window {
		c.next = c.oldest
	}
	if err := r.tell(ctx, v, &c); err != nil {
		return c, err
	}
	if v.State != who.Active && v.State != who.Hibernating {
		return c, nil // who leaves is told of nothing new
	}
	above := c.next
	list, seen, err := r.store.announced(ctx, v.Account, before, above, now, mostGroups)
	if err != nil {
		return c, err
	}
	for _, a := range list {
		g := group{row: row{Notice: Notice{To: v.Account, Kind: Announced}, id: a.ID, at: a.At, seen: a.ID <= seen}, told: &a}
		c.hasUnseen = c.hasUnseen || !g.seen
		c.announced = max(c.announced, a.ID)
		c.groups = append(c.groups, g)
	}
	slices.SortStableFunc(c.groups, func(a, b group) int { return int(min(1, max(-1, b.id-a.id))) })
	return c, nil
}

// fold puts rows together into groups until there are enough, and gives how many it took.
func (c *centre) fold(rows []row) int {
	type same struct {
		kind Kind
		on   who.Ref
		seen bool
	}
	at := map[same]int{}
	for i, x := range rows {
		k := same{x.Kind, x.On, x.seen}
		if x.Kind == Follow {
			k.on = who.Ref{}
		}
		n, known := at[k]
		if !known {
			if len(c.groups) == mostGroups {
				return i
			}
			n = len(c.groups)
			at[k] = n
			c.groups = append(c.groups, group{row: x, everyone: map[who.ID]bool{}})
		}
		if i == 0 {
			c.newest = x.id
		}
		c.oldest = x.id
		c.hasUnseen = c.hasUnseen || !x.seen
		g := &c.groups[n]
		g.first = x.id
		if x.By != 0 && !g.everyone[x.By] {
			g.everyone[x.By] = true
			if len(g.by) < named {
				g.by = append(g.by, x.By)
			}
		}
	}
	return len(rows)
}

// tell fills in who did it and what it is about, each in one batch, and leaves out what the viewer may not see any more.
func (r *Room) tell(ctx context.Context, v who.Viewer, c *centre) error {
	var ids []who.ID
	var refs []who.Ref
	for _, g := range c.groups {
		ids = append(ids, g.by...)
		if _, ok := r.Registry.Kind(g.On.Kind); ok {
			refs = append(refs, g.On)
		}
	}
	people, err := r.store.people(ctx, distinct(ids))
	if err != nil {
		return err
	}
	things, err := r.Registry.Things(ctx, v, refs)
	if err != nil {
		return err
	}
	c.groups = slices.DeleteFunc(c.groups, func(g group) bool {
		k, ok := ruleOf(g.Kind)
		_, registered := r.Registry.Kind(g.On.Kind)
		return !ok || !shows(k, things[g.On], registered)
	})
	for i := range c.groups {
		g := &c.groups[i]
		if t := things[g.On]; t.See {
			g.thing = t
		}
		for _, id := range g.by {
			if p, ok := people[id]; ok {
				g.people = append(g.people, p)
			}
		}
	}
	return nil
}

// seen marks what a page has shown as seen.
func (r *Room) seen(ctx context.Context, v who.Viewer, newest, oldest, announced who.ID) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, v.Account)
		if err != nil {
			return err
		}
		if err := r.store.see(ctx, pass, v.Account, newest, oldest); err != nil {
			return err
		}
		if err := r.store.mark(ctx, pass, v.Account, announced); err != nil {
			return err
		}
		r.wakeAfter(ctx, v.Account)
		return nil
	})
}

// ReadAll marks all that an account has not seen as seen.
func (r *Room) ReadAll(ctx context.Context, v who.Viewer) error {
	n, err := r.Unread(ctx, v.Account)
	if err != nil || n == 0 {
		return err
	}
	upTo := r.DB.IDs.Next()
	return r.seen(ctx, v, upTo, 0, upTo)
}
