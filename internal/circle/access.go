package circle

import "exeunt/exit"

func belongs(m Membership) bool { return m.State == Active }

func owns(m Membership) bool { return belongs(m) && m.Role == Owner }

// runs reports whether a member is the owner or a co-owner: they change what a circle is, see its board, and
// appoint moderators. Ending it, handing it on and appointing co-owners is the owner's.
func runs(m Membership) bool { return belongs(m) && (m.Role == Owner || m.Role == CoOwner) }

// manages reports whether a member may accept, refuse, invite and remove, and write notices.
func manages(m Membership) bool { return runs(m) || belongs(m) && m.Role == Moderator }

// maySee reports whether somebody may know of a circle at all. Members always do; others not of
// one that has ended, that is by invitation, that is withheld, or whose owner is veiled.
func maySee(c Circle, m Membership) bool {
	if belongs(m) {
		return true
	}
	return c.State != Ended && !c.Veiled && !c.Withheld && (c.Mode != Invitation || m.State == Asked)
}

// mayMeet reports whether somebody meets a circle elsewhere than among their own: one that is withheld its owner alone.
func mayMeet(c Circle, m Membership) bool { return maySee(c, m) && (!c.Withheld || owns(m)) }

// mayKnow reports whether somebody sees a circle's description and rules.
func mayKnow(c Circle, m Membership) bool {
	if belongs(m) {
		return !c.Withheld || owns(m)
	}
	return c.Preview != PreviewNothing
}

// mayRead reports whether somebody may see all posts, and members.
func mayRead(m Membership) bool { return belongs(m) }

// mayPreview reports whether somebody who is no member sees the latest posts.
func mayPreview(c Circle, m Membership) bool {
	return !belongs(m) && c.Preview == PreviewPosts && maySee(c, m)
}

// mayWrite refuses to write in a circle.
func mayWrite(c Circle, m Membership) error {
	switch {
	case !belongs(m):
		return exit.Fail(exit.Forbidden, "circle.error.members_only")
	case c.Withheld:
		return errWithheld()
	case c.State == Ended:
		return errEnded()
	}
	return nil
}

// mayEnter refuses new members.
func mayEnter(c Circle) error {
	switch {
	case c.Withheld:
		return errWithheld()
	case c.State == Ended:
		return errEnded()
	case c.Paused:
		return exit.Fail(exit.Unavailable, "circle.error.paused")
	}
	return nil
}

// rank orders roles: one is taken out and appointed only by somebody above.
func rank(r Role) int {
	switch r {
	case Owner:
		return 3
	case CoOwner:
		return 2
	case Moderator:
		return 1
	default:
		return 0
	}
}

// mayRemove reports whether one member may take another out: those above, whose role is at least moderator's.
func mayRemove(by, whom Membership) bool { return manages(by) && rank(by.Role) > rank(whom.Role) }

// mayAppoint reports whether one member may give another, or one who was above a member, a role.
func mayAppoint(by, whom Membership, role Role) bool {
	return runs(by) && rank(by.Role) > rank(whom.Role) && rank(by.Role) > rank(role)
}
