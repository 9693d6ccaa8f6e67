package circle_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/who"
)

// veil and freeze an account, as the consent to a closing does.
func (h *house) closes(v who.Viewer, in string) {
	h.t.Helper()
	h.must(h.inTx(func(ctx context.Context) error {
		t := h.task(v, in, "", "")
		if err := h.desk.Freeze(ctx, t, true); err != nil {
			return err
		}
		return h.desk.Veil(ctx, t, true)
	}))
}

func (h *house) transfer(v who.Viewer, in, heir string, offered bool) error {
	return h.inTx(func(ctx context.Context) error {
		return h.holder.Transfer(ctx, h.task(v, in, "", heir), offered)
	})
}

func TestHeir(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, heir, ann := h.account("owner"), h.account("heir"), h.account("ann")
		one, two := h.circle(owner, "one", circle.Open), h.circle(owner, "two", circle.Open)
		ended := h.circle(owner, "ended", circle.Open)
		h.must(h.End(ctx, owner, ended))
		h.joined(ann, one)
		h.refused(h.transfer(owner, "", owner.Account.String(), true), exit.Invalid, "heir")
		h.refused(h.transfer(owner, "", who.RandomID().String(), true), exit.Invalid, "heir")
		h.refused(h.transfer(owner, "", "nobody", true), exit.Invalid, "heir")
		h.must(h.transfer(owner, "", heir.Account.String(), true))
		h.must(h.transfer(owner, "", heir.Account.String(), true)) // a repeat changes nothing
		h.closes(owner, "")

		offers, err := h.Offers(ctx, heir, 0, 10)
		h.must(err)
		if len(offers) != 2 || offers[0].Circle != two || offers[1].Circle != one || offers[1].From.ID != owner.Account {
			t.Fatalf("offers: %+v", offers)
		}
		_, err = h.Take(ctx, ann, offers[1].ID)
		h.refused(err, exit.NotFound, "offer") // it is not hers to take
		if id, err := h.Take(ctx, heir, offers[1].ID); err != nil || id != one {
			t.Fatalf("take: %v, %v", id, err)
		}
		h.wantMembers(one, 3)
		h.must(h.Decline(ctx, heir, offers[0].ID))
		_, err = h.Take(ctx, heir, offers[0].ID)
		h.refused(err, exit.NotFound, "offer")

		h.leaves(owner, "")
		c, m, err := h.Circle(ctx, heir, one)
		if err != nil || m.Role != circle.Owner || c.State != circle.Living || c.Name != "one" {
			t.Errorf("the heir has %+v as %+v, %v", c, m, err)
		}
		h.wantMembers(one, 2)
		var left int64
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from circles where id in ($1, $2)`, int64(two), int64(ended)).Scan(&left))
		if left != 0 {
			t.Errorf("%d circles are left in which nobody and nothing is", left)
		}
	})
}

func TestOfferOutsideOfClosing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, heir, other := h.account("owner"), h.account("heir"), h.account("other")
		id := h.circle(owner, "c", circle.Approval)
		if _, err := h.Join(ctx, heir, id); err != nil {
			t.Fatal(err)
		}
		h.refused(h.OfferTo(ctx, owner, id, "nobody"), exit.Invalid, "heir")
		h.refused(h.OfferTo(ctx, owner, id, "owner"), exit.Invalid, "heir")
		h.refused(h.OfferTo(ctx, heir, id, "other"), exit.Forbidden, "owner_only")
		h.must(h.OfferTo(ctx, owner, id, "Other"))
		h.must(h.OfferTo(ctx, owner, id, "heir")) // instead of the first
		if list, err := h.Offers(ctx, other, 0, 10); err != nil || len(list) != 0 {
			t.Errorf("two offers of one circle: %v, %v", list, err)
		}
		h.must(h.Withdraw(ctx, owner, id))
		h.must(h.OfferTo(ctx, owner, id, "heir"))
		o, ok, err := h.OfferOf(ctx, owner, id)
		if err != nil || !ok || o.To.ID != heir.Account {
			t.Fatalf("offer %+v, %v, %v", o, ok, err)
		}
		// Who had only asked to join is in by taking over.
		_, err = h.Take(ctx, heir, o.ID)
		h.must(err)
		h.wantMembers(id, 2)
		h.must(h.Leave(ctx, owner, id))
		h.wantMembers(id, 1)
	})
}

func TestEndsWithoutHeir(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "藏着名字", circle.Open)
		h.joined(ann, id)
		p, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "ann's"})
		h.must(err)
		h.must(h.inTx(func(ctx context.Context) error {
			_, err := h.d.Exec(ctx, `insert into word_rules (id, service, place_id, word, word_key, does, created_at) values (1, 'circle', $1, 'Ann', 'ann', 'refuse', 0)`, int64(id))
			return err
		}))
		h.closes(owner, "")
		if c, _, err := h.Circle(ctx, ann, id); err != nil || c.Name == "" {
			t.Errorf("while the owner is closing a member sees %+v, %v", c, err)
		}
		h.leaves(owner, "")
		c, _, err := h.Circle(ctx, ann, id)
		if err != nil || c.State != circle.Ended || c.Name != "" || c.Intro != "" || c.Owner != 0 {
			t.Errorf("after it a member sees %+v, %v", c, err)
		}
		if _, err := h.posts.One(ctx, ann, p); err != nil {
			t.Errorf("what others wrote is not to be read: %v", err)
		}
		h.wantMembers(id, 1)
		var rules int64
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from word_rules`).Scan(&rules))
		if rules != 0 {
			t.Error("the words that the owner had filtered are still there")
		}
		// The last one to go takes the empty shell along.
		h.must(h.posts.Delete(ctx, ann, p))
		h.must(h.Leave(ctx, ann, id))
		_, _, err = h.Circle(ctx, ann, id)
		h.refused(err, exit.NotFound, "none")
		var n int64
		h.must(h.d.Reader.QueryRowContext(ctx, `select count(*) from circles where id = $1`, int64(id)).Scan(&n))
		if n != 0 {
			t.Error("the empty circle is still there")
		}
	})
}

