package account

import (
	"context"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/install"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

const (
	// mostLinkDays bounds how long a link of the operator's can be used.
	mostLinkDays = 30
	// longestNote bounds what the operator writes beside a link, and an applicant of themselves, in characters.
	longestNote  = 60
	longestAbout = 500
	// reasonApproval is why a new account is neither seen nor writes: the operator has not looked yet.
	reasonApproval = "approval"
)

// settings gives what the operator decided; without an install room anybody may come.
func (r *Room) settings(ctx context.Context) (install.Settings, error) {
	if r.Install == nil {
		return install.Settings{Registration: install.Open}, nil
	}
	return r.Install.Current(ctx)
}

// admit is how a sign-up comes in: as what the operator lets in, or by a slip that holds the name. The zero value is an account that the
// operator makes.
type admit struct {
	way       install.Registration
	run       string // of the slip, "" for none
	link      string // the hash of the operator's link, "" for none
	challenge string // to be used up, "" for none
	about     string // of an applicant
}

// admission says what a sign-up needs: Forbidden where nobody new comes in, Invalid for what can be put right in the form. By their slip
// people come back whatever the operator decided: that it really holds the name is asked in the transaction.
func (r *Room) admission(ctx context.Context, n NewPerson) (a admit, err error) {
	s, err := r.settings(ctx)
	if err != nil {
		return a, err
	}
	if err := r.checkWork(s.Work, n.Challenge, n.Nonce); err != nil {
		return a, err
	}
	a.way, a.about = s.Registration, cleanLines(n.About)
	if s.Work > 0 {
		a.challenge = n.Challenge
	}
	if utf8.RuneCountInString(a.about) > longestAbout {
		return a, exit.Fail(exit.Invalid, "account.error.about_long", "Count", longestAbout)
	}
	if n.Slip != "" && r.Slip != nil {
		a.run, err = r.Slip(ctx, n.Slip)
		if exit.KindOf(err) == exit.NotFound {
			err = exit.Fail(exit.Invalid, "account.error.slip")
		}
		return a, err
	}
	switch a.way {
	case install.Invitation:
		if n.Link == "" {
			return a, exit.Fail(exit.Invalid, "account.error.link_needed")
		}
		a.link = digest(n.Link)
		return a, r.SignUpLink(ctx, n.Link)
	case install.Closed:
		return a, exit.Fail(exit.Invalid, "account.error.closed")
	default:
		return a, nil
	}
}

// enter uses up what the sign-up came in by, in its transaction, and says whether the account waits for the operator.
func (a admit) enter(ctx context.Context, r *Room, name string, now time.Time) (waits bool, err error) {
	if a.challenge != "" {
		if err := r.spendWork(ctx, a.challenge); err != nil {
			return false, err
		}
	}
	if a.run != "" {
		holder, held, err := r.store.held(ctx, r.heldKey(NameKey(name)), now)
		if err != nil {
			return false, err
		}
		if held && holder == a.run {
			return false, r.ClaimHeld(ctx, name, a.run)
		}
		if a.way != install.Open && a.way != "" {
			return false, exit.Fail(exit.Invalid, "account.error.slip")
		}
	}
	if a.link != "" {
		ok, err := r.store.useSignUpLink(ctx, a.link, r.machine())
		if err == nil && !ok {
			err = errLink()
		}
		return false, err
	}
	return a.way == install.Approval, nil
}

// apply has a new account wait: others do not see it, it does not write, and the operator is asked.
func (r *Room) apply(ctx context.Context, account who.ID, about string) error {
	pass, err := r.Desk.EnterExit(ctx, account)
	if err != nil {
		return err
	}
	if err := r.restrain(ctx, pass, account, true); err != nil {
		return err
	}
	return r.store.addApplication(ctx, pass, account, about)
}

func (r *Room) restrain(ctx context.Context, pass service.Pass, account who.ID, on bool) error {
	for _, what := range []string{"mute", "veil"} {
		if err := r.Desk.Restrain(ctx, pass, account, "", 0, what, reasonApproval, on); err != nil {
			return err
		}
	}
	return nil
}

// Application is a new account that waits. Created is promise time, UTC.
type Application struct {
	Account
	About string
	Asked time.Time
}

// Applications lists who waits, the longest first, from those after one of them (zero: from the first).
func (r *Room) Applications(ctx context.Context, after Application, limit int) ([]Application, error) {
	return r.store.applications(ctx, after, limit)
}

// Waiting reports whether an account waits for the operator.
func (r *Room) Waiting(ctx context.Context, account who.ID) (waits bool, err error) {
	_, waits, err = r.store.application(ctx, account)
	return waits, err
}

// Admit lets an account in that waits; one that does not is NotFound.
func (r *Room) Admit(ctx context.Context, account who.ID) error {
	return r.alone(ctx, account, func(ctx context.Context, pass service.Pass) error {
		ok, err := r.store.dropApplication(ctx, pass, account)
		if err != nil {
			return err
		}
		if !ok {
			return errNoAccount()
		}
		if err := r.restrain(ctx, pass, account, false); err != nil {
			return err
		}
		return r.index(ctx, pass, account)
	})
}

// Refuse closes an account that waits and has it erased at once, by the journeys by which people leave: its slip is the operator's to give or
// not, and the certificate says what was erased. NotFound for an account that does not wait.
func (r *Room) Refuse(ctx context.Context, account who.ID) error {
	waits, err := r.Waiting(ctx, account)
	if err != nil {
		return err
	}
	if !waits || r.Dismiss == nil {
		return errNoAccount()
	}
	return r.Dismiss(ctx, account)
}

// SignUpLinkView is a link of the operator's. Times are machine time, UTC.
type SignUpLinkView struct {
	ID      who.ID
	Note    string
	Created time.Time
	Expires time.Time
}

// MakeSignUpLink makes a link by which one person signs up within some days (1 to 30). The token goes into /sign-up/{token}; only its hash is kept.
func (r *Room) MakeSignUpLink(ctx context.Context, note string, days int) (token string, err error) {
	note = cleanLine(note)
	if utf8.RuneCountInString(note) > longestNote {
		return "", exit.Fail(exit.Invalid, "account.error.note_long", "Count", longestNote)
	}
	if days < 1 || days > mostLinkDays {
		return "", exit.Fail(exit.Invalid, "account.error.days", "Count", mostLinkDays)
	}
	token, hash := newToken()
	now := r.machine()
	return token, r.db.Update(ctx, func(ctx context.Context) error {
		return r.store.addSignUpLink(ctx, SignUpLinkView{ID: r.db.IDs.Next(), Note: note, Created: now, Expires: now.AddDate(0, 0, days)}, hash)
	})
}

// SignUpLink is NotFound where a link of the operator's cannot be used.
func (r *Room) SignUpLink(ctx context.Context, token string) error {
	ok, err := r.store.signUpLink(ctx, digest(token), r.machine())
	if err == nil && !ok {
		err = errLink()
	}
	return err
}

// SignUpLinks lists the links that can be used, newest first, from those before one (0: from the newest).
func (r *Room) SignUpLinks(ctx context.Context, before who.ID, limit int) ([]SignUpLinkView, error) {
	return r.store.signUpLinks(ctx, before, r.machine(), limit)
}

// RevokeSignUpLink takes a link back; one that is gone is left as it is.
func (r *Room) RevokeSignUpLink(ctx context.Context, id who.ID) error {
	return r.db.Update(ctx, func(ctx context.Context) error { return r.store.dropSignUpLink(ctx, id) })
}
