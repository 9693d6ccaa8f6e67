package server_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/circle"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/residue"
	"exeunt/internal/who"
)

// keys are the columns that tell the rows of a table apart, where that is not id.
var keys = map[string][]string{
	"account_people": {"account_id", "person_id"}, "profiles": {"account_id"}, "settings": {"account_id"}, "standings": {"account_id"},
	"reasons": {"account_id", "what", "scope", "reason"}, "entrances": {"account_id", "service"}, "blob_pending": {"key"}, "blob_doomed": {"key"},
	"import_results": {"import_id", "class", "result", "reason"}, "exit_steps": {"run", "seq"},
}

// rowsOf reads all rows in which a person is, by table and key: each as its columns' texts.
func (s *someone) rowsOf(t *testing.T, columns []column) map[string]map[string]string {
	t.Helper()
	names, where := map[string][]string{}, map[string][]string{}
	for _, c := range columns {
		names[c.table] = append(names[c.table], c.name)
		if c.personal() {
			where[c.table] = append(where[c.table], s.personalRows(c))
		}
	}
	out := map[string]map[string]string{}
	for table, conditions := range where {
		query := `select ` + strings.Join(names[table], ", ") + ` from ` + table + ` where ` + strings.Join(conditions, " or ")
		rows, err := s.in.DB.Reader.QueryContext(t.Context(), query)
		must(t, err, "read "+table)
		_, err = db.Scan(rows, func(r db.Row) (int, error) {
			values, to := make([]any, len(names[table])), make([]any, len(names[table]))
			for i := range values {
				to[i] = &values[i]
			}
			if err := r.Scan(to...); err != nil {
				return 0, err
			}
			row := map[string]string{}
			for i, name := range names[table] {
				row[name] = fmt.Sprint(values[i])
			}
			key := table
			for _, k := range append(keys[table], "id")[:max(1, len(keys[table]))] {
				key += " " + row[k]
			}
			out[key] = row
			return 0, nil
		})
		must(t, err, "read "+table)
	}
	return out
}

// changes compares rows of before and after, and counts what was taken away, added, or changed, by table and column.
func changes(before, after map[string]map[string]string) map[string]int {
	out := map[string]int{}
	for key, old := range before {
		table, _, _ := strings.Cut(key, " ")
		row, there := after[key]
		if !there {
			out["- "+table]++
			continue
		}
		for name, value := range old {
			if row[name] != value {
				out[table+"."+name]++
			}
		}
	}
	for key := range after {
		if _, there := before[key]; !there {
			table, _, _ := strings.Cut(key, " ")
			out["+ "+table]++
		}
	}
	return out
}

// blobsOf lists a person's files.
func (s *someone) blobsOf(t *testing.T) (out []string) {
	t.Helper()
	for _, id := range s.ids() {
		list, err := s.in.Blobs.List(t.Context(), blob.Prefix(id), "", 1000)
		must(t, err, "list blobs")
		for _, o := range list {
			out = append(out, fmt.Sprint(o.Key, " ", o.Size))
		}
	}
	return out
}

// unfilled are the columns that are empty for one of the two when everything is agreed, with the reason.
var unfilled = map[string]string{
	"bo exit_runs.owner":    "only a run that ends the person names one",
	"bo exit_steps.subject": "only a run that ends the person names one",
}

// wantFilled fails for each personal column in which the person is not.
func (s *someone) wantFilled(t *testing.T, columns []column) {
	t.Helper()
	for _, c := range columns {
		if !c.personal() {
			continue
		}
		var n int64
		must(t, s.in.DB.Reader.QueryRowContext(t.Context(), `select count(*) from `+c.table+` where `+s.personalRows(c)).Scan(&n), "count "+c.String())
		if excused := unfilled[s.name+" "+c.String()] != ""; (n == 0) != excused {
			t.Errorf("%s has %d rows in %s: excused %v", s.name, n, c, excused)
		}
	}
}

