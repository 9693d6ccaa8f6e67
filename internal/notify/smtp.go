package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"exeunt/internal/clock"
)

// SMTP hands e-mail to a server of the operator's (RFC 5321; submission: RFC 6409, 8314).
type SMTP struct {
	From     mail.Address
	host     string
	port     string
	implicit bool // TLS from the first byte (smtps)
	plain    bool // no TLS at all: ?tls=off, or the machine's own server
	user     string
	password string
	// TLS is what connections are made with; nil: the system's roots and the server's name.
	TLS *tls.Config
}

// ParseSMTP reads where e-mail goes: smtps://USER:PASSWORD@HOST:PORT (TLS, port 465) or smtp://… (port 587; TLS by STARTTLS, which is
// asked for unless the server is this machine or the address says ?tls=off). A password that is given apart takes the place of
// the one in the address. The error never repeats the address: it holds a secret.
func ParseSMTP(address, from, password string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("the address of the mail server is not of the form smtps://USER:PASSWORD@HOST:PORT")
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("the address that e-mail comes from (--mail-from): %w", err)
	}
	s := &SMTP{From: *sender, host: u.Hostname(), port: u.Port(), implicit: u.Scheme == "smtps", user: u.User.Username(), password: password}
	if given, ok := u.User.Password(); ok && password == "" {
		s.password = given
	}
	if s.port == "" {
		s.port = map[bool]string{true: "465", false: "587"}[s.implicit]
	}
	ip := net.ParseIP(s.host)
	s.plain = !s.implicit && (s.host == "localhost" || ip != nil && ip.IsLoopback() || u.Query().Get("tls") == "off")
	return s, nil
}

// exchange bounds how long one message may take.
const exchange = time.Minute

// ErrRefused means that the server will not take a message for this address, however often it is asked.
var ErrRefused = errors.New("the mail server refuses the address")

// Send hands over one message. Its errors name the step that failed and the server's code, and never an address: what a
// server writes may hold one. [ErrRefused] if it is of no use to try again.
func (s *SMTP) Send(ctx context.Context, to string, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(s.host, s.port))
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	// The deadline is one of the network's own, whatever clock the install has.
	if err := conn.SetDeadline(clock.System{}.Now().Add(exchange)); err != nil {
		return errors.Join(fmt.Errorf("bound the exchange: %w", err), conn.Close())
	}
	if s.implicit {
		conn = tls.Client(conn, s.config())
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return errors.Join(told("greet", err), conn.Close())
	}
	if err := s.deliver(c, to, message); err != nil {
		return errors.Join(err, ignoreClosed(c.Close()))
	}
	_ = c.Quit() // the message is taken; whether the goodbye is heard changes nothing
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *SMTP) config() *tls.Config {
	if s.TLS != nil {
		return s.TLS
	}
	return &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
}

func (s *SMTP) deliver(c *smtp.Client, to string, message []byte) error {
	_, domain, _ := strings.Cut(s.From.Address, "@")
	if err := c.Hello(domain); err != nil {
		return told("greet", err)
	}
	if offered, _ := c.Extension("STARTTLS"); offered && !s.implicit {
		if err := c.StartTLS(s.config()); err != nil {
			return told("encrypt", err)
		}
	} else if !s.implicit && !s.plain {
		return errors.New("the mail server offers no encryption (STARTTLS): use smtps://, or ?tls=off within a network of your own")
	}
	if s.user != "" {
		if err := c.Auth(smtp.PlainAuth("", s.user, s.password, s.host)); err != nil {
			return told("sign in", err)
		}
	}
	if err := c.Mail(s.From.Address); err != nil {
		return told("name the sender", err)
	}
	if err := c.Rcpt(to); err != nil {
		if e := (*textproto.Error)(nil); errors.As(err, &e) && e.Code >= 500 {
			return ErrRefused
		}
		return told("name the receiver", err)
	}
	w, err := c.Data()
	if err != nil {
		return told("begin the message", err)
	}
	if _, err := w.Write(message); err != nil {
		return told("send the message", err)
	}
	if err := w.Close(); err != nil {
		return told("end the message", err)
	}
	return nil
}

// told gives a step's error with the server's code, without its words.
func told(step string, err error) error {
	if e := (*textproto.Error)(nil); errors.As(err, &e) {
		return fmt.Errorf("mail server, %s: it answered %d", step, e.Code)
	}
	return fmt.Errorf("mail server, %s: %w", step, err)
}
