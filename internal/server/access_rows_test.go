package server_test

import (
	"strings"
	"testing"
	"time"
)

// wildcards say what stands for a wildcard: in one pattern ("PATTERN {WILDCARD}"), wherever a pattern begins so, or anywhere; a word after = is itself.
var wildcards = map[string]string{
	"{name}": "name", "{key...}": "image", "{kind}": "=post", "{service}": "=circle", "{account}": "member", "{circle}": "circle", "{secret}": "secret",
	"{deed}": "act", "{case}": "case", "{claim}": "claim", "{offer}": "offer", "{notice}": "notice", "{word}": "word", "{look}": "look", "{volume}": "volume", "{run}": "run of the archive",

	"/@{name}/bell {name}":     "followed owner",
	"/about/{text}":            "=rules",
	"/archives/files/{secret}": "used link", "/archives/files/{secret}/{volume}/{name}": "volume's name", "/archives/{secret}": "link",
	"/channels/batch/{id}": "batch", "/channels/topics/{topic}": "topic of the film",
	"/circles/{id}": "circle", "/circles/{id}/feed.xml {id}": "shown circle", "/circles/{id}/rules {id}": "hidden circle", "/circles/{id}/poster.png {id}": "hidden circle", "/circles/{id}/poster.svg {id}": "hidden circle", "/circles/{id}/moved.txt {id}": "circle with a farewell",
	"/circles/{id}/members/{account}/{act}": "=refuse", "/circles/{id}/topics/{topic}": "topic", "/circles/{id}/topics/{topic}/{act}": "=close",
	"/claims/by/{token}": "claim of a guest",
	"/collections/{id}":  "collection", "/embed/{id}": "shown film",
	"/exit/archives/{volume}/{name}": "volume's name", "/exit/import/{id}": "import", "/exit/runs/{id}": "run of the archive", "/exit/runs/{id}/certificate {id}": "run of the member",
	"/join-organisation/{token}": "invitation of the club", "/join/{token}": "invitation",
	"/mail/prove/{token}": "unproven address", "/mail/stop/{id}": "proven address", "/mail/stop/{id}/{kind}": "=like", "/mail/stop/{id}/{kind}/{proof}": "proof",
	"/me/drafts/{id}": "draft", "/moderation/circle/{id}": "circle", "/moderation/of/{kind}/{id}": "removed post", "/moderation/remove/{kind}": "=comment", "/moderation/remove/{kind}/{id}": "comment", "/mute/{kind}/{id}": "note",
	"/operator/accounts/{id}": "member", "/operator/announcements/{id}": "announcement", "/operator/channels/{account}": "owner", "/operator/proofs/{id}": "photo",
	"/operator/runs/{id}": "run of the closing", "/operator/sunsets/{name}": "open sunset", "/operator/sunsets/{name}/withdraw {name}": "spare sunset", "/operator/{token}": "secret",
	"/posts/{id}": "note", "/posts/{id}/accept {id}": "submission", "/posts/{id}/refuse {id}": "submission", "/posts/{id}/undo {id}": "deleted post",
	"/report/{kind}/{id}": "note", "/reset/{token}": "reset", "/settings/mutes/{kind}/{id}": "note", "/share/{kind}/{id}": "note", "/sign-up/{link}": "sign-up link",
	"/slip/{secret}": "slip of the closing", "/slip/{secret}/certificate.txt {secret}": "slip of the gone", "/submissions/{service}/{id}": "circle",
	"/sunsets/{name}/certificate {name}": "past sunset", "/sunsets/{sunset}": "open sunset", "/sunsets/{sunset}/picture {sunset}": "sunset with a picture",
	"/talk/comments/{id}": "comment", "/talk/comments/{id}/pin {id}": "comment on the film", "/talk/{kind}/{id}": "note",
	"/talk/{kind}/{id}/like-privately {kind}": "=video", "/talk/{kind}/{id}/like-privately {id}": "film", "/topics/{id}": "topic",
	"/uploads/{id}": "upload", "/videos/{id}": "film", "/videos/{id}/undo {id}": "deleted film", "/videos/{id}/subtitles/{subtitle}": "subtitles", "/videos/{id}/{list} {id}": "film in a size", "/videos/{id}/{list}": "=master.m3u8",
}

