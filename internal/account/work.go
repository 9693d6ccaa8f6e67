package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
)

const (
	// workLife is how long a challenge for a proof of work can be answered, by the machine clock.
	workLife = 10 * time.Minute
	// workWait is how old a challenge must be that comes back without an answer: who has no scripts waits instead.
	workWait = time.Minute
	// longestNonce bounds the answer, in signs.
	longestNonce = 20
)

// newWork makes the challenge that a sign-up answers by work: its bits, when it was made, a random part, and the install's keyed hash of these.
// It costs a sender of many sign-ups much and a person nothing that they notice (Dwork and Naor 1992; Back 2002).
func (r *Room) newWork(need int) string {
	body := strconv.Itoa(need) + "." + strconv.FormatInt(r.machine().UnixMilli(), 36) + "." + strings.ToLower(rand.Text())
	return body + "." + r.keyed("work", body)
}

// errWork asks for another try with another challenge, errSoon for patience with the same.
func errWork() error { return exit.Fail(exit.Invalid, "account.error.work") }

func errSoon(wait time.Duration) error {
	return exit.Fail(exit.Invalid, "account.error.patience", "Count", max(1, int((wait+time.Second-1)/time.Second)))
}

// readWork gives the bits and the age of a challenge of ours that has not expired.
func (r *Room) readWork(challenge string) (need int, age time.Duration, ok bool) {
	i := strings.LastIndexByte(challenge, '.')
	if i < 0 || len(challenge) > 200 || !hmac.Equal([]byte(challenge[i+1:]), []byte(r.keyed("work", challenge[:i]))) {
		return 0, 0, false
	}
	part := strings.Split(challenge[:i], ".")
	if len(part) != 3 {
		return 0, 0, false
	}
	need, err := strconv.Atoi(part[0])
	if err != nil {
		return 0, 0, false
	}
	ms, err := strconv.ParseInt(part[1], 36, 64)
	if err != nil {
		return 0, 0, false
	}
	age = r.machine().Sub(time.UnixMilli(ms))
	return need, age, age >= 0 && age < workLife
}

// zeros counts the zero bits with which the SHA-256 of a text begins.
func zeros(text string) (n int) {
	for _, b := range sha256.Sum256([]byte(text)) {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n
}

// checkWork says what is wrong with the answer to a challenge that was to have so many bits. Nonce "" is the answer without work.
func (r *Room) checkWork(need int, challenge, nonce string) error {
	if need == 0 {
		return nil
	}
	given, age, ok := r.readWork(challenge)
	switch {
	case !ok || given < need || len(nonce) > longestNonce:
		return errWork()
	case nonce != "":
		if zeros(challenge+"."+nonce) < need {
			return errWork()
		}
	case age < workWait:
		return errSoon(workWait - age)
	}
	return nil
}

// spendWork uses a challenge up, in the transaction of the sign-up: a name that is taken costs no second one.
func (r *Room) spendWork(ctx context.Context, challenge string) error {
	ok, err := r.store.spend(ctx, digest(challenge), r.machine().Add(workLife))
	if err == nil && !ok {
		err = errWork()
	}
	return err
}
