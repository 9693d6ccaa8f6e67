package exit

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a policy's file.
const (
	policyBytes  = 256 << 10
	policyDepth  = 12
	policyKeys   = 5000 // the parser's time grows with the square of a map's keys
	policyErrors = 100  // more are not worth reading
)

// PolicyError is one thing that is wrong with a policy. Line and Column count from 1; Path is
// the field, such as "close.classes[talk.likes].after". Message is for the operator, in English.
type PolicyError struct {
	Line, Column int
	Path         string
	Message      string
}

// Error gives "line:column: path: message".
func (e PolicyError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("%d:%d: %s: %s", e.Line, e.Column, e.Path, e.Message)
}

// PolicyErrors is all that is wrong with a policy, in the order of the file (at most 100).
type PolicyErrors []PolicyError

// Error gives one line for each.
func (e PolicyErrors) Error() string {
	lines := make([]string, len(e))
	for i, x := range e {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// ParsePolicy reads a policy from a strict form of YAML. Unknown and duplicate keys, anchors,
// aliases, tags, merge keys, complex keys, directives, a second document, lengths of time and
// sizes without a unit, empty lists and values of another type are refused, all at once, each
// with line and column: the error is an [Error] of kind Invalid that wraps [PolicyErrors].
//
// Version, zone, close.cooling_off and close.classes must be there. Without the others a
// hibernation has no end, a name is not held, proofs are the platform's own affair, an archive
// has volumes of 2 GiB and is kept for 7 days, and backups have no stated horizon. The zone is
// an IANA name. The file has at most 256 KiB and 5,000 keys, and maps and lists go 12 deep
// at most.
func ParsePolicy(src []byte) (*Policy, error) {
	r := &policyReader{}
	p := r.policy(src)
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b PolicyError) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, &Error{Kind: Invalid, Key: "error.policy", Args: map[string]any{"n": len(r.errs)}, Err: r.errs}
	}
	p.source = slices.Clone(src)
	return p, nil
}

// policyReader walks the syntax tree: a decoder would stop at the first error and forget where it was.
type policyReader struct{ errs PolicyErrors }

func (r *policyReader) fail(tk *token.Token, path, format string, args ...any) {
	if len(r.errs) >= policyErrors {
		return
	}
	e := PolicyError{Line: 1, Column: 1, Path: path, Message: fmt.Sprintf(format, args...)}
	if tk != nil && tk.Position != nil {
		e.Line, e.Column = max(1, tk.Position.Line), max(1, tk.Position.Column)
	}
	if !slices.Contains(r.errs, e) {
		r.errs = append(r.errs, e)
	}
}

func (r *policyReader) policy(src []byte) *Policy {
	body := r.tree(src)
	if body == nil {
		return nil
	}
	p := &Policy{Export: ExportPolicy{Volume: 2 << 30, Keep: Term{N: 7, Unit: Days}}}
	r.fields(body, "", []field{
		{"version", true, func(n ast.Node, path string) { p.Version = r.version(n, path) }},
		{"zone", true, func(n ast.Node, path string) { p.Zone = r.zone(n, path) }},
		{"close", true, func(n ast.Node, path string) { r.closing(n, path, &p.Close) }},
		{"hibernate", false, func(n ast.Node, path string) {
			r.fields(n, path, []field{{"longest", true, func(n ast.Node, path string) {
				if s, ok := plain(n); ok && s == "none" {
					return
				}
				p.Hibernate.Longest = r.term(n, path, true)
			}}})
		}},
		{"export", false, func(n ast.Node, path string) {
			r.fields(n, path, []field{
				{"volume", true, func(n ast.Node, path string) { p.Export.Volume = r.size(n, path) }},
				{"keep", true, func(n ast.Node, path string) { p.Export.Keep = r.term(n, path, true) }},
			})
		}},
		{"backups", false, func(n ast.Node, path string) {
			r.fields(n, path, []field{
				{"wal", true, func(n ast.Node, path string) { p.Backups.WAL = r.term(n, path, false) }},
				{"backups", true, func(n ast.Node, path string) { p.Backups.Backups = r.term(n, path, false) }},
			})
		}},
	})
	return p
}

