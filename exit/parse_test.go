package exit_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/policies"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file under testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs (look at it with -update and git diff):\n%s", path, firstDifference(string(want), string(got)))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, a, b)
		}
	}
	return "only the end differs"
}

func mustParse(t testing.TB, src string) *exit.Policy {
	t.Helper()
	p, err := exit.ParsePolicy([]byte(src))
	if err != nil {
		t.Fatalf("parse:\n%v", err)
	}
	return p
}

// least is the shortest policy that is accepted.
const least = `version: 1
zone: Asia/Shanghai
close: {cooling_off: 7d, classes: {"*": {manner: erase, after: 28d}}}
`

const full = `# all that a policy can say
version: 1
zone: "Europe/Berlin"
close:
  cooling_off: 48h
  verify:
    personal:
      - passkey
      - recovery_code
    organisation: [two_administrators]
  name_held: 1y
  classes:
    "*":
      manner: detach
      after: 6mo
    talk.comments: {manner: erase, after: 15wd, choice: [erase, detach]}
    shop.orders:
      manner: hold
      until: 3y
      from: last_order
      law: "电子商务法 31"
hibernate: {longest: 2y}
export: {volume: 500MiB, keep: 14d}
backups: {wal: 0d, backups: 35d}
`

func TestParsePolicyReadsAllFields(t *testing.T) {
	p := mustParse(t, full)
	if p.Version != 1 || p.Zone.String() != "Europe/Berlin" {
		t.Errorf("version %d, zone %s", p.Version, p.Zone)
	}
	for name, c := range map[string]struct{ got, want any }{
		"cooling_off":  {p.Close.CoolingOff, exit.Term{N: 48, Unit: exit.Hours}},
		"name_held":    {p.Close.NameHeld, exit.Term{N: 1, Unit: exit.Years}},
		"personal":     {fmt.Sprint(p.Close.Verify["personal"]), "[passkey recovery_code]"},
		"organisation": {fmt.Sprint(p.Close.Verify["organisation"]), "[two_administrators]"},
		"longest":      {p.Hibernate.Longest, exit.Term{N: 2, Unit: exit.Years}},
		"volume":       {p.Export.Volume, int64(500 << 20)},
		"keep":         {p.Export.Keep, exit.Term{N: 14, Unit: exit.Days}},
		"wal":          {p.Backups.WAL, exit.Term{N: 0, Unit: exit.Days}},
		"backups":      {p.Backups.Backups, exit.Term{N: 35, Unit: exit.Days}},
		"others":       {fmt.Sprintf("%+v", p.Class("no.such")), `{Manner:detach After:6mo Until:0d From: Law: Choice:[]}`},
		"comments":     {fmt.Sprintf("%+v", p.Class("talk.comments")), `{Manner:erase After:15wd Until:0d From: Law: Choice:[erase detach]}`},
		"orders":       {fmt.Sprintf("%+v", p.Class("shop.orders")), `{Manner:hold After:0d Until:3y From:last_order Law:电子商务法 31 Choice:[]}`},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", name, c.got, c.want)
		}
	}
}

func TestParsePolicyDefaults(t *testing.T) {
	p := mustParse(t, least)
	if p.Export.Volume != 2<<30 || p.Export.Keep.String() != "7d" || p.Hibernate.Longest.N != 0 || p.Close.NameHeld.N != 0 || p.Close.Verify != nil {
		t.Errorf("defaults are %+v", p)
	}
}

func TestPolicyHashIsOfTheFile(t *testing.T) {
	a := mustParse(t, least)
	src := []byte(least)
	b, err := exit.ParsePolicy(src)
	if err != nil {
		t.Fatal(err)
	}
	src[0] = '#'
	if a.Hash() != b.Hash() {
		t.Error("the policy changes with the slice it was read from")
	}
	if again, err := exit.ParsePolicy(a.Source()); err != nil || again.Hash() != a.Hash() {
		t.Errorf("the source reads as another policy: %v", err)
	}
	if c := mustParse(t, least+"# a comment\n"); c.Hash() == a.Hash() {
		t.Error("another file has the same hash")
	}
}

