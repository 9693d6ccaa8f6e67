package channel

import (
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/upload"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// infoEnding is how a sidecar of yt-dlp's is called, after the name of its video without its ending.
const infoEnding = ".info.json"

var (
	filmEndings  = []string{".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts", ".flv", ".wmv", ".mpg", ".mpeg", ".3gp", ".ogv", ".f4v", ".3g2", ".asf"}
	coverEndings = []string{".jpg", ".jpeg", ".png", ".webp"}
	textEndings  = []string{".vtt", ".srt"}
)

// film is a video of a zip, with the files that go with it.
type film struct {
	name, sidecar, cover string
	subtitles            []filmText
}

type filmText struct{ name, language, label string }

// films finds the videos among the names of a zip's files, in their order, and what goes with each: files of its folder whose names begin as
// its own does, without its ending. The items are for the report: each film, and why each of the other files was skipped, as far as there is room.
func films(names []string) (list []film, items []upload.Item) {
	names = slices.DeleteFunc(slices.Clone(names), hidden)
	slices.Sort(names)
	stems := map[string]int{}
	for _, name := range names {
		if ending := strings.ToLower(path.Ext(name)); slices.Contains(filmEndings, ending) && len(list) < mostFilms {
			if _, twice := stems[stem(name)]; !twice {
				stems[stem(name)] = len(list)
			}
			list = append(list, film{name: name})
		}
	}
	for _, f := range list {
		items = append(items, upload.Item{Position: len(items), Name: f.name, State: upload.ItemWaiting})
	}
	skip := func(name, reason string) {
		items = append(items, upload.Item{Position: len(items), Name: name, State: upload.ItemSkipped, Reason: reason})
	}
	if len(list) == 0 {
		skip("", "channel_batch.skip.none")
	}
	others := 0
	for _, name := range names {
		reason := goesAlong(name, stems, list)
		if reason == "" {
			continue
		}
		if others++; others <= mostOthers {
			skip(name, reason)
		}
	}
	if others > mostOthers {
		skip("", "channel_batch.skip.others")
	}
	return list, items
}

// hidden says whether a file is one that systems leave beside others.
func hidden(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), ".")
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// goesAlong gives a file to the video with which it goes, or says why it is skipped.
func goesAlong(name string, stems map[string]int, list []film) (reason string) {
	lower, of := strings.ToLower(name), stem(name)
	ending := path.Ext(lower)
	i, ok := stems[of]
	switch {
	case slices.Contains(filmEndings, ending):
		if len(list) == mostFilms && name > list[mostFilms-1].name {
			return "channel_batch.skip.too_many"
		}
		return ""
	case ending == ".json":
		of = strings.TrimSuffix(of, ".info")
		if i, ok = stems[of]; !ok { // "a.mp4.json"
			i, ok = stems[stem(of)]
		}
		if ok && (list[i].sidecar == "" || strings.HasSuffix(lower, infoEnding)) {
			list[i].sidecar = name
			return ""
		}
	case slices.Contains(coverEndings, ending):
		if ok && list[i].cover == "" {
			list[i].cover = name
			return ""
		}
	case slices.Contains(textEndings, ending):
		tag := language.Und
		if !ok {
			i, ok = stems[stem(of)]
			tag = language.Make(strings.TrimPrefix(path.Ext(of), "."))
		}
		s := filmText{name: name, language: tag.String(), label: display.Self.Name(tag)}
		if ok && !slices.ContainsFunc(list[i].subtitles, func(x filmText) bool { return x.language == s.language }) {
			list[i].subtitles = append(list[i].subtitles, s)
			return ""
		}
	default:
		return "channel_batch.skip.kind"
	}
	if ok {
		return "channel_batch.skip.second"
	}
	return "channel_batch.skip.alone"
}

// fileName gives a file's own name.
func fileName(name string) string { return cut(path.Base(name), 200) }

// sidecar is what is known of a video that is brought along.
type sidecar struct {
	title, text, language, origin, file string
	tags                                []string
	at                                  time.Time // zero: not known
	state, audience, circle             string    // as of [archive.Video]; an audience of "" is not known
}

// standing gives a video's state here, its day, and when it is due where it is published later. What was not published elsewhere is not published here,
// and what was to be by now was not, either.
func (s sidecar) standing(now time.Time) (state State, at, due time.Time) {
	switch {
	case s.state == "" || s.state == string(Live):
		return Live, s.at, time.Time{}
	case s.state == archive.StateScheduled && s.at.After(now) && s.at.Sub(now) <= mostAhead:
		return Scheduled, s.at, s.at
	}
	return Drafted, s.at, time.Time{}
}

