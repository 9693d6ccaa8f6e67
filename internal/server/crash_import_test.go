package server_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/clock"
	"exeunt/internal/dbtest"
	"exeunt/internal/leave"
	"exeunt/internal/server"
)

// bring takes records of elsewhere into an account as an import does, and wants each of them taken.
func (in *install) bring(t *testing.T, x exit.Importer, task exit.Task, records []any) {
	t.Helper()
	intake, err := x.Import(t.Context(), task, records, noFiles{})
	must(t, err, "read records")
	var out []exit.Outcome
	must(t, in.DB.Update(t.Context(), func(ctx context.Context) error {
		out, err = intake(ctx)
		return err
	}), "take records")
	for i, o := range out {
		if o.Result != "taken" {
			t.Fatalf("record %d of %s: %+v", i, task.Class, o)
		}
	}
}

// hostless are the place's options without a name of its host, which the command that is killed does not know either: by it
// whom one followed is known again.
func (p place) hostless() server.Options {
	o := p.options()
	o.Host = ""
	return o
}

// stage fills the place, and has somebody new send in what another took along: more posts than one batch is, a picture, a
// comment, a like, a follow, a profile.
func (p *place) stage(t *testing.T) {
	t.Helper()
	p.prepare(t)
	ctx := t.Context()
	in := reopenKept(t, p.hostless())
	task := exit.Task{Subject: leave.SubjectOf(p.leaver.Account, ""), Class: "posts", Part: archive.ClassPosts, Now: dbtest.Start}
	var records []any
	for i := range 230 {
		records = append(records, archive.Post{
			ID: fmt.Sprint(i), Origin: fmt.Sprint("https://old.example/", i), Place: "page", Audience: archive.AudiencePublic, Text: "old",
			Published: archive.At(dbtest.Start.AddDate(-2, 0, i)), Images: []archive.Image{{Path: "none.png", Missing: "gone"}},
		})
	}
	in.bring(t, in.Posts.Holder(), task, records)
	must(t, in.Accounts.SetProfile(ctx, p.leaver, account.Profile{Display: "Leaver"}), "set profile")
	name := filepath.Join(t.TempDir(), "own.zip")
	_, err := in.Leave.PackTo(ctx, &leave.Packing{Account: p.leaver.Account, Media: true, MaxBytes: -1}, name)
	must(t, err, "pack")
	f, err := os.Open(name)
	must(t, err, "open archive")
	_, err = in.Leave.Stage(ctx, in.signUp(t, "newcomer").Account, f)
	must(t, err, "send archive in")
	must(t, f.Close(), "close archive")
	must(t, in.Close(), "close install")
}

// reopenKept opens an install whose media stay when the caller closes it.
func reopenKept(t *testing.T, o server.Options) *install {
	t.Helper()
	o.Clock, o.Hash = clock.NewFake(clock.System{}.Now()), cheap
	h, err := server.Open(t.Context(), o)
	must(t, err, "open install")
	return &install{House: h, Rooms: server.RoomsOf(h)}
}

// report is what an import says in the end, by class, result and reason.
type report struct {
	total  int64
	counts map[string]int64
	posts  int // that the newcomer has
}

// imported opens the place as a server does that is started again when the dead one's leases have run out, and gives the
// report of the import that it ends.
func (p place) imported(t *testing.T) report {
	t.Helper()
	ctx := t.Context()
	in := reopen(t, p.hostless(), clock.NewFake(clock.System{}.Now().Add(2*time.Minute)))
	in.settle(t)
	to, err := in.Accounts.ByName(ctx, "newcomer")
	must(t, err, "find newcomer")
	ids, err := in.Leave.Imports(ctx, to.ID)
	if err != nil || len(ids) != 1 {
		t.Fatalf("the newcomer has the imports %v, %v", ids, err)
	}
	im, err := in.Leave.Import(ctx, to.ID, ids[0])
	if err != nil || im.State != "done" || im.Done != im.Total {
		t.Fatalf("the import is %+v, %v", im, err)
	}
	out := report{total: im.Total, counts: map[string]int64{}}
	for _, x := range im.Results {
		out.counts[strings.TrimSpace(fmt.Sprint(x.Class, " ", x.Result, " ", x.Reason))] = x.N
	}
	must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from posts where author_id = $1`, int64(to.ID)).Scan(&out.posts), "count posts")
	return out
}

// TestCrashImport kills an import after each of its commits and blob calls (on PostgreSQL every fifth): its report says in the
// end what it says without a crash.
func TestCrashImport(t *testing.T) {
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		p := place{dir: filepath.Join(t.TempDir(), "data")}
		stride := 1
		if strings.HasPrefix(address, "postgres") {
			p.database, p.media, stride = address, media(t, address), 5
		}
		p.stage(t)
		want := p.copied(t).imported(t)
		if want.counts["post.posts taken"] != 231 || want.counts["post.posts missing leave.missing.media"] != 230 || want.counts["account.profile taken"] != 1 || want.counts["relation.following taken"] != 1 || want.posts != 231 {
			t.Fatalf("without a crash the import says %+v", want)
		}
		var killed atomic.Int64
		var ended atomic.Bool
		n := 1 - stride
		each(t, func() (string, func(t *testing.T), bool) {
			n += stride
			at := n
			return fmt.Sprint("import", at), func(t *testing.T) {
				q := p.copied(t)
				if q.run(t, at, "clock", "+1h") {
					killed.Add(1)
				} else {
					ended.Store(true)
				}
				if got := q.imported(t); got.total != want.total || got.posts != want.posts || !maps.Equal(got.counts, want.counts) {
					t.Errorf("died at %d: report %+v, want %+v", at, got, want)
				}
			}, !ended.Load()
		})
		t.Logf("the import died %d times", killed.Load())
		if least := int64(20 / stride); killed.Load() < least {
			t.Errorf("the import died %d times, want at least %d: are the fail points there?", killed.Load(), least)
		}
	})
}
