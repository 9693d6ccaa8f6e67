package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/job"
	"exeunt/internal/leave"
	"exeunt/internal/moderate"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// someone is a person with two accounts: a personal one, and an organisation of which they are the only administrator.
type someone struct {
	in      *install
	name    string
	v       who.Viewer // by the personal account
	org     who.ID
	pages   []who.ID // posts on the own page
	circle  who.ID   // the circle they own
	said    who.ID   // a comment of theirs on the other's post
	video   who.ID   // a video on their channel
	planted []string
	rune    rune // the next rare character
}

// plant gives a text for one column that is found nowhere else: a long word of ASCII, a short one, and four rare
// characters, of which every two neighbours stand together nowhere else.
func (s *someone) plant(what string) string {
	long, short, rare := s.name+"."+what+".zq", fmt.Sprintf("~%c%c^", 'A'+rune(len(s.planted)%26), 'a'+(s.rune/4)%26), ""
	for range 4 {
		rare += string(s.rune)
		s.rune += 2
	}
	s.planted = append(s.planted, long, short+s.name[:1], rare)
	return long + " " + short + s.name[:1] + " " + rare
}

// plantWord is plant for where neither blanks nor signs can stand.
func (s *someone) plantWord(what string) string {
	word := s.name + what + "zq"
	rare := string(s.rune) + string(s.rune+2) + string(s.rune+4)
	s.rune += 6
	s.planted = append(s.planted, word, rare)
	return word + rare
}

// ids gives the ids by which rows refer to the person.
func (s *someone) ids() []who.ID { return []who.ID{s.v.Person, s.v.Account, s.org} }

// newSomeone makes a person whose rare characters begin at one of the rarest blocks of Unicode (CJK Extension A).
func newSomeone(t *testing.T, in *install, name string, first rune) *someone {
	t.Helper()
	s := &someone{in: in, name: name, rune: first}
	full := s.plantWord("n")
	s.v = in.signUp(t, full)
	s.org = value[who.ID](t, "make organisation")(in.Accounts.AddPersona(t.Context(), s.v, s.plantWord("o"), account.Organisation))
	return s
}

func (s *someone) own() who.Viewer {
	return who.Viewer{Person: s.v.Person, Account: s.org, State: who.Active}
}

// furnish fills what the account room and the service room keep.
func (s *someone) furnish(t *testing.T) {
	t.Helper()
	ctx, a := t.Context(), s.in.Accounts
	must(t, a.SetProfile(ctx, s.v, account.Profile{
		Display: s.plant("display"), Bio: s.plant("bio"),
		Links: []account.ProfileLink{{Label: s.plantWord("label"), URL: "https://example.org/" + s.name + "linkzq"}},
	}), "set profile")
	for _, which := range []account.Which{account.Avatar, account.Cover} {
		must(t, a.SetPicture(ctx, s.v, which, bytes.NewReader(picture(uint8(s.rune)))), "set picture")
	}
	_, err := a.Invite(ctx, s.own())
	must(t, err, "invite administrator")
	_, err = a.Begin(ctx, s.v.Person, s.v.Account, "")
	must(t, err, "begin session")
	s.planted = append(s.planted, s.name+"linkzq")
	_, err = a.MakeReset(ctx, s.v.Name)
	must(t, err, "make reset link")
	must(t, s.in.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := s.in.Desk.EnterExit(ctx, s.v.Account)
		if err != nil {
			return err
		}
		if err := s.in.Desk.Arrange(ctx, pass, s.v.Account, []string{"circle", "page"}); err != nil {
			return err
		}
		return a.Approve(ctx, pass, s.v.Account, s.v.Person, s.name)
	}), "arrange entrances and approve")
	s.listen(t)
	s.show(t)
}