// tree gives the file's one document, nil if there is none to go on with.
func (r *policyReader) tree(src []byte) ast.Node {
	switch {
	case len(src) > policyBytes:
		r.fail(nil, "", "the file has %d bytes, at most %d are read", len(src), policyBytes)
		return nil
	case !utf8.Valid(src):
		r.fail(nil, "", "the file is not UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(string(src))
	if !r.tokens(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) {
			r.fail(at.GetToken(), "", "this is not YAML: %s", at.GetMessage())
		} else {
			r.fail(nil, "", "this is not YAML: %v", err)
		}
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		switch {
		case d.Body == nil:
		case body == nil:
			body = d.Body
		default:
			r.fail(tokenOf(d.Body), "", "a second document begins here; a policy is one document")
		}
	}
	if body == nil {
		r.fail(nil, "", "the file holds no policy")
		return nil
	}
	if deep := tooDeep(body, policyDepth); deep != nil {
		r.fail(tokenOf(deep), "", "maps and lists go deeper than %d here", policyDepth)
		return nil
	}
	return body
}

// tokens refuses what a policy never needs, and nesting so deep that the parser's own recursion
// would suffer from it.
func (r *policyReader) tokens(tokens token.Tokens) bool {
	depth, entries, line, keys, begun := 0, 0, 0, 0, false
	for _, tk := range tokens {
		if tk.Position.Line != line {
			entries, line = 0, tk.Position.Line
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		case token.MappingValueType:
			keys++
		case token.AnchorType:
			r.fail(tk, "", "anchors are not allowed: write the value out")
		case token.AliasType:
			r.fail(tk, "", "aliases are not allowed: write the value out (the class of all others is \"*\", in quotes)")
		case token.TagType:
			r.fail(tk, "", "tags are not allowed")
		case token.MergeKeyType:
			r.fail(tk, "", "merge keys are not allowed: write the fields out")
		case token.MappingKeyType:
			r.fail(tk, "", "complex keys are not allowed")
		case token.DirectiveType:
			r.fail(tk, "", "directives are not allowed")
		case token.DocumentHeaderType:
			if begun {
				r.fail(tk, "", "a second document begins here; a policy is one document")
			}
		}
		begun = begun || tk.Type != token.CommentType && tk.Type != token.DirectiveType
		switch {
		case depth > policyDepth || entries > policyDepth:
			r.fail(tk, "", "maps and lists go deeper than %d here", policyDepth)
			return false
		case keys > policyKeys:
			r.fail(tk, "", "there are more than %d keys", policyKeys)
			return false
		}
	}
	return len(r.errs) < policyErrors
}

func tooDeep(n ast.Node, left int) ast.Node {
	if left < 0 {
		return n
	}
	var below []ast.Node
	switch x := n.(type) {
	case *ast.MappingNode:
		for _, v := range x.Values {
			below = append(below, v.Value)
		}
	case *ast.MappingValueNode:
		below = []ast.Node{x.Value}
	case *ast.SequenceNode:
		below = x.Values
	case *ast.AnchorNode:
		return tooDeep(x.Value, left)
	case *ast.TagNode:
		return tooDeep(x.Value, left)
	}
	for _, b := range below {
		if deep := tooDeep(b, left-1); deep != nil {
			return deep
		}
	}
	return nil
}

// bare gives a node without the anchor or tag that was already refused.
func bare(n ast.Node) ast.Node {
	for {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.TagNode:
			n = x.Value
		default:
			return n
		}
	}
}

type field struct {
	key      string
	required bool
	read     func(n ast.Node, path string)
}

// fields reads a map whose keys are known.
func (r *policyReader) fields(n ast.Node, path string, known []field) {
	at := func(name string) string { return join(path, name) }
	seen, ok := r.each(n, path, at, func(key *token.Token, name string, value ast.Node) {
		i := slices.IndexFunc(known, func(f field) bool { return f.key == name })
		if i < 0 {
			names := make([]string, len(known))
			for i, f := range known {
				names[i] = f.key
			}
			r.fail(key, at(name), "unknown field; known here: %s", strings.Join(names, ", "))
			return
		}
		known[i].read(value, at(name))
	})
	if !ok {
		return
	}
	for _, f := range known {
		if f.required && !seen[f.key] {
			r.fail(tokenOf(n), at(f.key), "this field is missing")
		}
	}
}

// each calls fn for each pair of a map and gives the keys it found; ok is false if n is no map.
// At gives the path of a key.
func (r *policyReader) each(n ast.Node, path string, at func(key string) string, fn func(key *token.Token, name string, value ast.Node)) (seen map[string]bool, ok bool) {
	var pairs []*ast.MappingValueNode
	switch x := bare(n).(type) {
	case *ast.MappingNode:
		pairs = x.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{x}
	default:
		r.wrong(n, path, "a map")
		return nil, false
	}
	seen = map[string]bool{}
	for _, p := range pairs {
		key, isText := bare(p.Key).(*ast.StringNode)
		switch {
		case p.Key.IsMergeKey():
		case bare(p.Key).Type() == ast.AliasType:
		case !isText:
			r.fail(p.Key.GetToken(), path, "a key must be text")
		case seen[key.Value]:
			r.fail(key.Token, at(key.Value), "this key is here twice")
		default:
			seen[key.Value] = true
			fn(key.Token, key.Value, p.Value)
		}
	}
	return seen, true
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// wrong says that a value is not of the type that belongs there. Aliases were refused before.
func (r *policyReader) wrong(n ast.Node, path, want string) {
	switch bare(n).(type) {
	case *ast.AliasNode:
	case *ast.NullNode, nil:
		r.fail(tokenOf(n), path, "this must be %s; it is empty", want)
	default:
		r.fail(tokenOf(n), path, "this must be %s", want)
	}
}

// tokenOf gives the token at which a node begins. The library's own answer for a map in block
// form is the colon after its first key.
func tokenOf(n ast.Node) *token.Token {
	switch x := n.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return x.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return x.Key.GetToken()
	}
	return n.GetToken()
}

