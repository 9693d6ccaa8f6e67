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
	for _, name := range []string{"", "Default", "default.yaml", "../policies/default", "policies", "wechat-circles", "wechat-circles-sunset"} {
		if _, ok := policies.ByName(name); ok {
			t.Errorf("ByName(%q) gives a policy", name)
		}
	}
}

// TestCirclesSunset reads the ending of WeChat Circles: the dates of its notice, those of ours, and what the rules find.
func TestCirclesSunset(t *testing.T) {
	if names := policies.Sunsets(); !slices.Equal(names, []string{"wechat-circles"}) {
		t.Fatalf("sunsets are %v", names)
	}
	src, ok := policies.Sunset("wechat-circles")
	if !ok {
		t.Fatal("wechat-circles is listed and not there")
	}
	cal, err := exit.ParseSunset(src)
	if err != nil {
		t.Fatal(err)
	}
	if cal.Name != "wechat-circles" || cal.Ends.String() != "service:circle" {
		t.Errorf("%s ends %s", cal.Name, cal.Ends)
	}
	want := map[string]string{
		exit.Announced: "2021-05-28", exit.ReadOnly: "2021-06-28", exit.NoEntrance: "2021-06-28", exit.Stopped: "2021-12-28", exit.Erased: "2022-01-28",
	}
	for _, p := range cal.Phases {
		if got := p.At.In(cal.Zone).Format("2006-01-02 15:04"); got != want[p.Word]+" 00:00" {
			t.Errorf("%s is on %s, want %s", p.Word, got, want[p.Word])
		}
		if p.Says["zh"] == "" || p.Says["en"] == "" {
			t.Errorf("%s says nothing in one of the languages", p.Word)
		}
	}
	if len(cal.Phases) != len(want) || !cal.Late.Equal(cal.At(exit.Erased)) {
		t.Errorf("%d phases, archives until %s", len(cal.Phases), cal.Late)
	}
	var found []string
	for _, f := range exit.CheckSunset(cal) {
		found = append(found, f.Severity+" "+f.Rule+" "+f.Profile)
	}
	// 31 days to read-only do for the e-commerce law, half a year of taking along for everybody; nobody was named to go on.
	if !slices.Equal(found, []string{"advice SU-03 cn"}) {
		t.Errorf("found %v", found)
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
