package server_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/sunset"
	"exeunt/internal/who"
)

// secret stands in every link that opens something for whoever has it.
const secret = "kbdhc3ljnszvjwmtubdoxxlbfp4wnyh7aqmvarsopyz"

// hashed gives what is kept of a secret: its SHA-256, after a word of the room that keeps it.
func hashed(word string) string {
	sum := sha256.Sum256([]byte(word + secret))
	return hex.EncodeToString(sum[:])
}

// gate is an install with a visitor of each sort, and an owner whose things they look at.
type gate struct {
	in      *install
	handler http.Handler
	viewers map[string]who.Viewer
	cookie  string                                    // of the gone
	kept    map[string]string                         // things that no visitor changes, by their names
	made    map[string]string                         // things that one of them may change, made when a route is about them
	makes   map[string]func(*testing.T, *gate) string // makes one
	worn    bool                                      // a visitor has changed what the next one would look at
}

// newGate makes the visitors, and what takes its time to come about. The closed one has consented eight days ago, past cooling-off.
func newGate(t *testing.T, in *install) *gate {
	t.Helper()
	ctx := t.Context()
	g := &gate{in: in, viewers: map[string]who.Viewer{}, kept: map[string]string{"secret": secret}, makes: things, worn: true}
	token, _, err := in.Accounts.FirstStart(ctx)
	must(t, err, "start first")
	operator, err := in.Accounts.MakeOperator(ctx, token, "operatorone", password)
	must(t, err, "make operator")
	closing := func(name, service string) {
		ask := exit.Ask{Subject: leave.SubjectOf(g.viewers[name].Account, service), Journey: exit.Close}
		plan, err := in.Engine.Preview(ctx, ask)
		must(t, err, "preview closing")
		run, slip, err := in.Leave.Agree(ctx, ask, plan.Hash(), "person")
		must(t, err, "agree closing")
		g.kept["run of the "+name], g.kept["slip of the "+name] = run.ID, slip
	}
	g.viewers["gone"], g.viewers["member"], g.viewers["owner"] = in.signUp(t, "goneone"), in.signUp(t, "memberone"), in.member(t, "ownerone")
	g.cookie, err = in.Accounts.Begin(ctx, g.viewers["gone"].Person, g.viewers["gone"].Account, "")
	must(t, err, "begin session")
	closing("gone", "")
	closing("member", channel.Name)
	past := g.ends(t, "past", [4]int{0, 2, 20, 30})
	in.travel(t, 40)
	in.wantRun(t, past.Run, exit.RunSealed)
	g.ends(t, "open", [4]int{0, 100, 200, 300})
	g.ends(t, "spare", [4]int{0, 100, 200, 300})
	for _, name := range visitors {
		if _, there := g.viewers[name]; !there && name != "guest" && name != "operator" {
			g.viewers[name] = in.signUp(t, name+"one")
		}
	}
	closing("closed", "")
	in.travel(t, 8)
	closing("closing", "")
	g.kept["run of the hibernating"] = in.agree(t, exit.Ask{Subject: leave.SubjectOf(g.viewers["hibernating"].Account, ""), Journey: exit.Hibernate}).ID
	in.settle(t)
	g.viewers["operator"] = who.Viewer{Person: operator.Person, Account: operator.Account, Operator: true}
	must(t, in.Order.Lay(ctx, g.viewers["operator"], moderate.Everywhere, g.viewers["suspended"].Account, moderate.Order{What: moderate.Suspend, Rule: "fraud"}), "suspend")
	for name, want := range map[string]who.State{"hibernating": who.Hibernating, "closing": who.Closing, "closed": who.Closed, "member": who.Active, "suspended": who.Active, "gone": ""} {
		in.wantState(t, name, g.viewers[name].Account, want)
	}
	g.keep(t)
	g.handler = in.Handler()
	return g
}

// ends publishes the ending of a circle of the owner's that is called after it: announced, read-only, stopped and erased on these days from now.
func (g *gate) ends(t *testing.T, name string, days [4]int) sunset.Sunset {
	t.Helper()
	owner := g.viewers["owner"]
	ring := value[who.ID](t, "make circle")(g.in.Circles.Create(t.Context(), owner, circle.Draft{Name: name + " ring", Mode: circle.Open}))
	_, err := g.in.Posts.Write(t.Context(), owner, post.Draft{Service: circle.Name, Place: ring, Text: "what ends"})
	must(t, err, "write post")
	now := value[time.Time](t, "read clock")(g.in.DB.Now(t.Context()))
	text := fmt.Sprintf("version: 1\nname: %s\nends: circle:%s\nzone: UTC\nphases:\n", name, ring)
	for i, word := range []string{exit.Announced, exit.ReadOnly, exit.Stopped, exit.Erased} {
		text += fmt.Sprintf("  %s: %s\n", word, now.AddDate(0, 0, days[i]).Format(time.DateOnly))
	}
	g.kept[name+" sunset"] = name
	return g.in.publish(t, []byte(text+"title: {en: The end}\nreason: {en: We go another way.}\nask: {en: Ask us.}\n"))
}

