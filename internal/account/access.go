package account

import "exeunt/internal/who"

// mayAdminister reports whether a role may invite and remove administrators.
func mayAdminister(kind Kind, role string) bool {
	return kind == Organisation && role == roleAdministrator
}

// MaySeeLists reports whether a viewer may see whom an account follows, who follows it and what
// it liked. Follows says whether the viewer follows the account.
func MaySeeLists(v who.Viewer, account who.ID, seenBy ListsSeenBy, follows bool) bool {
	if !v.Guest() && v.Account == account {
		return true
	}
	switch seenBy {
	case SeenByEveryone:
		return true
	case SeenByFollowers:
		return follows && !v.Guest()
	default:
		return false
	}
}
