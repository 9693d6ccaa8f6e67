package circle

import "exeunt/exit"

func belongs(m Membership) bool { return m.State == Active }

func owns(m Membership) bool { return belongs(m) && m.Role == Owner }

// manages reports whether a member may accept, refuse, invite and remove.
func manages(m Membership) bool { return belongs(m) && (m.Role == Owner || m.Role == Moderator) }

// maySee reports whether somebody may know of a circle at all. Members always do; others not of
// one that has ended, that is by invitation, or whose owner is veiled.
func maySee(c Circle, m Membership) bool {
	if belongs(m) {
		return true
	}
	return c.State != Ended && !c.Veiled && (c.Mode != Invitation || m.State == Asked)
}

// mayRead reports whether somebody may see posts and members.
func mayRead(m Membership) bool { return belongs(m) }

// mayWrite refuses to write in a circle.
func mayWrite(c Circle, m Membership) error {
	switch {
	case !belongs(m):
		return exit.Fail(exit.Forbidden, "circle.error.members_only")
	case c.State == Ended:
		return errEnded()
	}
	return nil
}

// mayEnter refuses new members.
func mayEnter(c Circle) error {
	switch {
	case c.State == Ended:
		return errEnded()
	case c.Paused:
		return exit.Fail(exit.Unavailable, "circle.error.paused")
	}
	return nil
}

// mayRemove reports whether one member may take another out. Nobody takes the owner out, and
// moderators no moderators.
func mayRemove(by, whom Membership) bool {
	if whom.Role == Owner {
		return false
	}
	return owns(by) || manages(by) && whom.Role == Member
}