// forms are what is asked with a route, after its ? or in its body; names in braces are things. The form "files" is one with files.
var forms = map[string]string{
	"GET /claims/new": "on=video:{film}", "GET /exit/hasten": "run={run of the closing}", "GET /oembed": "url=https://exeunt.test/videos/{shown film}", "GET /search/count": "q=note&tab=posts",
	"POST /channels/pictures": "files", "POST /circles/{id}/notices": "text=hear", "POST /circles/{id}/pictures": "files", "POST /circles/{id}/topics": "name=walks",
	"POST /claims/new": "on=video:{film}", "POST /claims/{claim}/counter": "words=mine&faith=1", "POST /claims/{claim}/decide": "what=refuse&words=no",
	"POST /collections/{id}": "title=other", "POST /collections/{id}/move": "video={film}",
	"POST /exit/cancel": "run={run of the closing}", "POST /exit/hasten": "run={run of the closing}", "POST /exit/return": "run={run of the closed}", "POST /exit/wake": "run={run of the hibernating}",
	"POST /me/standing/{deed}/appeal": "words=why", "POST /moderation/remove/{kind}/{id}": "rule=spam", "POST /operator/runs/{id}/retry": "step={step}", "POST /operator/channels/{account}/badge": "badge=hills",
	"POST /posts/{id}/edit": "text=other", "POST /posts/{id}/refuse": "reason-{submission}=no", "POST /report/{kind}/{id}": "reason=spam", "POST /talk/{kind}/{id}/comments": "text=so",
	"POST /topics/{id}/rename": "name=other", "POST /videos/{id}/bullets": "text=so&moment=1", "POST /videos/{id}/cover": "files", "POST /videos/{id}/subtitles": "files",
}

// things are made when a route is about them, and made anew after somebody has changed something.
var things = map[string]func(t *testing.T, g *gate) string{
	"shown circle":           func(t *testing.T, g *gate) string { return g.ringOf(t, "open", "posts") },
	"hidden circle":          func(t *testing.T, g *gate) string { return g.ringOf(t, "invitation", "intro") },
	"circle with a farewell": farewellIn,
	"followed owner": func(t *testing.T, g *gate) string {
		g.add(t, "follows", "follower_id", g.id("member"), "followee_id", g.id("owner"), "created_at", 0)
		return g.kept["name"]
	},
	"film":                func(t *testing.T, g *gate) string { return g.film(t, "circle:"+g.thing(t, "circle"), "live") },
	"shown film":          func(t *testing.T, g *gate) string { return g.film(t, "public", "live") },
	"deleted film":        func(t *testing.T, g *gate) string { return g.film(t, "public", "deleted") },
	"subtitles":           subtitled,
	"film in a size":      func(t *testing.T, g *gate) string { return g.sized(t) },
	"collection":          collection,
	"topic":               func(t *testing.T, g *gate) string { return g.topic(t, "circle", number(g.thing(t, "circle"))) },
	"topic of the film":   topicOfFilm,
	"comment":             func(t *testing.T, g *gate) string { return g.comment(t, "post", "note") },
	"comment on the film": func(t *testing.T, g *gate) string { return g.comment(t, "video", "film") },
	"draft":               func(t *testing.T, g *gate) string { return g.post(t, "owner", "draft") },
	"submission":          func(t *testing.T, g *gate) string { return g.post(t, "member", "submitted") },
	"deleted post":        func(t *testing.T, g *gate) string { return g.post(t, "owner", "deleting") },
	"removed post":        removed,
	"case":                caseOn,
	"claim":               func(t *testing.T, g *gate) string { return g.claim(t, "account_id", g.id("member")) },
	"claim of a guest": func(t *testing.T, g *gate) string {
		g.insert(t, `delete from claims`)
		g.claim(t, "account_id", nil)
		return secret
	},
	"offer": func(t *testing.T, g *gate) string {
		return g.add(t, "circle_offers", "circle_id", number(g.thing(t, "circle")), "account_id", g.id("owner"), "heir_id", g.id("member"), "run", "", "created_at", 0)
	},
	"notice": func(t *testing.T, g *gate) string {
		return g.add(t, "circle_notices", "circle_id", number(g.thing(t, "circle")), "author_id", g.id("owner"), "text", "hear", "created_at", 0)
	},
	"word": func(t *testing.T, g *gate) string {
		return g.add(t, "word_rules", "service", "circle", "place_id", number(g.thing(t, "circle")), "word", "bad", "word_key", "bad", "does", "hold", "created_at", 0)
	},
	"look": func(t *testing.T, g *gate) string {
		return g.add(t, "image_blocks", "service", "circle", "place_id", number(g.thing(t, "circle")), "look", "0123456789abcdef", "created_at", 0)
	},
	"upload": func(t *testing.T, g *gate) string { return g.upload(t, "video", "open") },
	"batch":  func(t *testing.T, g *gate) string { return g.upload(t, "batch", "done") },
	"import": func(t *testing.T, g *gate) string {
		return g.add(t, "imports", "account_id", g.id("owner"), "state", "done", "kind", "", "key", "", "problem", "", "class", "", "position", 0, "done", 0, "total", 0, "created_at", 0)
	},
	"photo": func(t *testing.T, g *gate) string {
		g.insert(t, `delete from proofs`)
		return g.add(t, "proofs", "account_id", g.id("member"), "kind", "name", "state", "asked", "hash", "", "material", "", "photo", picture(9), "reason", "", "asked_at", 0, "erase_at", future(g))
	},
	"announcement": func(t *testing.T, g *gate) string {
		return g.add(t, "announcements", "text", "hear", "link", "", "created_at", 0)
	},
	"invitation": invitation,
	"invitation of the club": func(t *testing.T, g *gate) string {
		return g.link(t, "account_invites", "account_id", number(g.kept["club"]))
	},
	"reset": func(t *testing.T, g *gate) string {
		return g.link(t, "one_time_links", "person_id", int64(g.viewers["member"].Person), "kind", "reset")
	},
	"sign-up link":     func(t *testing.T, g *gate) string { return g.link(t, "sign_up_links", "note", "", "created_at", 0) },
	"unproven address": func(t *testing.T, g *gate) string { g.address(t, nil); return secret },
	"proven address":   func(t *testing.T, g *gate) string { return g.address(t, 1) },
	"link":             func(t *testing.T, g *gate) string { return g.archive(t, "hash") },
	"used link":        func(t *testing.T, g *gate) string { return g.archive(t, "pass") },
	"sunset with a picture": func(t *testing.T, g *gate) string {
		g.insert(t, `insert into sunset_pictures (sunset_id, type, width, height, data) select id, 'image/png', 1, 1, 'aWNvbg==' from sunsets where name = 'open' on conflict do nothing`)
		return "open"
	},
}

