package server_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/leave"
	"exeunt/internal/server"
	"exeunt/internal/ui"
)

var update = flag.Bool("update", false, "write the picture anew")

// TestPicture holds the README's picture to what the template makes of a real plan.
func TestPicture(t *testing.T) {
	ctx := t.Context()
	h, err := server.Open(ctx, server.Options{Data: t.TempDir(), Hash: account.HashCost{KiB: 64, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.DB.MakeTrial(ctx, time.Date(2026, time.November, 22, 9, 0, 0, 0, h.Policy.Zone)); err != nil {
		t.Fatal(err)
	}
	made, err := h.Accounts.CreateAccount(ctx, "mira", account.Personal, "a long enough password")
	if err != nil {
		t.Fatal(err)
	}
	ask := exit.Ask{Subject: leave.SubjectOf(made.Account, ""), Journey: exit.Close}
	plan, err := h.Engine.Preview(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	ctx = ui.WithReader(ctx, ui.Reader{Lang: ui.English, Zone: h.Policy.Zone, Now: plan.At})
	view := h.Leave.PlanCalendar(ctx, ask.Subject, plan)
	picture := ui.CalendarSVG(view, ui.English, ui.ThemeLight)
	path := filepath.Join("..", "..", "docs", "calendar.svg")
	if *update {
		if err := os.WriteFile(path, []byte(picture), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != picture {
		t.Error("docs/calendar.svg is not what the template makes: go test ./internal/server -run TestPicture -update")
	}
}