// show has a person bind a real name and keep a passkey, and wait to be let in.
func (s *someone) show(t *testing.T) {
	t.Helper()
	ctx, in := t.Context(), s.in
	must(t, in.Accounts.SetProofRules(ctx, account.ProofRules{account.Phone: {Wanted: account.OfNobody}, account.RealName: {Wanted: account.WhoLikes, Why: "law"}}), "ask for names")
	must(t, in.Accounts.BindName(ctx, s.v, s.plantWord("name"), s.plant("document"), bytes.NewReader(picture(uint8(3*s.rune)))), "bind name")
	// An authenticator's answer and a sign-up that waits are tried where they belong; here their rows are enough.
	must(t, in.DB.Update(ctx, func(ctx context.Context) error {
		if _, err := in.DB.Exec(ctx, `insert into passkeys (id, person_id, credential, public_key, flags, sign_count, transports, name, created_at) values ($1, $2, $3, $4, 1, 1, '', $5, 1)`,
			int64(in.DB.IDs.Next()), int64(s.v.Person), s.plantWord("credential"), []byte(s.plantWord("key")), s.plant("device")); err != nil {
			return err
		}
		_, err := in.DB.Exec(ctx, `insert into applications (account_id, text, created_at) values ($1, $2, 1)`, int64(s.v.Account), s.plant("about"))
		return err
	}), "store passkey and application")
}

// listen has a person choose what to be told, and where.
func (s *someone) listen(t *testing.T) {
	t.Helper()
	ctx, n := t.Context(), s.in.Notices
	must(t, n.Choose(ctx, s.v, map[notify.Kind]notify.Switch{notify.Announced: {Centre: true}}), "choose notices")
	box := s.name + "mailboxzq@example.com"
	must(t, n.Bind(ctx, s.v, box), "bind address")
	s.planted = append(s.planted, box)
}

// write fills posts, images, links, blobs, jobs, and what is brought in from elsewhere.
func (s *someone) write(t *testing.T) {
	t.Helper()
	ctx, in := t.Context(), s.in
	for i, audience := range []string{"public", "followers", "only"} {
		d := post.Draft{Service: post.Page, Audience: audience, Text: s.plant("post")}
		if i == 0 {
			d.Images = []post.Upload{{Open: opens(picture(uint8(7 * s.rune))), Alt: s.plant("alt")}}
		}
		s.pages = append(s.pages, value[who.ID](t, "write post")(in.Posts.Write(ctx, s.v, d)))
	}
	s.circle = value[who.ID](t, "make circle")(in.Circles.Create(ctx, s.v, circle.Draft{
		Name: s.plantWord("circle"), Intro: s.plant("intro"), Rules: s.plant("rules"), Question: s.plant("question"), Category: "reading", Mode: circle.Open,
	}))
	must(t, in.Circles.SetPicture(ctx, s.v, s.circle, circle.Cover, bytes.NewReader(picture(uint8(9*s.rune)))), "set cover")
	must(t, in.Circles.Tell(ctx, s.v, s.circle, s.plant("notice")), "put up notice")
	inside, err := in.Posts.Write(ctx, s.v, post.Draft{Service: "circle", Place: s.circle, Text: s.plant("inside")})
	must(t, err, "write in circle")
	must(t, in.Posts.Feature(ctx, s.v, inside, true), "feature post")
	must(t, in.Posts.Pin(ctx, s.v, inside, true), "pin post")
	_, err = in.Posts.Write(ctx, s.v, post.Draft{Service: post.Page, Text: s.plant("tagging") + " #" + s.plantWord("topic")})
	must(t, err, "write on a topic")
	for _, where := range []post.Draft{{Service: post.Page}, {Service: "circle", Place: s.circle}} {
		where.Text, where.Images = s.plant("drafted"), []post.Upload{{Open: opens(picture(uint8(3 * s.rune))), Alt: s.plant("draft alt")}}
		_, err = in.Posts.SaveDraft(ctx, s.v, where)
		must(t, err, "keep draft")
	}
	_, err = in.Circles.Invite(ctx, s.v, s.circle, circle.DefaultTerms)
	must(t, err, "invite to circle")
	s.bring(t)
	s.put(t)
	must(t, in.Queue.Add(ctx, job.Job{Kind: "test.later", Ref: s.v.Account.String(), Account: s.v.Account, Delay: 1000 * time.Hour}), "add job")
}

