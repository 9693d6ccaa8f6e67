package circle

import (
	"context"
	"fmt"
	"slices"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Holder keeps memberships, circles owned, notices written, invitations and offers.
type Holder struct {
	exitsql.Ending
	room *Room
}

// The holder's classes.
const (
	classMembers = "members"
	classCircles = "circles"
	classInvites = "invites"
	classOffers  = "offers"
	classNotices = "notices"
)

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name, owner string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: owner, Key: "id", Place: "circle_id", OwnerID: exitsql.IntegerID, PlaceID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	members := table("circle_members", "account_id")
	members.Where = `role <> 'owner'`
	members.Also = []string{lessMembers}
	members.Bytes = "length(answer)"
	owned := table("circle_members", "account_id")
	owned.Where = `role = 'owner'`
	notices := table("circle_notices", "author_id")
	notices.Bytes = "length(text)"
	invites := table("circle_invites", "account_id")
	tables := exitsql.Tables{
		classMembers: {members}, classCircles: {owned}, classNotices: {notices}, classInvites: {invites},
		classOffers: {table("circle_offers", "account_id"), table("circle_offers", "heir_id")}, classFarewells: {r.farewellTable()},
	}
	members.Also = nil
	return &Holder{room: r, Ending: exitsql.Ending{Tables: tables, All: exitsql.Tables{
		classMembers: {members}, classCircles: {r.circlesEnding()}, classNotices: {notices}, classInvites: {invites}, classOffers: {table("circle_offers", "account_id")},
	}}}
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
			Name: classMembers, Services: in, EndsWith: in, Exported: true, Parts: []string{archive.ClassMemberships},
			Places: []exit.Place{{Table: "circle_members", Column: "account_id"}},
		},
		{
			Name: classCircles, Services: in, EndsWith: in, Exported: true, Imported: true,
			Places: []exit.Place{{Table: "circle_members", Column: "account_id"}, {Blobs: blob.Circles + "/"}},
			After: []exit.Order{
				{Class: "post.posts", Why: "circle.order.empty"},
				{Class: "circle." + classMembers, Why: "circle.order.empty"},
			},
		},
		{
			Name: classNotices, Services: in, EndsWith: in, Exported: true, Imported: true,
			Places: []exit.Place{{Table: "circle_notices", Column: "author_id"}},
		},
		{Name: classInvites, Services: in, EndsWith: in, Places: []exit.Place{{Table: "circle_invites", Column: "account_id"}}},
		{
			Name: classOffers, Services: in, EndsWith: in,
			Places: []exit.Place{{Table: "circle_offers", Column: "account_id"}, {Table: "circle_offers", Column: "heir_id"}},
		},
		farewellClass(),
	}
}

