package channel

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// deskPath is where a channel's owner sees how it does.
const deskPath = "/channel/desk"

// videosADesk is how many videos a page of the desk has.
const videosADesk = 25

// deskRoutes are the pages of the creator's desk.
func (r *Room) deskRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + deskPath, Access: service.Member, Handle: r.getDesk},
		{Pattern: "GET " + deskPath + "/days.csv", Access: service.Member, Handle: r.getDeskCSV},
	}
}

// deskView is the creator's desk.
type deskView struct {
	Board
	Span     int
	First    bool
	Videos   []DeskVideo
	Asked    []Asked
	Mentions map[string]ui.Mention
	Older    string
	// OlderAsked is where older comments to answer stand; "" at the end.
	OlderAsked string
}

// spanOf reads for how many days the desk is asked.
func spanOf(req *http.Request) int {
	n, err := strconv.Atoi(req.FormValue("days"))
	if err != nil || !slices.Contains(spans, n) {
		return spans[0]
	}
	return n
}

func (r *Room) getDesk(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	from := post.ParseCursor(req.FormValue("before"))
	view := deskView{Span: spanOf(req), First: from == post.Cursor{}}
	var err error
	if view.Board, err = r.Board(ctx, v, view.Span); err != nil {
		return err
	}
	if err := r.fillStorage(ctx, v, &view.Board); err != nil {
		return err
	}
	if err := r.fillVideos(ctx, v, &view, from); err != nil {
		return err
	}
	if err := r.fillAsked(ctx, v, &view, req.FormValue("asked")); err != nil {
		return err
	}
	f := service.Frame(ctx, ui.T(ctx, "channel_desk.title"))
	f.NoIndex, f.WriteHref, f.Active, f.Back = true, "", Service.Path, &ui.Link{Text: view.Channel.Name, Href: Path(view.Channel.Handle)}
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, deskPage(view)))
}

// fillAsked adds the comments to answer, those older than the one that the address names.
func (r *Room) fillAsked(ctx context.Context, v who.Viewer, view *deskView, before string) error {
	if !view.First {
		return nil
	}
	from, ok := who.ParseID(before)
	if !ok {
		from = 0
	}
	list, older, err := r.ToAnswer(ctx, v, from)
	if err != nil {
		return err
	}
	if view.Asked = list; older != 0 {
		view.OlderAsked = fmt.Sprintf("%s?days=%d&asked=%s#asked", deskPath, view.Span, older)
	}
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.Text
	}
	view.Mentions, err = r.Posts.Mentions(ctx, v.Account, texts...)
	return err
}

func (r *Room) fillVideos(ctx context.Context, v who.Viewer, view *deskView, from post.Cursor) error {
	var c Cursor
	if !view.First {
		c = Cursor{At: time.UnixMilli(from.At), ID: from.ID}
	}
	var err error
	if view.Videos, err = r.DeskVideos(ctx, v, c, videosADesk); err != nil {
		return err
	}
	if n := len(view.Videos); n == videosADesk {
		last := view.Videos[n-1]
		view.Older = fmt.Sprintf("%s?days=%d&before=%s#videos", deskPath, view.Span, post.Cursor{At: last.At.UnixMilli(), ID: last.ID})
	}
	return nil
}

// tabs are the spans.
func (v deskView) tabs(ctx context.Context) []ui.PageTab {
	var out []ui.PageTab
	for _, n := range spans {
		out = append(out, ui.PageTab{Label: ui.T(ctx, "channel_desk.days", "Count", n), Href: deskPath + "?days=" + strconv.Itoa(n), Count: -1, Active: n == v.Span})
	}
	return out
}

func (v deskView) csvPath() string { return deskPath + "/days.csv?days=" + strconv.Itoa(v.Span) }

// sums gives the views, the time watched and the new followers of all days.
func (v deskView) sums() (views int64, watched time.Duration, joined int64) {
	for _, d := range v.Days {
		views, watched, joined = views+d.Views, watched+d.Watched, joined+d.Joined
	}
	return views, watched, joined
}

func (v deskView) stats(ctx context.Context) []ui.Stat {
	views, watched, joined := v.sums()
	return []ui.Stat{
		{Value: ui.Number(views), Label: ui.T(ctx, "channel_desk.views")},
		{Value: lasting(ctx, watched), Label: ui.T(ctx, "channel_desk.watched")},
		{Value: ui.Number(v.Followers), Label: ui.T(ctx, "channel_desk.followers")},
		{Value: ui.Number(joined), Label: ui.T(ctx, "channel_desk.joined")},
	}
}

// lasting gives a time that was watched, in hours and minutes.
func lasting(ctx context.Context, d time.Duration) string {
	minutes := int64(d.Round(time.Minute) / time.Minute)
	if minutes < 60 {
		return ui.T(ctx, "channel_desk.minutes", "Count", minutes)
	}
	return ui.T(ctx, "channel_desk.hours", "Hours", minutes/60, "Minutes", minutes%60)
}

