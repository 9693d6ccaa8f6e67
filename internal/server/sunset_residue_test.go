package server_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// leftBehind has two people leave before anything ends: one whose posts and comments stay as those of "a member who left", and one of whom
// skeletons, a tombstone and an ended circle are left, because others wrote there.
func leftBehind(t *testing.T, in *install, ana, bo *someone) []*someone {
	t.Helper()
	ctx := t.Context()
	cai, dan := newSomeone(t, in, "cai", 0x3b00), newSomeone(t, in, "dan", 0x4700)
	post1 := func(s *someone, d post.Draft) who.ID {
		return value[who.ID](t, "write post")(in.Posts.Write(ctx, s.v, d))
	}
	say := func(s *someone, on who.Ref, parent who.ID) who.ID {
		return value[who.ID](t, "comment")(in.Talk.Comment(ctx, s.v, on, talk.Draft{Text: s.plant(on.Kind + "talk"), Parent: parent}))
	}
	for _, s := range []*someone{cai, dan} {
		s.circle = value[who.ID](t, "make circle")(in.Circles.Create(ctx, s.v, circle.Draft{Name: s.plantWord("circle"), Intro: s.plant("intro"), Mode: circle.Open}))
		for _, other := range []*someone{s, ana} {
			if other != s {
				_, err := in.Circles.Join(ctx, other.v, s.circle)
				must(t, err, "join circle")
			}
			post1(other, post.Draft{Service: "circle", Place: s.circle, Text: other.plant("inside")})
		}
		_, err := in.Circles.Join(ctx, s.v, bo.circle)
		must(t, err, "join circle")
		post1(s, post.Draft{Service: "circle", Place: bo.circle, Text: s.plant("guest")})
		own := who.Ref{Kind: "post", ID: post1(s, post.Draft{Service: post.Page, Text: s.plant("post")})}
		say(ana, own, 0)
		theirs := who.Ref{Kind: "post", ID: bo.pages[0]}
		say(bo, theirs, say(s, theirs, 0))
		video := who.Ref{Kind: "video", ID: bo.video}
		say(bo, video, say(s, video, 0))
		say(ana, who.Ref{Kind: "video", ID: s.film(t)}, 0)
	}
	stays := map[string]exit.Manner{"post.posts": exit.Detach, "talk.comments": exit.Detach}
	in.agree(t, exit.Ask{Subject: leave.SubjectOf(cai.v.Account, ""), Journey: exit.Close, Choices: stays})
	in.agree(t, exit.Ask{Subject: leave.SubjectOf(dan.v.Account, ""), Journey: exit.Close})
	in.travel(t, 40)
	for _, left := range []string{
		`posts where author_id is null and state = 'live' and service = 'page'`, `posts where author_id is null and state = 'live' and service = 'circle'`,
		`posts where state = 'gone' and service = 'page'`, `comments where author_id is null and state = 'live' and ref_kind = 'post'`,
		`comments where state = 'gone' and ref_kind = 'video'`, `circles where state = 'ended'`, `videos where state = 'gone'`, `farewells where account_id is null`,
	} {
		if in.rowsIn(t, left) == 0 {
			t.Errorf("nobody is left behind in %s: the test shows little", left)
		}
	}
	return []*someone{cai, dan}
}