// future gives an instant that no clock of the test reaches, in Unix milliseconds.
func future(g *gate) int64 { return g.in.machine.Now().AddDate(1, 0, 0).UnixMilli() }

// ringOf makes another circle of the owner's, with its members.
func (g *gate) ringOf(t *testing.T, mode, preview string) string {
	t.Helper()
	id := g.add(t, "circles", "name", "shown", "intro", "", "join_mode", mode, "cover", "", "state", "open", "members", 6, "posts", 0, "created_at", 0, "preview", preview)
	g.add(t, "circle_members", "circle_id", number(id), "account_id", g.id("owner"), "role", "owner", "state", "active", "created_at", 0)
	g.seat(t, id)
	return id
}

func farewellIn(t *testing.T, g *gate) string {
	t.Helper()
	id := g.thing(t, "hidden circle")
	g.insert(t, `insert into circle_farewells (circle_id, account_id, words, link, created_at) values ($1, $2, 'bye', 'https://rings.example/', 0)`, number(id), g.id("owner"))
	return id
}

// film makes a video of the owner's.
func (g *gate) film(t *testing.T, audience, state string) string {
	t.Helper()
	return g.add(t, "videos", "account_id", g.id("owner"), "title", "film", "text", "", "audience", audience, "language", "en", "state", state, "media", "plain", "fault", "", "progress", 1000,
		"at", 1, "created_at", 1, "deleted_as", "live", "original", g.kept["file"], "type", "video/mp4", "file", "film.mp4", "bytes", 1, "sha256", "", "duration", 1000, "width", 640, "height", 360,
		"poster", "", "thumb", "", "downloads", 0)
}

func subtitled(t *testing.T, g *gate) string {
	t.Helper()
	return g.add(t, "video_subtitles", "video_id", number(g.thing(t, "film")), "account_id", g.id("owner"), "language", "zh", "label", "", "key", "", "bytes", 1)
}

// sized is the film with a rendition.
func (g *gate) sized(t *testing.T) string {
	t.Helper()
	film := g.thing(t, "film")
	g.add(t, "video_renditions", "video_id", number(film), "account_id", g.id("owner"), "width", 640, "height", 360, "bandwidth", 1, "codecs", "", "playlist", "#EXTM3U\n", "key", g.kept["file"], "bytes", 1)
	return film
}

func collection(t *testing.T, g *gate) string {
	t.Helper()
	id := g.add(t, "collections", "account_id", g.id("owner"), "title", "films", "text", "", "created_at", 0)
	g.add(t, "collection_videos", "collection_id", number(id), "account_id", g.id("owner"), "video_id", number(g.thing(t, "film")), "position", 1)
	return id
}

