package exit_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"exeunt/exit"
)

// A policy, what a platform keeps, and a day: together they are a calendar.
func Example() {
	policy, err := exit.ParsePolicy([]byte(`
version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7d
  classes:
    "*":           {manner: erase, after: 28d}
    notes.shares:  {manner: erase, after: 0d}
    notes.replies: {manner: detach, after: 14d}
`))
	if err != nil {
		log.Fatal(err)
	}
	notes := func(c exit.Class) exit.ClassFact { return exit.ClassFact{Holder: "notes", Class: c} }
	facts := exit.Facts{Classes: []exit.ClassFact{
		notes(exit.Class{Name: "notes", Exported: true, Imported: true}),
		notes(exit.Class{Name: "replies", Manners: []exit.Manner{exit.Erase, exit.Detach}}),
		notes(exit.Class{Name: "shares"}),
	}}
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	plan, err := exit.MakePlan(policy, exit.Ask{Subject: exit.Account("a7"), Journey: exit.Close}, facts, now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("may be cancelled until", plan.CoolingOff)
	for _, s := range plan.Steps {
		if s.Act.Irreversible() {
			fmt.Println(s.Due, s.Act, s.ClassID(), "- comes back:", s.Back)
		}
	}
	fmt.Println("may return until", plan.ReturnTill)
	// Output:
	// may be cancelled until 2026-11-29
	// 2026-12-20 erase notes.notes - comes back: archive
	// 2026-12-06 detach notes.replies - comes back: never
	// 2026-11-29 erase notes.shares - comes back: never
	// may return until 2026-12-20
}

// All that is wrong with a policy is told at once.
func ExampleParsePolicy() {
	_, err := exit.ParsePolicy([]byte(`version: 1
zone: Asia/Shanghai
close:
  cooling_off: 7
  classes:
    "*": {manner: erase, after: 28d, after: 30d}
`))
	var errs exit.PolicyErrors
	if errors.As(err, &errs) {
		fmt.Println(errs)
	}
	// Output:
	// 4:16: close.cooling_off: a unit is missing: this must be a length of time with its unit (48h, 28d, 15wd, 6mo, 3y)
	// 6:38: close.classes[*].after: this key is here twice
}

// Months keep the day of the month, or take the month's last.
func ExampleTerm_From() {
	month, err := exit.ParseTerm("1mo")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(month.From(exit.Date{Year: 2027, Month: time.January, Day: 31}, exit.Calendar{}))
	// Output: 2027-02-28
}