// An heir's yes and the erasure of the owner's circles at the same time: one of them comes first.
func TestHeirAgainstErasure(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		heir := h.account("heir")
		for i := range 8 {
			owner := h.account(fmt.Sprint("owner", i))
			id := h.circle(owner, fmt.Sprint("circle of ", i), circle.Open)
			h.joined(heir, id)
			h.must(h.transfer(owner, "", heir.Account.String(), true))
			offer, _, err := h.OfferOf(ctx, owner, id)
			h.must(err)
			taken := make(chan error)
			go func() {
				_, err := h.Take(ctx, heir, offer.ID)
				taken <- err
			}()
			h.must(h.inTx(func(ctx context.Context) error {
				_, err := h.holder.Erase(ctx, h.task(owner, "", "circles", ""))
				return err
			}))
			err = <-taken
			c, m, see := h.Circle(ctx, heir, id)
			h.must(see)
			switch {
			case err == nil && c.State == circle.Living && m.Role == circle.Owner && c.Name != "":
			case exit.KindOf(err) == exit.NotFound && err != nil && c.State == circle.Ended && m.Role == circle.Member && c.Name == "":
			default:
				t.Errorf("the heir was told %v and has %+v as %+v", err, c, m)
			}
		}
	})
}

func TestByName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, ann := h.account("owner"), h.account("ann")
		one := h.circle(owner, "周末徒步", circle.Open)
		if id, err := h.ByName(t.Context(), owner.Account, "周末徒步"); err != nil || id != one {
			t.Errorf("found %v, %v", id, err)
		}
		_, err := h.ByName(t.Context(), ann.Account, "周末徒步")
		h.refused(err, exit.NotFound, "none")
		h.circle(owner, "周末徒步", circle.Open)
		_, err = h.ByName(t.Context(), owner.Account, "周末徒步")
		h.refused(err, exit.Conflict, "names")
	})
}

