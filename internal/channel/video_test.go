package channel_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

func TestPublish(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob, guest := h.creator("ann"), h.account("bob"), who.Viewer{}
		id := h.bring(ann, 0, `C:\films\公园 早晨.mp4`, clip(t, ".mp4"))
		if x := h.see(ann, id); x.State != channel.Drafted || x.Media != channel.Processing || x.Title != "公园 早晨" {
			t.Fatalf("the draft is %s, %s, %q", x.State, x.Media, x.Title)
		}
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "公园的早晨", Text: "和 @bob 一起 #晨跑"}, time.Time{}))
		if x := h.see(ann, id); x.State != channel.Scheduled {
			t.Fatalf("published before it is ready, it is %s", x.State)
		}
		h.unseen(guest, id)
		h.work()
		x := h.see(guest, id)
		sum := sha256.Sum256(clip(t, ".mp4"))
		if x.Media != channel.Ready || x.State != channel.Live || x.SHA256 != hex.EncodeToString(sum[:]) || x.Width != 480 || x.Height != 360 || x.Type != "video/mp4" || x.Look == "" {
			t.Errorf("the video is %+v", x)
		}
		if d := x.Duration - 2*time.Second; d < -200*time.Millisecond || d > 200*time.Millisecond {
			t.Errorf("it takes %s", x.Duration)
		}
		h.tidy()
		h.wantFiles(ann, bob, id)
		if n := h.sole(`select count(*) from upload_pieces`); n != 0 {
			t.Errorf("%d pieces are left of the upload", n)
		}
		if n := h.sole(`select count(*) from notices where account_id = $1 and kind = 'mention' and ref_kind = 'video'`, int64(bob.Account)); n != 1 {
			t.Errorf("bob was told %d times", n)
		}
		h.finds(guest, search.Video, "公园", id)
		h.finds(bob, search.Topic, "晨跑", 0)
		h.shows(guest, ui.Chinese, "/@ann/channel", []string{"公园的早晨", channel.VideoPath(id)}, []string{"草稿和定时", "频道设置"})

		h.must(h.Save(ctx, ann, id, channel.VideoWords{Title: "别的", Audience: "followers"}))
		h.unseen(guest, id)
		h.must(h.Relations.Follow(ctx, bob, ann.Account))
		if x := h.see(bob, id); x.Edited.IsZero() {
			t.Error("it was not edited")
		}
		h.finds(guest, search.Video, "公园")
		h.finds(bob, search.Topic, "晨跑")
		if n := h.sole(`select count(*) from topics where service = 'channel'`); n != 0 {
			t.Errorf("%d topics are left without a video", n)
		}
	})
}

// wantFiles wants that everybody has what a published video plays by, and its owner alone the rest.
func (h *studio) wantFiles(owner, other who.Viewer, id who.ID) {
	h.t.Helper()
	played, frames, original := h.keys(id)
	if len(played) < 3 || len(frames) != 6 {
		h.t.Fatalf("%d files to play and %d frames", len(played), len(frames))
	}
	for _, c := range []struct {
		v           who.Viewer
		keys        []string
		may, public bool
	}{
		{who.Viewer{}, played, true, true},
		{other, played, true, true},
		{who.Viewer{}, append(frames, original), false, false},
		{other, frames, false, false},
		{owner, append(frames, original), true, false},
	} {
		for _, key := range c.keys {
			may, public, known, err := h.MayMedia(h.t.Context(), c.v, key)
			if err != nil || may != c.may || public != c.public || !known {
				h.t.Errorf("%s of %q: %t %t %t %v", key, c.v.Name, may, public, known, err)
			}
		}
	}
	w, err := h.answer(other, ui.Chinese, httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, channel.MasterPath(id), nil))
	h.must(err)
	master := w.Body.String()
	if w.Header().Get("Cache-Control") != "public, max-age=1" || w.Header().Get("Content-Type") != "application/vnd.apple.mpegurl" || !strings.Contains(master, "\n360.m3u8\n") {
		h.t.Errorf("the master playlist: %v\n%s", w.Header(), master)
	}
	w, err = h.answer(other, ui.Chinese, httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, channel.RenditionPath(id, 360), nil))
	h.must(err)
	if list := w.Body.String(); !strings.Contains(list, "/media/"+played[0]) && !strings.Contains(list, "/media/"+played[1]) || !strings.Contains(list, "#EXT-X-BYTERANGE") || strings.Contains(list, "\nrendition") {
		h.t.Errorf("the playlist:\n%s", list)
	}
	again := httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, channel.RenditionPath(id, 360), nil)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	if w, err = h.answer(other, ui.Chinese, again); err != nil || w.Code != http.StatusNotModified {
		h.t.Errorf("asked again: %d %v", w.Code, err)
	}
	r, err := h.blobs.NewReader(h.t.Context(), original, 0, -1)
	h.must(err)
	if b, err := io.ReadAll(r); err != nil || string(b) != string(clip(h.t, ".mp4")) {
		h.t.Errorf("the original has %d bytes, %v", len(b), err)
	}
	h.must(r.Close())
}

