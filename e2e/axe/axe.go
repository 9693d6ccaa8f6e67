// Package axe asks axe-core, running in a real browser, whether a page can be
// used by everyone: WCAG 2.2, levels A and AA. Tests alone import it.
package axe

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/chromedp/chromedp"
)

// source is axe-core 4.14.1 as published (MPL-2.0, see LICENSE).
//
//go:embed axe.min.js
var source string

// Violation is one rule that a page breaks, with the elements that break it.
type Violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []Node `json:"nodes"`
}

// Node is an element that breaks a rule.
type Node struct {
	HTML    string `json:"html"`
	Summary string `json:"failureSummary"`
}

// String says the violation in a few lines for a test's output.
func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.ID, v.Help)
	for i, n := range v.Nodes {
		if i == 5 {
			fmt.Fprintf(&b, "\n  … and %d more", len(v.Nodes)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s\n    %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", " "))
	}
	return b.String()
}

// rules are those of WCAG 2.2, levels A and AA.
const rules = `{runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"]}`

// Check runs axe-core on the page that is open in ctx, a chromedp context, and
// returns what it finds; nil when the page is clean.
func Check(ctx context.Context) ([]Violation, error) {
	loaded, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if err == nil && !loaded {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](source+"\n;true"))
	}
	if err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, `+rules+`).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	var out []Violation
	if err := json.Unmarshal([]byte(found), &out); err != nil {
		return nil, fmt.Errorf("read what axe-core found: %w", err)
	}
	return out, nil
}

// NewBrowser starts a headless Chromium with an empty profile and returns a
// context for one tab of it; cancel ends it. EXEUNT_TEST_CHROMIUM names the program,
// default chromium on the PATH.
func NewBrowser(parent context.Context) (context.Context, context.CancelFunc) {
	program := os.Getenv("EXEUNT_TEST_CHROMIUM")
	if program == "" {
		program = "chromium"
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-background-networking", true),
	}
	if os.Geteuid() == 0 {
		// Chromium refuses its sandbox to the superuser, who runs containers' tests.
		options = append(options, chromedp.NoSandbox)
	}
	return chromedp.NewContext(parent, chromedp.WithAllocatorOptions(options...))
}