// words gives the text with the tags under it that do not stand in it.
func (s sidecar) words() string {
	var tags []string
	for _, t := range s.tags[:min(len(s.tags), mostTopics)] {
		t = "#" + strings.TrimPrefix(strings.TrimSpace(t), "#")
		if len(t) > 1 && len(t) < 100 && !strings.ContainsFunc(t, unicode.IsSpace) && !strings.Contains(s.text, t) {
			tags = append(tags, t)
		}
	}
	return strings.TrimSpace(s.text + "\n\n" + strings.Join(tags, " "))
}

// info is what yt-dlp writes of a video, as far as it is read here (yt-dlp, README, "OUTPUT TEMPLATE").
type info struct {
	ID           string   `json:"id"`
	Extractor    string   `json:"extractor_key"`
	Title        string   `json:"title"`
	Description  string   `json:"description"`
	Tags         []string `json:"tags"`
	Language     string   `json:"language"`
	Release      float64  `json:"release_timestamp"` // Unix seconds
	Timestamp    float64  `json:"timestamp"`         // Unix seconds
	UploadDate   string   `json:"upload_date"`       // YYYYMMDD, UTC
	OriginalDate string   `json:"release_date"`
	Availability string   `json:"availability"` // "public", "unlisted", "private", "needs_auth", …; "" where it is not known
}

// audience gives for whom a video was, in the words of [archive.Video].
func (x info) audience() string {
	switch x.Availability {
	case "":
		return ""
	case "public":
		return archive.AudiencePublic
	case "unlisted":
		return archive.AudienceUnlisted
	}
	return archive.AudienceOnlyMe
}

// readSidecar reads what stands beside a video: yt-dlp's form, or our own. Invalid where it is neither.
func readSidecar(from io.Reader, ofTool bool) (s sidecar, err error) {
	body, err := io.ReadAll(io.LimitReader(from, largestSidecar+1))
	if err != nil {
		return s, err
	}
	if len(body) > largestSidecar {
		return s, exit.Fail(exit.Invalid, "channel_batch.note.beside")
	}
	if ofTool {
		var x info
		if err := json.Unmarshal(body, &x); err != nil {
			return s, &exit.Error{Kind: exit.Invalid, Key: "channel_batch.note.beside", Err: err}
		}
		s = sidecar{title: x.Title, text: x.Description, language: x.Language, tags: x.Tags, at: x.at(), audience: x.audience()}
		if x.ID != "" {
			s.origin = "yt-dlp:" + x.Extractor + ":" + x.ID
		}
	} else {
		var x archive.Video
		if err := json.Unmarshal(body, &x); err != nil {
			return s, &exit.Error{Kind: exit.Invalid, Key: "channel_batch.note.beside", Err: err}
		}
		s = sidecar{
			title: x.Title, text: x.Text, language: x.Language, tags: x.Topics, at: x.At.UTC(), origin: x.Origin, file: cut(x.FileName, 200),
			state: x.State, audience: x.Audience, circle: x.Circle,
		}
	}
	if len(s.origin) > 500 || strings.ContainsFunc(s.origin, unicode.IsControl) {
		s.origin = ""
	}
	if tag, err := language.Parse(s.language); err != nil {
		s.language = ""
	} else {
		s.language = tag.String()
	}
	if s.at.Before(oldest) {
		s.at = time.Time{}
	}
	return s, nil
}

// at gives when a video was first published.
func (x info) at() time.Time {
	for _, seconds := range []float64{x.Release, x.Timestamp} {
		if seconds > 0 && seconds < 1e11 {
			return time.Unix(int64(seconds), 0).UTC()
		}
	}
	for _, day := range []string{x.OriginalDate, x.UploadDate} {
		if t, err := time.Parse("20060102", day); err == nil {
			return t
		}
	}
	return time.Time{}
}

// cut shortens a text to so many characters, and takes out what texts here do not hold.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "")
	s = strings.Map(func(c rune) rune {
		if (c < ' ' || c == 0x7f) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return s
}

// plainWords takes the form of a mention out of a text that was written elsewhere.
func plainWords(s string) string { return post.Plain(s) }