// finds wants what somebody finds of a kind: these things, or something for 0.
func (h *studio) finds(v who.Viewer, kind, typed string, want ...who.ID) {
	h.t.Helper()
	list, _, err := h.index.Find(h.t.Context(), v, kind, typed, 0, 10)
	h.must(err)
	if len(list) != len(want) || len(want) > 0 && want[0] != 0 && list[0].Thing.Ref.ID != want[0] {
		h.t.Errorf("%q finds %d of %s, want %d", typed, len(list), kind, len(want))
	}
}

func TestAudiences(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, fan, bob, guest := h.creator("ann"), h.account("fan"), h.account("bob"), who.Viewer{}
		h.must(h.Relations.Follow(ctx, fan, ann.Account))
		id := h.film(ann)
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "t"}, time.Time{}))
		for _, c := range []struct {
			audience        string
			guest, bob, fan bool
			listed          bool
		}{
			{"public", true, true, true, true}, {"unlisted", true, true, true, false}, {"followers", false, false, true, true}, {"only", false, false, false, false},
		} {
			h.must(h.Save(ctx, ann, id, channel.VideoWords{Title: "t", Audience: c.audience}))
			for _, x := range []struct {
				v    who.Viewer
				sees bool
			}{{guest, c.guest}, {bob, c.bob}, {fan, c.fan}, {ann, true}} {
				if _, err := h.Video(ctx, x.v, id); (err == nil) != x.sees {
					t.Errorf("%s: %q gets %v", c.audience, x.v.Name, err)
				}
			}
			_, body, _ := h.visit(fan, ui.Chinese, http.MethodGet, "/@ann/channel", nil)
			if strings.Contains(body, channel.VideoPath(id)) != c.listed {
				t.Errorf("%s: listed for a follower is not %t", c.audience, c.listed)
			}
		}
		h.refused(h.Save(ctx, ann, id, channel.VideoWords{Title: "t", Audience: "circle:7"}), exit.Invalid, "channel.error.audience")
		h.refused(h.Save(ctx, ann, id, channel.VideoWords{Title: "t", Audience: "only:" + bob.Account.String()}), exit.Invalid, "channel.error.audience")
		h.refused(h.Save(ctx, bob, id, channel.VideoWords{Title: "t"}), exit.NotFound, "channel.error.no_video")

		h.must(h.Save(ctx, ann, id, channel.VideoWords{Title: "t"}))
		played, _, original := h.keys(id)
		h.must(h.Relations.Block(ctx, ann, bob.Account))
		h.unseen(bob, id, append(played, original)...)
		h.see(guest, id)
		h.veil(ann)
		for _, v := range []who.Viewer{guest, fan, bob, {Account: bob.Account, Operator: true, State: who.Active}} {
			h.unseen(v, id, append(played, original)...)
		}
		status, _, _ := h.visit(fan, ui.Chinese, http.MethodGet, channel.MasterPath(id), nil)
		if status != -int(exit.NotFound) {
			t.Errorf("the playlist of a veiled video: %d", status)
		}
		h.see(ann, id)
	})
}

// veil has an account hibernate, in the channel alone.
func (h *studio) veil(v who.Viewer) {
	h.t.Helper()
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) error {
		t := exit.Task{Run: "run1", Subject: exit.Account(v.Account.String()).Within(channel.Name)}
		if err := h.desk.Veil(ctx, t, true); err != nil {
			return err
		}
		return h.desk.Freeze(ctx, t, true)
	}))
}

func TestSchedule(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, fan, guest := h.creator("ann"), h.account("fan"), who.Viewer{}
		h.must(h.Relations.Follow(ctx, fan, ann.Account))
		h.must(h.Relations.SetBell(ctx, fan, ann.Account, true))
		id := h.film(ann)
		words := channel.VideoWords{Title: "明天见"}
		h.refused(h.Publish(ctx, ann, id, words, dbtest.Start.AddDate(3, 0, 0)), exit.Invalid, "channel.error.when_far")
		h.must(h.Publish(ctx, ann, id, words, dbtest.Start.Add(24*time.Hour)))
		h.sweep(0)
		h.unseen(guest, id)
		h.must(h.Unschedule(ctx, ann, id, words))
		h.after(25 * time.Hour)
		h.sweep(0)
		if x := h.see(ann, id); x.State != channel.Drafted || !x.Due.IsZero() {
			t.Errorf("taken back, it is %s", x.State)
		}
		at := dbtest.Start.Add(48 * time.Hour)
		h.must(h.Publish(ctx, ann, id, words, at))
		h.after(24 * time.Hour)
		h.sweep(1)
		h.sweep(0)
		if x := h.see(guest, id); x.At.Before(at) || !x.Due.IsZero() || x.Hot == 0 {
			t.Errorf("it was published at %s", x.At)
		}
		h.work()
		told := `select count(*) from notices where account_id = $1 and kind = '` + string(notify.NewVideo) + `'`
		if n := h.sole(told, int64(fan.Account)); n != 1 {
			t.Errorf("the follower was told %d times", n)
		}

		second := h.film(ann)
		h.must(h.Publish(ctx, ann, second, channel.VideoWords{Title: "坏话"}, at.Add(48*time.Hour)))
		h.refuse = "坏话"
		h.after(72 * time.Hour)
		h.sweep(1)
		if x := h.see(ann, second); x.State != channel.Drafted || x.Fault != "channel.fault.word" {
			t.Errorf("what is not let through is %s, %q", x.State, x.Fault)
		}
		h.shows(ann, ui.Chinese, channel.VideoPath(second)+"/edit", []string{"没能发布", "标题或简介里有这里不允许的词"}, []string{"「」", "no value"})
		h.refused(h.Publish(ctx, ann, second, channel.VideoWords{Title: "坏话"}, time.Time{}), exit.Invalid, "moderate.error.filtered")
		h.must(h.Publish(ctx, ann, second, words, at.Add(96*time.Hour+96*time.Hour)))
		h.veil(ann)
		h.after(96 * time.Hour)
		h.sweep(0)
		h.tidy()
	})
}