// Erase does one chunk. Circles that an account leaves without an heir go to a co-owner; without one they end,
// without their words: what others wrote in them stays theirs, and who is in them goes on reading it.
func (h *Holder) Erase(ctx context.Context, t exit.Task) (exit.Progress, error) {
	if t.Subject.Ending() || t.Class != classMembers && t.Class != classCircles {
		return h.Ending.Erase(ctx, t)
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
	if t.Class == classCircles {
		if err := h.room.succeed(ctx, circles); err != nil {
			return p, err
		}
	}
	return p, h.room.store.sweep(ctx, circles)
}

// succeed passes circles without an owner to a co-owner, and has them be found under that one's name.
func (r *Room) succeed(ctx context.Context, circles []who.ID) error {
	if err := r.store.succeed(ctx, circles); err != nil || r.Search == nil {
		return err
	}
	for _, id := range circles {
		owner, err := r.store.ownerOf(ctx, id)
		if err != nil {
			return err
		}
		if owner == 0 {
			continue
		}
		pass, err := r.Desk.EnterExit(ctx, owner)
		if err != nil {
			return err
		}
		if err := r.indexed(ctx, pass, id); err != nil {
			return err
		}
	}
	return nil
}

// heiress is a co-owner (h) of the circle of an SQL expression who can take it over: nothing of theirs is veiled or frozen.
func heiress(circle string) string {
	return `(select min(h.id) from circle_members h join accounts a on a.id = h.account_id where h.circle_id = ` + circle + ` and h.role = 'co_owner' and h.state = 'active'
		and a.state = 'active' and not exists (select 1 from reasons z where z.account_id = h.account_id and z.what in ('veil', 'freeze') and z.scope in ('', 'circle')))`
}

// ending are the statements that end the circles of a chunk at an instant in Unix milliseconds, but for those that a
// co-owner takes over. Pictures are their owner's files and go in any case.
func ending(at int64) []string {
	of := ` where circle_id in (select r.circle_id from {rows} r)`
	rules := ` where service = 'circle' and place_id in (select r.circle_id from {rows} r) and `
	pictures := `(select c.cover, c.avatar, r.account_id from {rows} r join circles c on c.id = r.circle_id) r`
	return []string{
		lessMembers,
		blob.DoomSQL(pictures, "r.cover", "r.account_id"), blob.DoomSQL(pictures, "r.avatar", "r.account_id"),
		`update circles set cover = '', avatar = '', cover_bytes = 0, avatar_bytes = 0 where id in (select r.circle_id from {rows} r)`,
		fmt.Sprintf(`update circles set state = 'ended', ended_at = coalesce(ended_at, %d), `, at) + wordless +
			` where id in (select r.circle_id from {rows} r) and ` + heiress("circles.id") + ` is null`,
		`delete from circle_pauses` + of,
		// Who asked and was not answered asks nobody now.
		`delete from circle_members` + of + ` and state = 'asked' and ` + heiress("circle_members.circle_id") + ` is null`,
		// The owner's words that were filtered go with the owner's other words.
		`delete from word_rules` + rules + heiress("word_rules.place_id") + ` is null`, `delete from image_blocks` + rules + heiress("image_blocks.place_id") + ` is null`,
		`delete from place_limits` + rules + heiress("place_limits.place_id") + ` is null`,
	}
}

// circlesEnding gives the table of circles as they go with the service, one by one or with the install: whoever owned them, and those that had ended before, of
// which only others' posts were left.
func (r *Room) circlesEnding() exitsql.Table {
	const pictures = `(select c.cover, c.avatar, m.account_id from {rows} c join circle_members m on m.circle_id = c.id and m.role = 'owner') r`
	also := []string{blob.DoomSQL(pictures, "r.cover", "r.account_id"), blob.DoomSQL(pictures, "r.avatar", "r.account_id")}
	for _, table := range []string{"circle_members", "circle_pauses", "circle_invites", "circle_offers", "circle_notices"} {
		also = append(also, `delete from `+table+` where circle_id in (select r.id from {rows} r)`)
	}
	for _, table := range []string{"word_rules", "image_blocks", "place_limits"} {
		also = append(also, `delete from `+table+` where service = 'circle' and place_id in (select r.id from {rows} r)`)
	}
	return exitsql.Table{
		Name: "circles", Key: "id", Bytes: "octet_length(name) + octet_length(intro)", Place: "id", PlaceID: exitsql.IntegerID, DB: r.DB.Reader, Also: also,
	}
}

// Bindings names the living circles that the subject owns: each goes to an heir, to a co-owner, or ends.
func (h *Holder) Bindings(ctx context.Context, s exit.Subject) ([]exit.Binding, error) {
	id, _ := who.ParseID(s.ID)
	circles, err := h.room.store.owned(ctx, id, s)
	if err != nil || len(circles) == 0 {
		return nil, err
	}
	shared, err := h.room.store.shared(ctx, circles)
	var out []exit.Binding
	for _, c := range circles {
		b := exit.Binding{Holder: Name, Code: "circle_owner", Ref: who.Ref{Kind: Name, ID: c}.String(), Fixes: []string{"end", "heir"}}
		if slices.Contains(shared, c) {
			b.Code, b.Fixes = "circle_shared", []string{"co_owner", "heir"}
		}
		out = append(out, b)
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

var (
	_ exit.Holder      = (*Holder)(nil)
	_ exit.Counter     = (*Holder)(nil)
	_ exit.Ender       = (*Holder)(nil)
	_ exit.Exporter    = (*Holder)(nil)
	_ exit.Importer    = (*Holder)(nil)
	_ exit.Binder      = (*Holder)(nil)
	_ exit.Transferrer = (*Holder)(nil)
	_ service.Keeper   = (*Room)(nil)
)
