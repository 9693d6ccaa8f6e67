package circle

import (
	"context"
	"net/http"

	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// boardView is what a circle's owners see of it.
type boardView struct {
	Circle
	Board
	Owner bool // not a co-owner: hands it on, ends it
}

// whole leads to taking the circle along as a whole.
func (v boardView) whole() string { return "/exit/take-along?in=" + v.Ref().String() + "/whole" }

func (v boardView) stats(ctx context.Context) []ui.Stat {
	return []ui.Stat{
		{Value: ui.Number(v.Board.Members), Label: ui.T(ctx, "circle.members"), Href: Path(v.ID) + "/members"},
		{Value: ui.Number(v.Posts), Label: ui.T(ctx, "circle.board.posts")},
		{Value: ui.Number(v.Comments), Label: ui.T(ctx, "circle.board.comments")},
	}
}

// charts draws the days: what there was of members, and what came on each day.
func (v boardView) charts(ctx context.Context) []ui.ChartView {
	series := func(kind ui.ChartKind, title string, sum bool, value func(Day) int64) ui.ChartView {
		c := ui.ChartView{Title: title, Kind: kind, Label: ui.T(ctx, "circle.board.day"), Sum: sum}
		for _, d := range v.Days {
			c.Points = append(c.Points, ui.ChartPoint{Label: ui.MonthDay(ui.LangOf(ctx), d.Begin, d.Begin.Location()), Value: value(d)})
		}
		return c
	}
	return []ui.ChartView{
		series(ui.ChartLine, ui.T(ctx, "circle.board.members"), false, func(d Day) int64 { return d.Members }),
		series(ui.ChartBar, ui.T(ctx, "circle.board.joined"), true, func(d Day) int64 { return d.Joined }),
		series(ui.ChartBar, ui.T(ctx, "circle.board.posts"), true, func(d Day) int64 { return d.Posts }),
		series(ui.ChartBar, ui.T(ctx, "circle.board.comments"), true, func(d Day) int64 { return d.Comments }),
		series(ui.ChartBar, ui.T(ctx, "circle.board.active"), false, func(d Day) int64 { return d.Active }),
	}
}

func (r *Room) boardPage(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	id, err := idOf(req)
	if err != nil {
		return err
	}
	c, m, err := r.Circle(ctx, v, id)
	if err != nil {
		return err
	}
	view := boardView{Circle: c, Owner: owns(m)}
	if view.Board, err = r.Board(ctx, v, id, ui.ReaderFrom(ctx).Zone); err != nil {
		return err
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "circle.board"), toCircle(ctx, c), boardBody(view))
}