// refused gives what is wrong with a policy that must not be accepted.
func refused(t *testing.T, src string) exit.PolicyErrors {
	t.Helper()
	p, err := exit.ParsePolicy([]byte(src))
	if err == nil {
		t.Fatalf("accepted:\n%s", src)
	}
	if p != nil {
		t.Error("a refused policy is given all the same")
	}
	if kind := exit.KindOf(err); kind != exit.Invalid {
		t.Errorf("the kind is %v, want invalid", kind)
	}
	var errs exit.PolicyErrors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("no policy errors in %v", err)
	}
	for _, e := range errs {
		if e.Line < 1 || e.Column < 1 || e.Message == "" {
			t.Errorf("an error says too little: %+v", e)
		}
	}
	return errs
}

// classes gives a policy with these lines as its classes, which begin on line 6.
func classes(lines ...string) string {
	return "version: 1\nzone: UTC\nclose:\n  cooling_off: 7d\n  classes:\n    " + strings.Join(lines, "\n    ") + "\n"
}

const star = `"*": {manner: erase, after: 28d}`

// refusals are policies that are not accepted, each with a part of what is said about it.
var refusals = map[string]struct{ src, want string }{
	"unknown field":        {least + "colour: red\n", "4:1: colour: unknown field"},
	"unknown deeper":       {classes(star, "a.b: {manner: erase, after: 1d, colour: red}"), "7:37: close.classes[a.b].colour: unknown field"},
	"upper case":           {least + "Export: {volume: 2GiB, keep: 7d}\n", "4:1: Export: unknown field"},
	"duplicate":            {least + "zone: UTC\n", "4:1: zone: this key is here twice"},
	"duplicate class":      {classes(star, "a.b: {manner: erase, after: 1d}", "a.b: {manner: erase, after: 2d}"), "8:5: close.classes[a.b]: this key is here twice"},
	"duplicate, quoted":    {least + "\"zone\": UTC\n", "4:1: zone: this key is here twice"},
	"anchor":               {classes(`"*": &a {manner: erase, after: 28d}`), "6:10: anchors"},
	"alias":                {classes(`"*": {manner: erase, after: &t 28d}`, "a.b: {manner: erase, after: *t}"), "7:33: aliases"},
	"star without quotes":  {classes(`*: {manner: erase, after: 28d}`), "6:5: aliases are not allowed: write the value out (the class of all others is \"*\", in quotes)"},
	"merge key":            {classes(star, "a.b:", "  <<: {manner: erase}", "  after: 1d", "  manner: erase"), "8:7: merge keys"},
	"tag":                  {classes(`"*": {manner: !!str erase, after: 28d}`), "6:19: tags"},
	"own tag":              {classes(`"*": !mine {manner: erase, after: 28d}`), "6:10: tags"},
	"complex key":          {"? version\n: 1\n" + least[len("version: 1\n"):], "1:1: complex keys"},
	"directive":            {"%YAML 1.2\n---\n" + least, "1:1: directives"},
	"second document":      {least + "---\nversion: 1\n", "4:1: a second document"},
	"second, first empty":  {"---\n---\n" + least, "2:1: a second document"},
	"after the end":        {least + "...\nversion: 1\n", "5:"},
	"nothing":              {"", "1:1: the file holds no policy"},
	"a comment":            {"# nothing\n", "1:1: the file holds no policy"},
	"a list":               {"- version: 1\n", "1:1: this must be a map"},
	"a word":               {"version\n", "1:1: this must be a map"},
	"not YAML":             {"version: [1\n", "this is not YAML"},
	"not UTF-8":            {least + "# \xff\n", "1:1: the file is not UTF-8"},
	"too long":             {least + "#" + strings.Repeat("x", 256<<10), "1:1: the file has 26"},
	"term without unit":    {strings.Replace(least, "28d", "28", 1), "3:64: close.classes[*].after: a unit is missing"},
	"term, hex":            {strings.Replace(least, "28d", "0x1d", 1), "a unit is missing"},
	"term, fraction":       {strings.Replace(least, "28d", "1.5", 1), "a unit is missing"},
	"term, wrong unit":     {strings.Replace(least, "28d", "28w", 1), `"28w" is not a length of time`},
	"term, negative":       {strings.Replace(least, "28d", "-28d", 1), `"-28d" is not a length of time`},
	"term, space":          {strings.Replace(least, "28d", "28 d", 1), `"28 d" is not a length of time`},
	"term, other digits":   {strings.Replace(least, "28d", "２８d", 1), "is not a length of time"},
	"term, absurd":         {strings.Replace(least, "28d", "999y", 1), "longer than a hundred years"},
	"term, list":           {strings.Replace(least, "28d", "[28d]", 1), "this must be a length of time"},
	"term, empty":          {strings.Replace(least, "after: 28d", "after: ", 1), "it is empty"},
	"term, null":           {strings.Replace(least, "28d", "null", 1), "it is empty"},
	"version 2":            {strings.Replace(least, "1", "2", 1), "1:10: version: this must be 1"},
	"version as text":      {strings.Replace(least, "1", `"1"`, 1), "1:10: version: this must be 1"},
	"no version":           {least[len("version: 1\n"):], "1:1: version: this field is missing"},
	"no zone":              {strings.Replace(least, "zone: Asia/Shanghai\n", "", 1), "zone: this field is missing"},
	"no such zone":         {strings.Replace(least, "Asia/Shanghai", "Asia/Peking_", 1), `2:7: zone: there is no time zone "Asia/Peking_"`},
	"the machine's zone":   {strings.Replace(least, "Asia/Shanghai", "Local", 1), "2:7: zone: there is no time zone"},
	"empty zone":           {strings.Replace(least, "Asia/Shanghai", `""`, 1), "2:7: zone: this must be a time zone"},
	"zone, a path":         {strings.Replace(least, "Asia/Shanghai", "../../etc/passwd", 1), "2:7: zone: there is no time zone"},
	"no classes":           {"version: 1\nzone: UTC\nclose: {cooling_off: 7d}\n", "close.classes: this field is missing"},
	"classes empty":        {"version: 1\nzone: UTC\nclose: {cooling_off: 7d, classes: {}}\n", "close.classes: no class is named"},
	"class without holder": {classes(star, "likes: {manner: erase, after: 1d}"), "7:5: close.classes[likes]: a class is named holder.class"},
	"class, wildcard":      {classes(star, "talk.*: {manner: erase, after: 1d}"), "a class is named holder.class"},
	"class, number":        {classes(star, "7: {manner: erase, after: 1d}"), "7:5: close.classes: a key must be text"},
	"manner":               {classes(`"*": {manner: burn, after: 28d}`), "6:19: close.classes[*].manner: this must be a manner"},
	"no manner, block":     {classes(star, "a.b:", "  after: 28d"), "8:7: close.classes[a.b].manner: this field is missing"},
	"no manner":            {classes(`"*": {after: 28d}`), "6:10: close.classes[*].manner: this field is missing"},
	"erase without after":  {classes(`"*": {manner: erase}`), "close.classes[*].after: this field is missing"},
	"detach without after": {classes(`"*": {manner: detach}`), "close.classes[*].after: this field is missing"},
	"erase until":          {classes(`"*": {manner: erase, after: 1d, until: 3y}`), "6:44: close.classes[*].until: only what is held"},
	"erase by law":         {classes(`"*": {manner: erase, after: 1d, law: x}`), "close.classes[*].law: only what is held"},
	"hold without until":   {classes(star, "a.b: {manner: hold, law: x}"), "close.classes[a.b].until: this field is missing"},
	"hold for nothing":     {classes(star, "a.b: {manner: hold, law: x, until: 0y}"), "close.classes[a.b].until: this must be longer than nothing"},
	"hold without law":     {classes(star, "a.b: {manner: hold, until: 3y}"), "close.classes[a.b].law: this field is missing"},
	"hold after":           {classes(star, "a.b: {manner: hold, until: 3y, law: x, after: 1d}"), "close.classes[a.b].after: what is held ends with until"},
	"hold by choice":       {classes(star, "a.b: {manner: erase, after: 1d, choice: [erase, hold]}"), "choice: holding is the law's choice"},
	"choice under hold":    {classes(star, "a.b: {manner: hold, until: 3y, law: x, choice: [erase]}"), "leaves no choice"},
	"choice of nothing":    {classes(star, "a.b: {manner: erase, after: 1d, choice: []}"), "7:45: close.classes[a.b].choice: this list is empty"},
	"choice, no manner":    {classes(star, "a.b: {manner: erase, after: 1d, choice: [keep]}"), `7:46: close.classes[a.b].choice: "keep" is none of`},
	"choice twice":         {classes(star, "a.b: {manner: erase, after: 1d, choice: [erase, erase]}"), "is here twice"},
	"choice, one word":     {classes(star, "a.b: {manner: erase, after: 1d, choice: detach}"), "this must be a list"},
	"from, in words":       {classes(star, "a.b: {manner: erase, after: 1d, from: Last Order}"), "close.classes[a.b].from: this must be a name"},
	"law in lines":         {classes(star, "a.b: {manner: hold, until: 3y, law: \"a\\nb\"}"), "in one line"},
	"verify, one kind":     {strings.Replace(least, "7d,", "7d, verify: {personal: [password]},", 1), "close.verify.organisation: this field is missing"},
	"verify, none":         {strings.Replace(least, "7d,", "7d, verify: {personal: [], organisation: [password]},", 1), "close.verify.personal: this list is empty"},
	"verify, other kind":   {strings.Replace(least, "7d,", "7d, verify: {personal: [password], organisation: [password], robot: [password]},", 1), "close.verify.robot: unknown field"},
	"verify, other proof":  {strings.Replace(least, "7d,", "7d, verify: {personal: [blood], organisation: [password]},", 1), `"blood" is none of passkey`},
	"volume of nothing":    {least + "export: {volume: 0GiB, keep: 7d}\n", "4:18: export.volume: this must be more than nothing"},
	"volume, no unit":      {least + "export: {volume: 2147483648, keep: 7d}\n", "4:18: export.volume: a unit is missing"},
	"volume, decimal unit": {least + "export: {volume: 2GB, keep: 7d}\n", `"2GB" is not a size`},
	"volume, negative":     {least + "export: {volume: -2GiB, keep: 7d}\n", `"-2GiB" is not a size`},
	"kept for no time":     {least + "export: {volume: 2GiB, keep: 0d}\n", "export.keep: this must be longer than nothing"},
	"half an export":       {least + "export: {volume: 2GiB}\n", "export.keep: this field is missing"},
	"half the backups":     {least + "backups: {wal: 1d}\n", "backups.backups: this field is missing"},
	"longest: never":       {least + "hibernate: {longest: never}\n", `"never" is not a length of time`},
	"longest of nothing":   {least + "hibernate: {longest: 0d}\n", "longer than nothing"},
	"deep, inline":         {least + "x: " + strings.Repeat("[", 13) + strings.Repeat("]", 13) + "\n", "4:16: maps and lists go deeper than 12"},
	"deep, block":          {least + deepBlock(14), "maps and lists go deeper than 12"},
	"very deep, inline":    {strings.Repeat("[", 200_000), "deeper than 12"},
	"very deep, entries":   {strings.Repeat("- ", 100_000), "deeper than 12"},
	"very deep, maps":      {strings.Repeat("{a: ", 50_000), "deeper than 12"},
	"many keys":            {strings.Repeat("a:\n", 80_000), "5001:2: there are more than 5000 keys"},
	"many tags":            {strings.Repeat("!a ", 80_000), "tags are not allowed"},
	"many complex keys":    {strings.Repeat("? ", 100_000), "complex keys"},
}

