package ui_test

import (
	"bytes"
	"strings"
	"testing"

	"exeunt/internal/ui"
)

func TestChart(t *testing.T) {
	draw := func(lang ui.Lang, v ui.ChartView) string {
		t.Helper()
		var b bytes.Buffer
		if err := ui.Chart(v).Render(ui.WithReader(t.Context(), ui.Reader{Lang: lang}), &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	v := ui.ChartView{Title: "帖子", Kind: ui.ChartBar, Label: "日期", Sum: true, Points: []ui.ChartPoint{{Label: "1日", Value: 3}, {Label: "2日", Value: 0}, {Label: "3日", Value: 1200}}}
	for lang, words := range map[ui.Lang][]string{
		ui.Chinese: {"帖子", "1,203", "最多 1,200（3日）", "看数字", `<td class="number">1,200</td>`, `role="img"`},
		ui.English: {"most: 1,200 (3日)", "See the numbers"},
	} {
		got := draw(lang, v)
		for _, w := range words {
			if !strings.Contains(got, w) {
				t.Errorf("the chart in %s has no %q: %s", lang, w, got)
			}
		}
		// A bar for each value that is not zero, and colours by class alone: no style of its own.
		if n := strings.Count(got, "V"); strings.Contains(got, "style=") || n < 2 {
			t.Errorf("the chart in %s draws %d bars: %s", lang, n, got)
		}
	}
	v.Kind, v.Sum = ui.ChartLine, false
	if got := draw(ui.Chinese, v); !strings.Contains(got, `class="chart-line" d="M0.0 `) || !strings.Contains(got, "<strong class=\"tabular\">1,200</strong>") {
		t.Errorf("the line is drawn as %s", got)
	}
	for _, v := range []ui.ChartView{{Title: "空"}, {Title: "零", Points: []ui.ChartPoint{{Label: "1日"}}}} {
		if got := draw(ui.Chinese, v); !strings.Contains(got, "这段时间还没有") || strings.Contains(got, "<svg") {
			t.Errorf("nothing is drawn as %s", got)
		}
	}
}
