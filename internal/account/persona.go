package account

import (
	"context"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// inviteLife is how long an invitation to an organisation can be used, by the machine clock.
const inviteLife = 7 * 24 * time.Hour

// Accounts gives a person's accounts, the eldest first.
func (r *Room) Accounts(ctx context.Context, person who.ID) ([]Account, error) {
	return r.store.accountsOf(ctx, person)
}

// Account gives an account by its id; NotFound if there is none.
func (r *Room) Account(ctx context.Context, id who.ID) (Account, error) {
	return r.store.account(ctx, id)
}

// Exists reports whether an account is there, whatever its state.
func (r *Room) Exists(ctx context.Context, id who.ID) (bool, error) { return r.store.exists(ctx, id) }

// ByName gives an account by its name as somebody typed it; NotFound if there is none. It says
// nothing of who may see the account.
func (r *Room) ByName(ctx context.Context, name string) (Account, error) {
	clean, err := CleanName(name)
	if err != nil {
		return Account{}, errNoAccount()
	}
	return r.store.named(ctx, NameKey(clean))
}

// AddPersona makes another account of the viewer's person.
func (r *Room) AddPersona(ctx context.Context, v who.Viewer, name string, kind Kind) (who.ID, error) {
	clean, err := newName(name)
	if err != nil {
		return 0, err
	}
	if _, ok := ParseKind(string(kind)); !ok {
		return 0, exit.Fail(exit.Invalid, "account.error.kind")
	}
	id := who.RandomID()
	err = r.db.Update(ctx, func(ctx context.Context) error {
		// A person whose account is closing gets no new one by it: that would keep the person alive.
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Join: true})
		if err != nil {
			return err
		}
		own, err := r.store.accountsOf(ctx, v.Person)
		if err != nil {
			return err
		}
		if len(own) >= mostAccounts {
			return exit.Fail(exit.Conflict, "account.error.most_accounts", "Count", mostAccounts)
		}
		if err := r.addAccount(ctx, id, v.Person, v.Account, clean, kind, pass.At); err != nil {
			return err
		}
		return r.demandOf(ctx, id)
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

// Switch has the viewer's session use another of the person's accounts.
func (r *Room) Switch(ctx context.Context, v who.Viewer, to who.ID) error {
	return r.exitWrite(ctx, to, func(ctx context.Context, p service.Pass) error {
		if err := r.mustHold(ctx, to, v.Person); err != nil {
			return err
		}
		return r.store.switchSession(ctx, p, v.Session, v.Person, to)
	})
}

// Administrator is one who runs an organisation, as the others see them: by the account that
// they were named by, never by their other personas.
type Administrator struct {
	Person who.ID
	Name   string // "" where that account is gone, or where there never was another
	You    bool
}

// Administrators lists who runs the viewer's organisation.
func (r *Room) Administrators(ctx context.Context, v who.Viewer) ([]Administrator, error) {
	if err := r.mustAdminister(ctx, v); err != nil {
		return nil, err
	}
	list, err := r.store.administrators(ctx, v.Account)
	for i := range list {
		list[i].You = list[i].Person == v.Person
	}
	return list, err
}

// mustAdminister is Forbidden unless the viewer's account is an organisation that they administer.
func (r *Room) mustAdminister(ctx context.Context, v who.Viewer) error {
	a, err := r.store.account(ctx, v.Account)
	if err != nil {
		return err
	}
	role, err := r.store.role(ctx, v.Account, v.Person)
	if err != nil {
		return err
	}
	if !mayAdminister(a.Kind, role) {
		return exit.Fail(exit.Forbidden, "account.error.not_administrator")
	}
	return nil
}

// mustHold is NotFound unless the person has a role in the account.
func (r *Room) mustHold(ctx context.Context, account, person who.ID) error {
	role, err := r.store.role(ctx, account, person)
	if err == nil && role == "" {
		err = errNoAccount()
	}
	return err
}

// Invite makes a one-time link by which somebody becomes an administrator of the viewer's
// organisation. The token goes into /join-organisation/{token} and is valid for a week.
func (r *Room) Invite(ctx context.Context, v who.Viewer) (token string, err error) {
	token, hash := newToken()
	err = r.db.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Join: true})
		if err != nil {
			return err
		}
		if err := r.mustAdminister(ctx, v); err != nil {
			return err
		}
		if err := r.roomForOneMore(ctx, v.Account); err != nil {
			return err
		}
		return r.store.addInvite(ctx, pass, v.Account, hash, r.machine().Add(inviteLife))
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

func (r *Room) roomForOneMore(ctx context.Context, account who.ID) error {
	people, err := r.store.peopleOf(ctx, account)
	if err == nil && len(people) >= mostAdministrators {
		err = exit.Fail(exit.Conflict, "account.error.most_administrators", "Count", mostAdministrators)
	}
	return err
}

// Invitation gives the organisation that an invitation's token leads to; NotFound if it cannot
// be used.
func (r *Room) Invitation(ctx context.Context, token string) (Account, error) {
	id, ok, err := r.store.invite(ctx, digest(token), r.machine())
	if err != nil {
		return Account{}, err
	}
	if !ok {
		return Account{}, errLink()
	}
	return r.store.account(ctx, id)
}

// Accept makes the viewer's person an administrator of the organisation that the token invites
// to, and uses the invitation up.
func (r *Room) Accept(ctx context.Context, v who.Viewer, token string) (who.ID, error) {
	org, err := r.Invitation(ctx, token)
	if err != nil {
		return 0, err
	}
	return org.ID, r.db.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: []who.ID{org.ID}, Join: true})
		if err != nil {
			return err
		}
		if err := r.store.lockPeople(ctx, org.ID); err != nil {
			return err
		}
		if err := r.roomForOneMore(ctx, org.ID); err != nil {
			return err
		}
		if ok, err := r.store.useInvite(ctx, pass, digest(token)); err != nil {
			return err
		} else if !ok {
			return errLink()
		}
		return r.store.join(ctx, pass, org.ID, v.Person, v.Account, roleAdministrator)
	})
}

