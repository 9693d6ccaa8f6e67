package channel

import "exeunt/internal/who"

// owns says whether the viewer's own channel shows a video.
func owns(v who.Viewer, x Video) bool { return !v.Guest() && x.Owner == v.Account }

// sees says whether the viewer may see a video, by its state, its audience and veil. It is asked of every video that a page shows, and of
// each request for a file of it.
func sees(v who.Viewer, x Video) bool {
	if x.State == Deleting {
		return false
	}
	if owns(v, x) {
		return true
	}
	if x.State == Withheld && v.Operator && !x.Channel.Veiled {
		return true
	}
	if x.State != Live || x.Channel.Veiled || x.Channel.Blocked && !v.Operator || x.Media != Ready && x.Media != Plain {
		return false
	}
	switch kind, id := x.Audience.Split(); kind {
	case "public", "unlisted":
		return true
	case "followers":
		return x.Channel.Followed && id == x.Owner
	case "circle":
		return x.Member
	}
	return false
}

// talks says whether the viewer may comment on a video and like it.
func talks(v who.Viewer, x Video) bool {
	return !v.Guest() && v.State == who.Active && x.State == Live && !x.Channel.Blocked && sees(v, x)
}

// open says whether everybody may see a video, guests too.
func open(x Video) bool {
	kind, _ := x.Audience.Split()
	return (kind == "public" || kind == "unlisted") && sees(who.Viewer{}, x)
}

// downloads says whether the viewer may have the file as it came: the owner always, others where the owner lets them.
func downloads(v who.Viewer, x Video) bool { return owns(v, x) || x.Downloads && sees(v, x) }

// changes says whether the viewer may edit a video.
func changes(v who.Viewer, x Video) bool {
	return owns(v, x) && v.State == who.Active && x.State != Deleting
}

// seesChannel says whether the viewer may see a channel's page.
func seesChannel(v who.Viewer, c Channel) bool {
	if !v.Guest() && c.Account == v.Account || v.Operator && !c.Veiled {
		return true
	}
	return !c.Veiled && !c.Blocked
}

// mayFile says whether the viewer may have a file of a video, and whether everybody may: covers, subtitles and renditions with the video itself,
// the file as it came where it may be downloaded or nothing else plays, and the pictures from which a cover is chosen for the owner alone.
func mayFile(v who.Viewer, x Video, what string) (may, public bool) {
	switch what {
	case "frame":
		return owns(v, x) && x.State != Deleting, false
	case "original":
		if x.State == Deleting || x.Media != Plain && !downloads(v, x) {
			return false, false
		}
		return sees(v, x), open(x) && (x.Downloads || x.Media == Plain)
	}
	return sees(v, x), open(x)
}

// takesFile says whether the viewer may send the file of a video: an own draft that has none, or none that can be shown.
func takesFile(v who.Viewer, x Video) bool {
	return changes(v, x) && (x.State == Drafted || x.State == Scheduled) && (x.Media == Awaited || x.Media == Failed)
}
