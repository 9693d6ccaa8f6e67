package notify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/job"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// Kinds of the room's jobs.
const (
	jobMail  = "notify.mail"
	jobProve = "notify.prove"
)

// Post sends e-mail.
type Post interface {
	// Send hands a whole message (RFC 5322, lines ended by CRLF) for one address to the next server. Its errors hold no address;
	// [ErrRefused] if it is of no use to try again.
	Send(ctx context.Context, to string, message []byte) error
	// Sender is the address that e-mail comes from.
	Sender() mail.Address
}

// Sender is the address that e-mail comes from.
func (s *SMTP) Sender() mail.Address { return s.From }

// address is an account's address for notices.
type address struct {
	id      who.ID
	account who.ID
	text    string
	proven  bool
	expires time.Time // machine time; zero once it is proven
}

const (
	// proofLife is how long the link that proves an address works, by the machine clock.
	proofLife = 24 * time.Hour
	// addressLength bounds an address (RFC 5321, 4.5.3.1.3: a path has 256 octets with its brackets).
	addressLength = 254
	// How many proofs an account may ask for, and how many go to one address, in a day.
	proofsOfOne = 5
	proofsToOne = 3
)

// cleanAddress gives an address as it is stored: the bare address, of ASCII alone.
func cleanAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > addressLength {
		return "", exit.Fail(exit.Invalid, "notify.error.address")
	}
	for _, c := range text {
		if c <= ' ' || c > '~' || strings.ContainsRune(`<>"(),:;\[]`, c) {
			return "", exit.Fail(exit.Invalid, "notify.error.address")
		}
	}
	return text, nil
}

// Bind gives the viewer's account an address for notices, in place of one that it has, and sends the link that proves it. Invalid
// for what is no address, TooMany when too many proofs were asked for, Unavailable where this install sends no e-mail.
func (r *Room) Bind(ctx context.Context, v who.Viewer, text string) error {
	if r.Post == nil {
		return exit.Fail(exit.Unavailable, "notify.error.no_mail")
	}
	text, err := cleanAddress(text)
	if err != nil {
		return err
	}
	if r.Limit != nil {
		if err := r.Limit(ctx, "notice address of "+v.Account.String(), proofsOfOne, proofLife); err != nil {
			return err
		}
		if err := r.Limit(ctx, "notice address "+strings.ToLower(text), proofsToOne, proofLife); err != nil {
			return err
		}
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Removal: true})
		if err != nil {
			return err
		}
		a := address{id: who.RandomID(), account: v.Account, text: text, expires: r.DB.Clock.Now().Add(proofLife)}
		// The secret is made when the e-mail is: until then nothing proves the address.
		if err := r.store.bind(ctx, pass, a, digest(rand.Text())); err != nil {
			return err
		}
		return r.Queue.Add(ctx, job.Job{Kind: jobProve, Ref: a.id.String(), Account: v.Account})
	})
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Unbind erases the viewer's address. It is no error if there is none.
func (r *Room) Unbind(ctx context.Context, v who.Viewer) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, v.Account)
		if err != nil {
			return err
		}
		return r.store.unbind(ctx, pass, v.Account)
	})
}

// Prove makes the address of a token the account's. NotFound for a link that does not work any more.
func (r *Room) Prove(ctx context.Context, token string) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		a, err := r.unproven(ctx, token)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: a.account, Removal: true})
		if err != nil {
			return err
		}
		return r.store.prove(ctx, pass, a.id)
	})
}

// unproven gives the address that a token proves.
func (r *Room) unproven(ctx context.Context, token string) (address, error) {
	a, ok, err := r.store.byHash(ctx, digest(token))
	if err == nil && (!ok || a.proven || r.DB.Clock.Now().After(a.expires)) {
		err = exit.Fail(exit.NotFound, "notify.error.link")
	}
	return a, err
}

// StopMail ends the e-mail of a kind to the address of a link. NotFound if the link is not one of ours, or the address is gone.
func (r *Room) StopMail(ctx context.Context, id who.ID, k Kind, proof string) error {
	if _, ok := ruleOf(k); !ok || !r.proves(id, k, proof) {
		return exit.Fail(exit.NotFound, "notify.error.link")
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		a, ok, err := r.store.byID(ctx, id)
		if err != nil {
			return err
		}
		if !ok {
			return exit.Fail(exit.NotFound, "notify.error.link")
		}
		pass, err := r.Desk.EnterExit(ctx, a.account)
		if err != nil {
			return err
		}
		chosen, err := r.chosen(ctx, a.account)
		if err != nil {
			return err
		}
		s := chosen[k]
		s.Mail = false
		return r.store.setSwitches(ctx, pass, a.account, map[Kind]Switch{k: s})
	})
}

