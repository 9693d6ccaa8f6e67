package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/who"
)

// NewPerson is what somebody gives to sign up.
type NewPerson struct {
	Name     string
	Password string
	Slip     string // the secret of the slip that holds the name, "" for a free one
	Link     string // the token of a link of the operator's, "" for none
	About    string // what the operator reads of somebody who waits to be let in
	// Challenge and Nonce are the proof of work, where the operator asks for one. Nonce "" is that of a patient browser without scripts.
	Challenge, Nonce string
}

// SignUp makes a person with a personal account of the name. Invalid: name or password cannot
// be accepted, or the operator lets nobody in so; Conflict: the name is taken, or held for somebody who left.
func (r *Room) SignUp(ctx context.Context, n NewPerson) (Created, error) {
	name, err := newName(n.Name)
	if err != nil {
		return Created{}, err
	}
	if err := checkPassword(n.Password, name); err != nil {
		return Created{}, err
	}
	a, err := r.admission(ctx, n)
	if err != nil {
		return Created{}, err
	}
	return r.create(ctx, name, Personal, n.Password, false, a)
}

// CreateAccount makes a person with an account, as the operator's command line does. Without a
// password nobody can sign in until a recovery code or a reset link has set one.
func (r *Room) CreateAccount(ctx context.Context, name string, kind Kind, password string) (Created, error) {
	clean, err := newName(name)
	if err != nil {
		return Created{}, err
	}
	if _, ok := ParseKind(string(kind)); !ok {
		return Created{}, exit.Fail(exit.Invalid, "account.error.kind")
	}
	if password != "" {
		if err := checkPassword(password, clean); err != nil {
			return Created{}, err
		}
	}
	return r.create(ctx, clean, kind, password, false, admit{})
}

func (r *Room) create(ctx context.Context, name string, kind Kind, password string, operator bool, a admit) (Created, error) {
	// Hashed before the transaction: it takes long, and SQLite has one writer.
	hash, err := r.newHash(ctx, password)
	if err != nil {
		return Created{}, err
	}
	c := Created{Person: who.RandomID(), Account: who.RandomID(), Codes: newCodes()}
	err = r.db.Update(ctx, func(ctx context.Context) error {
		now, err := r.db.Now(ctx)
		if err != nil {
			return err
		}
		if c.Waits, err = a.enter(ctx, r, name, now); err != nil {
			return err
		}
		if err := r.store.addPerson(ctx, c.Person, hash, operator, c.Codes, now); err != nil {
			return err
		}
		if err := r.addAccount(ctx, c.Account, c.Person, 0, name, kind, now); err != nil || a.way == "" {
			return err
		}
		if err := r.demandOf(ctx, c.Account); err != nil || !c.Waits {
			return err
		}
		return r.apply(ctx, c.Account, a.about)
	})
	if err != nil {
		return Created{}, err
	}
	return c, nil
}

func (r *Room) newHash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	return r.hasher.hash(ctx, password)
}

// addAccount makes an account of a person, with its state row, profile and settings. As is the
// account with which they make it, 0 where it is their first.
func (r *Room) addAccount(ctx context.Context, id, person, as who.ID, name string, kind Kind, now time.Time) error {
	if _, held, err := r.store.held(ctx, r.heldKey(NameKey(name)), now); err != nil {
		return err
	} else if held {
		return exit.Fail(exit.Conflict, "account.error.name_held")
	}
	for _, key := range lookKeys(name)[1:] {
		if _, err := r.store.named(ctx, key); exit.KindOf(err) != exit.NotFound {
			if err == nil {
				err = exit.Fail(exit.Conflict, "account.error.name_taken")
			}
			return err
		}
	}
	if err := r.store.addAccount(ctx, id, name, kind, now); errors.Is(err, errTaken) {
		return exit.Fail(exit.Conflict, "account.error.name_taken")
	} else if err != nil {
		return err
	}
	pass, err := r.Desk.NewAccount(ctx, id)
	if err != nil {
		return err
	}
	if err := r.store.furnish(ctx, pass, id); err != nil {
		return err
	}
	if err := r.index(ctx, pass, id); err != nil {
		return err
	}
	if kind == Personal {
		as = 0 // nobody else is in it, and nothing must tie two personas together
	}
	return r.store.join(ctx, pass, id, person, as, kind.role())
}

// ClaimHeld gives a held name free for an account that is made in the same transaction. Only
// the run that holds the name can; the caller has seen the run's slip. A name that is not held
// needs no claim and is left as it is; one held by another run is a Conflict.
func (r *Room) ClaimHeld(ctx context.Context, name, run string) error {
	clean, err := CleanName(name)
	if err != nil {
		return err
	}
	return r.db.Update(ctx, func(ctx context.Context) error {
		now, err := r.db.Now(ctx)
		if err != nil {
			return err
		}
		key := r.heldKey(NameKey(clean))
		holder, held, err := r.store.held(ctx, key, now)
		if err != nil || !held {
			return err
		}
		if holder != run {
			return exit.Fail(exit.Conflict, "account.error.name_held")
		}
		_, err = r.store.unhold(ctx, key, run)
		return err
	})
}

