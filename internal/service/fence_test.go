package service_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// withoutPass are the functions, and folders, that change rows without a pass of the fence, each with the reason.
var withoutPass = map[string]string{
	"backup":                  "it fills an empty database, before anything is served",
	"db":                      "the install's own clock and settings: of no account",
	"job":                     "the queue: a job belongs to the change that adds it, and that has passed",
	"service Desk.Announce":   "the list of services: of no account",
	"service Desk.NewAccount": "it makes the state row that the fence reads, and gives the pass",
	"service Desk.exclusive":  "the fence itself, from the side that closes it",
	"service Desk.setReason":  "the fence itself, from the side that closes it",
	"service Desk.show":       "hiding an entrance: the engine's, allowed while frozen",

	"account store.addSetting":    "the install's own secret: of no account",
	"account store.addPerson":     "a person has no state row; the account made with it passes",
	"account store.addAccount":    "it makes the account whose pass follows",
	"account store.hold":          "the engine's, as it erases the account",
	"account store.unhold":        "a held name belongs to nobody",
	"account store.setPassword":   "a person's sign-in: freezing never forbids it",
	"account store.setState":      "the engine's, which holds the state row exclusively",
	"account store.endSessionsOf": "the engine's, at consent",
	"account store.addCodes":      "a person's sign-in: freezing never forbids it",
	"account store.replaceCodes":  "a person's sign-in: freezing never forbids it",
	"account store.useCode":       "a person's sign-in: freezing never forbids it",
	"account store.addLink":       "a person's sign-in: freezing never forbids it",
	"account store.useLink":       "a person's sign-in: freezing never forbids it",
	"account store.dropLinks":     "a person's sign-in: freezing never forbids it",
	"account store.attempt":       "rate limits: keyed hashes, of no account",
	"account store.forgive":       "rate limits: keyed hashes, of no account",
	"account store.sweepAttempts": "it only takes away what is over",
	"account store.sweepInvites":  "it only takes away what is over",
	"account store.sweepLinks":    "it only takes away what is over",
	"account store.sweepNames":    "it only takes away what is over",
	"account store.sweepSessions": "it only takes away what is over",
	"account store.addPasskey":    "a person's sign-in: freezing never forbids it",
	"account store.usePasskey":    "a person's sign-in: freezing never forbids it",
	"account store.removePasskey": "a person's sign-in: freezing never forbids it",
	"account store.spend":         "hashes of challenges: of no account",
	"account store.sweepSpent":    "it only takes away what is over",
	"account store.sweepProofs":   "it only takes away what is over",

	"account store.addSignUpLink":    "the operator's invitations: of no account",
	"account store.useSignUpLink":    "the operator's invitations: of no account",
	"account store.dropSignUpLink":   "the operator's invitations: of no account",
	"account store.sweepSignUpLinks": "it only takes away what is over",

	"blob DoomSQL":         "text of a statement for holders and for stores that pass",
	"blob Store.Doom":      "it only gives up, in the transaction of a change that has passed",
	"blob Store.Keep":      "it only strikes off, in the transaction of a change that has passed",
	"blob Store.giveUp":    "it only takes away what is over",
	"blob Store.pend":      "an announcement before the change that passes; an erasure strikes it off",
	"blob Store.strikeOff": "it only takes away what is over",

	"channel store.sweepMarks":     "it only takes away what is over",
	"channel hung":                 "text of statements for the holder and for a store method that passes",
	"channel store.dropAddresses":  "it only takes away what is over",
	"channel untagged":             "text of statements for the holder and for a store method that passes",
	"channel store.sweepFarewells": "it only takes away what is over",

	"circle store.sweepFarewells": "it only takes away what is over",
	"circle store.count":          "a recount of the circle's own numbers, beside a change that has passed or is the engine's",
	"circle store.offer":          "the engine's too, at consent; the owner's own offer passes before",
	"circle store.pause":          "the engine's, at consent",
	"circle store.resume":         "the engine's, at cancel and return",
	"circle store.succeed":        "the engine's, as it erases the owner",
	"circle store.sweepNotices":   "it only takes away what is over",
	"circle store.sweep":          "it only takes away an ended circle that nobody is in",
	"circle store.withdrawRun":    "the engine's, at cancel and return",

	"leave Room.addCertificate":     "of a sealed run: its account is gone",
	"leave Room.addEntry":           "the list outside: the engine's",
	"leave Room.addReceipt":         "the ledger: the engine's",
	"leave Room.addSalt":            "the ledger: the engine's",
	"leave Room.addSlip":            "of a run, in the transaction of its consent",
	"leave Room.closeImport":        "it ends the row of an import that has passed",
	"leave Room.dropCertificates":   "of a copy of an install, on which an ending is rehearsed",
	"leave Room.dropEntries":        "the list outside: it strikes off what is written",
	"leave Room.endSlip":            "of a run that has ended",
	"leave Room.forgetHeldSalts":    "the ledger: the engine's",
	"leave Room.forgetSalt":         "the ledger: the engine's",
	"leave Room.moveImport":         "it moves on the row of an import; what it takes in passes in each room",
	"leave Room.numberReceipts":     "the ledger: hashes of receipts",
	"leave Room.replaceCertificate": "of a sealed run: its account is gone",
	"leave Room.restoreHeldName":    "before anything is served",
	"leave Room.restoreReceipt":     "before anything is served",
	"leave Room.restoreSlip":        "before anything is served",
	"leave Room.sweepHeldNames":     "it only takes away what is over",
	"leave Room.sweepSlips":         "it only takes away what is over",

	"moderate store.attempt":      "a count under a keyed hash: it refers to no account",
	"moderate store.endSanctions": "it only takes away what is over",
	"moderate store.sweepCases":   "it only takes away what is over",
	"moderate store.sweepClaims":  "it only takes away what is over",
	"relation store.sweep":        "it only takes away what is over",

	"notify store.endSpread":  "a job's own row, once everybody is told: what it told passed in batches",
	"notify store.sweep":      "it only takes away what is over",
	"upload store.dropPieces": "of take and drop, which pass, and of the sweep, which only takes away what is over",
	"upload store.forget":     "of drop, which passes, and of the sweep, which only takes away what is over",
	"search store.empty":      "the index is made anew: nothing of it is anybody's only copy",
	"search store.remove":     "terms of rows that a holder or a change that has passed takes out",

	"post hung":                 "text of statements for the holder and for a store method that passes",
	"post uncounted":            "text of statements for the holder and for store methods that pass",
	"post untagged":             "text of statements for the holder and for store methods that pass",
	"sunset Room.fetched":       "of an archive that was downloaded: freezing never forbids it",
	"sunset Room.packed":        "the engine's, in the chunk that ends an archive",
	"sunset store.addExport":    "the engine's, beside a take-along that is agreed with it",
	"sunset store.addTelling":   "of a calendar: of no account",
	"sunset store.dropWaiting":  "the engine's, of an archive that nothing is left for",
	"sunset store.end":          "of a calendar: of no account",
	"sunset store.keepLinks":    "the engine's, of an archive that is kept longer by a calendar",
	"sunset store.over":         "of a calendar: of no account",
	"sunset store.put":          "a calendar: of no account, behind the lock of what it ends",
	"sunset store.reached":      "of a calendar: of no account",
	"sunset store.setExport":    "the engine's, of a take-along that cannot go on",
	"sunset store.setPicture":   "of a calendar: of no account",
	"sunset store.setRun":       "of a calendar: of no account",
	"sunset store.shut":         "the fence itself, from the side that closes it",
	"sunset store.sweepExports": "it only takes away what is over",
	"sunset store.sweepLinks":   "it only takes away what is over",

	"talk heat": "text of statements for the holder and for a store method that passes",
	"talk bare": "text of a statement for the holder and for a store method that passes",
	"talk hung": "text of statements for the holder and for a store method that passes",
}

