package account_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/dbtest"

	"github.com/fxamacker/cbor/v2"
)

// device is an authenticator with one key, as WebAuthn Level 3 describes one (ES256, no attestation).
type device struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	id     []byte
	user   []byte
	count  uint32
	origin string
	party  string
}

func newDevice(t *testing.T, origin string) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	u, err := url.Parse(origin)
	must(t, err)
	return &device{t: t, key: key, id: []byte("key " + t.Name()), origin: origin, party: u.Hostname()}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (d *device) client(kind, challenge string) []byte {
	d.t.Helper()
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	must(d.t, err)
	return b
}

// data gives the authenticator's data: present and verified, and with the key when it is new.
func (d *device) data(fresh bool) []byte {
	d.t.Helper()
	sum := sha256.Sum256([]byte(d.party))
	flags := byte(0x05)
	if fresh {
		flags |= 0x40
	}
	b := binary.BigEndian.AppendUint32(append(sum[:], flags), d.count)
	if !fresh {
		return b
	}
	public, err := d.key.PublicKey.Bytes()
	must(d.t, err)
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	must(d.t, err)
	b = append(b, make([]byte, 16)...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(d.id)))
	return append(append(b, d.id...), cose...)
}

func (d *device) answer(response map[string]any) string {
	d.t.Helper()
	b, err := json.Marshal(map[string]any{"id": encode(d.id), "rawId": encode(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response})
	must(d.t, err)
	return string(b)
}

// options are what a challenge asks of a browser.
type options struct {
	Options struct {
		Challenge string
		User      struct{ ID string }
	}
	Problem string
}

func (d *device) create(o options) string {
	d.t.Helper()
	var err error
	d.user, err = base64.RawURLEncoding.DecodeString(o.Options.User.ID)
	must(d.t, err)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": d.data(true)})
	must(d.t, err)
	return d.answer(map[string]any{"clientDataJSON": encode(d.client("webauthn.create", o.Options.Challenge)), "attestationObject": encode(object), "transports": []string{"internal"}})
}

func (d *device) get(o options) string {
	d.t.Helper()
	d.count++
	client, data := d.client("webauthn.get", o.Options.Challenge), d.data(false)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data, hash[:]...))
	signature, err := d.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	must(d.t, err)
	return d.answer(map[string]any{"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(d.user)})
}

// localhost serves the pages by a name that browsers take passkeys for.
func localhost(s *httptest.Server) *httptest.Server {
	s.URL = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	return s
}

// begin asks for a challenge.
func (b *browser) begin(path string, form url.Values) options {
	b.t.Helper()
	var o options
	must(b.t, json.Unmarshal([]byte(b.post(path, form).raw), &o))
	return o
}

func TestPasskeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h, machine := open(t, d), dbtest.Clock(t, d)
		h.signUp(t, "ana_liu")
		plain := h.site(t)
		if o := browse(t, plain, "en").begin("/sign-in/passkey/begin", nil); !strings.Contains(o.Problem, "IP address") && !strings.Contains(o.Problem, "not encrypted") {
			t.Errorf("by an IP address: %+v", o)
		}
		site := localhost(plain)
		b, key := browse(t, site, "en"), newDevice(t, site.URL)
		b.post("/sign-in", fields("name", "ana_liu", "password", password)).want(t, 200)
		if o := b.begin("/settings/passkeys/begin", fields("proof", "not the password")); o.Problem == "" {
			t.Error("a passkey is added without a proof")
		}
		proof := fields("proof", password)
		foreign := newDevice(t, "https://elsewhere.example")
		b.post("/settings/passkeys", fields("name", "phone", "passkey", foreign.create(b.begin("/settings/passkeys/begin", proof)))).want(t, 422, "did not match")
		b.post("/settings/passkeys", fields("name", "phone", "passkey", key.create(b.begin("/sign-in/passkey/begin", nil)))).want(t, 422)
		late := key.create(b.begin("/settings/passkeys/begin", proof))
		machine.Add(5 * time.Minute)
		b.post("/settings/passkeys", fields("name", "phone", "passkey", late)).want(t, 422, "did not match")
		b.post("/settings/passkeys", fields("name", "phone", "passkey", key.create(b.begin("/settings/passkeys/begin", proof)))).want(t, 200, "phone")

		guest := browse(t, site, "en")
		answer := key.get(guest.begin("/sign-in/passkey/begin", nil))
		cookies := guest.http.Jar.Cookies(mustURL(t, site.URL))
		stranger := browse(t, site, "en") // has no challenge of its own
		stranger.post("/sign-in/passkey", fields("passkey", answer)).want(t, 422, "did not match")
		guest.post("/sign-in/passkey", fields("passkey", answer)).want(t, 200, "home")
		guest.get("/me").want(t, 200, "@ana_liu")
		stranger.http.Jar.SetCookies(mustURL(t, site.URL), cookies)
		stranger.post("/sign-in/passkey", fields("passkey", answer)).want(t, 422, "did not match") // it was answered before
		key.count -= 2                                                                             // a copy that was made before the last use
		stranger.post("/sign-in/passkey", fields("passkey", key.get(stranger.begin("/sign-in/passkey/begin", nil)))).want(t, 422, "did not match")
		key.count += 2
		wrong := newDevice(t, site.URL)
		wrong.id, wrong.user, wrong.count = key.id, key.user, 40
		stranger.post("/sign-in/passkey", fields("passkey", wrong.get(stranger.begin("/sign-in/passkey/begin", nil)))).want(t, 422, "did not match")
		stranger.get("/me").want(t, 403)
	})
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}

// TestLastWayOfSigningInStays tries to remove the only passkey of somebody without a password.
func TestLastWayOfSigningInStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		c := h.signUp(t, "ana_liu")
		site := localhost(h.site(t))
		b := browse(t, site, "en")
		b.post("/sign-in", fields("name", "ana_liu", "password", password)).want(t, 200)
		for i, name := range []string{"one", "two"} {
			key := newDevice(t, site.URL)
			key.id = append(key.id, byte(i))
			b.post("/settings/passkeys", fields("name", name, "passkey", key.create(b.begin("/settings/passkeys/begin", fields("proof", password))))).want(t, 200, name)
		}
		keys, err := h.Passkeys(t.Context(), c.Person)
		must(t, err)
		if _, err := d.Writer.ExecContext(t.Context(), `update people set password = ''`); err != nil {
			t.Fatal(err)
		}
		b.post("/settings/passkeys/remove", fields("key", keys[0].ID.String())).want(t, 200, "two")
		b.post("/settings/passkeys/remove", fields("key", keys[1].ID.String())).want(t, http.StatusUnprocessableEntity, "only way of signing in")
	})
}
