package account

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/who"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

const (
	// challengeLife is how long a challenge can be answered, by the machine clock.
	challengeLife = 5 * time.Minute
	// mostPasskeys bounds the passkeys of a person.
	mostPasskeys = 20
	// longestKeyName bounds the name that a person gives a passkey, in characters.
	longestKeyName = 40
	// longestAnswer bounds what a browser answers to a challenge, in bytes.
	longestAnswer = 64 << 10
)

// Passkey is a key by which a person signs in, as they see it. Created is promise time, Used machine time; both UTC.
type Passkey struct {
	ID      who.ID
	Name    string
	Created time.Time
	Used    time.Time // zero: never
}

// keyRow is a passkey as it is stored.
type keyRow struct {
	Passkey
	person     who.ID
	credential []byte
	public     []byte
	flags      byte
	count      uint32
	transports string
}

// The uses of a challenge: an answer to one of them is worth nothing for another.
const (
	useRegister = "register"
	useSignIn   = "sign-in"
	useProve    = "prove"
)

// ceremony is one challenge of WebAuthn (Web Authentication Level 3, W3C, sections 7.1 and 7.2) with all that its answer is
// checked against. It travels in a signed cookie: the house keeps nothing until it is answered.
type ceremony struct {
	Use       string `json:"use"`
	Challenge string `json:"challenge"`
	Party     string `json:"party"`
	Origin    string `json:"origin"`
	Person    who.ID `json:"person,omitempty"`
	Session   who.ID `json:"session,omitempty"`
	Until     int64  `json:"until"` // machine clock, Unix milliseconds
}

// errPasskey is the answer to whatever is not right about a passkey's answer; which it was helps nobody but an attacker.
func errPasskey() error { return exit.Fail(exit.Unauthenticated, "account.error.passkey") }

// party is the house as a relying party of a request: its id and its one origin. Why is the key of a sentence where passkeys
// cannot be offered: browsers have them behind TLS or on localhost alone, and only by the name under which people reach the house.
func (r *Room) party(req *http.Request) (id, origin, why string) {
	host, own := hostOnly(req.Host), hostOnly(r.Host)
	if net.ParseIP(own) != nil {
		own = "" // where it listens, not what people call it
	}
	switch {
	case host == "localhost" && !r.secure(req):
		return host, "http://" + req.Host, ""
	case !r.secure(req):
		return "", "", "account.passkeys.no_tls"
	case host == "" || net.ParseIP(strings.Trim(host, "[]")) != nil:
		return "", "", "account.passkeys.no_name"
	case own != "" && own != host:
		return "", "", "account.passkeys.other_name"
	}
	return host, "https://" + req.Host, ""
}

// hostOnly gives a host without its port, in small letters.
func hostOnly(s string) string {
	if h, _, err := net.SplitHostPort(s); err == nil {
		s = h
	}
	return strings.ToLower(s)
}

// relying gives the library's relying party.
func relying(id, origin string) (*webauthn.WebAuthn, error) {
	w, err := webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: id, RPOrigins: []string{origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: selection,
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys: %w", err)
	}
	return w, nil
}

// selection asks for keys that are found without a name, and for the device to look at who holds it where it can.
var selection = protocol.AuthenticatorSelection{
	ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationPreferred,
}

// holder is a person with their keys as the library knows them. The handle is a keyed hash: an authenticator that is read out tells of no id.
type holder struct {
	handle []byte
	name   string
	keys   []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return h.name }
