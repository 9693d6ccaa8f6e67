package ui

import (
	"context"
	"fmt"
	"time"
)

// VideoTileView is a video in a grid of such: its picture, its length and its words. The picture's place is reserved.
type VideoTileView struct {
	Href     string
	Title    string        // empty: a word for a video without one is shown
	Picture  string        // address of its picture; empty: an icon is drawn
	Tall     bool          // it is higher than it is wide: its picture is shown whole
	Duration time.Duration // 0: not known
	Owner    *PersonView   // whose it is; nil: the page says so already
	At       time.Time     // zero: not shown
	Views    int64         // below 0: not shown
	Badge    string        // on the picture, such as "draft"; empty: none
	Audience Audience      // shown unless everybody may see it; empty: not shown
	Why      *Link         // why the reader is shown it; nil: not said
	Menu     []Action
}

// title gives the words of the tile's link.
func (v VideoTileView) title(ctx context.Context) string {
	if v.Title == "" {
		return T(ctx, "player.untitled")
	}
	return v.Title
}

// Clock gives a length as players write it: 0:07, 12:30, 1:02:03.
func Clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// MediaSource is a file that a browser may play.
type MediaSource struct {
	Src  string
	Type string // its media type, "video/mp4"
}

// Rendition is one quality of a video, as an HLS media playlist (RFC 8216).
type Rendition struct {
	Src    string
	Height int // pixels
}

// SubtitleTrack is a WebVTT file that goes with a video.
type SubtitleTrack struct {
	Src, Language, Label string
}

// PlayerView is a player. Without scripts it is the browser's own: the sources are tried in their order, HLS first.
type PlayerView struct {
	ID            string // unique on the page, letters, digits and dashes
	Title         string // what is played, for who listens
	Poster        string // address of the picture before it plays; empty: none
	Width, Height int    // pixels, to reserve the place
	Master        string // address of the HLS master playlist; empty: there is none
	Sources       []MediaSource
	Renditions    []Rendition // lowest first; of Master
	Subtitles     []SubtitleTrack
	Seen          string        // where it is told how much was watched (POST); empty: nowhere
	Source        string        // told along: where the viewer came from
	Resume        time.Duration // where the viewer left; 0: the beginning
	Bullets       string        // where bullet comments are read (GET) and written (POST), as JSON; empty: none
	Speak         bool          // the viewer may write one
	Said          []BulletLine  // the first of them, for who has no scripts
	Strip         bool          // it stands among others of which only the one in sight plays
}

// BulletLine is a bullet comment in a list.
type BulletLine struct {
	At             time.Duration // into what is played
	Text           string
	Remove, Report string // the pages on which the viewer can delete or report it; empty: they may not
}

// MostSaid is how many bullet comments a player lists for who has no scripts.
const MostSaid = 200

// tall says whether the video is higher than it is wide.
func (p PlayerView) tall() bool { return p.Height > p.Width }

// said says how many bullet comments are listed.
func (p PlayerView) said(ctx context.Context) string {
	if len(p.Said) >= MostSaid {
		return T(ctx, "player.bullets.first", "Count", len(p.Said))
	}
	return T(ctx, "player.bullets.all", "Count", len(p.Said))
}

// hls gives the address of the program that plays HLS where the browser does not, empty where there is nothing to play with it.
func (p PlayerView) hls() string {
	if p.Master == "" {
		return ""
	}
	return AssetURL("hls.js")
}

// saver gives the address of the rendition for who saves data: the best of at most 480 lines, else the lowest; empty if there is nothing to save.
func (p PlayerView) saver() (out string) {
	for i, r := range p.Renditions {
		if i == 0 || r.Height <= saverHeight {
			out = r.Src
		}
	}
	if len(p.Renditions) < 2 {
		return ""
	}
	return out
}

// saverHeight is the most lines that are shown to who saves data.
const saverHeight = 480

// preload says how much a browser should fetch before anybody plays.
func (p PlayerView) preload() string {
	if p.Strip {
		return "none"
	}
	return "metadata"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()) }

// speeds are those that can be chosen.
var speeds = []string{"0.5", "0.75", "1", "1.25", "1.5", "2"}

// VideoLikesView is the pair of buttons by which one likes a video: in public, or in private.
type VideoLikesView struct {
	ID            string // unique on the page, letters, digits and dashes
	Public        string // where the like in public is posted; empty: the count is shown, nobody may like
	Private       string // where the private like is posted
	Back          string // the page to return to
	Count         int    // of both kinds
	Liked, Hidden bool   // the viewer likes it; and in private
}

// shown is the count, or the word where there is none yet.
func (v VideoLikesView) shown(ctx context.Context) string {
	if v.Count == 0 {
		return T(ctx, "player.like")
	}
	return Number(int64(v.Count))
}

// likeTitle says what one of the two buttons does.
func likeTitle(ctx context.Context, icon string) string {
	if icon == "thumbs-up" {
		return T(ctx, "player.like.private.about")
	}
	return T(ctx, "player.like.public")
}