func TestParsePolicyRefuses(t *testing.T) {
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			errs := refused(t, c.src)
			if len(errs) > 100 {
				t.Errorf("%d errors, at most 100", len(errs))
			}
			for _, e := range errs {
				if strings.Contains(e.Error(), c.want) {
					return
				}
			}
			t.Errorf("want %q, got\n%v", c.want, errs)
		})
	}
}

func deepBlock(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "x:\n")
	}
	return b.String()
}

// All errors come at once, in the order of the file: nobody mends a policy one error a day.
func TestParsePolicyTellsAllAtOnce(t *testing.T) {
	src := `version: 2
zone: Nowhere/Here
colour: red
close:
  cooling_off: 7
  verify: {personal: [blood], organisation: []}
  classes:
    "*": &a {manner: burn, after: 28d}
    talk.likes: {manner: erase, after: 7d}
    talk.likes: {manner: erase, after: 8d}
    shop.orders: {manner: hold, after: 7d}
    post.posts: {manner: erase, after: !t 7d, choice: [keep, hold]}
hibernate: {longest: 3}
export: {volume: 2, keep: [7d]}
backups: none
`
	errs := refused(t, src)
	golden(t, "policies/all-at-once.txt", []byte(errs.Error()+"\n"))
	for i := 1; i < len(errs); i++ {
		if a, b := errs[i-1], errs[i]; a.Line > b.Line || a.Line == b.Line && a.Column > b.Column {
			t.Errorf("%v comes before %v", a, b)
		}
	}
}