func (h holder) WebAuthnDisplayName() string                { return h.name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (r *Room) holderOf(person who.ID, name string, rows []keyRow) holder {
	h := holder{handle: []byte(r.keyed("passkey", person.String())), name: name}
	for _, k := range rows {
		c := webauthn.Credential{ID: k.credential, PublicKey: k.public, Flags: webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(k.flags))}
		c.Authenticator.SignCount = k.count
		for t := range strings.FieldsSeq(k.transports) {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		h.keys = append(h.keys, c)
	}
	return h
}

func descriptors(keys []webauthn.Credential) []protocol.CredentialDescriptor {
	out := make([]protocol.CredentialDescriptor, len(keys))
	for i, k := range keys {
		out[i] = k.Descriptor()
	}
	return out
}

// Passkeys lists a person's passkeys, the eldest first.
func (r *Room) Passkeys(ctx context.Context, person who.ID) ([]Passkey, error) {
	rows, err := r.store.passkeys(ctx, person)
	out := make([]Passkey, len(rows))
	for i, k := range rows {
		out[i] = k.Passkey
	}
	return out, err
}

// challenge makes the options for a browser and the ceremony that goes into the cookie.
func (r *Room) challenge(req *http.Request, use string, v who.Viewer) (options any, c ceremony, err error) {
	ctx := req.Context()
	id, origin, why := r.party(req)
	if why != "" {
		return nil, c, exit.Fail(exit.Invalid, why)
	}
	w, err := relying(id, origin)
	if err != nil {
		return nil, c, err
	}
	c = ceremony{Use: use, Party: id, Origin: origin, Person: v.Person, Session: v.Session, Until: r.machine().Add(challengeLife).UnixMilli()}
	if use == useSignIn {
		c.Person, c.Session = 0, 0
		assertion, session, err := w.BeginDiscoverableLogin()
		if err != nil {
			return nil, c, fmt.Errorf("make challenge: %w", err)
		}
		c.Challenge = session.Challenge
		return assertion.Response, c, nil
	}
	rows, err := r.store.passkeys(ctx, v.Person)
	if err != nil {
		return nil, c, err
	}
	h := r.holderOf(v.Person, v.Name, rows)
	if use == useProve {
		if len(rows) == 0 {
			return nil, c, exit.Fail(exit.Conflict, "account.error.passkey_none")
		}
		assertion, session, err := w.BeginLogin(h)
		if err != nil {
			return nil, c, fmt.Errorf("make challenge: %w", err)
		}
		c.Challenge = session.Challenge
		return assertion.Response, c, nil
	}
	if len(rows) >= mostPasskeys {
		return nil, c, exit.Fail(exit.Conflict, "account.error.passkey_most", "Count", mostPasskeys)
	}
	creation, session, err := w.BeginRegistration(h, webauthn.WithExclusions(descriptors(h.keys)))
	if err != nil {
		return nil, c, fmt.Errorf("make challenge: %w", err)
	}
	c.Challenge = session.Challenge
	return creation.Response, c, nil
}

// session gives the library's record of a ceremony. Its own time limit is that of the machine's clock; ours was asked before.
func (c ceremony) session() webauthn.SessionData {
	return webauthn.SessionData{Challenge: c.Challenge, RelyingPartyID: c.Party, Origin: c.Origin, UserVerification: protocol.VerificationPreferred}
}

// sealed gives a ceremony as a cookie's value.
func (r *Room) sealed(c ceremony) (string, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write challenge: %w", err)
	}
	body := base64.RawURLEncoding.EncodeToString(b)
	return body + "." + r.keyed("ceremony", body), nil
}