// keep makes what no visitor changes.
func (g *gate) keep(t *testing.T) {
	t.Helper()
	ctx, owner := t.Context(), g.viewers["owner"]
	must(t, g.in.DB.SetSetting(ctx, "house", `{"rules":"Be kind.","registration":"open"}`), "write rules")
	must(t, g.in.DB.SetSetting(ctx, "house-icon", "aWNvbg=="), "put an icon")
	g.in.machine.Add(time.Minute) // what is kept of them in memory is too old then
	g.insert(t, `insert into channels (account_id, name, bio, avatar, cover, created_at) values ($1, 'films', '', '', '', 0)`, g.id("owner"))
	put, err := g.in.Blobs.Put(ctx, owner.Account, blob.Videos, ".mp4", "video/mp4", strings.NewReader("film"))
	must(t, err, "put a film")
	objects, err := g.in.Blobs.List(ctx, owner.Account.String()+"/posts/", "", 1)
	must(t, err, "list blobs")
	_, steps, err := g.in.DB.Runs.Load(ctx, g.kept["run of the closing"])
	must(t, err, "read run")
	g.kept["name"], g.kept["file"], g.kept["image"], g.kept["step"] = owner.Name, put.Key, objects[0].Key, steps[0].Key
	var export int64
	var run string
	must(t, g.in.DB.Reader.QueryRowContext(ctx, `select id, run from sunset_exports where account_id = $1 and state = 'packed' order by id limit 1`, g.id("owner")).Scan(&export, &run), "find archive")
	volumes, err := g.in.Leave.VolumesOf(ctx, run)
	must(t, err, "read volumes")
	g.kept["archive"], g.kept["run of the archive"], g.kept["volume"], g.kept["volume's name"] = fmt.Sprint(export), run, volumes[0].ID.String(), volumes[0].Name
	secret := value[[]byte](t, "read secret")(account.InstallSecret(ctx, g.in.DB))
	g.kept["address"] = g.in.DB.IDs.Next().String()
	m := hmac.New(sha256.New, secret)
	_, _ = fmt.Fprintf(m, "notify.stop\x00%s\x00like", g.kept["address"]) // never fails (hash.Hash)
	g.kept["proof"] = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.Sum(nil)[:10]))
	club := value[account.Created](t, "make organisation")(g.in.Accounts.CreateAccount(ctx, "clubone", account.Organisation, password))
	g.kept["club"] = club.Account.String()
	for name, v := range g.viewers {
		g.kept[name] = v.Account.String()
	}
}

func (g *gate) id(visitor string) int64 { return int64(g.viewers[visitor].Account) }

func (g *gate) insert(t *testing.T, query string, args ...any) {
	t.Helper()
	_, err := g.in.DB.Writer.ExecContext(t.Context(), query, args...)
	must(t, err, query)
}

// add puts a row into a table, of columns and their values by turns, and gives its id.
func (g *gate) add(t *testing.T, table string, fields ...any) string {
	t.Helper()
	id := g.in.DB.IDs.Next()
	columns, places, args := "id", "$1", []any{int64(id)}
	for i := 1; i < len(fields); i += 2 {
		args = append(args, fields[i])
		columns, places = columns+", "+fields[i-1].(string), places+fmt.Sprint(", $", len(args))
	}
	g.insert(t, `insert into `+table+` (`+columns+`) values (`+places+`)`, args...)
	return id.String()
}