// put stores a file that nothing refers to yet.
func (s *someone) put(t *testing.T) blob.Blob {
	t.Helper()
	b, err := s.in.Blobs.Put(t.Context(), s.v.Account, blob.Posts, ".png", "image/png", bytes.NewReader(picture(1)))
	must(t, err, "put blob")
	return b
}

// bring takes records of elsewhere in, as an import does.
func (s *someone) bring(t *testing.T) {
	t.Helper()
	task := exit.Task{Subject: leave.SubjectOf(s.v.Account, ""), Class: "posts", Part: archive.ClassPosts, Now: dbtest.Start}
	old := archive.At(dbtest.Start.AddDate(-2, 0, 0))
	records := []any{archive.Post{
		ID: "1", Origin: "https://old.example/" + s.name + "originzq", Place: "page", Audience: archive.AudiencePublic, Text: s.plant("brought"), Summary: s.plant("summary"),
		InReplyTo: "https://old.example/" + s.name + "replyzq", Language: "zh", Published: old, Images: []archive.Image{{Path: "none.png", Alt: s.plant("lost"), Missing: "gone"}},
	}}
	s.in.bring(t, s.in.Posts.Holder(), task, records)
	task.Class, task.Part = "links", archive.ClassLinks
	s.in.bring(t, s.in.Posts.Holder(), task, []any{archive.Link{Kind: "like", URI: "https://old.example/" + s.name + "keptzq", At: old}})
	for _, word := range []string{"originzq", "replyzq", "keptzq"} {
		s.planted = append(s.planted, s.name+word)
	}
}

// noFiles is an archive without files.
type noFiles struct{}

func (noFiles) File(context.Context, string) (io.ReadCloser, int64, error) {
	return nil, 0, exit.Fail(exit.NotFound, "error.not_found")
}

// pack makes an archive on the install, and takes a copy of it in again.
func (s *someone) pack(t *testing.T) {
	t.Helper()
	ctx, in := t.Context(), s.in
	in.agree(t, exit.Ask{Subject: leave.SubjectOf(s.v.Account, ""), Journey: exit.TakeAlong, Pack: leave.Packing{Media: true}.Words()})
	in.settle(t)
	name := filepath.Join(t.TempDir(), "own.zip")
	_, err := in.Leave.PackTo(ctx, &leave.Packing{Account: s.v.Account, Media: true, MaxBytes: -1}, name)
	must(t, err, "pack")
	_, err = in.Leave.ImportFrom(ctx, s.v.Account, name)
	must(t, err, "import")
}

// meet has a person do to the other whatever one can do to another.
func (s *someone) meet(t *testing.T, other *someone) {
	t.Helper()
	ctx, in := t.Context(), s.in
	must(t, in.Relations.Follow(ctx, s.v, other.v.Account), "follow")
	_, err := in.Circles.Join(ctx, s.v, other.circle)
	must(t, err, "join circle")
	_, err = in.Posts.Write(ctx, s.v, post.Draft{Service: "circle", Place: other.circle, Text: s.plant("guest")})
	must(t, err, "write in the other's circle")
	_, err = in.Posts.Write(ctx, s.v, post.Draft{Service: post.Page, Text: s.plant("mentioning") + " @" + other.v.Name})
	must(t, err, "mention")
	for _, card := range []who.Ref{{Kind: "post", ID: other.pages[0]}, {Kind: "account", ID: other.v.Account}} {
		_, err = in.Posts.Write(ctx, s.v, post.Draft{Service: post.Page, Text: s.plant("sharing"), Card: card})
		must(t, err, "share")
	}
	ref := who.Ref{Kind: "post", ID: other.pages[0]}
	s.said = value[who.ID](t, "comment")(in.Talk.Comment(ctx, s.v, ref, talk.Draft{Text: s.plant("said") + " @" + other.v.Name}))
	must(t, in.Talk.Like(ctx, s.v, ref, false), "like post")
	must(t, in.Talk.Save(ctx, s.v, ref), "save post")
	own := who.Ref{Kind: "post", ID: s.pages[0]}
	if other.said != 0 {
		_, err = in.Talk.Comment(ctx, s.v, own, talk.Draft{Parent: other.said, Text: s.plant("answer")})
		must(t, err, "answer")
		must(t, in.Talk.Like(ctx, s.v, who.Ref{Kind: "comment", ID: other.said}, false), "like comment")
	}
	_, err = in.Talk.Comment(ctx, s.v, own, talk.Draft{Text: s.plant("soliloquy")})
	must(t, err, "comment on own post")
	s.watch(t, other)
}