// wantNothingOf searches everything for a person: by their ids, and by each text that they wrote.
func (s *someone) wantNothingOf(t *testing.T) {
	t.Helper()
	for _, text := range append([]string{s.v.Person.String(), s.v.Account.String(), s.org.String(), s.v.Name}, s.planted...) {
		r, err := residue.Search(t.Context(), s.in.DB, s.in.Blobs, text)
		must(t, err, "search residue")
		if r.Columns < 200 {
			t.Fatalf("only %d columns were searched", r.Columns)
		}
		for _, f := range r.Finds {
			t.Errorf("%q of %s is left in %s (%d)", text, s.name, f.Where, f.Count)
		}
	}
}

// close agrees the closing of both of a person's accounts.
func (s *someone) close(t *testing.T, ask exit.Ask) (runs []exit.Run) {
	t.Helper()
	ask.Journey = exit.Close
	ask.Subject = leave.SubjectOf(s.org, "")
	second := ask
	ask.Heir = "" // an organisation of these tests owns no circle
	runs = append(runs, s.in.agree(t, ask))
	second.Subject = leave.SubjectOf(s.v.Account, "")
	return append(runs, s.in.agree(t, second))
}

// endedBefore fills what is kept of people when a service is about to end. That it was taken back leaves their rows.
func (in *install) endedBefore(t *testing.T, people ...*someone) {
	t.Helper()
	ctx, id := t.Context(), func() int64 { return int64(in.DB.IDs.Next()) }
	sunset := id()
	must(t, in.DB.Update(ctx, func(ctx context.Context) error {
		if _, err := in.DB.Exec(ctx, `insert into sunsets (id, name, scope, run, version, zone, source, state, published_at, ended_at) values ($1, 'the-end', 'circle', '', 1, 'UTC', $2, 'withdrawn', 1, 1)`,
			sunset, string(sunsetFile(dbtest.Start, "circle"))); err != nil {
			return err
		}
		for _, s := range people {
			account := int64(s.v.Account)
			for _, x := range []struct {
				query string
				args  []any
			}{
				{`insert into sunset_exports (id, sunset_id, account_id, part, state, asked_at) values ($1, $2, $3, 'circle', 'skipped', 1)`, []any{id(), sunset, account}},
				{`insert into archive_links (id, account_id, export_id, hash, made_at, ends_at) values ($1, $2, 1, $3, 1, $4)`, []any{id(), account, s.plantWord("link"), int64(1) << 50}},
			} {
				if _, err := in.DB.Exec(ctx, x.query, x.args...); err != nil {
					return err
				}
			}
		}
		return nil
	}), "fill what an ending keeps")
}

