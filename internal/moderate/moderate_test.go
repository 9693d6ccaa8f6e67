package moderate_test

import (
	"context"
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// house is the rooms up to moderation on one database, with one circle, 7.
type house struct {
	d         *db.DB
	desk      *service.Desk
	registry  *service.Registry
	relations *relation.Room
	posts     *post.Room
	talks     *talk.Room
	order     *moderate.Room
	ring      *ring
}

func eachHouse(t *testing.T, fn func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, newHouse(t, d)) })
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{d: d, registry: &service.Registry{Services: []service.Service{{Name: "page"}, {Name: "circle"}}}, ring: &ring{members: map[who.ID]moderate.Member{}}}
	h.desk = service.NewDesk(d, h.registry)
	h.relations = relation.New(relation.Config{DB: d, Desk: h.desk, Registry: h.registry, NameKey: account.NameKey})
	h.posts = post.New(post.Config{DB: d, Desk: h.desk, Registry: h.registry, NameKey: account.NameKey})
	h.talks = talk.New(talk.Config{DB: d, Desk: h.desk, Registry: h.registry, Posts: h.posts, Secret: []byte("secret")})
	h.order = moderate.New(moderate.Config{DB: d, Desk: h.desk, Registry: h.registry, Relations: h.relations, Posts: h.posts, Talks: h.talks, NameKey: account.NameKey, Secret: []byte("secret"), Rates: moderate.Rates()})
	h.posts.Places, h.order.Places, h.registry.Moderates = h.ring, h.ring, h.ring.moderates
	h.order.Guard()
	h.registry.Kinds = []service.Kind{h.posts.Kind(), h.posts.TopicKind(), h.talks.Kind(), account.New(account.Config{DB: d, Desk: h.desk, Secret: []byte("secret")}).Kind(), {Name: "circle", Keeper: h.ring}}
	h.must(t, h.desk.Announce(t.Context()))
	h.exec(t, `insert into circles (id, name, intro, join_mode, cover, state, members, posts, created_at) values (7, 'Tea', '', 'open', '', 'open', 0, 0, 0)`)
	return h
}

func (h *house) must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (h *house) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.d.Writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func (h *house) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	h.must(t, h.d.Reader.QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

func (h *house) person(t *testing.T, name string) who.Viewer {
	t.Helper()
	id := who.RandomID()
	h.exec(t, `insert into accounts (id, name, name_key, kind, state, created_at) values ($1, $2, $3, 'personal', 'active', 0)`, int64(id), name, account.NameKey(name))
	h.must(t, h.d.Update(t.Context(), func(ctx context.Context) error {
		_, err := h.desk.NewAccount(ctx, id)
		return err
	}))
	return who.Viewer{Account: id, Name: name, State: who.Active}
}

// operator makes a person who runs the install.
func (h *house) operator(t *testing.T, name string) who.Viewer {
	t.Helper()
	v := h.person(t, name)
	v.Operator, v.Person = true, who.RandomID()
	h.exec(t, `insert into people (id, password, password_at, operator, created_at) values ($1, '', 0, 1, 0)`, int64(v.Person))
	h.exec(t, `insert into account_people (account_id, person_id, role, created_at) values ($1, $2, 'owner', 0)`, int64(v.Account), int64(v.Person))
	return v
}

// member makes somebody who is in the circle since ten days ago, with a rank there.
func (h *house) member(t *testing.T, name string, rank int) who.Viewer {
	t.Helper()
	v := h.person(t, name)
	h.ring.members[v.Account] = moderate.Member{Rank: rank, Since: dbtest.Start.AddDate(0, 0, -10)}
	return v
}

// write stores a post in the circle, or with place 0 on the own page.
func (h *house) write(t *testing.T, v who.Viewer, place who.ID, text string) (who.Ref, error) {
	t.Helper()
	d := post.Draft{Service: post.Page, Text: text}
	if place != 0 {
		d.Service, d.Place = "circle", place
	}
	id, err := h.posts.Write(t.Context(), v, d)
	return who.Ref{Kind: "post", ID: id}, err
}

func (h *house) wrote(t *testing.T, v who.Viewer, place who.ID, text string) who.Ref {
	t.Helper()
	ref, err := h.write(t, v, place, text)
	h.must(t, err)
	return ref
}

func (h *house) wantKind(t *testing.T, what string, err error, kind exit.Kind) {
	t.Helper()
	if err == nil || exit.KindOf(err) != kind {
		t.Errorf("%s: %v, want kind %v", what, err, kind)
	}
}

// ring is a circle's members, as the circle room tells of them.
type ring struct {
	members  map[who.ID]moderate.Member
	owner    who.ID
	reverted []string // kinds of acts
	approves bool
}

var tea = moderate.Place{Service: "circle", ID: 7}

func (k *ring) place(v who.Viewer) post.Place {
	m, in := k.members[v.Account]
	return post.Place{Service: "circle", ID: 7, Name: "Tea", Href: "/circles/7", Audience: who.CircleOnly(7), See: in, Member: in, Staff: in && m.Rank > 0, Owner: k.owner, Approves: k.approves}
}

func (k *ring) MayPost(_ context.Context, v who.Viewer, _ string, _ who.ID) (post.Place, error) {
	p := k.place(v)
	if !p.Member {
		return p, exit.Fail(exit.Forbidden, "circle.error.members_only")
	}
	return p, nil
}

func (k *ring) Known(_ context.Context, v who.Viewer, _ string, ids []who.ID) (map[who.ID]post.Place, error) {
	return map[who.ID]post.Place{7: k.place(v)}, nil
}

func (k *ring) Returned(context.Context, who.Viewer, string, []who.ID) (map[who.ID]post.Place, error) {
	return nil, nil
}

func (k *ring) Mine(_ context.Context, v who.Viewer) ([]post.Place, error) {
	return []post.Place{k.place(v)}, nil
}

func (k *ring) Things(_ context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	var owner who.ID
	for id, m := range k.members {
		if m.Rank == 3 {
			owner = id
		}
	}
	return []service.Thing{{Ref: who.Ref{Kind: "circle", ID: 7}, Owner: owner, Service: "circle", Place: 7, Title: "Tea", Link: "/circles/7", See: true}}, nil
}

func (k *ring) moderates(_ context.Context, v who.Viewer, _ string, _ who.ID) (bool, error) {
	return k.members[v.Account].Rank > 0, nil
}

func (k *ring) Member(_ context.Context, _ moderate.Place, id who.ID) (moderate.Member, bool, error) {
	m, ok := k.members[id]
	return m, ok, nil
}

func (k *ring) Staff(_ context.Context, _ moderate.Place) (out []who.ID, err error) {
	for id, m := range k.members {
		if m.Rank > 0 {
			out = append(out, id)
		}
	}
	return out, nil
}

func (k *ring) Expel(_ context.Context, _ service.Pass, _ moderate.Place, id who.ID) error {
	delete(k.members, id)
	return nil
}

func (k *ring) Readmit(_ context.Context, _ service.Pass, _ moderate.Place, id who.ID, m moderate.Member) error {
	k.members[id] = m
	return nil
}

func (k *ring) Revert(_ context.Context, _ service.Pass, a moderate.Act) error {
	k.reverted = append(k.reverted, a.Kind)
	return nil
}
