package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"exeunt/internal/leave"
	"exeunt/internal/notify"
	"exeunt/internal/server"
)

type serveCmd struct {
	place
	Listen           string `help:"Where to listen." default:"127.0.0.1:8080" placeholder:"ADDR"`
	Media            string `help:"Folder or s3://… for media; remembered." placeholder:"URL"`
	Policy           string `help:"Exit policy; remembered." type:"path" placeholder:"FILE"`
	Host             string `help:"Where people reach the install, for addresses in archives." placeholder:"HOST"`
	TLS              bool   `help:"The install is reached through TLS: cookies are marked Secure." name:"tls"`
	MetricsTokenFile string `help:"A file with the token that may read /metrics; without it the operator alone may." type:"path" placeholder:"FILE"`
	SMTP             string `help:"Mail server for notices by e-mail: smtps://USER:PASSWORD@HOST:PORT, or smtp://… with STARTTLS." name:"smtp" placeholder:"URL"`
	MailFrom         string `help:"Address that e-mail comes from; goes with --smtp." placeholder:"ADDR"`
	SMTPPasswordFile string `help:"A file with the mail server's password, in place of one in --smtp." name:"smtp-password-file" type:"path" placeholder:"FILE"`
	Trial            bool   `help:"A trial install: its clock can be moved, visitors are lent an account."`
	Begin            string `help:"The day on which a new trial install begins." placeholder:"DATE"`
}

func (c *serveCmd) Run(a *app) (err error) {
	o := a.options(c.place)
	o.Media, o.Policy, o.Host, o.Secure = c.Media, c.Policy, c.Host, c.TLS
	o.Log = slog.New(slog.NewJSONHandler(a.err, nil))
	if o.MetricsToken, err = readToken(c.MetricsTokenFile); err != nil {
		return err
	}
	if o.Mail, err = c.mail(); err != nil {
		return err
	}
	if o.Host == "" {
		o.Host = c.Listen
	}
	h, err := server.Open(a.ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if e := h.Close(); err == nil {
			err = e
		}
	}()
	if err := c.prepare(a, h); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	_, _ = fmt.Fprintf(a.out, "listening on http://%s\n", l.Addr()) // whoever cannot read it is served all the same
	return h.Serve(a.ctx, l)
}

// readToken reads a secret from a file; "" for no file. A token shorter than 16 bytes is refused.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 16 {
		return "", fmt.Errorf("the token in %s is shorter than 16 bytes: anybody could guess it", path)
	}
	return token, nil
}

// mail gives what sends e-mail, nil without a mail server.
func (c *serveCmd) mail() (notify.Post, error) {
	if c.SMTP == "" {
		if c.MailFrom != "" || c.SMTPPasswordFile != "" {
			return nil, errors.New("--mail-from and --smtp-password-file go with --smtp")
		}
		return nil, nil
	}
	if c.MailFrom == "" {
		return nil, errors.New("--smtp goes with --mail-from ADDR, the address that e-mail comes from")
	}
	var password string
	if c.SMTPPasswordFile != "" {
		b, err := os.ReadFile(c.SMTPPasswordFile)
		if err != nil {
			return nil, fmt.Errorf("read the mail server's password: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	s, err := notify.ParseSMTP(c.SMTP, c.MailFrom, password)
	if err != nil {
		return nil, fmt.Errorf("read --smtp: %w", err)
	}
	return s, nil
}

// prepare does what must be done before the first request is answered.
func (c *serveCmd) prepare(a *app, h *server.House) error {
	if c.Trial {
		begin := time.Time{}
		if c.Begin != "" {
			var err error
			if begin, err = time.ParseInLocation(time.DateOnly, c.Begin, h.Policy.Zone); err != nil {
				return fmt.Errorf("read --begin: %w", err)
			}
		}
		if err := h.BeginTrial(a.ctx, begin); err != nil {
			return err
		}
	} else if c.Begin != "" {
		return fmt.Errorf("--begin goes with --trial")
	}
	done, err := h.Leave.Replay(a.ctx)
	if err != nil {
		return fmt.Errorf("replay the list outside the database: %w", err)
	}
	if done != (leave.Replayed{}) {
		if _, err := fmt.Fprintf(a.out, "replayed %d erasures (%d items), %d closings, %d calendars of sunsets, %d returns and withdrawals; brought %d certificates back\n",
			done.Erasures, done.Items, done.Closings, done.Sunsets, done.Undone, done.Certificates); err != nil {
			return fmt.Errorf("print what was replayed: %w", err)
		}
	}
	if h.DB.Trial() {
		return nil
	}
	token, first, err := h.Accounts.FirstStart(a.ctx)
	if err != nil {
		return err
	}
	if first {
		if _, err := fmt.Fprintf(a.out, "the operator's account is made at http://%s/operator/%s (once, within 24 hours)\n", c.Listen, token); err != nil {
			return fmt.Errorf("print the operator's link: %w", err) // it stands nowhere else; the next start makes another
		}
	}
	return nil
}
