package circle

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Holder keeps memberships, circles owned, invitations and offers.
type Holder struct {
	exitsql.Tables
	room *Room
}

// The holder's classes.
const (
	classMembers = "members"
	classCircles = "circles"
	classInvites = "invites"
	classOffers  = "offers"
)

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name, owner string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: owner, Key: "id", Place: "circle_id", OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	members := table("circle_members", "account_id")
	members.Where = `role <> 'owner'`
	members.Also = []string{lessMembers}
	owned := table("circle_members", "account_id")
	owned.Where = `role = 'owner'`
	return &Holder{room: r, Tables: exitsql.Tables{
		classMembers: {members}, classCircles: {owned}, classInvites: {table("circle_invites", "account_id")},
		classOffers: {table("circle_offers", "account_id"), table("circle_offers", "heir_id")},
	}}
}

// lessMembers corrects the numbers of members of the circles that rows go from.
const lessMembers = `update circles set members = members - (select count(*) from {rows} r where r.circle_id = circles.id and r.state = 'active')
	where id in (select r.circle_id from {rows} r)`

// Name is the holder's name.
func (h *Holder) Name() string { return Name }

// Classes declares what the room keeps. Circles have no column of an account: who owns one is a
// membership, and the words of a circle are its owner's and go with it.
func (h *Holder) Classes() []exit.Class {
	in := []string{Name}
	return []exit.Class{
		{
			Name: classMembers, Services: in, Exported: true, Parts: []string{archive.ClassMemberships},
			Places: []exit.Place{{Table: "circle_members", Column: "account_id"}},
		},
		{
			Name: classCircles, Services: in, Exported: true,
			Places: []exit.Place{{Table: "circle_members", Column: "account_id"}},
			After: []exit.Order{
				{Class: "post.posts", Why: "circle.order.empty"},
				{Class: "circle." + classMembers, Why: "circle.order.empty"},
			},
		},
		{Name: classInvites, Services: in, Places: []exit.Place{{Table: "circle_invites", Column: "account_id"}}},
		{
			Name: classOffers, Services: in,
			Places: []exit.Place{{Table: "circle_offers", Column: "account_id"}, {Table: "circle_offers", Column: "heir_id"}},
		},
	}
}

// Erase does one chunk. Circles that an account leaves without an heir end, without their words; what
// others wrote in them stays theirs, and who is in them goes on reading it.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Class != classMembers && t.Class != classCircles {
		return h.Tables.Erase(ctx, t)
	}
	role := "member"
	if t.Class == classCircles {
		role = "owner"
	}
	circles, err := h.room.store.leaving(ctx, t, role)
	if err != nil {
		return exit.Progress{}, err
	}
	table := h.Tables[t.Class][0]
	if t.Class == classCircles {
		table.Also = ending(db.Ms(t.Now))
	}
	p, err := table.Erase(ctx, t)
	if err != nil {
		return p, err
	}
	return p, h.room.store.sweep(ctx, circles)
}

// ending are the statements that end the circles of a chunk at an instant in Unix milliseconds.
func ending(at int64) []string {
	of := ` where circle_id in (select r.circle_id from {rows} r)`
	return []string{
		lessMembers,
		fmt.Sprintf(`update circles set state = 'ended', ended_at = coalesce(ended_at, %d), name = '', intro = '', cover = ''
			where id in (select r.circle_id from {rows} r)`, at),
		`delete from circle_pauses` + of,
		// Who asked and was not answered asks nobody now.
		`delete from circle_members` + of + ` and state = 'asked'`,
	}
}

// Bindings names the living circles that the subject owns: each goes to an heir, or ends.
func (h *Holder) Bindings(ctx context.Context, s exit.Subject) ([]exit.Binding, error) {
	id, _ := who.ParseID(s.ID)
	circles, err := h.room.store.owned(ctx, id, s)
	var out []exit.Binding
	for _, c := range circles {
		out = append(out, exit.Binding{Holder: Name, Code: "circle_owner", Ref: who.Ref{Kind: Name, ID: c}.String(), Fixes: []string{"end", "heir"}})
	}
	return out, err
}

// Unbind keeps new members out of the circles while their owner is leaving.
func (h *Holder) Unbind(ctx context.Context, t exit.Task) error {
	id, _ := who.ParseID(t.Subject.ID)
	circles, err := h.room.store.owned(ctx, id, t.Subject)
	if err != nil {
		return err
	}
	return h.room.store.pause(ctx, circles, t.Run)
}

// Rebind lets new members in again.
func (h *Holder) Rebind(ctx context.Context, t exit.Task) error {
	return h.room.store.resume(ctx, t.Run)
}

