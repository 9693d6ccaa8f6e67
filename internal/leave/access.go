package leave

import (
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/who"
)

// mayFollow reports whether a viewer may see and change a run: it is about the account with which they are signed in.
func mayFollow(v who.Viewer, r exit.Run) bool {
	return !v.Guest() && r.Subject.Kind == exit.SubjectAccount && r.Subject.ID == v.Account.String()
}

// mayFetch reports whether a viewer may download what belongs to an account: only from the account itself.
func mayFetch(v who.Viewer, owner who.ID) bool { return !v.Guest() && v.Account == owner }

// loneWait is how long the only administrator of an organisation waits after their proof, where
// the policy asks for two.
const loneWait = 24 * time.Hour

// consentNeed is what a closing still needs before it can be agreed.
type consentNeed string

const (
	needNothing consentNeed = ""
	needAnother consentNeed = "another" // a second administrator
	needWait    consentNeed = "wait"    // a day after the only administrator's proof
)

// needOf says what is still needed when a person has just proved who they are: an organisation whose
// policy asks for two administrators needs two, or one where there is one and a day has passed.
func needOf(methods []string, people, approvals int, first, now time.Time) consentNeed {
	if !slices.Contains(methods, "two_administrators") || approvals >= 2 {
		return needNothing
	}
	if people > 1 {
		return needAnother
	}
	if now.Before(first.Add(loneWait)) {
		return needWait
	}
	return needNothing
}
