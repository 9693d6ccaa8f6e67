// Package archive writes, reads and verifies what a person takes along when
// leaving or keeping a copy: one zip file that other programs can read, that
// opens in a browser without a network, and that loses nothing on the way back.
//
// An archive carries three layers. At its root lie the files of a Mastodon
// archive, for the viewers and importers that exist. Under exeunt/ lie the
// records themselves, one JSON array a class, which is what [Reader] reads.
// index.html and exeunt/data/ are a page for the person.
//
// The package keeps no clock and no configuration: every time is given by the
// caller, so the same input makes the same bytes.
package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes this package knows. Records of other classes travel as raw JSON.
const (
	ClassProfile     = "account.profile"
	ClassSettings    = "account.settings"
	ClassPosts       = "post.posts"
	ClassDrafts      = "post.drafts"
	ClassImages      = "post.images"
	ClassLinks       = "post.links"
	ClassComments    = "talk.comments"
	ClassReceived    = "talk.received"
	ClassLikes       = "talk.likes"
	ClassFavourites  = "talk.favourites"
	ClassFollowing   = "relation.following"
	ClassFollowers   = "relation.followers"
	ClassBlocks      = "relation.blocks"
	ClassMutes       = "relation.mutes"
	ClassQuiets      = "relation.quiets"
	ClassCircles     = "circle.circles"
	ClassMemberships = "circle.memberships"
	// The notices that a person wrote, or those of a circle as a whole.
	ClassCircleNotices = "circle.notices"
	// What a person left to be read where a circle of theirs was.
	ClassFarewells = "circle.farewells"
	// A circle as a whole, as its owner takes it along: what others wrote is theirs, and is never imported.
	ClassCirclePosts    = "circle.posts"
	ClassCircleImages   = "circle.images"
	ClassCircleComments = "circle.comments"
)

// Entry names that an archive of ours always holds.
const (
	// SumsName is the last entry: one line a file, as sha256sum writes them.
	SumsName = "manifest-sha256.txt"
	// ManifestName is the [Manifest].
	ManifestName = "exeunt/manifest.json"
)

// maxName bounds an entry's name in bytes; longer paths do not unpack everywhere.
const maxName = 240

// SafeName reports whether name may be an entry of an archive: relative, with
// forward slashes, no empty, "." or ".." part, no control characters, nothing a
// Windows file system reads differently, valid UTF-8, at most 240 bytes.
func SafeName(name string) bool {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return false
	}
	if strings.ContainsAny(name, "\\:*?\"<>|") || strings.ContainsFunc(name, unicode.IsControl) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || windowsDevice(part) {
			return false
		}
	}
	return true
}

// windowsDevice reports whether Windows would open a device under this name.
func windowsDevice(part string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(part), ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '1' && stem[3] <= '9'
}

// MediaName gives the entry name of a post's media file: Mastodon's own layout,
// the digits of id in groups of three and then a name of 16 hexadecimal digits
// derived from id, so that it is the same each time and says nothing. ext is
// given with or without its dot; anything but letters and digits is dropped.
func MediaName(id, ext string) string {
	sum := sha256.Sum256([]byte("media\x00" + id))
	digits := digitsOf(id)
	if digits == "" {
		digits = digitsOf(hex.EncodeToString(sum[16:]))
	}
	for len(digits)%3 != 0 || len(digits) < 9 {
		digits = "0" + digits
	}
	var b strings.Builder
	b.WriteString("media_attachments/files/")
	for i := 0; i < len(digits) && i < 27; i += 3 {
		b.WriteString(digits[i:i+3] + "/")
	}
	b.WriteString("original/" + hex.EncodeToString(sum[:8]) + cleanExt(ext))
	return b.String()
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func cleanExt(ext string) string {
	ext = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(ext))
	if ext == "" || len(ext) > 8 {
		return ""
	}
	return "." + ext
}

// mediaAllowed reports whether a caller may give a media file this name. What
// the writer itself makes cannot be overwritten.
func mediaAllowed(name string) bool {
	if !SafeName(name) {
		return false
	}
	dir, base := path.Split(name)
	if dir == "" {
		stem := strings.TrimSuffix(base, path.Ext(base))
		return (stem == "avatar" || stem == "header") && path.Ext(base) != ".json"
	}
	return !strings.HasPrefix(strings.ToLower(name), "exeunt/") || strings.HasPrefix(name, "exeunt/media/")
}
