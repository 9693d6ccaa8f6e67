package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// letter is an e-mail: a sentence and a link, in the reader's language.
type letter struct {
	id      string // the first half of its Message-ID
	subject string
	lines   []string
	stop    string // address that ends this kind of e-mail (RFC 8058); "" for none
}

// bytes writes the letter as it is sent (RFC 5322; RFC 2047 for what is not ASCII). Nothing that a person chose gets into a header
// but as an encoded word, which holds no line's end.
func (l letter) bytes(from mail.Address, to string, at time.Time) ([]byte, error) {
	_, domain, _ := strings.Cut(from.Address, "@")
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	header("From", from.String())
	header("To", (&mail.Address{Address: to}).String())
	header("Subject", mime.BEncoding.Encode("utf-8", subjectOf(l.subject)))
	header("Date", at.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+l.id+"@"+domain+">")
	header("Auto-Submitted", "auto-generated")
	if l.stop != "" {
		header("List-Unsubscribe", "<"+l.stop+">")
		header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(strings.Join(l.lines, "\n"), "\n", "\r\n") + "\r\n")); err != nil {
		return nil, fmt.Errorf("write e-mail: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write e-mail: %w", err)
	}
	return b.Bytes(), nil
}

// mostSubject bounds a subject, in characters: encoded it fits into one line (RFC 5322, 2.1.1).
const mostSubject = 120

// subjectOf gives a text as one line that is short enough.
func subjectOf(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if c := []rune(s); len(c) > mostSubject {
		s = strings.TrimSpace(string(c[:mostSubject-1])) + "…"
	}
	return s
}

// Address gives a page of this site as e-mail links to it.
func (r *Room) Address(path string) string { return r.at(path) }

// at gives a page of this site as a link from outside.
func (r *Room) at(path string) string {
	if r.Secure {
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}

// stopPath gives the path that ends the e-mail of a kind to an address.
func (r *Room) stopPath(address who.ID, k Kind) string {
	return stopPath + address.String() + "/" + string(k) + "/" + r.proof(address, k)
}

// proof shows that a link to stop e-mail was in one: 80 bits keyed by the install's secret.
func (r *Room) proof(address who.ID, k Kind) string {
	m := hmac.New(sha256.New, r.Secret)
	_, _ = fmt.Fprintf(m, "notify.stop\x00%s\x00%s", address, k) // never fails (hash.Hash)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m.Sum(nil)[:10]))
}

func (r *Room) proves(address who.ID, k Kind, proof string) bool {
	return subtle.ConstantTimeCompare([]byte(proof), []byte(r.proof(address, k))) == 1
}

// noticeLetter writes what happened; once is the path of a link that works one time, "" for none.
func (r *Room) noticeLetter(ctx context.Context, a address, g group, once string) letter {
	line := r.line(ctx, g)
	said := line.before + line.who + line.after
	about := []string{said}
	if k, _ := ruleOf(g.Kind); k.says && line.excerpt != "" {
		about = append(about, line.excerpt)
	}
	about = append(about, "", r.at(line.href))
	if once != "" {
		about = append(about, "", ui.T(ctx, "sunset_export.mail"), r.at(once))
	}
	if more := r.More[g.Kind]; more != nil {
		about = append(about, more(ctx, g.thing)...)
	}
	return letter{
		id: "notice-" + g.id.String(), subject: ui.T(ctx, "notify.mail.subject", "Site", ui.SiteName(ctx), "Said", said), stop: r.at(r.stopPath(a.id, g.Kind)),
		lines: append(about, "", "-- ", ui.T(ctx, "notify.mail.why", "Kind", ui.T(ctx, names[string(g.Kind)])),
			ui.T(ctx, "notify.mail.stop", "Link", r.at(r.stopPath(a.id, g.Kind))), ui.T(ctx, "notify.mail.settings", "Link", r.at(SettingsPath))),
	}
}

// proofLetter asks whether an address is the account's.
func (r *Room) proofLetter(ctx context.Context, a address, token string) letter {
	return letter{
		id: "proof-" + a.id.String() + "-" + digest(token)[:8], subject: ui.T(ctx, "notify.mail.proof", "Site", ui.SiteName(ctx)),
		lines: []string{ui.T(ctx, "notify.mail.proof_about", "Site", ui.SiteName(ctx)), "", r.at(provePath + token), "", ui.T(ctx, "notify.mail.proof_not_you")},
	}
}