// unsealed reads a cookie's value; errPasskey for one that is not ours, is for another use or somebody else, or is too old.
func (r *Room) unsealed(value, use string, v who.Viewer) (c ceremony, err error) {
	body, sum, _ := strings.Cut(value, ".")
	if !hmac.Equal([]byte(sum), []byte(r.keyed("ceremony", body))) {
		return c, errPasskey()
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(b, &c) != nil {
		return c, errPasskey()
	}
	if use == useSignIn {
		v = who.Viewer{}
	}
	if c.Use != use || c.Person != v.Person || c.Session != v.Session || r.machine().UnixMilli() >= c.Until {
		return c, errPasskey()
	}
	return c, nil
}

// Register stores a passkey of the viewer from a browser's answer (the JSON form of a PublicKeyCredential). Sealed is what
// the challenge's cookie held.
func (r *Room) register(ctx context.Context, v who.Viewer, sealed, answer, name string) error {
	name = cleanLine(name)
	if name == "" || utf8.RuneCountInString(name) > longestKeyName {
		return exit.Fail(exit.Invalid, "account.error.passkey_name", "Count", longestKeyName)
	}
	c, err := r.unsealed(sealed, useRegister, v)
	if err != nil {
		return err
	}
	w, err := relying(c.Party, c.Origin)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil || len(answer) > longestAnswer {
		return errPasskey()
	}
	h, session := r.holderOf(v.Person, v.Name, nil), c.session()
	session.UserID, session.CredParams = h.handle, webauthn.CredentialParametersDefault()
	key, err := w.CreateCredential(h, session, parsed)
	if err != nil {
		return errPasskey()
	}
	var transports []string
	for _, t := range key.Transport[:min(len(key.Transport), 8)] {
		if known := string(t); len(known) <= 20 && !strings.ContainsAny(known, " \n") {
			transports = append(transports, known)
		}
	}
	row := keyRow{
		Passkey: Passkey{Name: name}, person: v.Person, credential: key.ID, public: key.PublicKey, flags: key.Flags.MsgpByte(), count: key.Authenticator.SignCount,
		transports: strings.Join(transports, " "),
	}
	return r.exitWrite(ctx, v.Account, func(ctx context.Context, pass service.Pass) error {
		if err := r.spend(ctx, c.Challenge); err != nil {
			return err
		}
		return r.store.addPasskey(ctx, row, pass.At)
	})
}

// spend uses a challenge up; errPasskey where it was answered before.
func (r *Room) spend(ctx context.Context, challenge string) error {
	ok, err := r.store.spend(ctx, digest(challenge), r.machine().Add(challengeLife))
	if err == nil && !ok {
		err = errPasskey()
	}
	return err
}

// answered checks a browser's answer to a challenge against the keys of its person, and gives the key's row as it is from now on.
func (r *Room) answered(ctx context.Context, c ceremony, answer string) (keyRow, error) {
	w, err := relying(c.Party, c.Origin)
	if err != nil {
		return keyRow{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil || len(answer) > longestAnswer {
		return keyRow{}, errPasskey()
	}
	row, ok, err := r.store.passkey(ctx, parsed.RawID)
	if err != nil {
		return row, err
	}
	if !ok || c.Person != 0 && row.person != c.Person {
		return row, errPasskey()
	}
	h, session := r.holderOf(row.person, "", []keyRow{row}), c.session()
	var key *webauthn.Credential
	if c.Use == useSignIn {
		_, key, err = w.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
			if !bytes.Equal(handle, h.handle) {
				return nil, errPasskey()
			}
			return h, nil
		}, session, parsed)
	} else {
		session.UserID, session.AllowedCredentialIDs = h.handle, [][]byte{row.credential}
		key, err = w.ValidateLogin(h, session, parsed)
	}
	// A counter that does not grow is a copy of the key, or its original (WebAuthn 6.1.1): neither is let in.
	if err != nil || key.Authenticator.CloneWarning {
		return row, errPasskey()
	}
	row.flags, row.count = key.Flags.MsgpByte(), key.Authenticator.SignCount
	return row, nil
}

// signInByPasskey begins a session for the person of a passkey, with the eldest of their accounts that is not leaving.
func (r *Room) signInByPasskey(ctx context.Context, sealed, answer, address, agent string) (token string, err error) {
	if err := r.take(ctx, limit{r.addressLimit("sign-in", address), signInsPerAddress, signInWindow}); err != nil {
		return "", err
	}
	c, err := r.unsealed(sealed, useSignIn, who.Viewer{})
	if err != nil {
		return "", err
	}
	row, err := r.answered(ctx, c, answer)
	if err != nil {
		return "", err
	}
	accounts, err := r.store.accountsOf(ctx, row.person)
	if err != nil {
		return "", err
	}
	if len(accounts) == 0 {
		return "", errPasskey()
	}
	into := accounts[max(0, slices.IndexFunc(accounts, func(a Account) bool { return a.State == who.Active }))]
	err = r.db.Update(ctx, func(ctx context.Context) error { return r.use(ctx, c, row) })
	if err != nil {
		return "", err
	}
	return r.begin(ctx, row.person, into.ID, agent, "")
}

// use spends the challenge and stores the key's counter, in a transaction.
func (r *Room) use(ctx context.Context, c ceremony, row keyRow) error {
	if err := r.spend(ctx, c.Challenge); err != nil {
		return err
	}
	ok, err := r.store.usePasskey(ctx, row, r.machine())
	if err == nil && !ok {
		err = errPasskey() // removed meanwhile, or used with a later counter
	}
	return err
}

// ProvePasskey checks that the viewer is who they are by one of their passkeys: the form's field "passkey" answers the challenge
// of [ProvePath]. The answer can be used once. A wrong one is Unauthenticated, too many are TooMany. It must not be called inside a transaction.
func (r *Room) ProvePasskey(w http.ResponseWriter, req *http.Request, v who.Viewer) error {
	ctx := req.Context()
	key := r.keyed("limit", "prove "+v.Person.String())
	if err := r.take(ctx, limit{key, signInsPerName, signInWindow}); err != nil {
		return err
	}
	c, err := r.unsealed(r.takeCeremony(w, req), useProve, v)
	if err != nil {
		return err
	}
	row, err := r.answered(ctx, c, req.PostForm.Get(passkeyField))
	if err != nil {
		return err
	}
	return r.db.Update(ctx, func(ctx context.Context) error {
		if err := r.use(ctx, c, row); err != nil {
			return err
		}
		return r.store.forgive(ctx, key)
	})
}

// Provable reports whether the viewer can prove themselves by a passkey in this request: they have one, and browsers offer it here.
func (r *Room) Provable(req *http.Request, v who.Viewer) (bool, error) {
	if _, _, why := r.party(req); why != "" {
		return false, nil
	}
	keys, err := r.store.passkeys(req.Context(), v.Person)
	return len(keys) > 0, err
}

// removePasskey takes one of the viewer's passkeys away; Conflict for the last way of signing in.
func (r *Room) removePasskey(ctx context.Context, v who.Viewer, id who.ID) error {
	return r.exitWrite(ctx, v.Account, func(ctx context.Context, _ service.Pass) error {
		// Two that are removed at the same time must not both be the last but one.
		password, err := r.store.lockPerson(ctx, v.Person)
		if err != nil {
			return err
		}
		rows, err := r.store.passkeys(ctx, v.Person)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(rows, func(k keyRow) bool { return k.ID == id }) {
			return nil // it is gone already
		}
		if len(rows) == 1 && password == "" {
			return exit.Fail(exit.Conflict, "account.error.passkey_last")
		}
		return r.store.removePasskey(ctx, v.Person, id)
	})
}
