package dbtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
)

// TestEachIsAlone asks that what one test writes is not seen by the next.
func TestEachIsAlone(t *testing.T) {
	for range 2 {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			if _, found, err := d.Setting(t.Context(), "planted"); err != nil || found {
				t.Fatalf("an empty database: found %v, error %v", found, err)
			}
			if err := d.SetSetting(t.Context(), "planted", "value"); err != nil {
				t.Fatal(err)
			}
			if value, found, err := d.Setting(t.Context(), "planted"); err != nil || !found || value != "value" {
				t.Fatalf("got %q, %v, %v", value, found, err)
			}
		})
	}
}

// TestEachAddressOpens asks that a program which is given the address finds the database migrated.
func TestEachAddressOpens(t *testing.T) {
	dbtest.EachAddress(t, func(t *testing.T, address string) {
		d, err := db.Open(t.Context(), address, clock.NewFake(dbtest.Start))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestClockStandsUntilMoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fake := dbtest.Clock(t, d)
		if !d.Clock.Now().Equal(dbtest.Start) {
			t.Errorf("the clock stands at %v, want %v", d.Clock.Now(), dbtest.Start)
		}
		fake.Add(time.Hour)
		if !d.Clock.Now().Equal(dbtest.Start.Add(time.Hour)) {
			t.Errorf("the clock stands at %v, want an hour later", d.Clock.Now())
		}
	})
}

// TestUnreachableFails runs this test binary anew with what a machine without PostgreSQL has, and with a misspelt engine.
func TestUnreachableFails(t *testing.T) {
	for _, test := range []struct{ databases, postgres, want string }{
		{"postgres", "", "make services"},
		{"both", "postgres://postgres:hush@127.0.0.1:1/postgres", "make services"},
		{"mysql", "", "use sqlite, postgres or both"},
	} {
		t.Run(test.databases, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestEachIsAlone$")
			cmd.Env = append(os.Environ(), "EXEUNT_TEST_DATABASES="+test.databases, "EXEUNT_TEST_POSTGRES="+test.postgres)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("passed, want a failure")
			}
			if !strings.Contains(string(out), test.want) {
				t.Errorf("%q is missing from %s", test.want, out)
			}
			if strings.Contains(string(out), "hush") {
				t.Errorf("the password is in %s", out)
			}
		})
	}
}
