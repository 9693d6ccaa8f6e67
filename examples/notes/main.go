package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"exeunt/exit"
	"exeunt/ledger"
)

const usage = `notes [-db FILE] [-at DAY] COMMAND
  join NAME           make an account; prints its id
  write ID TEXT       write a note
  plan ID             what leaving does, and when
  hide|show|close|cancel|return ID
  work                carry out what is due
  certificate RUN     print a run's certificate`

func main() {
	db := flag.String("db", "notes.db", "the database")
	at := flag.String("at", "", "pretend that it is noon (UTC) of this day, such as 2026-12-28")
	flag.Parse()
	if err := run(context.Background(), *db, *at, flag.Arg(0), flag.Arg(1), flag.Arg(2)); err != nil {
		fmt.Fprintln(os.Stderr, "notes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db, at, command, arg, text string) error {
	now := func() time.Time { return time.Now().UTC() }
	if at != "" {
		day, err := exit.ParseDate(at)
		if err != nil {
			return err
		}
		now = func() time.Time { return day.Start(time.UTC).Add(12 * time.Hour) }
	}
	key, err := ledger.LoadOrCreateKey(db+".key", "notes.example.org")
	if err != nil {
		return err
	}
	n, err := Open(ctx, db, key, now)
	if err != nil {
		return err
	}
	out, err := n.command(ctx, command, arg, text)
	fmt.Print(out)
	return errors.Join(err, n.db.Close())
}

func (n *Notes) command(ctx context.Context, command, arg, text string) (out string, err error) {
	ask := exit.Ask{Subject: exit.Account(arg), Journey: exit.Journey(command)}
	switch command {
	case "join":
		id, err := n.Join(ctx, arg)
		return id + "\n", err
	case "write":
		return "", n.Write(ctx, arg, text)
	case "work":
		for took := 1; took > 0 && err == nil; {
			took, err = n.Work(ctx, 10)
		}
		return "", err
	case "certificate":
		file, err := n.Certificate(ctx, arg)
		return string(file), err
	case "plan":
		ask.Journey = exit.Close
		plan, err := n.Preview(ctx, ask)
		if err != nil {
			return "", err
		}
		for _, s := range plan.Steps {
			out += fmt.Sprintln(s.Due, s.Key)
		}
		return out, nil
	case "hide", "show":
		ask.Subject = ask.Subject.Within("notes")
	case "close", "cancel", "return":
	default:
		return "", errors.New(usage)
	}
	r, err := n.Ask(ctx, ask)
	return r.ID + "\n", err
}