// sweep wants so many scheduled videos to be published.
func (h *studio) sweep(want int64) {
	h.t.Helper()
	if n, err := h.Sweep(h.t.Context(), 10); err != nil || n != want {
		h.t.Errorf("%d scheduled videos were due, want %d: %v", n, want, err)
	}
}

func TestDelete(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob, guest := h.creator("ann"), h.account("bob"), who.Viewer{}
		id := h.film(ann)
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "再见 #海"}, time.Time{}))
		h.must(h.AddSubtitle(ctx, ann, id, "zh", "", strings.NewReader("WEBVTT\n\n00:00.000 --> 00:01.000\n你好\n")))
		played, frames, original := h.keys(id)
		h.refused(h.Delete(ctx, bob, id), exit.NotFound, "channel.error.no_video")
		h.must(h.Delete(ctx, ann, id))
		h.unseen(guest, id, played...)
		h.unseen(ann, id, append(played, original)...)
		h.finds(guest, search.Video, "再见")
		h.refused(h.Delete(ctx, ann, id), exit.NotFound, "channel.error.no_video")
		h.work() // it is not due yet
		h.refused(h.Undo(ctx, bob, id), exit.NotFound, "channel.error.no_video")
		h.must(h.Undo(ctx, ann, id))
		h.see(guest, id)
		h.finds(guest, search.Video, "再见", id)
		dbtest.Clock(t, h.d).Add(time.Minute)
		h.work()
		h.see(guest, id)
		h.must(h.Delete(ctx, ann, id))
		dbtest.Clock(t, h.d).Add(time.Minute)
		h.work()
		h.refused(h.Undo(ctx, ann, id), exit.NotFound, "channel.error.no_video")
		h.tidy()
		for _, key := range append(append(played, frames...), original) {
			if _, err := h.blobs.Size(ctx, key); exit.KindOf(err) != exit.NotFound {
				t.Errorf("%s is still there: %v", key, err)
			}
		}
		for _, table := range []string{"videos", "video_renditions", "video_frames", "video_subtitles", "video_topics", "topics", "mentions"} {
			if n := h.sole(`select count(*) from ` + table); n != 0 {
				t.Errorf("%s keeps %d rows", table, n)
			}
		}
	})
}

func TestWithhold(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, guest := h.creator("ann"), who.Viewer{}
		operator := who.Viewer{Account: h.account("operator").Account, Operator: true, State: who.Active}
		id := h.film(ann)
		h.must(h.Publish(ctx, ann, id, channel.VideoWords{Title: "有争议 #海"}, time.Time{}))
		played, _, _ := h.keys(id)
		withhold := func(on bool) {
			h.must(h.d.Update(ctx, func(ctx context.Context) error {
				pass, err := h.desk.Enter(ctx, service.Write{By: operator.Account, Onto: []who.ID{ann.Account}})
				if err != nil {
					return err
				}
				return h.Kind().Withhold(ctx, pass, []who.ID{id}, on)
			}))
		}
		withhold(true)
		withhold(true)
		h.unseen(guest, id, played...)
		h.finds(guest, search.Video, "争议")
		h.see(operator, id)
		h.shows(ann, ui.Chinese, channel.VideoPath(id)+"/edit", []string{"下架"}, nil)
		h.refuse = "坏话"
		h.refused(h.Save(ctx, ann, id, channel.VideoWords{Title: "坏话"}), exit.Invalid, "moderate.error.filtered")
		h.must(h.Save(ctx, ann, id, channel.VideoWords{Title: "改过的"}))
		h.unseen(guest, id)
		withhold(false)
		h.see(guest, id)
		h.finds(guest, search.Video, "改过", id)

		// Deleting it and taking that back changes nothing about what was decided meanwhile.
		h.must(h.Delete(ctx, ann, id))
		withhold(true)
		h.must(h.Undo(ctx, ann, id))
		h.unseen(guest, id, played...)
		h.finds(guest, search.Video, "改过")
		h.must(h.Delete(ctx, ann, id))
		withhold(false)
		h.must(h.Undo(ctx, ann, id))
		h.see(guest, id)
		h.finds(guest, search.Video, "改过", id)
	})
}