// charts draws the days.
func (v deskView) charts(ctx context.Context) []ui.ChartView {
	series := func(kind ui.ChartKind, title string, value func(DeskDay) int64) ui.ChartView {
		c := ui.ChartView{Title: title, Kind: kind, Label: ui.T(ctx, "channel_desk.day"), Sum: kind == ui.ChartBar}
		for _, d := range v.Days {
			c.Points = append(c.Points, ui.ChartPoint{Label: ui.MonthDay(ui.LangOf(ctx), d.Begin, time.UTC), Value: value(d)})
		}
		return c
	}
	return []ui.ChartView{
		series(ui.ChartBar, ui.T(ctx, "channel_desk.views"), func(d DeskDay) int64 { return d.Views }),
		series(ui.ChartBar, ui.T(ctx, "channel_desk.watched.minutes"), func(d DeskDay) int64 { return int64(d.Watched / time.Minute) }),
		series(ui.ChartLine, ui.T(ctx, "channel_desk.followers"), func(d DeskDay) int64 { return d.Followers }),
		series(ui.ChartBar, ui.T(ctx, "channel_desk.joined"), func(d DeskDay) int64 { return d.Joined }),
	}
}

// sourceSum is how many views came from somewhere.
type sourceSum struct {
	Word         string
	Views, Share int64 // Share is a percentage
}

var sourceWords = ui.Keys("channel_desk.source.", "feed", "search", "follow", "circle", "outside", "direct")

func (v deskView) sources(ctx context.Context) (out []sourceSum) {
	all, _, _ := v.sums()
	for _, s := range Sources {
		x := sourceSum{Word: ui.T(ctx, sourceWords[s])}
		for _, d := range v.Days {
			x.Views += d.By[s]
		}
		if all > 0 {
			x.Share = (x.Views*100 + all/2) / all
		}
		out = append(out, x)
	}
	return out
}

var videoStates = ui.Keys("channel_desk.state.", "draft", "scheduled", "live", "withheld", "awaited", "processing", "failed")

// stateOf says how far a video is: its file first, while there is something to wait for or to do about it.
func stateOf(ctx context.Context, x Video) string {
	switch x.Media {
	case Processing:
		return ui.T(ctx, videoStates["processing"], "Percent", x.Progress/10)
	case Awaited, Failed:
		return ui.T(ctx, videoStates[string(x.Media)])
	default:
		return ui.T(ctx, videoStates[string(x.State)])
	}
}

// table gives the videos.
func (v deskView) table(ctx context.Context) ui.TableView {
	t := ui.TableView{Caption: ui.T(ctx, "channel_desk.videos"), Columns: []ui.Column{
		{Title: ui.T(ctx, "channel_desk.video")},
		{Title: ui.T(ctx, "channel_desk.state")},
		{Title: ui.T(ctx, "channel_desk.views"), Numeric: true},
		{Title: ui.T(ctx, "channel_desk.watched"), Numeric: true},
		{Title: ui.T(ctx, "channel_desk.likes"), Numeric: true},
		{Title: ui.T(ctx, "channel_desk.comments"), Numeric: true},
	}}
	for _, x := range v.Videos {
		title := x.Title
		if title == "" {
			title = ui.T(ctx, "channel_desk.untitled")
		}
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: title, Href: VideoPath(x.ID)},
			{Text: stateOf(ctx, x.Video)},
			{Text: ui.Number(x.Views)},
			{Text: lasting(ctx, x.Watched)},
			{Text: ui.Number(int64(x.Likes))},
			{Text: ui.Number(int64(x.Comments))},
		})
	}
	return t
}

// storage says how much room is used.
func (v deskView) storage(ctx context.Context) string {
	if v.Quota == 0 {
		return ui.T(ctx, "channel_desk.storage.used", "Used", ui.Bytes(v.Used))
	}
	return ui.T(ctx, "channel_desk.storage.of", "Used", ui.Bytes(v.Used), "Quota", ui.Bytes(v.Quota))
}

// by gives who wrote a comment.
func (a Asked) by() ui.PersonView {
	p := ui.PersonView{Name: a.Display, Handle: a.Name, Href: "/@" + a.Name, Avatar: service.MediaPath(a.Avatar)}
	if p.Name == "" {
		p.Name = a.Name
	}
	return p
}

// link leads to a comment where it can be answered.
func (a Asked) link() string { return "/talk/comments/" + a.ID.String() + "#comment-" + a.ID.String() }

// getDeskCSV sends the daily sums as a table (RFC 4180): one line a day, UTC.
func (r *Room) getDeskCSV(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	b, err := r.Board(ctx, service.ViewerOf(ctx), spanOf(req))
	if err != nil {
		return err
	}
	var body bytes.Buffer
	out := csv.NewWriter(&body)
	out.UseCRLF = true
	lines := [][]string{append([]string{"day", "views", "watched_seconds", "new_followers", "followers"}, Sources...)}
	for _, d := range b.Days {
		line := []string{d.Begin.Format(time.DateOnly)}
		for _, n := range []int64{d.Views, int64(d.Watched / time.Second), d.Joined, d.Followers} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		for _, s := range Sources {
			line = append(line, strconv.FormatInt(d.By[s], 10))
		}
		lines = append(lines, line)
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("write the days of a channel: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="channel-days.csv"`)
	h.Set("Cache-Control", "private, no-store")
	_, err = w.Write(body.Bytes())
	return err
}