// changing finds SQL that changes rows. An "update" whose table is put in from elsewhere stands alone in its literal.
var changing = regexp.MustCompile(`(?i)\b(insert\s+into|delete\s+from|update\s+[a-z_]+\s+set)\b|\bupdate\s+$`)

// writer is a function whose SQL changes rows.
type writer struct {
	name string // "talk store.add", "leave Room.receipt"
	pass bool   // it takes a service.Pass, or goes through the fence itself
}

// writers reads the functions of a file whose SQL changes rows.
func writers(t *testing.T, room, name string, source any) []writer {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []writer
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !changes(fn) {
			continue
		}
		w := writer{name: room + " " + fn.Name.Name, pass: enters(fn)}
		if fn.Recv != nil {
			w.name = room + " " + typeName(fn.Recv.List[0].Type) + "." + fn.Name.Name
		}
		for _, p := range fn.Type.Params.List {
			w.pass = w.pass || typeName(p.Type) == "service.Pass" || room == "service" && typeName(p.Type) == "Pass"
		}
		out = append(out, w)
	}
	return out
}

func changes(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			found = found || err == nil && changing.MatchString(text)
		}
		return !found
	})
	return found
}

// enters reports whether the function asks the fence for its pass itself.
func enters(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			found = found || slices.Contains([]string{"Enter", "EnterExit", "enterImport"}, sel.Sel.Name)
		}
		return !found
	})
	return found
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	}
	return ""
}

// TestWritesGoThroughTheFence asks of every function of the rooms whose SQL changes rows that it takes a pass, which only
// the fence gives. Holders (exit*.go) work in the engine's transactions, on what is frozen.
func TestWritesGoThroughTheFence(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	used, seen := map[string]bool{}, 0
	for _, name := range files {
		base, room := filepath.Base(name), filepath.Base(filepath.Dir(name))
		if strings.HasSuffix(base, "_test.go") || strings.HasSuffix(base, "_templ.go") || strings.HasPrefix(base, "exit") {
			continue
		}
		for _, w := range writers(t, room, name, nil) {
			seen++
			switch {
			case w.pass:
			case withoutPass[room] != "":
				used[room] = true
			case withoutPass[w.name] != "":
				used[w.name] = true
			default:
				t.Errorf("%s changes rows and takes no service.Pass", w.name)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d functions that change rows were found: is this the right folder?", seen)
	}
	for _, name := range slices.Sorted(maps.Keys(withoutPass)) {
		if !used[name] {
			t.Errorf("%s is on the list of those that need no pass, and does not need to be", name)
		}
	}
}

// TestFenceTestFindsWriters asks that the test above can fail.
func TestFenceTestFindsWriters(t *testing.T) {
	const source = `package room
func (s store) with(ctx context.Context, p service.Pass) { s.db.Exec(ctx, "insert into likes (id) values ($1)") }
func (s *store) without(ctx context.Context) { s.db.Exec(ctx, ` + "`delete from `+table+` where id = $1`" + `) }
func plain(ctx context.Context) { d.Exec(ctx, "update "+table+" set n = 1") }
func upsert() { d.Exec(ctx, "update posts set likes = 0") }
func (r *Room) self(ctx context.Context) { pass, err := r.Desk.Enter(ctx, w); r.DB.Exec(ctx, "delete from likes") }
func reads(ctx context.Context) { d.Q(ctx).QueryContext(ctx, "select updated from inserts") }
`
	got := writers(t, "room", "room/store.go", source)
	want := []writer{{"room store.with", true}, {"room store.without", false}, {"room plain", false}, {"room upsert", false}, {"room Room.self", true}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
