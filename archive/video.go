package archive

// Classes of a channel: what it is, its videos and those that were never published, their collections, the daily sums of how they were watched,
// and what the person has watched.
const (
	ClassChannel     = "channel.channel"
	ClassVideos      = "channel.videos"
	ClassVideoDrafts = "channel.drafts"
	ClassCollections = "channel.collections"
	ClassVideoDays   = "channel.statistics"
	ClassWatched     = "channel.history"
)

// StateScheduled says of a video that it was to be published at its time.
const StateScheduled = "scheduled"

// StateDraft says of a video that it was never published.
const StateDraft = "draft"

// Channel is a person's channel. Avatar and Cover are entry names.
type Channel struct {
	Name      string        `json:"name"`
	Bio       string        `json:"bio,omitempty"`
	Avatar    string        `json:"avatar,omitempty"`
	Cover     string        `json:"cover,omitempty"`
	Badge     string        `json:"badge,omitempty"` // what the operator had verified, in words
	Links     []ProfileLink `json:"links,omitempty"`
	Downloads bool          `json:"downloads,omitempty"` // new videos may be downloaded
	Category  string        `json:"category,omitempty"`  // of its podcast, as Exeunt names them: "arts", "true_crime"
	Explicit  bool          `json:"explicit,omitempty"`  // its podcast is not for children
	Created   Time          `json:"created,omitzero"`
}

// Video is a video of the person's channel. It is also what stands beside each video as a file of its own, so that a folder of them can be taken
// elsewhere. File, Cover and the paths of subtitles are entry names; File is the file as it came, byte for byte.
type Video struct {
	ID        string     `json:"id"`
	Origin    string     `json:"origin,omitempty"` // URI by which it is known again
	URL       string     `json:"url,omitempty"`    // where it stood
	Title     string     `json:"title"`
	Text      string     `json:"text,omitempty"` // plain text, line breaks kept
	Language  string     `json:"language,omitempty"`
	Topics    []string   `json:"topics,omitempty"`
	Audience  string     `json:"audience"`         // as of a post
	Circle    string     `json:"circle,omitempty"` // id of the circle that it was for
	State     string     `json:"state,omitempty"`  // empty: published
	At        Time       `json:"at,omitzero"`      // when it was published, or was to be
	Created   Time       `json:"created,omitzero"`
	Edited    Time       `json:"edited,omitzero"`
	File      string     `json:"file,omitempty"`
	FileName  string     `json:"file_name,omitempty"` // under which it came
	Type      string     `json:"type,omitempty"`
	Bytes     int64      `json:"bytes,omitempty"`
	SHA256    string     `json:"sha256,omitempty"`
	Seconds   float64    `json:"duration,omitempty"`
	Width     int        `json:"width,omitempty"`
	Height    int        `json:"height,omitempty"`
	Cover     string     `json:"cover,omitempty"`
	Subtitles []Subtitle `json:"subtitles,omitempty"`
	Downloads bool       `json:"downloads,omitempty"` // others might download it
	Views     int64      `json:"views,omitempty"`
	Likes     int64      `json:"likes,omitempty"`
	Comments  int64      `json:"comments,omitempty"`
	Missing   string     `json:"missing,omitempty"` // why the archive does not hold the file: one of the Missing words
}

// Subtitle is a WebVTT file of a video.
type Subtitle struct {
	Language string `json:"language"` // BCP 47
	Label    string `json:"label,omitempty"`
	Path     string `json:"path"`
}

// Collection is a row of videos that the person has put together; Videos are ids, in their order.
type Collection struct {
	ID      string   `json:"id"`
	Origin  string   `json:"origin,omitempty"`
	Title   string   `json:"title"`
	Text    string   `json:"text,omitempty"`
	Videos  []string `json:"videos,omitempty"`
	Created Time     `json:"created,omitzero"`
}

// VideoDay is how a video was watched on a day, by where viewers came from: sums, of nobody. Day is UTC, "2006-01-02"; Watched is in seconds.
type VideoDay struct {
	Video   string `json:"video"`
	Day     string `json:"day"`
	Source  string `json:"source"`
	Views   int64  `json:"views"`
	Watched int64  `json:"watched,omitempty"`
}

// Watched is a video that the person has watched. Position is where they stopped, in milliseconds.
type Watched struct {
	On       Reference `json:"on"`
	Position int64     `json:"position,omitempty"`
	At       Time      `json:"at,omitzero"`
}

// Fits reports whether a file of so many bytes still belongs into this volume; if not, the volume is full from now on. A file that is larger than a
// volume fits into one that holds nothing yet: it has it to itself.
func (w *Writer) Fits(size int64) bool {
	if w.o.MaxBytes <= 0 || w.weight()+size <= w.o.MaxBytes || !w.begun() {
		return true
	}
	w.full = true
	return false
}

// begun reports whether anything was written that a next volume would not hold again.
func (w *Writer) begun() bool {
	if w.class != nil && (w.class.Count > 0 || w.class.Files > 0) {
		return true
	}
	for _, c := range w.classes {
		if c.Count > 0 || c.Files > 0 {
			return true
		}
	}
	return false
}

// WithMedia reports whether the archive was asked for with files.
func (w *Writer) WithMedia() bool { return w.o.Scope.Media }