// quarrel has a person keep the other away, report them, mute them in a circle, hear their appeal and refuse it. What
// ends follows is done between their organisations.
func (s *someone) quarrel(t *testing.T, other *someone) {
	t.Helper()
	ctx, in := t.Context(), s.in
	must(t, in.Relations.Mute(ctx, s.v, who.Ref{Kind: "account", ID: other.org}, relation.ForGood), "mute")
	must(t, in.Relations.Mute(ctx, s.v, who.Ref{Kind: "circle", ID: s.circle}, relation.LessOf), "mute circle")
	must(t, in.DB.Update(ctx, func(ctx context.Context) error { // each has blocked the other, before either could see it
		_, err := in.DB.Exec(ctx, `insert into blocks (id, account_id, blocked_id, created_at) values ($1, $2, $3, 1)`, int64(in.DB.IDs.Next()), int64(s.org), int64(other.org))
		return err
	}), "block")
	must(t, in.Order.Report(ctx, s.v, who.Ref{Kind: "post", ID: other.pages[0]}, "other", s.plant("report")), "report")
	place := moderate.Place{Service: "circle", ID: s.circle}
	must(t, in.Order.Lay(ctx, s.v, place, other.v.Account, moderate.Order{What: moderate.Mute, Rule: "abuse", Words: s.plant("mute")}), "mute in circle")
	acts := value[[]moderate.Act](t, "read log")(in.Order.Log(ctx, s.v, place, 0, 1))
	must(t, in.Order.Appeal(ctx, other.v, acts[0].ID, other.plant("appeal")), "appeal")
	must(t, in.Order.Settle(ctx, s.v, acts[0].ID, false, s.plant("answer to the appeal")), "answer")
}

// twoLives fills the install with two people, each with all there is, and across.
func twoLives(t *testing.T, in *install) (ana, bo *someone) {
	t.Helper()
	ana, bo = newSomeone(t, in, "ana", 0x3400), newSomeone(t, in, "bo", 0x4000)
	for _, s := range []*someone{ana, bo} {
		s.pack(t)
		s.furnish(t)
		s.write(t)
		s.video = s.film(t)
	}
	ana.meet(t, bo)
	bo.meet(t, ana)
	ana.quarrel(t, bo)
	bo.quarrel(t, ana)
	for _, s := range []*someone{ana, bo} {
		must(t, in.Notices.ReadAll(t.Context(), s.v), "read notices")
	}
	return ana, bo
}

// personalRows gives a condition for the rows of a column that refer to the person.
func (s *someone) personalRows(c column) string {
	var list []string
	for _, id := range s.ids() {
		switch {
		case c.table == "exit_runs" || c.table == "exit_steps" && c.name == "subject":
			kind := exit.SubjectAccount
			if id == s.v.Person {
				kind = exit.SubjectPerson
			}
			list = append(list, "'"+exit.Subject{Kind: kind, ID: id.String()}.String()+"'")
		case c.table == "exit_steps":
			list = append(list, "'"+id.String()+"'")
		default:
			list = append(list, id.String())
		}
	}
	return c.name + " in (" + strings.Join(list, ", ") + ")"
}
