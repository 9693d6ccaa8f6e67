package archive

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// timeForm is RFC 3339 with milliseconds, always UTC.
const timeForm = "2006-01-02T15:04:05.000Z"

// Time is an instant in an archive: UTC, whole milliseconds, written as RFC 3339.
// The zero Time is left out of records.
type Time struct{ time.Time }

// At makes the Time of t, cut to milliseconds.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSON writes the instant as "2006-01-02T15:04:05.000Z", the zero Time as "".
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte(`""`), nil
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("write time: year %d is outside 1 to 9999", y)
	}
	return []byte(t.UTC().Format(`"` + timeForm + `"`)), nil
}

// UnmarshalJSON reads RFC 3339 with any zone and precision; "" and null are the zero Time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	if s == "" {
		*t = Time{}
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	*t = At(at)
	return nil
}

// Audiences of a post. Circle and only-me have no counterpart in Mastodon's files,
// where they are addressed to nobody but their author.
const (
	AudiencePublic    = "public"
	AudienceUnlisted  = "unlisted"
	AudienceFollowers = "followers"
	AudienceCircle    = "circle"
	AudienceOnlyMe    = "only-me"
	AudienceDirect    = "direct"
)

// Kinds of [Link].
const (
	LinkBoost    = "boost"
	LinkLike     = "like"
	LinkBookmark = "bookmark"
)

// Profile is how an account shows itself. Avatar and Cover are entry names.
type Profile struct {
	ID          string        `json:"id,omitempty"`
	Origin      string        `json:"origin,omitempty"` // URI of the account it came from, if imported
	Name        string        `json:"name"`
	DisplayName string        `json:"display_name,omitempty"`
	Bio         string        `json:"bio,omitempty"`
	Kind        string        `json:"kind,omitempty"` // personal or organisation
	Created     Time          `json:"created,omitzero"`
	Avatar      string        `json:"avatar,omitempty"`
	Cover       string        `json:"cover,omitempty"`
	Links       []ProfileLink `json:"links,omitempty"`
}

// ProfileLink is one labelled address on a profile.
type ProfileLink struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// Settings are what an account chose. Who sees what takes the words of the
// platform ("everyone", "followers", "only-me"); More holds what has no field.
type Settings struct {
	Locale       string            `json:"locale,omitempty"`
	Theme        string            `json:"theme,omitempty"`
	Zone         string            `json:"zone,omitempty"`
	SeeFollowing string            `json:"see_following,omitempty"`
	SeeFollowers string            `json:"see_followers,omitempty"`
	SeeLikes     string            `json:"see_likes,omitempty"`
	Entrances    []EntranceSetting `json:"entrances,omitempty"`
	More         map[string]string `json:"more,omitempty"`
}

// EntranceSetting is one entrance and whether the account shows it, in their order.
type EntranceSetting struct {
	Service string `json:"service"`
	Shown   bool   `json:"shown"`
}

// Post is something the person wrote, on the own page or in a circle.
type Post struct {
	ID         string  `json:"id"`
	Origin     string  `json:"origin,omitempty"` // URI where it came from, if imported
	Place      string  `json:"place,omitempty"`  // page or circle
	Circle     string  `json:"circle,omitempty"` // id of the circle
	CircleName string  `json:"circle_name,omitempty"`
	Audience   string  `json:"audience"`
	Text       string  `json:"text"` // plain text, line breaks kept
	Language   string  `json:"language,omitempty"`
	Published  Time    `json:"published,omitzero"`
	Edited     Time    `json:"edited,omitzero"`
	Images     []Image `json:"images,omitempty"`
	Likes      int64   `json:"likes,omitempty"`
	Comments   int64   `json:"comments,omitempty"`
	InReplyTo  string  `json:"in_reply_to,omitempty"` // URI
	Sensitive  bool    `json:"sensitive,omitempty"`
	Summary    string  `json:"summary,omitempty"` // content warning
	// Card is what the post shares. Featured and Pinned are when the circle's moderators put it first.
	Card     *Reference `json:"card,omitempty"`
	Featured Time       `json:"featured,omitzero"`
	Pinned   Time       `json:"pinned,omitzero"`
	// State says why others did not see it: [StateSubmitted] or [StateWithheld]; empty: they did.
	State string `json:"state,omitempty"`
}