// Transfer offers the circles that the subject owns to the heir, or takes the run's offers back.
// Invalid for an heir that cannot take anything over.
func (h *Holder) Transfer(ctx context.Context, t exit.Task, offered bool) error {
	owner, _ := who.ParseID(t.Subject.ID)
	if !offered {
		return h.room.store.withdrawRun(ctx, owner, t.Run)
	}
	heir, ok := who.ParseID(t.Choice)
	if !ok {
		return errHeir()
	}
	if err := h.room.mayInherit(ctx, owner, heir); err != nil {
		return err
	}
	circles, err := h.room.store.owned(ctx, owner, t.Subject)
	if err != nil {
		return err
	}
	return h.room.store.offer(ctx, circles, owner, heir, t.Run, t.Now)
}

// most is how many records one call exports at most.
const most = 500

// Export writes memberships or circles owned, oldest first.
func (h *Holder) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Cursor: t.Cursor}
	after, cut, err := bounds(t)
	if err != nil {
		return p, err
	}
	list, err := h.room.store.along(ctx, t, after, cut, most)
	if err != nil {
		return p, err
	}
	for _, x := range list {
		if to.Full() {
			return p, nil
		}
		if err := to.Record(record(t.Class, x)); err != nil {
			return p, fmt.Errorf("export %s: %w", t.Class, err)
		}
		p.Items, p.Cursor = p.Items+1, x.Row.String()
	}
	p.Done = len(list) < most
	return p, nil
}

func record(class string, x exported) any {
	if class == classCircles {
		return archive.Circle{ID: x.ID.String(), Name: x.Name, Intro: x.Intro, JoinMode: string(x.Mode), Created: archive.At(x.Created), Members: x.Members, Posts: x.posts}
	}
	return archive.Membership{Circle: x.ID.String(), Name: x.Name, Role: string(x.Role), Joined: archive.At(x.Since)}
}

// bounds reads an export's cursor and cut.
func bounds(t exit.Task) (after, cut int64, err error) {
	cut = math.MaxInt64
	for _, b := range []struct {
		text string
		to   *int64
	}{{t.Cursor, &after}, {t.Cut, &cut}} {
		if b.text == "" {
			continue
		}
		if *b.to, err = strconv.ParseInt(b.text, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("read cursor: %w", err)
		}
	}
	return after, cut, nil
}

// exported is a membership as it is taken along.
type exported struct {
	Mine
	posts int64
}

// scope gives the account and, if the task is narrowed to one, the circle that it is about.
func scope(t exit.Task) (account, circle int64) {
	id, _ := who.ParseID(t.Subject.ID)
	place, _ := who.ParseID(t.Subject.Place())
	return int64(id), int64(place)
}

// along gives memberships above the row after, up to the row cut: owner's rows for circles, all
// active ones for memberships.
func (s store) along(ctx context.Context, t exit.Task, after, cut int64, limit int) ([]exported, error) {
	account, circle := scope(t)
	which := `m.state = 'active'`
	if t.Class == classCircles {
		which = `m.role = 'owner'`
	}
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select m.id, m.role, m.created_at, c.id, c.name, c.intro, c.join_mode, c.members, c.posts, c.created_at
		from circle_members m join circles c on c.id = m.circle_id
		where m.account_id = $1 and (m.circle_id = $2 or $2 = 0) and m.id > $3 and m.id <= $4 and `+which+` order by m.id limit $5`, account, circle, after, cut, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Class, err)
	}
	return db.Scan(rows, func(r db.Row) (exported, error) {
		var x exported
		var since, created int64
		err := r.Scan((*int64)(&x.Row), (*string)(&x.Role), &since, (*int64)(&x.ID), &x.Name, &x.Intro, (*string)(&x.Mode), &x.Members, &x.posts, &created)
		x.Since, x.Created = db.Time(since), db.Time(created)
		return x, err
	})
}

// leaving gives the circles of the next chunk's rows that have ended or will end with it. Circles that will end
// are locked, as handing one over locks it first: from here on they have this owner until the chunk is committed.
func (s store) leaving(ctx context.Context, t exit.Task, role string) ([]who.ID, error) {
	account, circle := scope(t)
	after := int64(math.MinInt64)
	if t.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(t.Cursor, 10, 64); err != nil {
			return nil, fmt.Errorf("read cursor: %w", err)
		}
	}
	limit := t.Limit
	if limit <= 0 {
		limit = most
	}
	rows, which := `(select circle_id from circle_members where account_id = $1 and role <> 'owner' and (circle_id = $2 or $2 = 0) and id > $3 order by id limit $4)`, ` and c.state = 'ended'`
	if role == "owner" {
		rows, which = strings.Replace(rows, "<>", "=", 1), ""
	}
	return s.idList(ctx, `select c.id from circles c where c.id in `+rows+which+` order by c.id`+s.db.ForUpdate(), account, circle, after, limit)
}

var (
	_ exit.Holder      = (*Holder)(nil)
	_ exit.Counter     = (*Holder)(nil)
	_ exit.Exporter    = (*Holder)(nil)
	_ exit.Binder      = (*Holder)(nil)
	_ exit.Transferrer = (*Holder)(nil)
	_ service.Keeper   = (*Room)(nil)
)