func (in *install) rowsIn(t *testing.T, from string) (n int64) {
	t.Helper()
	must(t, in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from `+from).Scan(&n), "count "+from)
	return n
}

// alive fills again what time has taken since, a day before the end: what people are told, muted, reported and decided.
func (in *install) alive(t *testing.T, ana, bo *someone) {
	t.Helper()
	ctx, id := t.Context(), func() int64 { return int64(in.DB.IDs.Next()) }
	now := db.Ms(value[time.Time](t, "read clock")(in.DB.Now(ctx)))
	topic := func(service string) (n int64) {
		must(t, in.DB.Reader.QueryRowContext(ctx, `select max(id) from topics where service = $1`, service).Scan(&n), "find topic")
		return n
	}
	must(t, in.DB.Update(ctx, func(ctx context.Context) error {
		for _, x := range []struct {
			kind, service string
			ref           who.ID
			place         who.ID
		}{
			{"post", "page", bo.pages[0], 0}, {"video", "channel", bo.video, 0}, {"circle", "circle", bo.circle, bo.circle}, {"circle", "circle", ana.circle, ana.circle}, {"account", "", bo.v.Account, 0},
		} {
			// An act of the operator, about somebody who is gone, with an appeal, a notice and a report; in a circle those of its owner.
			service, act, report := "", id(), id()
			if x.place != 0 {
				service = x.service
			}
			for _, q := range []struct {
				query string
				args  []any
			}{
				{`insert into cases (id, ref_kind, ref_id, service, place_id, state, created_at, done_at) values ($1, $2, $3, $4, $5, 'done', 1, null)`, []any{report, x.kind, int64(x.ref), service, int64(x.place)}},
				{`insert into reports (id, case_id, account_id, reason, words, created_at) values ($1, $2, $3, 'other', 'why', 1)`, []any{id(), report, int64(ana.v.Account)}},
				{`insert into acts (id, kind, ref_kind, ref_id, service, place_id, rule, words, detail, state, created_at) values ($1, 'remove', $2, $3, $4, $5, 'abuse', '', '', 'done', 1)`, []any{act, x.kind, int64(x.ref), service, int64(x.place)}},
				{`insert into appeals (id, act_id, account_id, service, place_id, words, answer, state, created_at) values ($1, $2, $3, $4, $5, 'no', '', 'open', 1)`, []any{id(), act, int64(bo.v.Account), service, int64(x.place)}},
				{`insert into notices (id, account_id, kind, ref_kind, ref_id, service, place_id, created_at) values ($1, $2, 'removed', 'act', $3, $4, $5, $6)`, []any{id(), int64(bo.v.Account), act, service, int64(x.place), now}},
				{`insert into notices (id, account_id, kind, ref_kind, ref_id, service, place_id, created_at) values ($1, $2, 'liked', $3, $4, $5, $6, $7)`, []any{id(), int64(bo.v.Account), x.kind, int64(x.ref), x.service, int64(x.place), now}},
				{`insert into notice_spreads (id, kind, ref_kind, ref_id, service, place_id, reached, created_at) values ($1, 'news', $2, $3, $4, $5, 0, 1)`, []any{id(), x.kind, int64(x.ref), x.service, int64(x.place)}},
				{`insert into reasons (account_id, scope, what, reason, since) values ($1, $2, 'mute', 'act:1', 1)`, []any{int64(ana.org), partOf(x.service, x.place)}},
			} {
				if _, err := in.DB.Exec(ctx, q.query, q.args...); err != nil {
					return err
				}
			}
		}
		for _, service := range []string{"page", "channel"} {
			if _, err := in.DB.Exec(ctx, `insert into quiets (id, account_id, ref_kind, ref_id, created_at) values ($1, $2, 'topic', $3, 1)`, id(), int64(bo.v.Account), topic(service)); err != nil {
				return err
			}
		}
		for _, q := range []string{
			`insert into view_keys (day, key) values (99999, 'k')`, fmt.Sprintf(`insert into view_marks (day, video_id, mark) values (99999, %d, 'm')`, bo.video),
			`insert into word_rules (id, service, place_id, word, word_key, does, created_at) values (1, '', 0, 'w', 'w', 'hold', 1)`,
			fmt.Sprintf(`insert into word_rules (id, service, place_id, word, word_key, does, created_at) values (2, 'circle', %d, 'w', 'w', 'hold', 1)`, bo.circle),
			fmt.Sprintf(`insert into place_limits (service, place_id, days, posts, links, images) values ('circle', %d, 1, 1, 1, 1)`, ana.circle),
			`insert into topics (id, service, place_id, name, name_key, state, created_at) values (3, 'circle', ` + bo.circle.String() + `, 'n', 'n', 'live', 1)`,
			`insert into jobs (id, kind, ref, state, due_at) values (4, 'channel.process', 'x', 'failed', 1)`,
			`insert into sign_up_links (id, hash, note, created_at, expires_at) values (5, 'h', 'for somebody', 1, 9000000000000000)`,
			`insert into announcements (id, text, link, created_at) values (6, 'we are here', '', 1)`,
		} {
			if _, err := in.DB.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}), "fill what time has taken")
}

func partOf(service string, place who.ID) string {
	if place == 0 {
		return service
	}
	return service + ":" + place.String()
}

// passing are tables that record what happens, or the end itself; what they keep is asked about apart.
var passing = []string{
	"exit_", "sunset", "service_dates", "shut", "receipts", "certificates", "run_salts", "outside_entries", "ledger_", "slips", "exports", "export_volumes", "archive_links", "clock_offset",
	"blob_", "search_terms", "install", "services", "circle_farewells", "farewell_videos", "attempts", "spent", "held_names", "schema", "migrations", "notice_marks",
}

// belongs gives the condition of a table's rows that are of what ends; "" for none.
func belongs(table string, columns []string, ends string) string {
	service, id, _ := strings.Cut(ends, ":")
	is := func(c string) string {
		if id == "" {
			return `1 = 1`
		}
		return c + ` = ` + id
	}
	here := func(x string) string { return x + `service = '` + service + `' and ` + is(x+"place_id") }
	things := `(ref_kind = 'post' and exists (select 1 from posts x where x.id = ref_id and ` + here("x.") + `) or ref_kind = 'comment' and exists (select 1 from comments x where x.id = ref_id and ` + here("x.") +
		`) or ref_kind = 'topic' and exists (select 1 from topics x where x.id = ref_id and ` + here("x.") + `)`
	switch service {
	case "circle":
		things += ` or ref_kind = 'circle' and ` + is("ref_id")
	case "channel":
		things += ` or ref_kind = 'video'`
	}
	things += `)`
	decided := func(what string) string {
		return `(select y.id from ` + what + ` y where ` + here("y.") + ` or ` + strings.ReplaceAll(things, "ref_", "y.ref_") + `)`
	}
	switch table {
	case "quiets":
		return things
	case "claims":
		return `ref_kind = 'video' and '` + service + `' = 'channel'`
	case "cases", "acts":
		return here("") + ` or ` + things
	case "reports":
		return `case_id in ` + decided("cases")
	case "appeals":
		return here("") + ` or act_id in ` + decided("acts")
	case "notices":
		return here("") + ` or ref_kind = 'act' and ref_id in ` + decided("acts")
	case "post_images", "post_topics":
		return `exists (select 1 from posts x where x.id = post_id and ` + here("x.") + `)`
	case "reasons":
		if id != "" {
			return `scope = '` + ends + `'`
		}
		return `scope = '` + service + `' or scope like '` + service + `:%'`
	case "circles":
		return `'` + service + `' = 'circle' and ` + is("id")
	case "kept_links":
		return `'` + service + `' = 'page'`
	case "farewells":
		return `'` + service + `' = 'channel' and account_id is not null`
	case "jobs":
		return `kind like '` + service + `.%'`
	case "entrances":
		return `service = '` + ends + `'`
	}
	switch {
	case slices.Contains(columns, "service"):
		return here("")
	case slices.Contains(columns, "circle_id"):
		return `'` + service + `' = 'circle' and ` + is("circle_id")
	case slices.Contains([]string{"channels", "channel_links", "videos", "collections", "uploads", "view_keys"}, table) || slices.Contains(columns, "video_id") || slices.Contains(columns, "upload_id"):
		return `'` + service + `' = 'channel'`
	}
	return ""
}

// wholeInstall is every row of an install, by table and text, and whether it is of what ends; and every file.
type wholeInstall struct {
	rows  map[string]map[string]bool
	files map[string][32]byte
}

func (in *install) snapshot(t *testing.T, ends string) wholeInstall {
	t.Helper()
	columns, err := schema(t.Context(), in.DB)
	must(t, err, "read schema")
	names := map[string][]string{}
	for _, c := range columns {
		names[c.table] = append(names[c.table], c.name)
	}
	s := wholeInstall{rows: map[string]map[string]bool{}, files: map[string][32]byte{}}
	for table, list := range names {
		if slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(table, p) }) {
			continue
		}
		where := belongs(table, list, ends)
		if where == "" {
			where = `1 = 0`
		}
		rows, err := in.DB.Reader.QueryContext(t.Context(), `select case when `+where+` then 1 else 0 end, `+strings.Join(list, ", ")+` from `+table)
		must(t, err, "read "+table)
		s.rows[table] = map[string]bool{}
		_, err = db.Scan(rows, func(r db.Row) (int, error) {
			var of int
			values, to := make([]any, len(list)), make([]any, 1+len(list))
			to[0] = &of
			for i := range values {
				to[i+1] = &values[i]
			}
			if err := r.Scan(to...); err != nil {
				return 0, err
			}
			s.rows[table][fmt.Sprintf("%s", values)] = of == 1
			return 0, nil
		})
		must(t, err, "read "+table)
	}
	for after := ""; ; {
		list, err := in.Blobs.All(t.Context(), after, 1000)
		must(t, err, "list blobs")
		for _, o := range list {
			after = o.Key
			s.files[o.Key] = sha256.Sum256(readBlob(t, in, o.Key))
		}
		if len(list) < 1000 {
			return s
		}
	}
}

// filesOf gives the keys of files to which rows of what ends refer.
func (in *install) filesOf(t *testing.T, ends string) []string {
	t.Helper()
	service, id, _ := strings.Cut(ends, ":")
	place, one := ``, ``
	if id != "" {
		place, one = ` and p.place_id = `+id, ` and id = `+id
	}
	queries := []string{`select i.key from post_images i join posts p on p.id = i.post_id where p.service = '` + service + `'` + place, `select i.thumb from post_images i join posts p on p.id = i.post_id where p.service = '` + service + `'` + place}
	switch service {
	case "circle":
		queries = append(queries, `select cover from circles where cover <> ''`+one, `select avatar from circles where avatar <> ''`+one)
	case "channel":
		queries = []string{`select avatar from channels`, `select original from videos`, `select poster from videos`, `select key from video_renditions`, `select key from video_frames`, `select key from video_subtitles`, `select key from upload_pieces`}
	}
	var out []string
	for _, q := range queries {
		rows, err := in.DB.Reader.QueryContext(t.Context(), q)
		must(t, err, "read keys of files")
		list, err := db.Scan(rows, func(r db.Row) (key string, err error) { return key, r.Scan(&key) })
		must(t, err, "read keys of files")
		out = append(out, slices.DeleteFunc(list, func(key string) bool { return key == "" })...)
	}
	if len(out) == 0 {
		t.Errorf("%s has no files: the test shows little", ends)
	}
	return out
}

// wantEnded compares an install before and after something ended: of that nothing is left, and nothing else is gone.
func (in *install) wantEnded(t *testing.T, ends string, before, after wholeInstall, files []string) {
	t.Helper()
	ended := 0
	for table, rows := range before.rows {
		for row, of := range rows {
			_, there := after.rows[table][row]
			switch {
			case of && there:
				t.Errorf("left in %s: %s", table, row)
			case of:
				ended++
			case !there:
				t.Errorf("lost from %s: %s", table, row)
			}
		}
	}
	for table, rows := range after.rows {
		for row, of := range rows {
			if of && !before.rows[table][row] {
				t.Errorf("left in %s, changed: %s", table, row)
			}
		}
	}
	if ended < 20 {
		t.Errorf("only %d rows ended: the test shows little", ended)
	}
	for key, sum := range before.files {
		got, there := after.files[key]
		switch of := slices.Contains(files, key); {
		case of && there:
			t.Errorf("the file %s is left", key)
		case !of && !strings.Contains(key, "/"+blob.Archives+"/") && (!there || got != sum):
			t.Errorf("the file %s is lost, or another", key)
		}
	}
}

// planted in which service: the words by which what somebody wrote there is found.
var plantedIn = map[string][]string{
	"page":    {"post", "tagging", "brought", "summary", "mentioning", "sharing", "said", "answer", "soliloquy", "posttalk"},
	"circle":  {"intro", "rules", "question", "notice", "inside", "guest", "mute", "appeal", "answer to the appeal"},
	"channel": {"badge", "link", "title", "film", "unseen", "draft", "subtitle", "collection", "series", "upload", "item", "work", "claim", "counter", "ruling", "reviewed", "videotalk"},
}

// wordsIn gives the long words that people planted in a service or, of one circle, those that its owner and a guest did.
func wordsIn(ends string, bo *someone, all []*someone) (out []string) {
	service, _, place := strings.Cut(ends, ":")
	if place {
		return []string{bo.name + ".intro.zq", bo.name + ".rules.zq", bo.name + ".question.zq", bo.name + ".notice.zq", bo.name + ".inside.zq", "ana.guest.zq", "cai.guest.zq"}
	}
	for _, s := range all {
		for _, what := range plantedIn[service] {
			if word := s.name + "." + what + ".zq"; slices.Contains(s.planted, word) {
				out = append(out, word)
			}
		}
	}
	return out
}

// wantNoBytes fails for words that are found in the raw bytes of anything that the install keeps.
func wantNoBytes(t *testing.T, in *install, needles map[string][]byte) {
	t.Helper()
	if !in.DB.SQLite() {
		// PostgreSQL never forgets the statistics of a table that has become empty, most common values among them: who ends an install drops its database.
		_, err := in.DB.Writer.ExecContext(t.Context(), `delete from pg_statistic where starelid in (select oid from pg_class where relnamespace = current_schema()::regnamespace)`)
		must(t, err, "drop statistics")
	}
	rewrite(t, in)
	files := haystack(t, in)
	outside := filepath.Join(in.options.Data, "outside") + "/"
	for what, needle := range needles {
		for _, name := range found(files, needle) {
			if strings.Contains(what, "id ") && strings.HasPrefix(name, outside) || strings.Contains(name, "/"+blob.Archives+"/") {
				continue // a list of random ids is what it is; and everybody's archive is kept for its term
			}
			t.Errorf("%q is left in %s", what, around(name, files[name], needle))
		}
	}
}

// whatStays are tables that are not empty when the install has ended, and why.
var whatStays = map[string]string{
	"install": "settings, secret and policy of the software", "services": "what the software offers", "clock_offset": "the clock",
	"certificates": "the certificate stays", "receipts": "its evidence", "run_salts": "its evidence", "ledger_": "its evidence", "exit_": "runs of nobody, by which the evidence is read",
	"slips": "people's own receipts, for their term", "sunset": "the notice stays", "service_dates": "the notice stays", "shut": "the notice stays", "held_names": "hashes of names, for their term",
	"search_terms": "the index's own bookkeeping", "migrations": "of the software", "schema": "of the software", "outside_entries": "written to the list outside next", "attempts": "hashes, for a day", "spent": "hashes, for a day",
	"jobs": "what follows the seal", "blob_": "asked about by the files", "sqlite": "the database's own", "farewell": "none with the install",
}

// wantNobody fails for whatever an ended install keeps of anybody.
func (in *install) wantNobody(t *testing.T) {
	t.Helper()
	columns, err := schema(t.Context(), in.DB)
	must(t, err, "read schema")
	seen := map[string]bool{}
	for _, c := range columns {
		of := ` where coalesce(cast(` + c.name + ` as text), '') not in ('', '0', 'install:1')`
		if c.String() == "exit_steps.choice" { // a phase's word is nobody
			of += ` and act in ('offer', 'withdraw')`
		}
		if c.personal() && in.rowsIn(t, c.table+of) > 0 {
			t.Errorf("%s still refers to somebody", c)
		}
		if seen[c.table] {
			continue
		}
		seen[c.table] = true
		if strings.HasPrefix(c.table, "search_terms") {
			continue // what is in it is looked for in the bytes
		}
		stays := false
		for prefix := range whatStays {
			stays = stays || strings.HasPrefix(c.table, prefix) && prefix != "farewell"
		}
		if n := in.rowsIn(t, c.table); n > 0 && !stays {
			t.Errorf("%d rows are left in %s", n, c.table)
		}
	}
	list, err := in.Blobs.All(t.Context(), "", 1000)
	must(t, err, "list blobs")
	for _, o := range list {
		t.Errorf("the file %s is left", o.Key)
	}
}
