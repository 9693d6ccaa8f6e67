package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The bounds of a password, in characters.
const (
	shortestPassword = 10
	longestPassword  = 256
)

// HashCost is the cost of argon2id. The zero value is 19 MiB, two passes, one lane: the least
// that OWASP's Password Storage Cheat Sheet names.
type HashCost struct {
	KiB    uint32
	Passes uint32
}

// atOnce is how many passwords are hashed at the same time: 38 MiB at most.
const atOnce = 2

// restAfter is how long after the last hash its memory is given back to the system. The garbage collector would
// keep it for the next one, and most servers see none for hours.
const restAfter = 5 * time.Second

// hasher hashes passwords with argon2id (RFC 9106) and writes them as PHC strings.
type hasher struct {
	cost  HashCost
	turns chan struct{}
	rest  *time.Timer
	dummy string // a hash of nobody's password, so that unknown names take as long
}

func newHasher(c HashCost) *hasher {
	if c == (HashCost{}) {
		c = HashCost{KiB: 19 << 10, Passes: 2}
	}
	h := &hasher{cost: c, turns: make(chan struct{}, atOnce), rest: time.AfterFunc(restAfter, debug.FreeOSMemory)}
	h.dummy = phc(c, make([]byte, 16), make([]byte, 32))
	return h
}

func phc(c HashCost, salt, sum []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, c.KiB, c.Passes, b.EncodeToString(salt), b.EncodeToString(sum))
}

// turn waits until fewer than two passwords are being hashed.
func (h *hasher) turn(ctx context.Context) (func(), error) {
	select {
	case h.turns <- struct{}{}:
		return func() {
			<-h.turns
			h.rest.Reset(restAfter)
		}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", context.Cause(ctx))
	}
}

func plain(password string) []byte { return norm.NFC.Bytes([]byte(password)) }

// hash gives the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	return phc(h.cost, salt, argon2.IDKey(plain(password), salt, h.cost.Passes, h.cost.KiB, 1, 32)), nil
}

// matches reports whether a password is that of a stored PHC string. An empty string, a person
// without a password, matches nothing and takes as long.
func (h *hasher) matches(ctx context.Context, stored, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	cost, salt, sum, err := parsePHC(stored)
	if err != nil {
		return false, err
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	got := argon2.IDKey(plain(password), salt, cost.Passes, cost.KiB, 1, uint32(len(sum)))
	return subtle.ConstantTimeCompare(got, sum) == 1 && known, nil
}

func parsePHC(s string) (c HashCost, salt, sum []byte, err error) {
	part := strings.Split(s, "$")
	if len(part) != 6 || part[1] != "argon2id" {
		return c, nil, nil, fmt.Errorf("read stored password: unknown form")
	}
	var version, lanes int
	if _, err = fmt.Sscanf(part[2]+" "+part[3], "v=%d m=%d,t=%d,p=%d", &version, &c.KiB, &c.Passes, &lanes); err != nil || version != argon2.Version || lanes != 1 {
		return c, nil, nil, fmt.Errorf("read stored password: unknown parameters")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(part[4]); err == nil {
		sum, err = base64.RawStdEncoding.DecodeString(part[5])
	}
	if err != nil || len(sum) == 0 {
		return c, nil, nil, fmt.Errorf("read stored password: broken")
	}
	return c, salt, sum, nil
}

// checkPassword says what is wrong with a new password: Invalid where it is shorter than ten
// characters, longer than 256, or the account's name.
func checkPassword(password, name string) error {
	if len(password) > 4*longestPassword || utf8.RuneCountInString(password) > longestPassword {
		return exit.Fail(exit.Invalid, "account.error.password_long")
	}
	if utf8.RuneCountInString(password) < shortestPassword {
		return exit.Fail(exit.Invalid, "account.error.password_short")
	}
	if name != "" && NameKey(norm.NFKC.String(strings.TrimSpace(password))) == NameKey(name) {
		return exit.Fail(exit.Invalid, "account.error.password_name")
	}
	return nil
}
