package leave

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// classWords names every class that a holder of this house declares.
var classWords = ui.Keys("leave.class.",
	"account.profile", "account.settings", "account.sessions", "account.account", "account.person", "account.proofs", "service.entrances", "service.standing",
	"notify.address", "notify.notices", "notify.switches",
	"relation.follows", "relation.blocks", "relation.mutes", "relation.quiets", "post.posts", "post.drafts", "post.cards", "post.images", "post.links", "talk.comments", "talk.likes", "talk.favourites", "talk.mentions",
	"moderate.reports", "moderate.acts", "moderate.appeals", "moderate.sanctions", "moderate.claims",
	"circle.members", "circle.circles", "circle.notices", "circle.invites", "circle.offers", "circle.farewells",
	"channel.channel", "channel.videos", "channel.drafts", "channel.history", "channel.renditions", "channel.farewells", "upload.uploads", "blob.media", "job.jobs", "search.docs",
	"leave.archives", "leave.imports", "leave.journeys", "records", "other")

// countWords forecast how much there is of a class, where a number says something to a person.
var countWords = ui.Keys("leave.count.",
	"relation.follows", "post.posts", "post.drafts", "post.images", "post.links", "talk.comments", "talk.likes", "talk.favourites", "circle.members", "circle.circles",
	"channel.videos", "channel.drafts", "channel.history", "leave.archives")

// classOrder is the order in which a sentence names classes; others follow.
var classOrder = []string{
	"talk.comments", "talk.likes", "talk.favourites", "post.posts", "post.drafts", "post.images", "post.links", "post.cards", "relation.follows", "relation.blocks", "relation.mutes", "relation.quiets", "circle.circles", "circle.notices", "circle.members",
	"channel.videos", "channel.drafts", "channel.channel", "channel.history", "channel.renditions", "upload.uploads",
	"account.profile", "account.settings", "notify.switches", "notify.notices", "notify.address", "service.entrances", "leave.archives",
}

func inOrder(a, b string) int { return placeOf(a) - placeOf(b) }

func placeOf(class string) int {
	if i := slices.Index(classOrder, class); i >= 0 {
		return i
	}
	return len(classOrder)
}

// family groups classes that a person thinks of together; a day has one row for each.
func family(class string) string {
	holder, _, _ := strings.Cut(class, ".")
	if class == "talk.mentions" { // they stand in what one wrote, and go with it
		return "post"
	}
	switch holder {
	case "upload":
		return "channel"
	case "blob", "post", "search":
		return "post"
	case "account", "notify", "service", "job", "leave", "moderate":
		return "account"
	}
	return holder
}

// familyOrder is the order of a day's rows; the account goes last.
var familyOrder = []string{"talk", "post", "relation", "circle", "channel", "other", "account"}

func familyRank(f string) int {
	if i := slices.Index(familyOrder, f); i >= 0 {
		return i
	}
	return slices.Index(familyOrder, "other")
}

// record reports whether a class is the house's own bookkeeping: told as one thing, not one by one.
func record(class string) bool {
	return slices.Contains([]string{
		"account.sessions", "account.account", "account.person", "account.proofs", "service.standing", "job.jobs", "leave.journeys", "leave.imports",
	}, class)
}

// beside reports whether a class says nothing more where others of its family stand.
func beside(class string) bool {
	return slices.Contains([]string{"talk.mentions", "blob.media", "search.docs", "circle.invites", "circle.offers", "circle.farewells", "channel.farewells"}, class)
}

// lost reports whether nobody would look for a class afterwards, so that its way back is not told. Renditions are made anew.
func lost(class string) bool {
	return record(class) || beside(class) || class == "leave.archives" || class == "channel.renditions" || class == "upload.uploads"
}

// className gives the name of a class; one that the words do not know is "other data".
func className(ctx context.Context, class string) string {
	if key, ok := classWords[class]; ok {
		return ui.T(ctx, key)
	}
	return ui.T(ctx, classWords["other"])
}

// classNames gives the names for a row's classes, bookkeeping folded into one and last.
func classNames(ctx context.Context, classes []string) []string {
	var names, quiet []string
	records := false
	for _, c := range slices.SortedStableFunc(slices.Values(classes), inOrder) {
		switch {
		case record(c):
			records = true
		case beside(c):
			quiet = append(quiet, className(ctx, c))
		default:
			names = append(names, className(ctx, c))
		}
	}
	if len(names) == 0 {
		names = quiet
	}
	if records {
		names = append(names, className(ctx, "records"))
	}
	return names
}

// list joins names as a sentence does: 甲、乙和丙; a, b and c.
func list(ctx context.Context, names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ui.T(ctx, "leave.list.comma")) + ui.T(ctx, "leave.list.and") + names[last]
}

// sentence begins a sentence with a capital where the language has them.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// ServiceName gives the name of a service as its entrance bears it.
func (l *Room) ServiceName(ctx context.Context, name string) string {
	if s, ok := l.Registry.Service(name); ok {
		return ui.T(ctx, s.Title)
	}
	return name
}

// ownWords name what an account has in a service, where that is another word than the entrance's: the feed
// shows what others wrote, and one's own page is what one closes.
var ownWords = ui.Keys("leave.own.", "page")

// ownName names what an account has in a service: what it closes, takes along or lets rest.
func (l *Room) ownName(ctx context.Context, service string) string {
	if key, ok := ownWords[service]; ok {
		return ui.T(ctx, key)
	}
	return l.ServiceName(ctx, service)
}

// inName names what a subject is narrowed to: "" for all of it, a service, or a place by its own
// title as far as the viewer may see it.
func (l *Room) inName(ctx context.Context, s exit.Subject) string {
	if s.In == "" {
		return ""
	}
	service := l.ownName(ctx, s.Service())
	id, ok := who.ParseID(s.Place())
	if !ok {
		return service
	}
	return ui.T(ctx, "leave.in.place", "Service", service, "Place", l.placeName(ctx, who.Ref{Kind: s.Service(), ID: id}))
}

var journeyWords = ui.Keys("leave.journey.", "hide", "show", "hibernate", "wake", "take-along", "close", "hasten", "cancel", "return", "end-hold")

// JourneyName gives a journey the words that people search for: 注销账号, 关闭圈子, 带走一份.
func (l *Room) JourneyName(ctx context.Context, j exit.Journey, s exit.Subject) string {
	if j == exit.Close && s.In != "" {
		if s.Place() != "" {
			return ui.T(ctx, "leave.journey.leave", "Name", l.inName(ctx, s))
		}
		return ui.T(ctx, "leave.journey.close.service", "Service", l.inName(ctx, s))
	}
	switch {
	case j == exit.Hibernate && s.In != "":
		return ui.T(ctx, "leave.journey.hibernate.in", "Name", l.inName(ctx, s))
	case j == exit.TakeAlong && s.In != "":
		return ui.T(ctx, "leave.journey.along.in", "Name", l.inName(ctx, s))
	}
	if key, ok := journeyWords[string(j)]; ok {
		return ui.T(ctx, key)
	}
	return string(j)
}