func (g *gate) topic(t *testing.T, service string, place int64) string {
	t.Helper()
	name := "walks" + g.in.DB.IDs.Next().String()
	return g.add(t, "topics", "service", service, "place_id", place, "name", name, "name_key", name, "posts", 1, "state", "live", "created_at", 0)
}

func topicOfFilm(t *testing.T, g *gate) string {
	t.Helper()
	id := g.topic(t, "channel", 0)
	g.add(t, "video_topics", "video_id", number(g.thing(t, "shown film")), "account_id", g.id("owner"), "topic_id", number(id), "at", 1)
	return id
}

// comment is the member's, on something of the owner's.
func (g *gate) comment(t *testing.T, kind, on string) string {
	t.Helper()
	service, place := "circle", number(g.thing(t, "circle"))
	if kind == "video" {
		service, place = "channel", 0
	}
	return g.add(t, "comments", "author_id", g.id("member"), "ref_kind", kind, "ref_id", number(g.thing(t, on)), "service", service, "place_id", place, "text", "so", "state", "live", "created_at", 0)
}

// post makes a post in the circle that is not seen by all.
func (g *gate) post(t *testing.T, author, state string) string {
	t.Helper()
	ring := g.thing(t, "circle")
	return g.add(t, "posts", "author_id", g.id(author), "service", "circle", "place_id", number(ring), "audience", "circle:"+ring, "text", "other", "summary", "", "language", "", "reply_to", "",
		"state", state, "deleted_as", "live", "created_at", 1)
}

func removed(t *testing.T, g *gate) string {
	t.Helper()
	id := g.post(t, "member", "withheld")
	g.add(t, "acts", "kind", "remove", "ref_kind", "post", "ref_id", number(id), "service", "circle", "place_id", number(g.thing(t, "circle")), "about_id", g.id("member"), "by_id", g.id("owner"),
		"rule", "spam", "words", "", "detail", "", "state", "active", "created_at", int64(1)<<42)
	return id
}

func caseOn(t *testing.T, g *gate) string {
	t.Helper()
	return g.add(t, "cases", "ref_kind", "post", "ref_id", number(g.thing(t, "note")), "service", "circle", "place_id", number(g.thing(t, "circle")), "about_id", g.id("owner"), "state", "open", "created_at", 0)
}

// claim is a complaint about the owner's film.
func (g *gate) claim(t *testing.T, by string, claimant any) string {
	t.Helper()
	return g.add(t, "claims", "ref_kind", "video", "ref_id", number(g.thing(t, "film")), "owner_id", g.id("owner"), by, claimant, "name", "", "email", "", "hash", hashed(""), "work", "mine",
		"statement", "mine", "state", "open", "created_at", 0, "answer_by", future(g), "touched_at", 0, "erase_at", future(g))
}

func (g *gate) upload(t *testing.T, what, state string) string {
	t.Helper()
	return g.add(t, "uploads", "account_id", g.id("owner"), "what", what, "name", "film.mp4", "type", "", "detail", "", "length", 10, "received", 0, "state", state, "created_at", 0, "expires_at", future(g))
}

func invitation(t *testing.T, g *gate) string {
	t.Helper()
	return g.link(t, "circle_invites", "circle_id", number(g.thing(t, "circle")), "account_id", g.id("owner"), "uses", 1, "created_at", 0)
}

// link makes the one link in a table that the secret opens.
func (g *gate) link(t *testing.T, table string, fields ...any) string {
	t.Helper()
	g.insert(t, `delete from `+table)
	g.add(t, table, append(fields, "hash", hashed(""), "expires_at", future(g))...)
	return secret
}

// address is the owner's for notices.
func (g *gate) address(t *testing.T, proven any) string {
	t.Helper()
	g.insert(t, `delete from notice_addresses`)
	g.insert(t, `insert into notice_addresses (id, account_id, address, hash, expires_at, proven_at, created_at) values ($1, $2, 'owner@exeunt.test', $3, $4, $5, 0)`,
		number(g.kept["address"]), g.id("owner"), hashed(""), future(g), proven)
	return g.kept["address"]
}

// archive makes the link of an e-mail about the owner's archive, or, with pass, the one for which it was used up.
func (g *gate) archive(t *testing.T, column string) string {
	t.Helper()
	g.insert(t, `delete from archive_links`)
	fields := []any{"account_id", g.id("owner"), "export_id", number(g.kept["archive"]), "made_at", 0, "ends_at", future(g), column, hashed("archive ")}
	if column == "pass" {
		fields = append(fields, "hash", strings.Repeat("0", 64), "used_at", 1, "pass_until", g.in.machine.Now().Add(time.Hour).UnixMilli())
	}
	g.add(t, "archive_links", fields...)
	return secret
}
