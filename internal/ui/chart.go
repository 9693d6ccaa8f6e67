package ui

import (
	"context"
	"fmt"
	"strings"
)

// ChartKind is how a chart is drawn.
type ChartKind string

// A line is for what there is at each time, and begins at the least of its values; bars are for what came in
// each span, and begin at zero.
const (
	ChartLine ChartKind = "line"
	ChartBar  ChartKind = "bar"
)

// ChartView is a chart of one series, drawn on the server: its words stand beside it as text, and all its numbers in a
// table under it.
type ChartView struct {
	Title  string
	Kind   ChartKind
	Label  string // what a point's label is: the day
	Points []ChartPoint
	Sum    bool // the number beside the title is the sum of all, else the last one
}

// ChartPoint is one value with its label, from the left to the right.
type ChartPoint struct {
	Label string
	Value int64
}

// The measures of the plot; it is stretched to the width that there is.
const (
	chartWide = 300
	chartHigh = 100
)

// most gives the greatest of a chart's points, the last of equals, and the bounds of its scale.
func (v ChartView) most() (p ChartPoint, low, high int64) {
	for i, x := range v.Points {
		if i == 0 || x.Value >= p.Value {
			p = x
		}
		if i == 0 || x.Value < low {
			low = x.Value
		}
	}
	if v.Kind == ChartBar {
		low = min(low, 0)
	}
	return p, low, max(p.Value, low+1)
}

// head gives the number beside the title.
func (v ChartView) head() int64 {
	var n int64
	for _, p := range v.Points {
		if v.Sum {
			n += p.Value
		} else {
			n = p.Value
		}
	}
	return n
}

// summary says in a sentence what the picture shows.
func (v ChartView) summary(ctx context.Context) string {
	p, _, _ := v.most()
	return T(ctx, "chart.summary", "Title", v.Title, "Head", Number(v.head()), "Most", Number(p.Value), "At", p.Label)
}

// y gives the height of a value in the plot, downwards.
func (v ChartView) y(value, low, high int64) float64 {
	return chartHigh - float64(value-low)/float64(high-low)*(chartHigh-4)
}

// line gives the path of a line through all points; closed, down to the ground.
func (v ChartView) line(closed bool) string {
	_, low, high := v.most()
	var b strings.Builder
	for i, p := range v.Points {
		x := 0.0
		if len(v.Points) > 1 {
			x = float64(i) * chartWide / float64(len(v.Points)-1)
		}
		fmt.Fprintf(&b, "%c%.1f %.1f", "LM"[boolIndex(i == 0)], x, v.y(p.Value, low, high))
	}
	if closed && b.Len() > 0 {
		fmt.Fprintf(&b, "L%d %dL0 %dZ", chartWide, chartHigh, chartHigh)
	}
	return b.String()
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bars gives the path of all bars. A value that is not zero is at least a hair high.
func (v ChartView) bars() string {
	_, low, high := v.most()
	var b strings.Builder
	step := chartWide / float64(max(len(v.Points), 1))
	for i, p := range v.Points {
		if p.Value == 0 {
			continue
		}
		y := min(v.y(p.Value, low, high), chartHigh-2)
		fmt.Fprintf(&b, "M%.1f %dV%.1fh%.1fV%dZ", float64(i)*step+step*0.15, chartHigh, y, step*0.7, chartHigh)
	}
	return b.String()
}

// table gives the chart's numbers, the newest first.
func (v ChartView) table() TableView {
	t := TableView{Caption: v.Title, Columns: []Column{{Title: v.Label}, {Title: v.Title, Numeric: true}}}
	for i := len(v.Points) - 1; i >= 0; i-- {
		t.Rows = append(t.Rows, []Cell{{Text: v.Points[i].Label}, {Text: Number(v.Points[i].Value)}})
	}
	return t
}