// renew gives the visitors a new circle to look at, with a post in it, and each of them has their place there. All else that they may change is made again
// when a route is about it.
func (g *gate) renew(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	owner := g.viewers["owner"]
	g.insert(t, `delete from circle_members`) // of those before: nobody owns more than a hundred
	ring := value[who.ID](t, "make circle")(g.in.Circles.Create(ctx, owner, circle.Draft{Name: "ring " + g.in.DB.IDs.Next().String(), Mode: circle.Open}))
	note := value[who.ID](t, "write post")(g.in.Posts.Write(ctx, owner, post.Draft{Service: circle.Name, Place: ring, Text: "note"}))
	g.made = map[string]string{"circle": ring.String(), "note": note.String()}
	g.insert(t, `delete from blocks`)
	g.insert(t, `delete from follows where followee_id = $1`, g.id("owner"))
	g.add(t, "blocks", "account_id", g.id("owner"), "blocked_id", g.id("blocked"), "created_at", 0)
	g.seat(t, ring.String())
	act := g.add(t, "acts", "kind", "mute", "ref_kind", "account", "ref_id", g.id("muted"), "service", "circle", "place_id", int64(ring), "about_id", g.id("muted"), "by_id", g.id("owner"),
		"rule", "spam", "words", "", "detail", "", "state", "active", "created_at", int64(1)<<42)
	g.insert(t, `insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'mute', $3, 0)`, g.id("muted"), "circle:"+ring.String(), "act:"+act)
	g.add(t, "sanctions", "account_id", g.id("banned"), "what", "ban", "service", "circle", "place_id", int64(ring), "act_id", number(act), "rule", "spam", "created_at", 0)
	g.made["act"] = act
	g.worn = false
}

// seat makes those members of a circle who are, in their roles.
func (g *gate) seat(t *testing.T, ring string) {
	t.Helper()
	for _, name := range []string{"member", "muted", "blocked", "moderator", "suspended"} {
		role := "member"
		if name == "moderator" {
			role = name
		}
		g.add(t, "circle_members", "circle_id", number(ring), "account_id", g.id(name), "role", role, "state", "active", "created_at", 0)
	}
}

func number(id string) int64 {
	n, _ := who.ParseID(id)
	return int64(n)
}

// thing gives what a name stands for, and makes it where it is not there yet.
func (g *gate) thing(t *testing.T, name string) string {
	t.Helper()
	if word, ok := strings.CutPrefix(name, "="); ok {
		return word
	}
	for _, known := range []map[string]string{g.kept, g.made} {
		if v, ok := known[name]; ok {
			return v
		}
	}
	makes, ok := g.makes[name]
	if !ok {
		t.Fatalf("nothing is called %q", name)
	}
	g.made[name] = makes(t, g)
	return g.made[name]
}

var braces = regexp.MustCompile(`\{([^}]+)\}`)

// path fills a pattern's wildcards in, each by what stands in [wildcards] for it in this pattern, for the pattern up to it, or for it anywhere.
func (g *gate) path(t *testing.T, pattern string) string {
	t.Helper()
	pattern = strings.ReplaceAll(pattern, "{$}", "")
	path, last := "", 0
	for _, at := range braces.FindAllStringIndex(pattern, -1) {
		wildcard := pattern[at[0]:at[1]]
		of := ""
		for _, key := range []string{pattern + " " + wildcard, pattern[:at[1]], wildcard} {
			if of = wildcards[key]; of != "" {
				break
			}
		}
		if of == "" {
			t.Fatalf("nothing is to stand for %s in %s: wildcards says what does", wildcard, pattern)
		}
		path, last = path+pattern[last:at[0]]+g.thing(t, of), at[1]
	}
	return path + pattern[last:]
}

// request asks a route about the owner's things, with its form filled in.
func (g *gate) request(t *testing.T, route service.Route) *http.Request {
	t.Helper()
	method, pattern, _ := strings.Cut(route.Pattern, " ")
	path := g.path(t, pattern)
	form := braces.ReplaceAllStringFunc(forms[route.Pattern], func(w string) string { return url.QueryEscape(g.thing(t, strings.Trim(w, "{}"))) })
	if method == http.MethodGet && form != "" {
		path, form = path+"?"+form, ""
	}
	body, kind := strings.NewReader(form), "application/x-www-form-urlencoded"
	if form == "files" {
		body, kind = files(t)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Tus-Resumable", "1.0.0") // without it no upload says more
	r.Header.Set("X-HTTP-Method-Override", http.MethodHead)
	return r
}

// files is a form with a file of each name that one of the forms has.
func files(t *testing.T) (body *strings.Reader, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	must(t, w.WriteField("language", "en"), "write form")
	for name, file := range map[string][]byte{"cover": picture(9), "subtitle": []byte("WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n")} {
		part, err := w.CreateFormFile(name, name)
		must(t, err, "write form")
		_, err = part.Write(file)
		must(t, err, "write form")
	}
	must(t, w.Close(), "write form")
	return strings.NewReader(b.String()), w.FormDataContentType()
}
