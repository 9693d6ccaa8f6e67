package exit_test

import (
	"context"
	"strings"
	"testing"

	"exeunt/exit"
)

// declared is a holder that does nothing but declare.
type declared struct {
	name    string
	classes []exit.Class
}

func (d declared) Name() string          { return d.name }
func (d declared) Classes() []exit.Class { return d.classes }
func (d declared) Erase(context.Context, exit.Task) (exit.Progress, error) {
	return exit.Progress{Done: true}, nil
}

func (d declared) Verify(context.Context, exit.Task) (exit.Residue, error) {
	return exit.Residue{}, nil
}

// keeper answers gates too.
type keeper struct{ declared }

func (keeper) Gate(context.Context, exit.Task, string) (exit.Answer, error) { return exit.Open, nil }

func TestEngineCheck(t *testing.T) {
	after := func(ids ...string) []exit.Order {
		var out []exit.Order
		for _, id := range ids {
			out = append(out, exit.Order{Class: id, Why: "it refers to it"})
		}
		return out
	}
	holder := func(classes ...exit.Class) exit.Holder { return declared{"h", classes} }
	both := []exit.Manner{exit.Erase, exit.Detach}
	for name, c := range map[string]struct {
		policy  string
		holders []exit.Holder
		want    string // "": nothing is wrong
	}{
		"fine":              {least, []exit.Holder{holder(exit.Class{Name: "a", After: after("h.b")}, exit.Class{Name: "b"}, exit.Class{Name: "c", Rank: 1, After: after("h.a")})}, ""},
		"declared twice":    {least, []exit.Holder{holder(exit.Class{Name: "a"}), holder(exit.Class{Name: "a"})}, "class h.a is declared twice"},
		"circle":            {least, []exit.Holder{holder(exit.Class{Name: "a", After: after("h.b")}, exit.Class{Name: "b", After: after("h.a")})}, "class h.a waits for itself"},
		"itself":            {least, []exit.Holder{holder(exit.Class{Name: "a", After: after("h.a")})}, "class h.a waits for itself"},
		"against rank":      {least, []exit.Holder{holder(exit.Class{Name: "a", After: after("h.b")}, exit.Class{Name: "b", Rank: 1})}, "class h.a waits for h.b, whose higher rank"},
		"gate, no keeper":   {least, []exit.Holder{holder(exit.Class{Name: "a", Gate: "settled"})}, `has gate "settled" and its holder answers none`},
		"gate":              {least, []exit.Holder{keeper{declared{"h", []exit.Class{{Name: "a", Gate: "settled"}}}}}, ""},
		"no promise":        {classes("h.a: {manner: erase, after: 1d}"), []exit.Holder{holder(exit.Class{Name: "a"}, exit.Class{Name: "b"})}, "promises nothing for class h.b"},
		"every class named": {classes("h.a: {manner: erase, after: 1d}"), []exit.Holder{holder(exit.Class{Name: "a"})}, ""},
		"cannot detach":     {classes(star, "h.a: {manner: detach, after: 1d}"), []exit.Holder{holder(exit.Class{Name: "a"})}, `says "detach" for class h.a`},
		"can detach":        {classes(star, "h.a: {manner: detach, after: 1d}"), []exit.Holder{holder(exit.Class{Name: "a", Manners: both})}, ""},
		"cannot be chosen":  {classes(star, "h.a: {manner: erase, after: 1d, choice: [erase, detach]}"), []exit.Holder{holder(exit.Class{Name: "a"})}, `says "detach" for class h.a`},
		"cannot be held":    {classes(star, `h.a: {manner: hold, until: 3y, law: "a law"}`), []exit.Holder{holder(exit.Class{Name: "a", Manners: both})}, `says "hold" for class h.a`},
		"other platform's":  {classes(star, "shop.orders: {manner: detach, after: 1d}"), []exit.Holder{holder(exit.Class{Name: "a"})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := &exit.Engine{Policy: mustParse(t, c.policy), Holders: c.holders}
			err := e.Check()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