// RemoveAdministrator takes a person out of the viewer's organisation. The last administrator
// stays: an organisation ends by being closed. One whose only account it is stays, too, for
// they would have nothing left to sign in with.
func (r *Room) RemoveAdministrator(ctx context.Context, v who.Viewer, person who.ID) error {
	return r.db.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Keeps: true})
		if err != nil {
			return err
		}
		// Two who remove one another must not both succeed.
		if err := r.store.lockPeople(ctx, v.Account); err != nil {
			return err
		}
		if err := r.mustAdminister(ctx, v); err != nil {
			return err
		}
		people, err := r.store.peopleOf(ctx, v.Account)
		if err != nil {
			return err
		}
		if !slices.Contains(people, person) {
			return exit.Fail(exit.NotFound, "account.error.none")
		}
		if len(people) == 1 {
			return exit.Fail(exit.Conflict, "account.error.last_administrator")
		}
		own, err := r.store.accountsOf(ctx, person)
		if err != nil {
			return err
		}
		home := slices.IndexFunc(own, func(a Account) bool { return a.ID != v.Account })
		if home < 0 {
			return exit.Fail(exit.Conflict, "account.error.only_account")
		}
		if err := r.store.moveSessions(ctx, pass, person, v.Account, own[home].ID); err != nil {
			return err
		}
		return r.store.part(ctx, pass, v.Account, person)
	})
}

// Approve records that a person approves a plan for an account that they administer. The pass
// is one of [service.Desk.EnterExit] for the account. A repeat keeps the first time.
func (r *Room) Approve(ctx context.Context, p service.Pass, account, person who.ID, planHash string) error {
	if !p.Valid() {
		return service.ErrNoPass()
	}
	if err := r.mustHold(ctx, account, person); err != nil {
		return err
	}
	return r.store.approve(ctx, p, account, person, planHash)
}

// Approved gives how many of an account's people have approved a plan, and when the first did
// (promise time). Those who have left the account since do not count.
func (r *Room) Approved(ctx context.Context, account who.ID, planHash string) (persons int, oldest time.Time, err error) {
	return r.store.approved(ctx, account, planHash)
}

// People counts the people of an account: 1 for a personal one, the administrators of an
// organisation.
func (r *Room) People(ctx context.Context, account who.ID) (int, error) {
	people, err := r.store.peopleOf(ctx, account)
	return len(people), err
}

// Owner gives the person to whom an account belongs, 0 if more than one runs it. Last says that
// no account of theirs would stay if this one went: all others are being closed.
func (r *Room) Owner(ctx context.Context, account who.ID) (person who.ID, last bool, err error) {
	people, err := r.store.peopleOf(ctx, account)
	if err != nil || len(people) == 0 {
		return 0, false, err
	}
	if len(people) > 1 {
		return 0, false, nil
	}
	stay, _, err := r.store.others(ctx, people[0], account)
	return people[0], err == nil && stay == 0, err
}