// SignIn checks a name and a password and begins a session. A wrong one of the two is
// Unauthenticated, in the same words and time; too many attempts are TooMany. Address is where
// the request came from, agent what the browser says it is; neither is stored as it is.
func (r *Room) SignIn(ctx context.Context, name, password, address, agent string) (token string, err error) {
	key, err := r.takeSignIn(ctx, name, address)
	if err != nil {
		return "", err
	}
	found, err := r.match(ctx, name, password)
	if err != nil {
		return "", err
	}
	return r.begin(ctx, found.person, found.account, agent, key)
}

// takeSignIn counts an attempt for a name and an address, and gives the name's key.
func (r *Room) takeSignIn(ctx context.Context, name, address string) (string, error) {
	key := r.nameLimit(name)
	return key, r.take(ctx, limit{r.addressLimit("sign-in", address), signInsPerAddress, signInWindow}, limit{key, signInsPerName, signInWindow})
}

// match finds the person whose name and password these are.
func (r *Room) match(ctx context.Context, name, password string) (secretOf, error) {
	wrong := exit.Fail(exit.Unauthenticated, "account.error.wrong")
	clean, err := CleanName(name)
	key := ""
	if err == nil {
		key = NameKey(clean)
	}
	if len(password) > 4*longestPassword {
		return secretOf{}, wrong
	}
	people, err := r.store.byName(ctx, key)
	if err != nil {
		return secretOf{}, err
	}
	if len(people) == 0 {
		// An unknown name takes as long as a wrong password.
		people = []secretOf{{}}
	}
	for _, p := range people {
		ok, err := r.hasher.matches(ctx, p.password, password)
		if err != nil {
			return secretOf{}, err
		}
		if ok {
			return p, nil
		}
	}
	return secretOf{}, wrong
}

// begin begins a session of a person with an account.
func (r *Room) begin(ctx context.Context, person, account who.ID, agent, limitKey string) (string, error) {
	token, hash := newToken()
	err := r.db.Update(ctx, func(ctx context.Context) error {
		pass, err := r.Desk.EnterExit(ctx, account)
		if err != nil {
			return err
		}
		if limitKey != "" {
			if err := r.store.forgive(ctx, limitKey); err != nil {
				return err
			}
		}
		return r.store.addSession(ctx, pass, hash, person, account, browserFamily(agent), r.machine())
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Begin begins a session of a person with one of their accounts, without a proof: right after
// sign-up, or where a trial install lends an account.
func (r *Room) Begin(ctx context.Context, person, account who.ID, agent string) (token string, err error) {
	role, err := r.store.role(ctx, account, person)
	if err != nil {
		return "", err
	}
	if role == "" {
		return "", errNoAccount()
	}
	return r.begin(ctx, person, account, agent, "")
}

// Prove checks that a person is who they are: their password, or one of their recovery codes,
// which is used up by it. A wrong proof is Unauthenticated, too many are TooMany. It must not be
// called inside a transaction: it is slow, and failed attempts must be counted.
func (r *Room) Prove(ctx context.Context, person who.ID, proof string) error {
	if _, inside := exitsql.Tx(ctx); inside {
		return errors.New("a proof inside a transaction")
	}
	key := r.keyed("limit", "prove "+person.String())
	if err := r.take(ctx, limit{key, signInsPerName, signInWindow}); err != nil {
		return err
	}
	ok, err := r.proves(ctx, person, strings.TrimSpace(proof))
	if err != nil {
		return err
	}
	if !ok {
		return exit.Fail(exit.Unauthenticated, "account.error.wrong_proof")
	}
	return r.db.Update(ctx, func(ctx context.Context) error { return r.store.forgive(ctx, key) })
}

func (r *Room) proves(ctx context.Context, person who.ID, proof string) (ok bool, err error) {
	if len(proof) > 4*longestPassword {
		return false, nil
	}
	stored, err := r.store.password(ctx, person)
	if err != nil {
		return false, err
	}
	if ok, err = r.hasher.matches(ctx, stored, proof); ok || err != nil {
		return ok, err
	}
	code, is := readCode(proof)
	if !is {
		return false, nil
	}
	err = r.db.Update(ctx, func(ctx context.Context) error {
		ok, err = r.store.useCode(ctx, person, hashCode(code), r.machine())
		return err
	})
	return ok, err
}
