package ui_test

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"exeunt/internal/ui"
)

// all draws components one after another.
func all(parts ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range parts {
			if err := p.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// around draws outer with inner as its children.
func around(outer, inner templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return outer.Render(templ.WithChildren(ctx, inner), w)
	})
}

func group(class string, parts ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, `<div class="`+class+`">`); err != nil {
			return err
		}
		if err := all(parts...).Render(ctx, w); err != nil {
			return err
		}
		_, err := io.WriteString(w, "</div>")
		return err
	})
}

func heading(words string) templ.Component { return templ.Raw("<h2>" + words + "</h2>") }

func homeSample(f ui.Frame, s sample) templ.Component {
	f.Trial = &ui.TrialBar{Now: today, Action: "/trial", Steps: []ui.TrialStep{{Label: "+1", Hours: 24}, {Label: "+7", Hours: 168}, {Label: "+30", Hours: 720}}}
	var aside []templ.Component
	aside = append(aside, heading(s.words["circles"]))
	for _, c := range s.circles {
		aside = append(aside, around(ui.PersonLine(ui.PersonView{Name: c.Name, Href: c.Href}), templ.NopComponent))
	}
	f.Aside = group("", aside...)
	var posts []templ.Component
	for _, p := range s.posts {
		posts = append(posts, ui.PostCard(p))
	}
	return ui.PageWith(f, all(group("", posts...), ui.Pager("/?before=1")))
}

func postSample(f ui.Frame, s sample) templ.Component {
	f.Back = &ui.Link{Text: s.home, Href: "/"}
	post := s.posts[0]
	post.Whole = true
	post.Images = pictures(9, post.Images[0].Alt)
	var comments []templ.Component
	for _, c := range s.comments {
		comments = append(comments, ui.Comment(c))
	}
	write := group("stack", ui.TextAreaRow(ui.TextArea{Name: "text", Label: s.words["comment"], Rows: 3, Required: true}),
		ui.SubmitRow(ui.Button{Label: s.words["send"], Kind: ui.Primary}))
	return ui.PageWith(f, all(ui.PostCard(post), group("", comments...), write))
}

func calendarSample(f ui.Frame, s sample) templ.Component {
	f.Back, f.WriteHref = &ui.Link{Text: s.exit, Href: "/exit"}, ""
	v := s.calendar
	v.Title = ""
	return ui.PageWith(f, all(ui.Calendar(v), ui.CheckboxRow(ui.Checkbox{Name: "agree", Label: s.words["agree"], Required: true}),
		ui.ButtonPair(ui.Button{Label: s.words["close"]}, ui.Button{Label: s.words["keep"], Href: "/"})))
}

func exitSample(f ui.Frame, s sample) templ.Component {
	var doors []templ.Component
	for _, d := range s.doors {
		doors = append(doors, ui.DoorRow(d))
	}
	return ui.PageWith(f, group("", doors...))
}

func formSample(f ui.Frame, s sample) templ.Component {
	w := s.words
	form := group("",
		ui.FieldRow(ui.Field{Name: "name", Label: w["name"], Value: "linjian", Hint: w["namehint"], Error: w["nameerr"], Required: true, MaxLength: 30}),
		ui.FieldRow(ui.Field{Name: "password", Label: w["password"], Type: "password", Autocomplete: "new-password", Required: true}),
		ui.TextAreaRow(ui.TextArea{Name: "bio", Label: w["bio"]}),
		ui.SelectRow(ui.Select{Name: "lang", Label: w["lang"], Options: []ui.Option{{Value: "zh", Label: "中文", Selected: true}, {Value: "en", Label: "English"}}}),
		ui.RadioCardsRow(ui.RadioCards{Name: "who", Legend: w["who"], Options: []ui.Option{
			{Value: "o", Label: w["open"], Hint: w["openhint"], Selected: true}, {Value: "a", Label: w["approval"], Hint: w["approvalhint"]},
		}}),
		ui.FileRow(ui.FileInput{Name: "avatar", Label: w["avatar"], Hint: w["avatarhint"], Accept: "image/*"}),
		ui.CheckboxRow(ui.Checkbox{Name: "agree", Label: w["agree"], Checked: true}),
		ui.CheckboxRow(ui.Checkbox{Name: "notify", Label: w["video"], Switch: true, Checked: true}),
		ui.SubmitRow(ui.Button{Label: w["save"], Kind: ui.Primary}, ui.Button{Label: w["cancel"], Href: "/"}))
	switches := group("", ui.SwitchRow(ui.SwitchView{Label: w["video"], Hint: w["videohint"], Icon: "clapperboard", Action: "/s", Name: "state", On: true}),
		ui.SwitchRow(ui.SwitchView{Label: s.home, Icon: "users-round", Action: "/s", Name: "state"}))
	return ui.PageWith(f, all(form, switches))
}

