package server_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/clock"
	"exeunt/internal/dbtest"
	"exeunt/internal/server"
)

// crowd makes a circle with n members who have written in it, by SQL. Their ids begin at a million.
func (in *install) crowd(t *testing.T, n int) {
	t.Helper()
	series := fmt.Sprintf("with recursive g (i) as (select cast(1 as bigint) union all select i + 1 from g where i < %d) select ", n)
	for _, q := range []string{
		`insert into people (id, password, password_at, operator, created_at) ` + series + `1000000 + i, '', 1, 0, 1 from g`,
		`insert into accounts (id, name, name_key, kind, state, created_at) ` + series + `1000000 + i, 'n' || i, replace(replace('n' || i, '0', 'o'), '1', 'l'), 'personal', 'active', 1 from g`,
		`insert into standings (account_id, version) ` + series + `1000000 + i, 1 from g`,
		`insert into account_people (account_id, person_id, role, as_id, created_at) ` + series + `1000000 + i, 1000000 + i, 'owner', null, 1 from g`,
		`insert into profiles (account_id, display_name, bio, avatar, cover) ` + series + `1000000 + i, '名字', '', '', '' from g`,
		`insert into settings (account_id, language, zone, theme, lists_seen_by) ` + series + `1000000 + i, '', '', '', 'me' from g`,
		`insert into posts (id, author_id, service, place_id, audience, text, summary, sensitive, language, reply_to, origin, state, created_at, edited_at, likes, comments, images) ` + series +
			`2000000 + i, 1000000 + i, 'circle', 7, 'circle:7', 'written ' || i, '', 0, 'en', '', null, 'live', 1, null, 0, 0, 0 from g`,
	} {
		_, err := in.DB.Writer.ExecContext(t.Context(), q)
		must(t, err, "make a crowd")
	}
}

// node is a server as a process of its own.
type node struct {
	*exec.Cmd
	most int64 // VmHWM in bytes, as far as was looked
}

// startNode starts a server on the install and waits until it listens.
func startNode(t *testing.T, binary string, o server.Options) *node {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it ends by the test's own hand
	cmd := exec.CommandContext(ctx, binary, "serve", "--listen", "127.0.0.1:0", "--data", o.Data, "--database", o.Database)
	cmd.Env = append(os.Environ(), "EXEUNT_FAIL_AT=0")
	out, err := cmd.StdoutPipe()
	must(t, err, "open pipe")
	must(t, cmd.Start(), "start node")
	n := &node{Cmd: cmd}
	t.Cleanup(func() { n.kill(t) })
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the node ended before it listened")
	}
	return n
}

// look keeps the highest memory that the process has had.
func (n *node) look() {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Process.Pid))
	if err != nil {
		return // it has ended
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			n.most = max(n.most, kib<<10)
		}
	}
}

// kill ends a node at once, wherever it is.
func (n *node) kill(t *testing.T) {
	t.Helper()
	if n.ProcessState != nil {
		return
	}
	must(t, n.Process.Signal(syscall.SIGKILL), "kill node")
	_ = n.Wait() // that it was killed is no news
}

// people is how many have archives made by two nodes.
const people = 2000

// TestTwoNodesExport has two nodes make the archives of 2,000 accounts, kills one of them in the middle and starts it anew: each archive is made once and verified,
// the sums add up, and no node needs 256 MiB.
func TestTwoNodesExport(t *testing.T) {
	if os.Getenv("EXEUNT_TEST_DATABASES") == "sqlite" {
		return // two nodes share a PostgreSQL
	}
	binary, err := failing()
	must(t, err, "build")
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		if !strings.HasPrefix(address, "postgres") {
			return
		}
		ctx := t.Context()
		o := server.Options{Data: filepath.Join(t.TempDir(), "data"), Database: address, Media: filepath.Join(t.TempDir(), "media"), Host: "exeunt.test"}
		in := reopen(t, o, clock.NewFake(clock.System{}.Now()))
		must(t, in.DB.MakeTrial(ctx, dbtest.Start), "make trial install")
		in.crowd(t, people)
		s := in.endIn(t, "circle")
		must(t, in.DB.Move(ctx, s.Calendar.At(exit.ReadOnly)), "go on to the instant")

		nodes := []*node{startNode(t, binary, o), startNode(t, binary, o)}
		waitFor(t, in.DB.Reader, nodes, `select count(*) >= 600 from exports where state = 'done'`)
		nodes[0].kill(t)
		nodes = append(nodes, startNode(t, binary, o))
		waitFor(t, in.DB.Reader, nodes, `select count(*) = 1 from exit_steps where run = '`+s.Run+`' and act = 'pack' and state = 'verified'`)
		for i, n := range nodes {
			if n.most == 0 || n.most > 256<<20 {
				t.Errorf("node %d needed %d MiB", i+1, n.most>>20)
			}
			n.kill(t)
		}
		in.wantAllOnce(t, filepath.Clean(o.Media))
	})
}

// waitFor waits until a question is answered with yes.
func waitFor(t *testing.T, d *sql.DB, nodes []*node, question string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for yes := false; !yes; {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", question)
		case <-tick.C:
		}
		must(t, d.QueryRowContext(ctx, question).Scan(&yes), "ask")
		for _, n := range nodes {
			n.look()
		}
	}
}

// wantAllOnce asks that everybody of the crowd has one archive, whole and readable, and that nothing else was made or left.
func (in *install) wantAllOnce(t *testing.T, media string) {
	t.Helper()
	ctx := t.Context()
	for question, want := range map[string]int64{
		`select count(*) from sunset_exports where state = 'packed'`:                                                            people,
		`select count(*) from sunset_exports where state <> 'packed'`:                                                           0,
		`select count(distinct account_id) from exports where state = 'done'`:                                                   people,
		`select count(*) from exports`:                                                                                          people,
		`select count(*) from export_volumes`:                                                                                   people,
		`select count(*) from exit_runs where journey = 'take-along'`:                                                           people,
		`select archives from sunsets`:                                                                                          people,
		`select bytes - (select sum(bytes) from export_volumes) from sunsets`:                                                   0,
		`select count(*) from exit_steps where act = 'pack' and state <> 'verified'`:                                            0,
		`select count(*) from export_volumes v where not exists (select 1 from exports e where e.id = v.export_id and v.n = 1)`: 0,
	} {
		var got int64
		must(t, in.DB.Reader.QueryRowContext(ctx, question).Scan(&got), question)
		if got != want {
			t.Errorf("%s: %d, want %d", question, got, want)
		}
	}
	files := 0
	must(t, filepath.WalkDir(media, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Base(filepath.Dir(path)) != blob.Archives || filepath.Ext(path) != ".zip" {
			return err
		}
		files++
		_, err = archive.Verify(ctx, path)
		return err
	}), "verify archives")
	var pending int
	must(t, in.DB.Reader.QueryRowContext(ctx, `select count(*) from blob_pending`).Scan(&pending), "count pending files")
	if files < people || files-pending > people {
		t.Errorf("%d files are there, of which %d were begun by the killed node and are swept", files, pending)
	}
}
