// Command search measures the search room: 1, 2 and 4 characters, rare and frequent, by a member of ten circles, by a guest, and by a
// member of none, each the newest 20 and the count up to 1,000.
//
//	go run ./bench/search [--docs 1000000] [--engine sqlite|postgres] [--dir DIR]
//
// Texts are made from a fixed seed: words of two Chinese characters and English ones, each word less frequent than the one before it.
// A database of PostgreSQL is made on the server that EXEUNT_TEST_POSTGRES names, and dropped.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"

	"github.com/alecthomas/kong"
)

type options struct {
	Docs   int    `help:"Number of posts." default:"1000000"`
	Engine string `help:"sqlite or postgres." default:"sqlite" enum:"sqlite,postgres"`
	Dir    string `help:"Folder for the SQLite file. Default: a new one in the folder for temporary files." placeholder:"DIR"`
	Rounds int    `help:"Questions of each sort." default:"100"`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("search"), kong.Description("Measure the search room."))
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintf(os.Stderr, "search: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	address, clear, err := place(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clear()) }()
	d, err := db.Open(ctx, address, clock.System{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	b := &bench{db: d, o: o, rand: rand.New(rand.NewPCG(1, 2))}
	began := d.Clock.Now()
	if err := b.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("%s: %d posts in %s\n", o.Engine, o.Docs, d.Clock.Now().Sub(began).Round(time.Second))
	return b.measure(ctx)
}

// place makes an empty database.
func place(ctx context.Context, o options) (address string, clear func() error, err error) {
	if o.Engine == "sqlite" {
		dir, err := os.MkdirTemp(o.Dir, "search-")
		return filepath.Join(dir, "search.sqlite"), func() error { return os.RemoveAll(dir) }, err
	}
	u, err := url.Parse(os.Getenv("EXEUNT_TEST_POSTGRES"))
	if err != nil || u.Host == "" {
		return "", nil, errors.New("EXEUNT_TEST_POSTGRES names no server")
	}
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("search_bench_%d", os.Getpid())
	if _, err := admin.ExecContext(ctx, "create database "+name); err != nil {
		return "", nil, fmt.Errorf("make database: %w", err)
	}
	u.Path = "/" + name
	return u.String(), func() error {
		_, err := admin.ExecContext(ctx, "drop database "+name+" with (force)")
		return errors.Join(err, admin.Close())
	}, nil
}

// The size of what surrounds the posts.
const (
	accounts = 1000
	circles  = 200
	mine     = 10 // circles that the viewer is in
	vocab    = 20000
)

type bench struct {
	db      *db.DB
	o       options
	rand    *rand.Rand
	room    *search.Room
	desk    *service.Desk
	words   []string
	people  []who.ID
	viewer  who.Viewer
	nobody  who.Viewer
	weights *rand.Zipf
}

// keeper answers for posts: what the index gives may be opened.
type keeper struct{}

func (keeper) Things(_ context.Context, _ who.Viewer, ids []who.ID) ([]service.Thing, error) {
	out := make([]service.Thing, len(ids))
	for i, id := range ids {
		out[i] = service.Thing{Ref: who.Ref{Kind: search.Post, ID: id}, See: true}
	}
	return out, nil
}

// vocabulary makes words: three in four of two Chinese characters, the others English.
func (b *bench) vocabulary() {
	for len(b.words) < vocab {
		if len(b.words)%4 == 3 {
			var w strings.Builder
			for range 2 + b.rand.IntN(7) {
				w.WriteByte("etaoinshrdlucmfwypvbgkqjxz"[min(b.rand.IntN(26), b.rand.IntN(26))])
			}
			b.words = append(b.words, w.String()+" ")
			continue
		}
		c := func() rune { return rune(0x4e00 + min(b.rand.IntN(3000), b.rand.IntN(3000))) }
		b.words = append(b.words, string([]rune{c(), c()}))
	}
	b.weights = rand.NewZipf(b.rand, 1.2, 20, vocab-1)
}

// text makes the text of a post of 5 to 60 words.
func (b *bench) text() string {
	var t strings.Builder
	for range 5 + b.rand.IntN(56) {
		t.WriteString(b.words[b.weights.Uint64()])
		if b.rand.IntN(8) == 0 {
			t.WriteString("，")
		}
	}
	return t.String()
}

func (b *bench) fill(ctx context.Context) error {
	b.vocabulary()
	registry := &service.Registry{Kinds: []service.Kind{{Name: search.Post, Keeper: keeper{}}}}
	b.desk = service.NewDesk(b.db, registry)
	b.room = search.New(search.Config{DB: b.db, Desk: b.desk, Registry: registry})
	if err := b.db.Update(ctx, b.furnish); err != nil {
		return err
	}
	if !b.db.SQLite() {
		if _, err := b.db.Writer.ExecContext(ctx, `drop index search_docs_terms`); err != nil {
			return err
		}
	}
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	const batch = 1000
	for n := 0; n < b.o.Docs; n += batch {
		docs := make([]search.Doc, batch)
		for i := range docs {
			author := b.people[b.rand.IntN(accounts)]
			at := begin.Add(time.Duration(n+i) * time.Minute)
			docs[i] = search.Doc{Ref: who.Ref{Kind: search.Post, ID: who.ID(n + i + 1)}, Owner: author, Service: "page", Audience: who.Public, Text: b.text(), At: at}
			switch x := b.rand.IntN(100); {
			case x < 65:
				circle := who.ID(1 + b.rand.IntN(circles))
				docs[i].Service, docs[i].Place, docs[i].Audience = "circle", circle, who.CircleOnly(circle)
			case x < 70:
				docs[i].Audience = who.FollowersOf(author)
			}
		}
		err := b.db.Update(ctx, func(ctx context.Context) error {
			pass, err := b.desk.EnterExit(ctx)
			if err != nil {
				return err
			}
			return b.room.Put(ctx, pass, docs...)
		})
		if err != nil {
			return err
		}
	}
	if b.db.SQLite() {
		_, err := b.db.Writer.ExecContext(ctx, `analyze`)
		return err
	}
	for _, statement := range []string{`create index search_docs_terms on search_docs using gin (terms) with (fastupdate = off)`, `vacuum analyze`} {
		if _, err := b.db.Writer.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// furnish makes accounts, circles, and a viewer who is in some of them and follows some.
func (b *bench) furnish(ctx context.Context) error {
	for i := range accounts {
		id := who.ID(1<<61 + int64(i))
		b.people = append(b.people, id)
		if _, err := b.db.Exec(ctx, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $2, 'personal', 'active', 1)`, int64(id), fmt.Sprint("u", i)); err != nil {
			return err
		}
		if _, err := b.db.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, '', '', '', '')`, int64(id)); err != nil {
			return err
		}
	}
	b.viewer = who.Viewer{Account: b.people[0], State: who.Active}
	b.nobody = who.Viewer{Account: b.people[1], State: who.Active}
	for i := range 50 {
		if _, err := b.db.Exec(ctx, `insert into follows (id, follower_id, followee_id, created_at) values ($1, $2, $3, 1)`, i+1, int64(b.people[0]), int64(b.people[i+100])); err != nil {
			return err
		}
	}
	for i := range mine {
		if _, err := b.db.Exec(ctx, `insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values ($1, '', '', 'open', '', 'open', 1, 0, 1)`, i+1); err != nil {
			return err
		}
		if _, err := b.db.Exec(ctx, `insert into circle_members (id, circle_id, account_id, role, state, created_at) values ($1, $1, $2, 'member', 'active', 1)`, i+1, int64(b.people[0])); err != nil {
			return err
		}
	}
	return nil
}

// questions gives words of a length that stand in the part of the vocabulary from one rank to another.
func (b *bench) questions(length, from, to int) []string {
	var out []string
	for i := from; i < to && len(out) < b.o.Rounds; i++ {
		w := []rune(strings.TrimSpace(b.words[i]))
		switch {
		case length == 4 && len(w) == 2:
			next := []rune(strings.TrimSpace(b.words[i+1]))
			if w = append(w, next...); len(w) == 4 {
				out = append(out, string(w))
			}
		case len(w) >= length && length < 4:
			out = append(out, string(w[:length]))
		}
	}
	return out
}

func (b *bench) measure(ctx context.Context) error {
	guest := who.Viewer{}
	for _, x := range []struct {
		name     string
		length   int
		from, to int
	}{
		{"1 frequent", 1, 0, 60},
		{"1 rare", 1, 15000, 19999},
		{"2 frequent", 2, 0, 60},
		{"2 middling", 2, 300, 800},
		{"2 rare", 2, 18000, 19999},
		{"4 frequent", 4, 0, 60},
		{"4 rare", 4, 5000, 9000},
	} {
		for _, v := range []struct {
			name string
			who.Viewer
		}{{"in ten circles", b.viewer}, {"in none", b.nobody}, {"guest", guest}} {
			if err := b.ask(ctx, x.name, v.name, v.Viewer, b.questions(x.length, x.from, x.to)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask asks each question twice, the second time measured: pages of the database are warm, as in a server that runs.
func (b *bench) ask(ctx context.Context, what, whose string, v who.Viewer, questions []string) error {
	var took, counted []time.Duration
	full, sum, slowest := 0, 0, ""
	for round := range 2 {
		for _, q := range questions {
			began := b.db.Clock.Now()
			list, _, err := b.room.Find(ctx, v, search.Post, q, 0, 20)
			if err != nil {
				return err
			}
			middle := b.db.Clock.Now()
			n, err := b.room.Count(ctx, v, search.Post, q, 1000)
			if err != nil {
				return err
			}
			if round == 0 {
				continue
			}
			if d := middle.Sub(began); len(took) == 0 || d > slices.Max(took) {
				slowest = q
			}
			took, counted = append(took, middle.Sub(began)), append(counted, b.db.Clock.Now().Sub(middle))
			if len(list) == 20 {
				full++
			}
			sum += n
		}
	}
	fmt.Printf("%-12s %-15s %4d questions, %3d%% with 20, mean count %4d: newest 20 p50 %-9s p99 %-9s (%s) count p50 %-9s p99 %s\n", what, whose, len(took),
		full*100/max(1, len(took)), sum/max(1, len(took)), at(took, 50), at(took, 99), slowest, at(counted, 50), at(counted, 99))
	return nil
}

// at gives a percentile.
func at(took []time.Duration, hundredths int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, len(took)*hundredths/100)].Round(10 * time.Microsecond)
}