func pieceSample(f ui.Frame, s sample) templ.Component {
	w := s.words
	f.Flash = &s.notices[1]
	var parts []templ.Component
	parts = append(parts, ui.PageTabs(s.pieces, []ui.PageTab{{Label: w["posts"], Href: "/", Active: true, Count: 1234}, {Label: w["members"], Href: "/m", Count: 12}, {Label: w["about"], Href: "/a", Count: -1}}))
	parts = append(parts, ui.StatRow([]ui.Stat{{Value: "1,286", Label: w["followers"], Href: "/f"}, {Value: "200", Label: w["posts"]}}))
	var notices, people, circles []templ.Component
	for _, n := range s.notices {
		notices = append(notices, ui.NoticeBar(n))
	}
	for _, p := range s.people {
		people = append(people, around(ui.PersonLine(p), ui.PostButton("/f", ui.Button{Label: w["follow"]})))
	}
	for _, c := range s.circles {
		circles = append(circles, around(ui.CircleCard(c), ui.PostButton("/j", ui.Button{Label: w["join"]})))
	}
	parts = append(parts, group("stack", notices...), group("", people...), group("", circles...))
	for _, p := range s.progress {
		parts = append(parts, around(ui.Progress(p), ui.ButtonOf(ui.Button{Label: w["download"], Href: "/d", Icon: "download", Kind: ui.Primary, Download: true})))
	}
	parts = append(parts, ui.EmptyState(w["empty"], &ui.Button{Label: w["find"], Href: "/discover"}),
		group("", around(ui.Sheet(w["sheet"], true), templ.Raw("<p>"+w["openhint"]+"</p>")), around(ui.Sheet(w["about"], false), templ.Raw("<p>·</p>"))),
		ui.Table(ui.TableView{
			Caption: w["table"], Columns: []ui.Column{{Title: w["date"]}, {Title: w["what"]}, {Title: w["count"], Numeric: true}},
			Rows: [][]ui.Cell{{{Text: "2026-11-27"}, {Text: w["posts"], Href: "/"}, {Text: "3,418"}}, {{Text: "2026-12-18"}, {Text: w["members"]}, {Text: "12"}}},
		}),
		ui.Definitions([]ui.DefinitionView{{Term: w["name"], Value: s.me}, {Term: w["lang"], Value: "中文"}}),
		ui.CopyField("slip", w["link"], "https://example.org/slip/4f1c9a7e2b60d8553c1e"), ui.QRCode("https://example.org/slip/4f1c9a7e2b60d8553c1e", w["qr"]))
	return ui.PageWith(f, all(parts...))
}

// slipSample is what someone without an account sees: no tabs, no way to write.
func slipSample(f ui.Frame, s sample) templ.Component {
	f.Bare, f.Viewer, f.NoIndex = true, nil, true
	v := s.calendar
	v.Title = ""
	return ui.PageWith(f, all(ui.Calendar(v), ui.CopyField("slip", s.words["link"], "https://example.org/slip/4f1c9a7e2b60d8553c1e"),
		ui.QRCode("https://example.org/slip/4f1c9a7e2b60d8553c1e", s.words["qr"])))
}

// visitorSample is a page for someone who has not signed in, with nothing on it.
func visitorSample(f ui.Frame, s sample) templ.Component {
	f.Viewer, f.WriteHref, f.Active = nil, "", ui.DiscoverPath
	f.Flash = &s.notices[2]
	return ui.PageWith(f, ui.EmptyState(s.words["empty"], &ui.Button{Label: s.words["find"], Href: ui.DiscoverPath, Kind: ui.Primary}))
}
