package policies_test

import (
	"bytes"
	"slices"
	"testing"

	"exeunt/exit"
	"exeunt/policies"
)

func TestEachPolicyParses(t *testing.T) {
	names := policies.Names()
	if want := []string{"default", "wechat-channels"}; !slices.Equal(names, want) {
		t.Fatalf("names are %v, want %v", names, want)
	}
	for _, name := range names {
		src, ok := policies.ByName(name)
		if !ok {
			t.Fatalf("%s is listed and not there", name)
		}
		p, err := exit.ParsePolicy(src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(p.Source(), src) {
			t.Errorf("%s: the policy's source is not its file", name)
		}
		if p.Class("no.such").Manner != exit.Erase {
			t.Errorf("%s: a class that is not named is not erased", name)
		}
	}
}

func TestByNameKnowsNoOtherFile(t *testing.T) {
	for _, name := range []string{"", "Default", "default.yaml", "../policies/default", "policies"} {
		if _, ok := policies.ByName(name); ok {
			t.Errorf("ByName(%q) gives a policy", name)
		}
	}
}

// The promises that pages and documents quote.
func TestPromises(t *testing.T) {
	type promise struct {
		class string
		after string
	}
	for name, want := range map[string][]promise{
		"default": {
			{"post.posts", "28d"},
			{"relation.follows", "28d"},
			{"talk.comments", "7d"},
			{"talk.likes", "7d"},
			{"account.person", "28d"},
			{"channel.videos", "28d"},
			{"channel.drafts", "28d"},
			{"channel.history", "7d"},
			{"channel.renditions", "0d"},
			{"upload.uploads", "0d"},
			{"something.new", "28d"},
		},
		"wechat-channels": {{"channel.videos", "30d"}, {"channel.drafts", "30d"}, {"channel.renditions", "0d"}, {"relation.follows", "0d"}, {"talk.comments", "7d"}, {"talk.likes", "7d"}},
	} {
		src, _ := policies.ByName(name)
		p, err := exit.ParsePolicy(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if got := p.Class(w.class).After.String(); got != w.after {
				t.Errorf("%s: %s goes after %s, want %s", name, w.class, got, w.after)
			}
		}
	}
	p, err := exit.ParsePolicy(policies.Default())
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Close.CoolingOff.String(); got != "7d" {
		t.Errorf("cooling-off is %s, want 7d", got)
	}
	if got := p.Export; got.Volume != 2<<30 || got.Keep.String() != "7d" {
		t.Errorf("export is %+v, want volumes of 2 GiB kept 7 days", got)
	}
	if got := p.Close.Verify["organisation"]; !slices.Equal(got, []string{"two_administrators"}) {
		t.Errorf("an organisation proves itself by %v", got)
	}
}