func plain(n ast.Node) (string, bool) {
	s, ok := bare(n).(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

// text gives a string of one line.
func (r *policyReader) text(n ast.Node, path, want string) (string, bool) {
	s, ok := plain(n)
	if !ok {
		r.wrong(n, path, want)
		return "", false
	}
	if s == "" || len(s) > 400 || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.fail(tokenOf(n), path, "this must be %s, in one line of at most 400 bytes", want)
		return "", false
	}
	return s, true
}

func (r *policyReader) version(n ast.Node, path string) int {
	if i, ok := bare(n).(*ast.IntegerNode); ok && i.Token.Value == "1" {
		return 1
	}
	r.wrong(n, path, "1, the version of this form")
	return 0
}

func (r *policyReader) zone(n ast.Node, path string) *time.Location {
	name, ok := r.text(n, path, "a time zone's IANA name, such as Asia/Shanghai")
	if !ok {
		return nil
	}
	// "Local" would mean another zone on another machine: the same policy, other dates.
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.fail(tokenOf(n), path, "there is no time zone %q; give its IANA name, such as Asia/Shanghai", name)
		return nil
	}
	return zone
}

func (r *policyReader) term(n ast.Node, path string, positive bool) Term {
	const want = "a length of time with its unit (48h, 28d, 15wd, 6mo, 3y)"
	switch bare(n).(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		r.fail(tokenOf(n), path, "a unit is missing: this must be %s", want)
		return Term{}
	}
	s, ok := r.text(n, path, want)
	if !ok {
		return Term{}
	}
	t, err := ParseTerm(s)
	switch {
	case err != nil:
		r.fail(tokenOf(n), path, "%q is not %s", s, want)
	case t.years() > 100:
		r.fail(tokenOf(n), path, "%s is longer than a hundred years", s)
	case positive && t.N == 0:
		r.fail(tokenOf(n), path, "this must be longer than nothing")
	}
	return t
}

// years gives about how many years the term has.
func (t Term) years() int {
	switch t.Unit {
	case Hours:
		return t.N / (24 * 365)
	case Days, WorkingDays:
		return t.N / 365
	case Months:
		return t.N / 12
	default:
		return t.N
	}
}

var sizeForm = regexp.MustCompile(`^([0-9]{1,6})(MiB|GiB)$`)

func (r *policyReader) size(n ast.Node, path string) int64 {
	const want = "a size with its unit (500MiB, 2GiB)"
	switch bare(n).(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		r.fail(tokenOf(n), path, "a unit is missing: this must be %s", want)
		return 0
	}
	s, ok := r.text(n, path, want)
	if !ok {
		return 0
	}
	m := sizeForm.FindStringSubmatch(s)
	if m == nil {
		r.fail(tokenOf(n), path, "%q is not %s", s, want)
		return 0
	}
	v, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || v == 0 {
		r.fail(tokenOf(n), path, "this must be more than nothing")
		return 0
	}
	if m[2] == "GiB" {
		return v << 30
	}
	return v << 20
}

// words reads a list of distinct words out of those allowed.
func (r *policyReader) words(n ast.Node, path string, allowed ...string) []string {
	list, ok := bare(n).(*ast.SequenceNode)
	if !ok {
		r.wrong(n, path, "a list")
		return nil
	}
	if len(list.Values) == 0 {
		r.fail(tokenOf(n), path, "this list is empty")
	}
	var out []string
	for _, v := range list.Values {
		s, ok := plain(v)
		switch {
		case !ok:
			r.wrong(v, path, "one of "+strings.Join(allowed, ", "))
		case !slices.Contains(allowed, s):
			r.fail(tokenOf(v), path, "%q is none of %s", s, strings.Join(allowed, ", "))
		case slices.Contains(out, s):
			r.fail(tokenOf(v), path, "%q is here twice", s)
		default:
			out = append(out, s)
		}
	}
	return out
}
