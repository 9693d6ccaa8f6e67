package exit

import (
	"regexp"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

func (r *policyReader) closing(n ast.Node, path string, c *ClosePolicy) {
	r.fields(n, path, []field{
		{"cooling_off", true, func(n ast.Node, path string) { c.CoolingOff = r.term(n, path, false) }},
		{"verify", false, func(n ast.Node, path string) {
			c.Verify = map[string][]string{}
			kind := func(n ast.Node, path string) {
				name := path[len("close.verify."):]
				c.Verify[name] = r.words(n, path, "passkey", "password", "recovery_code", "two_administrators")
			}
			// Both: a kind of account without any proof could never leave.
			r.fields(n, path, []field{{"personal", true, kind}, {"organisation", true, kind}})
		}},
		{"name_held", false, func(n ast.Node, path string) { c.NameHeld = r.term(n, path, false) }},
		{"classes", true, func(n ast.Node, path string) { c.Classes = r.classes(n, path) }},
	})
}

var classForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}\.[a-z][a-z0-9_-]{0,63}$`)

func (r *policyReader) classes(n ast.Node, path string) map[string]ClassPolicy {
	out := map[string]ClassPolicy{}
	in := func(name string) string { return path + "[" + name + "]" }
	seen, ok := r.each(n, path, in, func(key *token.Token, name string, value ast.Node) {
		at := in(name)
		if name != "*" && !classForm.MatchString(name) {
			r.fail(key, at, "a class is named holder.class, or \"*\" for all that are not named")
			return
		}
		out[name] = r.class(value, at)
	})
	if ok && len(seen) == 0 {
		r.fail(tokenOf(n), path, "no class is named; the class of all others is \"*\"")
	}
	return out
}

var anchorForm = regexp.MustCompile(`^[a-z][a-z0-9_.:-]*$`)

// class reads what is promised for one class; what a manner needs and what it has no use for is checked here.
func (r *policyReader) class(n ast.Node, path string) ClassPolicy {
	var c ClassPolicy
	at := map[string]ast.Node{}
	note := func(name string, read func(n ast.Node, path string)) field {
		return field{name, name == "manner", func(n ast.Node, path string) { at[name] = n; read(n, path) }}
	}
	r.fields(n, path, []field{
		note("manner", func(n ast.Node, path string) {
			switch s, ok := plain(n); {
			case ok && (Manner(s) == Erase || Manner(s) == Detach || Manner(s) == Hold):
				c.Manner = Manner(s)
			default:
				r.wrong(n, path, "a manner: erase, detach or hold")
			}
		}),
		note("after", func(n ast.Node, path string) { c.After = r.term(n, path, false) }),
		note("until", func(n ast.Node, path string) { c.Until = r.term(n, path, true) }),
		note("from", func(n ast.Node, path string) {
			s, ok := r.text(n, path, "the name of what the term counts from")
			if ok && (len(s) > 64 || !anchorForm.MatchString(s)) {
				r.fail(tokenOf(n), path, "this must be a name in small letters, such as last_order")
			}
			c.From = s
		}),
		note("law", func(n ast.Node, path string) { c.Law, _ = r.text(n, path, "the law that says so, with its article") }),
		note("choice", func(n ast.Node, path string) {
			for _, s := range r.words(n, path, string(Erase), string(Detach), string(Hold)) {
				c.Choice = append(c.Choice, Manner(s))
			}
		}),
	})
	r.fits(c, n, path, at)
	return c
}

// fits checks a class's fields against its manner.
func (r *policyReader) fits(c ClassPolicy, n ast.Node, path string, at map[string]ast.Node) {
	need := func(name, why string) {
		if at[name] == nil {
			r.fail(tokenOf(n), path+"."+name, "this field is missing: %s", why)
		}
	}
	never := func(name, why string) {
		if at[name] != nil {
			r.fail(tokenOf(at[name]), path+"."+name, "%s", why)
		}
	}
	switch c.Manner {
	case Hold:
		need("until", "what is held is held until a date")
		need("law", "what is held names the law that says so")
		never("after", "what is held ends with until, not after")
		never("choice", "what a law says to keep leaves no choice")
	case Erase, Detach:
		need("after", "say when, such as 28d (0d: when cooling-off ends)")
		never("until", "only what is held has an until")
		never("law", "only what is held names a law")
		for _, m := range c.Choice {
			if m == Hold {
				r.fail(tokenOf(at["choice"]), path+".choice", "holding is the law's choice, not a person's")
			}
		}
	}
}