// The states of a post that others did not see.
const (
	StateSubmitted = "submitted" // it waited for a yes of the circle's moderators
	StateWithheld  = "withheld"  // a moderator had taken it out
)

// Draft is something the person has begun to write. It is in no file but the platform's own.
type Draft struct {
	ID         string     `json:"id"`
	Place      string     `json:"place,omitempty"`  // page or circle
	Circle     string     `json:"circle,omitempty"` // id of the circle
	CircleName string     `json:"circle_name,omitempty"`
	Audience   string     `json:"audience"`
	Text       string     `json:"text"`
	Saved      Time       `json:"saved,omitzero"`
	Images     []Image    `json:"images,omitempty"`
	Card       *Reference `json:"card,omitempty"`
	Refusal    string     `json:"refusal,omitempty"` // why the circle's moderators did not accept it
}

// Image is a media file of a post. Path is its entry name; Missing says why the
// archive does not hold it.
type Image struct {
	Path    string `json:"path"`
	Type    string `json:"type,omitempty"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
	Alt     string `json:"alt,omitempty"`
	Missing string `json:"missing,omitempty"` // one of the Missing words
}

// Link points at something of someone else's that the person boosted, liked or
// bookmarked elsewhere. Likes and bookmarks of Mastodon have no time.
type Link struct {
	Kind string `json:"kind"`
	URI  string `json:"uri"`
	At   Time   `json:"at,omitzero"`
}

// Reference names what a comment, like or favourite is about, with enough of it
// to be understood without the platform.
type Reference struct {
	Kind    string `json:"kind,omitempty"`
	ID      string `json:"id,omitempty"`
	URI     string `json:"uri,omitempty"`
	Excerpt string `json:"excerpt,omitempty"`
}

// Comment is one the person wrote, or one received on a post of theirs; then
// Author is a pseudonym that the caller made.
type Comment struct {
	ID        string    `json:"id"`
	On        Reference `json:"on,omitzero"`
	Parent    string    `json:"parent,omitempty"`
	Author    string    `json:"author,omitempty"`
	Text      string    `json:"text"`
	Published Time      `json:"published,omitzero"`
	Edited    Time      `json:"edited,omitzero"`
	Moment    *int64    `json:"moment,omitempty"` // of a bullet comment: milliseconds into the video; nil: it stands in a thread
}

// Like is a like the person gave. A private one is in no list of those who like a thing.
type Like struct {
	On      Reference `json:"on"`
	At      Time      `json:"at,omitzero"`
	Private bool      `json:"private,omitempty"`
}

// Favourite is something the person kept for later.
type Favourite struct {
	On Reference `json:"on"`
	At Time      `json:"at,omitzero"`
}

// Follow is one follow, in the direction of its class. Address is name@host. Notify says that the person is told of what
// the followed account publishes; nobody learns it of followers.
type Follow struct {
	Address string `json:"address"`
	Since   Time   `json:"since,omitzero"`
	Notify  bool   `json:"notify,omitempty"`
}

// Block is an account that the person keeps away. Address is name@host.
type Block struct {
	Address string `json:"address"`
	Since   Time   `json:"since,omitzero"`
}

// Mute is an account that the person has muted, until a time or for good, or of
// which they want less. Address is name@host.
type Mute struct {
	Address string `json:"address"`
	Since   Time   `json:"since,omitzero"`
	Until   Time   `json:"until,omitzero"`
	Less    bool   `json:"less,omitempty"`
}

// Quiet is a circle or a topic that the person has muted in the same way.
type Quiet struct {
	Kind  string `json:"kind"` // circle or topic
	ID    string `json:"id"`
	Name  string `json:"name,omitempty"`
	Since Time   `json:"since,omitzero"`
	Until Time   `json:"until,omitzero"`
	Less  bool   `json:"less,omitempty"`
}

// Circle is a circle the person owns. Cover and Avatar are entry names.
type Circle struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Intro    string   `json:"intro,omitempty"`
	Category string   `json:"category,omitempty"` // a word of the platform
	Rules    string   `json:"rules,omitempty"`
	JoinMode string   `json:"join_mode,omitempty"` // open, approval or invitation
	Question string   `json:"question,omitempty"`  // asked of who wants to join
	Preview  string   `json:"preview,omitempty"`   // what others see: nothing, intro or posts
	Unlisted bool     `json:"unlisted,omitempty"`  // in no list and no search
	Approves bool     `json:"approves,omitempty"`  // posts wait for a yes
	Topics   []string `json:"topics,omitempty"`
	Cover    string   `json:"cover,omitempty"`
	Avatar   string   `json:"avatar,omitempty"`
	Created  Time     `json:"created,omitzero"`
	Members  int64    `json:"members,omitempty"`
	Posts    int64    `json:"posts,omitempty"`

	ClosedTopics  []string         `json:"closed_topics,omitempty"`  // those of Topics that take no further posts
	FilteredWords []FilteredWord   `json:"filtered_words,omitempty"` // what is written there is screened for them
	BlockedImages []string         `json:"blocked_images,omitempty"` // what they look like: a 64-bit perceptual hash each, 16 hexadecimal digits
	NewMembers    *NewMemberLimits `json:"new_members,omitempty"`    // nil: they may do all
}

// FilteredWord is an entry of a circle's word filter. Does is refuse, or hold: what has it waits for a yes.
type FilteredWord struct {
	Word string `json:"word"`
	Does string `json:"does"`
}

// NewMemberLimits are what a circle lets those do who joined less than Days ago. Posts are by day.
type NewMemberLimits struct {
	Days   int  `json:"days"`
	Posts  int  `json:"posts"`
	Links  bool `json:"links,omitempty"`
	Images bool `json:"images,omitempty"`
}

// CircleNotice is a notice of a circle. Author is empty where it is the person's own; in an archive of a circle as
// a whole it is a name that its bearer agreed to, or a pseudonym.
type CircleNotice struct {
	ID         string `json:"id"`
	Circle     string `json:"circle,omitempty"`
	CircleName string `json:"circle_name,omitempty"`
	Author     string `json:"author,omitempty"`
	Text       string `json:"text"`
	Published  Time   `json:"published,omitzero"`
}

// Farewell is what the person left to be read where a circle of theirs was: a line, and where they went, with the statement that the install has signed.
type Farewell struct {
	Circle    string `json:"circle"`
	Text      string `json:"text"`
	Link      string `json:"link,omitempty"`
	Signed    string `json:"signed,omitempty"`
	Published Time   `json:"published,omitzero"`
}

// CirclePost is a post in an archive of a circle as a whole. Author is a name that its bearer agreed to, or a
// pseudonym that means nothing outside of the archive; empty for a member who left.
type CirclePost struct {
	Post
	Author string `json:"author,omitempty"`
}

// Membership is a circle the person belongs to. Named says that their name may stand in its owner's archive.
type Membership struct {
	Circle string `json:"circle"`
	Name   string `json:"name"`
	Role   string `json:"role,omitempty"`
	Joined Time   `json:"joined,omitzero"`
	Named  bool   `json:"named,omitempty"`
}

// recordTypes says which record a class holds; a class that is not here holds raw JSON.
var recordTypes = map[string]reflect.Type{
	ClassProfile:     reflect.TypeFor[Profile](),
	ClassSettings:    reflect.TypeFor[Settings](),
	ClassPosts:       reflect.TypeFor[Post](),
	ClassDrafts:      reflect.TypeFor[Draft](),
	ClassImages:      reflect.TypeFor[Image](),
	ClassLinks:       reflect.TypeFor[Link](),
	ClassComments:    reflect.TypeFor[Comment](),
	ClassReceived:    reflect.TypeFor[Comment](),
	ClassLikes:       reflect.TypeFor[Like](),
	ClassFavourites:  reflect.TypeFor[Favourite](),
	ClassFollowing:   reflect.TypeFor[Follow](),
	ClassFollowers:   reflect.TypeFor[Follow](),
	ClassBlocks:      reflect.TypeFor[Block](),
	ClassMutes:       reflect.TypeFor[Mute](),
	ClassQuiets:      reflect.TypeFor[Quiet](),
	ClassCircles:     reflect.TypeFor[Circle](),
	ClassMemberships: reflect.TypeFor[Membership](),

	ClassCircleNotices:  reflect.TypeFor[CircleNotice](),
	ClassFarewells:      reflect.TypeFor[Farewell](),
	ClassCirclePosts:    reflect.TypeFor[CirclePost](),
	ClassCircleComments: reflect.TypeFor[Comment](),

	ClassChannel:     reflect.TypeFor[Channel](),
	ClassVideos:      reflect.TypeFor[Video](),
	ClassVideoDrafts: reflect.TypeFor[Video](),
	ClassCollections: reflect.TypeFor[Collection](),
	ClassVideoDays:   reflect.TypeFor[VideoDay](),
	ClassWatched:     reflect.TypeFor[Watched](),
}

// decodeRecord turns one JSON value into the record of its class.
func decodeRecord(class string, raw []byte) (any, error) {
	raw = withoutNUL(raw)
	t, ok := recordTypes[class]
	if !ok {
		return json.RawMessage(raw), nil
	}
	v := reflect.New(t)
	if err := json.Unmarshal(raw, v.Interface()); err != nil {
		return nil, err
	}
	return v.Elem().Interface(), nil
}

// withoutNUL replaces the escape of U+0000, which databases refuse in text, by
// U+FFFD; a raw NUL byte is no JSON and never comes this far.
func withoutNUL(raw []byte) []byte {
	var out []byte
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] == 'u' && i+6 <= len(raw) && string(raw[i+2:i+6]) == "0000" {
			if out == nil {
				out = append([]byte(nil), raw...)
			}
			copy(out[i+2:i+6], "fffd")
		}
		i++
	}
	if out == nil {
		return raw
	}
	return out
}

// Manifest is exeunt/manifest.json: what this volume holds and what it lacks.
type Manifest struct {
	Format    string          `json:"format"`  // "exeunt-archive"
	Version   int             `json:"version"` // 1
	Made      Time            `json:"made"`
	Host      string          `json:"host,omitempty"`
	Account   string          `json:"account"`
	Scope     Scope           `json:"scope"`
	Volume    int             `json:"volume"`    // counted from 1
	Continued bool            `json:"continued"` // a further volume follows
	Classes   []ClassManifest `json:"classes"`
	// MissingCount is the length of Missing.
	MissingCount int64 `json:"missing_count"`
	// Missing names every file that should be here and is not. A reader of an
	// archive keeps the first hundred of them.
	Missing []Missing `json:"missing"`
}

// Scope says what was asked for.
type Scope struct {
	Services []string `json:"services,omitempty"` // empty: all
	Since    Time     `json:"since,omitzero"`
	Media    bool     `json:"media"`
}

// ClassManifest counts one class in this volume.
type ClassManifest struct {
	Class string `json:"class"`
	File  string `json:"file"`
	Count int64  `json:"count"`
	Files int64  `json:"files,omitempty"` // media written while this class was open
	Bytes int64  `json:"bytes,omitempty"` // of that media
	// Highest is the highest id that existed when the class was begun; what came later is not in the archive.
	Highest string `json:"highest,omitempty"`
}

// Reasons why a file is missing: words, for a page to put into sentences. None of
// them tells of the server's own paths.
const (
	MissingAbsent     = "absent"       // it was not there
	MissingEmpty      = "empty"        // it has no bytes
	MissingUnreadable = "unreadable"   // reading it failed
	MissingSize       = "size-differs" // it is longer or shorter than was recorded
	MissingLeftOut    = "left-out"     // the archive was asked for without media
)

// Missing is a file that should be in the archive and is not.
type Missing struct {
	Class  string `json:"class,omitempty"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

const (
	manifestFormat  = "exeunt-archive"
	manifestVersion = 1
)