// TestTwoPeople fills every table for two people, with all there is between them, erases one, and finds zero of the first
// and all of the second.
func TestTwoPeople(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ana, bo := twoLives(t, in)
		for _, s := range []*someone{ana, bo} {
			must(t, in.Circles.Bid(t.Context(), s.v, s.circle, s.plant("bid"), "https://"+s.plantWord("moved")+".example/"), "say where the circle goes")
		}
		columns, err := schema(t.Context(), in.DB)
		must(t, err, "read schema")
		// Each names the other as heir: bo for circles that he closes and comes back to, ana for all she leaves. Another of bo's
		// circles is on offer to her.
		spare := value[who.ID](t, "make circle")(in.Circles.Create(t.Context(), bo.v, circle.Draft{Name: bo.plantWord("spare"), Mode: circle.Open}))
		must(t, in.Circles.OfferTo(t.Context(), bo.v, spare, ana.v.Name), "offer circle")
		circles := leave.SubjectOf(bo.v.Account, "circle")
		in.agree(t, exit.Ask{Subject: circles, Journey: exit.Close, Heir: ana.v.Account.String()})
		runs := ana.close(t, exit.Ask{Heir: bo.org.String()})
		// Closing ended her sessions; she may sign in again, to the Exit Center.
		_, err = in.Accounts.Begin(t.Context(), ana.v.Person, ana.v.Account, "")
		must(t, err, "sign in again")
		in.endedBefore(t, ana, bo)
		for _, s := range []*someone{ana, bo} {
			file := s.put(t).Key
			must(t, in.DB.Update(t.Context(), func(ctx context.Context) error { return in.Blobs.Doom(ctx, s.v.Account, file) }), "give up file")
			s.wantFilled(t, columns)
		}
		in.agree(t, exit.Ask{Subject: circles, Journey: exit.Cancel})
		in.settle(t)
		_, err = in.Blobs.Drain(t.Context(), 0)
		must(t, err, "drain blobs")
		before, files := bo.rowsOf(t, columns), bo.blobsOf(t)
		in.travel(t, 40)
		for _, run := range runs {
			if got := in.wantRun(t, run.ID, exit.RunSealed); got.Subject != (exit.Subject{}) {
				t.Errorf("a sealed run remembers %s", got.Subject)
			}
		}
		// Of all that she wrote two lines are left, because she left them to be read; her slip takes them away.
		s, err := residue.Search(t.Context(), in.DB, in.Blobs, ana.name+"."+farewell+".zq")
		must(t, err, "search residue")
		if len(s.Finds) != 1 || s.Finds[0].Where != "farewells.words" {
			t.Errorf("what ana left to be read is found as %+v", s.Finds)
		}
		if s, err = residue.Search(t.Context(), in.DB, in.Blobs, ana.name+".bid.zq"); err != nil || len(s.Finds) != 1 || s.Finds[0].Where != "circle_farewells.words" {
			t.Errorf("what ana left to be read in her circle is found as %+v, %v", s.Finds, err)
		}
		for _, run := range runs {
			must(t, in.Channels.UnleaveRun(t.Context(), run.ID), "take farewell away")
			must(t, in.Circles.UnleaveRun(t.Context(), run.ID), "take the circle's farewell away")
		}
		ana.wantNothingOf(t)
		if n := len(ana.blobsOf(t)); n > 0 {
			t.Errorf("%d files of ana are left", n)
		}
		if got := bo.blobsOf(t); !slices.Equal(got, files) {
			t.Errorf("bo's files are %v, want %v", got, files)
		}
		got := changes(before, bo.rowsOf(t, columns))
		if !maps.Equal(got, tombstones) {
			t.Errorf("of bo's %d rows these changed: %v\nwant %v", len(before), got, tombstones)
		}
	})
}

// tombstones are the changes of the second's rows that the first's leaving makes, each a row or a column that told of both.
var tombstones = map[string]int{
	"- appeals":          1, // hers, which he had refused
	"- blocks":           2, // both ways
	"- cases":            1, // her report on a post of his
	"- mutes":            2, // both ways
	"- reports":          1, // his on a post of hers
	"acts.about_id":      2, // what he did about her remains, by its id …
	"acts.by_id":         2, // … and what she did about him
	"acts.ref_id":        2,
	"acts.words":         2,
	"appeals.answer":     1, // hers to his
	"appeals.decided_by": 1,
	"- circle_offers":    2,  // each was the other's heir
	"- exit_steps":       1,  // ana's run named him
	"- favourites":       2,  // of her post and of her video
	"- follows":          2,  // both ways
	"- likes":            3,  // of her post, her comment and her video
	"- mentions":         4,  // two of her in his texts, two of him in hers
	"- notices":          13, // what she did that he was told of, and what he did that she was
	"- video_history":    1,  // he has watched her video
	// Her complaint about his video and his about hers: what the other side may still know stays.
	"claims.account_id": 1, "claims.name": 1, "claims.email": 1, "claims.work": 1, "claims.statement": 1, "claims.owner_id": 1, "claims.ref_id": 1, "claims.counter": 1, "claims.decided_by": 1, "claims.answer": 1,
	"comments.text":   1, // they mention "a member who left" now
	"posts.text":      1,
	"posts.card_id":   1, // it shared her page, which is no longer visible
	"posts.hot":       1, // of the post with her like and comment
	"posts.comments":  1, // hers is none any more; it stands as a tombstone above his answer
	"posts.likes":     1,
	"videos.comments": 1, // hers, of his video, and her like
	"videos.likes":    1,
	"videos.hot":      1,
	// Nobody has looked at what he sent to be checked for two weeks.
	"proofs.material": 1, "proofs.photo": 1, "proofs.state": 1,
}
