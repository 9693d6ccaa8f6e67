// Command exeunt runs an Exeunt install and does its operator's work. Every command takes
// --data DIR or --database URL and works beside a running server on the same data as well as
// without one; with --json it prints one JSON object. The exit status is 0 only on success.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"exeunt/exit"
	"exeunt/internal/clock"
	"exeunt/internal/moderate"
	"exeunt/internal/server"
	"exeunt/internal/ui"

	"github.com/alecthomas/kong"
)

// version is set when a release is built.
var version = "0.1.0-dev"

// place says which install a command is about.
type place struct {
	Data       string `help:"Folder of the install: database, media, keys." default:"data" type:"path" placeholder:"DIR"`
	Database   string `help:"PostgreSQL instead of the SQLite file in --data." placeholder:"URL"`
	Outside    string `help:"Folder or bucket for the list of erasures that is kept outside the database." placeholder:"URL"`
	SigningKey string `help:"File of the ledger's signing key." type:"path" placeholder:"FILE"`
}

// app is the command line and what commands share.
type app struct {
	JSON bool `help:"Print one JSON object." name:"json"`

	Serve       serveCmd       `cmd:"" help:"Serve the install."`
	Account     accountCmd     `cmd:"" help:"Make accounts and reset passwords."`
	Import      importCmd      `cmd:"" help:"Take an archive in."`
	Export      exportCmd      `cmd:"" help:"Write an archive."`
	Circle      circleCmd      `cmd:"" help:"Take a circle along as a whole."`
	Plan        planCmd        `cmd:"" help:"Preview a journey."`
	Leave       leaveCmd       `cmd:"" help:"Agree a journey on a person's written request."`
	Status      statusCmd      `cmd:"" help:"Show the runs of an account, or one run."`
	Certificate certificateCmd `cmd:"" help:"Write a run's certificate."`
	Clock       clockCmd       `cmd:"" help:"Move a trial install's clock forward."`
	Verify      verifyCmd      `cmd:"" help:"Check an archive, a certificate or a signed statement, offline."`
	Residue     residueCmd     `cmd:"" help:"Look for what is left of an account or a text."`
	Search      searchCmd      `cmd:"" help:"Look after the search index."`
	Sunset      sunsetCmd      `cmd:"" help:"End a service, a circle or the install on a published calendar."`
	Backup      backupCmd      `cmd:"" help:"Save database, media and ledger."`
	Restore     restoreCmd     `cmd:"" help:"Bring a backup back."`
	Version     versionCmd     `cmd:"" help:"Print the version."`

	out io.Writer
	err io.Writer
	ctx context.Context
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings given.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	a := &app{out: out, err: errs, ctx: ctx}
	failed := -1
	parser, err := kong.New(a, kong.Name("exeunt"), kong.Description("Circles and channels. Come freely, leave whole."), kong.Writers(out, errs),
		kong.Exit(func(code int) { failed = code }), kong.UsageOnError(), kong.ShortUsageOnError())
	if err != nil {
		_, _ = fmt.Fprintln(errs, err) // nowhere left to say so
		return 1
	}
	k, err := parser.Parse(args)
	if failed >= 0 {
		return failed
	}
	if err != nil {
		_, _ = fmt.Fprintf(errs, "exeunt: %v\n", err) // as above
		return 2
	}
	if err := k.Run(a); err != nil {
		a.complain(err)
		return 1
	}
	return 0
}

// complain prints what went wrong, in the operator's language, with the hint and the cause.
func (a *app) complain(err error) {
	var e *exit.Error
	sentence := err.Error()
	if errors.As(err, &e) && ui.HasKey(e.Key) {
		args := make([]any, 0, 2*len(e.Args))
		for k, v := range e.Args {
			args = append(args, k, v)
		}
		sentence = language().T(e.Key, args...)
	}
	if a.JSON {
		_ = json.NewEncoder(a.err).Encode(map[string]string{"error": sentence, "cause": err.Error()}) // nowhere left to say so
		return
	}
	_, _ = fmt.Fprintf(a.err, "exeunt: %s\n", sentence) // as above
	if e != nil && sentence != err.Error() {
		_, _ = fmt.Fprintf(a.err, "  (%s)\n", err.Error())
	}
}

// language gives the operator's language by the environment.
func language() ui.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if len(v) >= 2 && v[:2] == "zh" {
				return ui.Chinese
			}
			return ui.English
		}
	}
	return ui.English
}

// open puts the install together for one command.
func (a *app) open(p place) (*server.House, error) {
	return server.Open(a.ctx, a.options(p))
}

func (a *app) options(p place) server.Options {
	return server.Options{
		Rates: moderate.Rates(),
		Data:  p.Data, Database: p.Database, Outside: p.Outside, SigningKey: p.SigningKey, Clock: clock.System{},
		Log: slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// with opens the install, runs fn and closes it again.
func (a *app) with(p place, fn func(h *server.House) error) (err error) {
	h, err := a.open(p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return fn(h)
}

// pause waits a moment, while another process works.
func pause(ctx context.Context) error {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// print writes v as JSON with --json, else the text.
func (a *app) print(v any, text string, args ...any) error {
	if a.JSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	_, err := fmt.Fprintf(a.out, text, args...)
	return err
}

type versionCmd struct{ place }

func (versionCmd) Run(a *app) error {
	return a.print(map[string]string{"version": version}, "exeunt %s\n", version)
}
