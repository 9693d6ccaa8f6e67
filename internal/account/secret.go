package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"exeunt/internal/db"
)

// codesAtOnce is how many recovery codes a person has.
const codesAtOnce = 10

// codeSigns are Crockford's 32 signs: none is mistaken for another when read aloud or copied.
const codeSigns = "0123456789abcdefghjkmnpqrstvwxyz"

// codeLength is the number of signs of a recovery code: 80 random bits, so a plain SHA-256 of
// it cannot be searched.
const codeLength = 16

// newCodes makes recovery codes: "abcd-efgh-jkmn-pqrs".
func newCodes() []string {
	out := make([]string, codesAtOnce)
	for i := range out {
		var b [codeLength]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		var s strings.Builder
		for j, x := range b {
			if j > 0 && j%4 == 0 {
				s.WriteByte('-')
			}
			s.WriteByte(codeSigns[x&31])
		}
		out[i] = s.String()
	}
	return out
}

// readCode gives the plain form of a typed recovery code; ok is false for what cannot be one.
func readCode(typed string) (code string, ok bool) {
	if len(typed) > 4*codeLength {
		return "", false
	}
	code = strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(typed))
	if len(code) != codeLength {
		return "", false
	}
	for _, c := range code {
		if !strings.ContainsRune(codeSigns, c) {
			return "", false
		}
	}
	return code, true
}

func hashCode(code string) string { return digest(strings.ReplaceAll(code, "-", "")) }

// newToken gives 256 random bits in URL-safe base64, of which only the hash is stored.
func newToken() (token, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, digest(token)
}

// tokenLength is the length of a token in signs.
const tokenLength = 43

// digest gives the SHA-256, in hex, of a secret with enough entropy of its own.
func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// InstallSecret gives the install's own secret of 32 bytes, and makes it on first use. It keys
// the hashes of held names. An install that keeps it in a file passes that to [New] instead.
func InstallSecret(ctx context.Context, d *db.DB) ([]byte, error) {
	const name = "account.secret"
	var b []byte
	err := d.Update(ctx, func(ctx context.Context) error {
		var fresh [32]byte
		_, _ = rand.Read(fresh[:]) // never fails (crypto/rand)
		if err := (store{d}).addSetting(ctx, name, hex.EncodeToString(fresh[:])); err != nil {
			return err
		}
		text, _, err := d.Setting(ctx, name)
		if err != nil {
			return err
		}
		if b, err = hex.DecodeString(text); err != nil {
			return fmt.Errorf("read the install's secret: %w", err)
		}
		return nil
	})
	return b, err
}