func TestBindings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann, bob := h.account("owner"), h.account("ann"), h.account("bob")
		one, two := h.circle(owner, "one", circle.Open), h.circle(owner, "two", circle.Open)
		whole := exit.Account(owner.Account.String())
		for in, want := range map[string][]string{
			"": {"circle:" + one.String(), "circle:" + two.String()}, "circle": {"circle:" + one.String(), "circle:" + two.String()},
			"circle:" + two.String(): {"circle:" + two.String()}, "page": nil,
		} {
			list, err := h.holder.Bindings(ctx, whole.Within(in))
			h.must(err)
			var got []string
			for _, b := range list {
				got = append(got, b.Ref)
				if b.Holder != "circle" || b.Code != "circle_owner" || b.Required || b.Fixes[0] != "end" {
					t.Errorf("binding %+v", b)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("in %q it is bound by %v, want %v", in, got, want)
			}
		}
		if list, err := h.holder.Bindings(ctx, exit.Account(ann.Account.String())); err != nil || len(list) != 0 {
			t.Errorf("who owns nothing is bound by %v, %v", list, err)
		}

		closing := h.task(owner, "circle:"+one.String(), "", "")
		other := closing
		other.Run, other.Subject = "run2", whole
		for _, task := range []exit.Task{closing, other} {
			h.must(h.inTx(func(ctx context.Context) error { return h.holder.Unbind(ctx, task) }))
		}
		_, err := h.Join(ctx, ann, one)
		h.refused(err, exit.Unavailable, "paused")
		h.must(h.inTx(func(ctx context.Context) error { return h.holder.Rebind(ctx, closing) }))
		_, err = h.Join(ctx, ann, one)
		h.refused(err, exit.Unavailable, "paused") // the other closing still keeps it shut
		h.must(h.inTx(func(ctx context.Context) error { return h.holder.Rebind(ctx, other) }))
		h.joined(ann, one)
		h.joined(bob, two)
	})
}

// sink collects what is exported; it is full after most records.
type sink struct {
	records []any
	most    int
}

func (s *sink) Record(v any) error { s.records = append(s.records, v); return nil }
func (s *sink) Media(string, int64, time.Time, func() (io.ReadCloser, error)) error {
	return fmt.Errorf("circles have no media")
}
func (s *sink) Missing(string, string) {}
func (s *sink) Full() bool             { return len(s.records) >= s.most }

func TestExport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		one, two := h.circle(owner, "one", circle.Open), h.circle(owner, "two", circle.Invitation)
		h.joined(ann, one)
		own := &sink{most: 1}
		p, err := h.holder.Export(ctx, h.task(owner, "", "circles", ""), own)
		if err != nil || p.Done || p.Items != 1 {
			t.Fatalf("first volume: %+v, %v", p, err)
		}
		task := h.task(owner, "", "circles", "")
		task.Cursor, own.most = p.Cursor, 10
		p, err = h.holder.Export(ctx, task, own)
		if err != nil || !p.Done || p.Items != 1 {
			t.Fatalf("second volume: %+v, %v", p, err)
		}
		got := own.records[1].(archive.Circle)
		if first := own.records[0].(archive.Circle); first.ID != one.String() || first.Members != 2 || got.ID != two.String() || got.JoinMode != "invitation" || got.Intro == "" {
			t.Errorf("circles %+v", own.records)
		}
		theirs := &sink{most: 10}
		p, err = h.holder.Export(ctx, h.task(ann, "circle:"+two.String(), "members", ""), theirs)
		if err != nil || !p.Done || len(theirs.records) != 0 {
			t.Errorf("of a circle that she is not in she takes along %v, %v", theirs.records, err)
		}
		_, err = h.holder.Export(ctx, h.task(ann, "", "members", ""), theirs)
		h.must(err)
		if m, ok := theirs.records[0].(archive.Membership); !ok || m.Name != "one" || m.Role != "member" || m.Joined.IsZero() {
			t.Errorf("memberships %+v", theirs.records)
		}
	})
}
