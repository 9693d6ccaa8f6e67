package server_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/leave"
	"exeunt/internal/residue"
)

// TestRefusedSignUpLeaves has the operator refuse a sign-up: it is closed and erased by the journeys by which people leave, and the record
// says that the operator agreed them.
func TestRefusedSignUpLeaves(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		ctx := t.Context()
		must(t, in.DB.SetSetting(ctx, "house", `{"registration":"approval"}`), "set registration")
		c, err := in.Accounts.SignUp(ctx, account.NewPerson{Name: "anaqqzq", Password: password, About: "neighbourzq"})
		must(t, err, "sign up")
		must(t, in.Accounts.Refuse(ctx, c.Account), "refuse")
		open, err := in.DB.Runs.Open(ctx, leave.SubjectOf(c.Account, ""))
		must(t, err, "read runs")
		if len(open) != 1 || open[0].Run.Journey != exit.Close || open[0].Run.By != "operator" {
			t.Fatalf("%d runs are open, want a closing by the operator: %+v", len(open), open)
		}
		if err := in.Accounts.Refuse(ctx, c.Account); err == nil {
			t.Error("refused twice")
		}
		in.settle(t)
		in.wantRun(t, open[0].Run.ID, exit.RunSealed)
		for _, text := range []string{"anaqqzq", "neighbourzq", c.Account.String(), c.Person.String()} {
			r, err := residue.Search(ctx, in.DB, in.Blobs, text)
			must(t, err, "search residue")
			for _, f := range r.Finds {
				t.Errorf("%q is left in %s (%d)", text, f.Where, f.Count)
			}
		}
	})
}
