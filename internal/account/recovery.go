package account

import (
	"context"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// How long one-time links can be used, by the machine clock.
const (
	operatorLinkLife = 24 * time.Hour
	resetLinkLife    = 24 * time.Hour
)

// FirstStart makes the one-time link with which the operator's account is made, as long as no
// person has the operator role. The token goes into /operator/{token} and is valid for a day;
// links of earlier starts are taken back. ok is false where there is an operator.
func (r *Room) FirstStart(ctx context.Context) (token string, ok bool, err error) {
	err = r.db.Update(ctx, func(ctx context.Context) error {
		has, err := r.store.hasOperator(ctx)
		if err != nil || has {
			return err
		}
		if err := r.store.dropLinks(ctx, linkOperator, 0); err != nil {
			return err
		}
		var hash string
		token, hash = newToken()
		ok = true
		return r.store.addLink(ctx, linkOperator, 0, hash, r.machine().Add(operatorLinkLife))
	})
	if err != nil {
		return "", false, err
	}
	return token, ok, nil
}

// errLink is the answer to a one-time link that is used, expired or never was.
func errLink() error { return exit.Fail(exit.NotFound, "account.error.link") }

// OperatorLink is NotFound where the link for the operator's account cannot be used.
func (r *Room) OperatorLink(ctx context.Context, token string) error {
	_, ok, err := r.store.link(ctx, linkOperator, digest(token), r.machine())
	if err == nil && !ok {
		err = errLink()
	}
	return err
}

// MakeOperator makes the operator's person and account with the link of [Room.FirstStart].
func (r *Room) MakeOperator(ctx context.Context, token, name, password string) (c Created, err error) {
	clean, err := newName(name)
	if err != nil {
		return c, err
	}
	if err := checkPassword(password, clean); err != nil {
		return c, err
	}
	if err := r.OperatorLink(ctx, token); err != nil {
		return c, err
	}
	hash, err := r.newHash(ctx, password)
	if err != nil {
		return c, err
	}
	c = Created{Person: who.RandomID(), Account: who.RandomID(), Codes: newCodes()}
	err = r.db.Update(ctx, func(ctx context.Context) error {
		now, err := r.db.Now(ctx)
		if err != nil {
			return err
		}
		if ok, err := r.store.useLink(ctx, linkOperator, digest(token), r.machine()); err != nil {
			return err
		} else if !ok {
			return errLink()
		}
		if err := r.store.addPerson(ctx, c.Person, hash, true, c.Codes, now); err != nil {
			return err
		}
		return r.addAccount(ctx, c.Account, c.Person, 0, clean, Personal, now)
	})
	if err != nil {
		return Created{}, err
	}
	return c, nil
}

// MakeReset makes a one-time link that sets a new password for the person of a name, for the
// operator to hand over. The token goes into /reset/{token} and is valid for a day; earlier ones
// are taken back. Of an organisation it is the eldest administrator's.
func (r *Room) MakeReset(ctx context.Context, name string) (token string, err error) {
	person, _, err := r.personOf(ctx, name)
	if err != nil {
		return "", err
	}
	token, hash := newToken()
	err = r.db.Update(ctx, func(ctx context.Context) error {
		if err := r.store.dropLinks(ctx, linkReset, person); err != nil {
			return err
		}
		return r.store.addLink(ctx, linkReset, person, hash, r.machine().Add(resetLinkLife))
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

func (r *Room) personOf(ctx context.Context, name string) (person, account who.ID, err error) {
	clean, err := CleanName(name)
	if err != nil {
		return 0, 0, err
	}
	people, err := r.store.byName(ctx, NameKey(clean))
	if err != nil {
		return 0, 0, err
	}
	if len(people) == 0 {
		return 0, 0, errNoAccount()
	}
	return people[0].person, people[0].account, nil
}

// ResetLink is NotFound where a reset link cannot be used.
func (r *Room) ResetLink(ctx context.Context, token string) error {
	_, ok, err := r.store.link(ctx, linkReset, digest(token), r.machine())
	if err == nil && !ok {
		err = errLink()
	}
	return err
}

// Reset sets a new password with a one-time link and ends all of the person's sessions.
func (r *Room) Reset(ctx context.Context, token, password string) error {
	if err := checkPassword(password, ""); err != nil {
		return err
	}
	person, ok, err := r.store.link(ctx, linkReset, digest(token), r.machine())
	if err != nil {
		return err
	}
	if !ok {
		return errLink()
	}
	return r.renew(ctx, person, 0, password, func(ctx context.Context) error {
		if ok, err := r.store.useLink(ctx, linkReset, digest(token), r.machine()); err != nil {
			return err
		} else if !ok {
			return errLink()
		}
		return nil
	})
}

// Recover sets a new password with a name and one of its recovery codes, which is used up, and
// ends all of the person's sessions. A wrong name or code is Unauthenticated, in the same words.
func (r *Room) Recover(ctx context.Context, name, code, password, address string) error {
	if err := checkPassword(password, name); err != nil {
		return err
	}
	limitKey, err := r.takeSignIn(ctx, name, address)
	if err != nil {
		return err
	}
	wrong := exit.Fail(exit.Unauthenticated, "account.error.wrong_code")
	clean, err := CleanName(name)
	if err != nil {
		return wrong
	}
	people, err := r.store.byName(ctx, NameKey(clean))
	if err != nil {
		return err
	}
	// The new password is hashed whether or not the code is right, so both take the same time.
	hash, err := r.newHash(ctx, password)
	if err != nil {
		return err
	}
	plain, _ := readCode(code)
	return r.db.Update(ctx, func(ctx context.Context) error {
		for _, p := range people {
			ok, err := r.store.useCode(ctx, p.person, hashCode(plain), r.machine())
			if err != nil {
				return err
			}
			if ok {
				if err := r.store.forgive(ctx, limitKey); err != nil {
					return err
				}
				return r.setHash(ctx, p.person, 0, hash)
			}
		}
		return wrong
	})
}

// ChangePassword sets a new password for the viewer, who gives the present one, and ends their
// other sessions.
func (r *Room) ChangePassword(ctx context.Context, v who.Viewer, present, password string) error {
	if err := checkPassword(password, v.Name); err != nil {
		return err
	}
	if err := r.Prove(ctx, v.Person, present); err != nil {
		return err
	}
	return r.renew(ctx, v.Person, v.Session, password, func(context.Context) error { return nil })
}

// renew sets a person's password once fn, in the same transaction, has agreed.
func (r *Room) renew(ctx context.Context, person, keep who.ID, password string, fn func(ctx context.Context) error) error {
	hash, err := r.newHash(ctx, password)
	if err != nil {
		return err
	}
	return r.db.Update(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return r.setHash(ctx, person, keep, hash)
	})
}

func (r *Room) setHash(ctx context.Context, person, keep who.ID, hash string) error {
	accounts, err := r.store.accountsOf(ctx, person)
	if err != nil {
		return err
	}
	ids := make([]who.ID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	pass, err := r.Desk.EnterExit(ctx, ids...)
	if err != nil {
		return err
	}
	if err := r.store.setPassword(ctx, person, hash, pass.At); err != nil {
		return err
	}
	return r.store.endOtherSessions(ctx, pass, person, keep)
}

// NewCodes gives the viewer ten new recovery codes, once, in the place of those they had. They
// prove themselves with their password or a code.
func (r *Room) NewCodes(ctx context.Context, v who.Viewer, proof string) ([]string, error) {
	if err := r.Prove(ctx, v.Person, proof); err != nil {
		return nil, err
	}
	codes := newCodes()
	err := r.exitWrite(ctx, v.Account, func(ctx context.Context, _ service.Pass) error {
		return r.store.replaceCodes(ctx, v.Person, codes)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// CodesLeft counts the recovery codes that a person has not used.
func (r *Room) CodesLeft(ctx context.Context, person who.ID) (int, error) {
	return r.store.codesLeft(ctx, person)
}