// chosen gives what an account wants of each kind: what it chose, else what the rule says.
func (r *Room) chosen(ctx context.Context, account who.ID) (map[Kind]Switch, error) {
	own, err := r.store.switches(ctx, account)
	if err != nil {
		return nil, err
	}
	out := make(map[Kind]Switch, len(rules))
	for _, k := range rules {
		s, ok := own[k.kind]
		if !ok {
			s = Switch{Centre: true, Mail: k.mail}
		}
		s.Centre = s.Centre || k.fixed
		out[k.kind] = s
	}
	return out, nil
}

// queueMail adds a job for each notice that its account wants by e-mail, also in a process that sends none: one that does has the job done.
func (r *Room) queueMail(ctx context.Context, rows []row) error {
	if r.Queue == nil {
		return nil
	}
	for _, x := range rows {
		if !x.mail {
			continue
		}
		if err := r.Queue.Add(ctx, job.Job{Kind: jobMail, Ref: x.id.String(), Account: x.To}); err != nil {
			return err
		}
	}
	return nil
}

// NoMail has e-mail that is due given up: an install that answers people and has no mail server will send none. Where there is one it does nothing.
func (r *Room) NoMail() {
	if r.Post != nil || r.Queue == nil {
		return
	}
	for _, kind := range []string{jobMail, jobProve} {
		r.Queue.Handle(kind, func(context.Context, job.Job) error { return nil })
	}
}

// mailLife is how old a notice may be about which an e-mail is still sent.
const mailLife = 7 * 24 * time.Hour

// mailJob sends the e-mail about a notice, unless it was seen meanwhile, sent, is too old, or is not for the account to see any more.
func (r *Room) mailJob(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return nil
	}
	now, err := r.DB.Now(ctx)
	if err != nil {
		return err
	}
	x, ok, err := r.store.toMail(ctx, id, now)
	if err != nil || !ok || now.Sub(x.at) > mailLife {
		return err
	}
	a, ok, err := r.store.addressOf(ctx, x.To)
	if err != nil || !ok || !a.proven {
		return err
	}
	lang, err := r.store.language(ctx, x.To)
	if err != nil {
		return err
	}
	if ctx, err = r.reader(ctx, lang, now); err != nil {
		return err
	}
	c := centre{}
	c.fold([]row{x})
	if err := r.tell(ctx, who.Viewer{Account: x.To, State: who.Active}, &c); err != nil || len(c.groups) == 0 {
		return err
	}
	link := ""
	if once := r.Once[x.Kind]; once != nil {
		if link, err = once(ctx, x.Notice); err != nil {
			return err
		}
	}
	if err := r.post(ctx, a, r.noticeLetter(ctx, a, c.groups[0], link)); err != nil {
		return err
	}
	return r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, x.To)
		if err != nil {
			return err
		}
		return r.store.mailed(ctx, pass, id)
	})
}

// reader writes for an account that is not looking: in its language.
func (r *Room) reader(ctx context.Context, lang string, now time.Time) (context.Context, error) {
	reader := ui.Reader{Lang: ui.Chinese, Now: now, Zone: time.UTC}
	if r.Site != nil {
		site, err := r.Site(ctx)
		if err != nil {
			return ctx, err
		}
		reader.Site = site
	}
	if l, ok := ui.ParseLang(lang); ok {
		reader.Lang = l
	}
	if r.Zone != nil {
		reader.Zone = r.Zone
	}
	return ui.WithReader(ctx, reader), nil
}

// post sends a letter. What the server will never take is done with.
func (r *Room) post(ctx context.Context, a address, l letter) error {
	message, err := l.bytes(r.Post.Sender(), a.text, r.DB.Clock.Now())
	if err != nil {
		return err
	}
	if err := r.Post.Send(ctx, a.text, message); err != nil && !errors.Is(err, ErrRefused) {
		return fmt.Errorf("send e-mail: %w", err)
	}
	return nil
}

// proveJob sends the link that proves an address. Each attempt has a secret of its own: only the last one's works.
func (r *Room) proveJob(ctx context.Context, j job.Job) error {
	id, ok := who.ParseID(j.Ref)
	if !ok {
		return nil
	}
	a, ok, err := r.store.byID(ctx, id)
	if err != nil || !ok || a.proven {
		return err
	}
	token := strings.ToLower(rand.Text())
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, a.account)
		if err != nil {
			return err
		}
		return r.store.setHash(ctx, pass, id, digest(token))
	})
	if err != nil {
		return err
	}
	lang, err := r.store.language(ctx, a.account)
	if err != nil {
		return err
	}
	if ctx, err = r.reader(ctx, lang, time.Time{}); err != nil {
		return err
	}
	return r.post(ctx, a, r.proofLetter(ctx, a, token))
}