func TestInlineAndBlockAreTheSame(t *testing.T) {
	inline := mustParse(t, classes(`"*": {manner: erase, after: 28d, choice: [erase, detach]}`))
	block := mustParse(t, classes(`"*":`, "  manner: erase", "  after: 28d", "  choice:", "    - erase", "    - detach"))
	if a, b := fmt.Sprintf("%+v", inline.Close), fmt.Sprintf("%+v", block.Close); a != b {
		t.Errorf("inline %s\nblock  %s", a, b)
	}
	crlf := mustParse(t, strings.ReplaceAll(full, "\n", "\r\n"))
	if a, b := fmt.Sprintf("%+v", mustParse(t, full).Close), fmt.Sprintf("%+v", crlf.Close); a != b {
		t.Errorf("with \\n   %s\nwith \\r\\n %s", a, b)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(policies.Default())
	f.Add([]byte(least))
	f.Add([]byte(full))
	f.Add([]byte(classes(`"*": &a {manner: erase, after: !t 28d, <<: *a}`, "? x", ": [[{]}")))
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := exit.ParsePolicy(src)
		if err != nil {
			if exit.KindOf(err) != exit.Invalid {
				t.Fatalf("refused with kind %v: %v", exit.KindOf(err), err)
			}
			return
		}
		again, err := exit.ParsePolicy(p.Source())
		if err != nil || again.Hash() != p.Hash() {
			t.Fatalf("accepted once and not again: %v", err)
		}
		for _, j := range []exit.Journey{exit.Hibernate, exit.TakeAlong, exit.Close} {
			ask := exit.Ask{Subject: exit.Account("a1"), Journey: j}
			a, errA := exit.MakePlan(p, ask, houseFacts(), now)
			b, errB := exit.MakePlan(again, ask, houseFacts(), now)
			if (errA == nil) != (errB == nil) {
				t.Fatalf("%s: %v, then %v", j, errA, errB)
			}
			if errA == nil && a.Hash() != b.Hash() {
				t.Fatalf("%s: two plans of one policy differ", j)
			}
		}
	})
}
