package moderate_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/moderate"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/talk"
	"exeunt/internal/who"
)

// TestVideo goes from a report of a video and of a bullet comment in it to removal, appeal and return.
func TestVideo(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, mira, jo := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo")
		on := h.film(t, mira, "a film")
		moment := 62 * time.Second
		id, err := h.talks.Comment(ctx, jo, on, talk.Draft{Text: "rude words", Moment: &moment})
		h.must(t, err)
		bullet := who.Ref{Kind: "comment", ID: id}
		h.see(t, jo, "/report/video/"+on.ID.String(), "a film", "/claims/new?on="+on.String())
		h.must(t, h.order.Report(ctx, jo, on, "violence", ""), h.order.Report(ctx, mira, bullet, "abuse", "look"))
		h.wantKind(t, "copyright is no reason of a report", h.order.Report(ctx, jo, on, "copyright", ""), exit.Invalid)
		list, err := h.order.Queue(ctx, op, moderate.Everywhere, 0, 10)
		if err != nil || len(list) != 2 {
			t.Fatalf("queue %+v, %v", list, err)
		}
		h.see(t, op, "/moderation", "a film", "rude words", "/moderation/claims")
		for i, words := range [][]string{{"a film", "/videos/" + on.ID.String()}, {"rude words", "1:02", "a film", "/videos/" + on.ID.String() + "?t=62"}} {
			path := "/moderation/case/" + list[i].ID.String()
			h.see(t, op, path, words...)
			h.send(t, op, path, url.Values{"what": {"remove"}, "rule": {"abuse"}, "words": {"mind the rules"}}.Encode(), "/moderation")
		}
		if got := h.state(t, on); got != "withheld" {
			t.Errorf("removed, the film is %s", got)
		}
		if got := h.number(t, `select count(*) from comments where state = 'withheld'`); got != 1 {
			t.Errorf("%d comments are withheld", got)
		}
		var act who.ID
		for _, v := range []who.Viewer{mira, jo} {
			_, acts, _, err := h.order.Standing(ctx, v, 0, 10)
			if err != nil || len(acts) != 1 || acts[0].Words != "mind the rules" {
				t.Fatalf("%s reads %+v, %v", v.Name, acts, err)
			}
			act = acts[0].ID
			h.must(t, h.order.Appeal(ctx, v, act, "but why"), h.order.Settle(ctx, op, act, true, "sorry"))
		}
		if list, err := h.talks.Bullets(ctx, jo, on, 0, time.Hour, 10); err != nil || len(list) != 1 || h.state(t, on) != "live" {
			t.Errorf("after the appeals %+v, %v, the film %s", list, err, h.state(t, on))
		}
	})
}

// TestVideoScreened asks that titles, texts and bullet comments pass the filter, and that each has its rate.
func TestVideoScreened(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		op, mira, jo := h.operator(t, "opera"), h.person(t, "mira"), h.person(t, "jo")
		on := h.film(t, mira, "a film")
		h.must(t, h.order.AddWord(ctx, op, moderate.Everywhere, "snake oil", moderate.Refuse), h.order.AddWord(ctx, op, moderate.Everywhere, "cheap", moderate.Hold))
		h.order.Rates = []moderate.Rate{{What: "video", Most: 2}, {What: "bullet", Most: 2}, {What: "comment", Most: 0}, {What: "post", Most: 0}}
		screen := func(text string, edit bool) error {
			return h.d.Update(ctx, func(ctx context.Context) error {
				pass, err := h.desk.Enter(ctx, service.Write{By: mira.Account, Service: "channel"})
				if err != nil {
					return err
				}
				_, err = h.order.ScreenPost(ctx, pass, post.ScreenIn{Author: mira.Account, Ref: on, Text: text, Edit: edit})
				return err
			})
		}
		h.wantKind(t, "a word", screen("A film\nbuy Snake-Oil", false), exit.Invalid)
		h.wantKind(t, "a word that would hold", screen("cheap", false), exit.Invalid)
		h.must(t, screen("one", false), screen("two", false), screen("two", true))
		h.wantKind(t, "a third video", screen("three", false), exit.TooMany)
		say := func(text string) error {
			_, err := h.talks.Comment(ctx, jo, on, talk.Draft{Text: text, Moment: new(time.Duration)})
			return err
		}
		h.wantKind(t, "a word at a moment", say("snake oil"), exit.Invalid)
		h.must(t, say("one"), say("two"))
		h.wantKind(t, "a third bullet comment", say("three"), exit.TooMany)
	})
}
