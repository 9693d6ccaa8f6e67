package channel_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/who"
)

// bag is an archive's files by name.
type bag map[string]string

func (b bag) File(_ context.Context, name string) (io.ReadCloser, int64, error) {
	text, ok := b[name]
	if !ok {
		return nil, 0, &archive.Error{Kind: archive.KindDamaged}
	}
	return io.NopCloser(strings.NewReader(text)), int64(len(text)), nil
}

// TestBadArchives takes nothing in that an archive has no file for, and lets none say what others decide.
func TestBadArchives(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		mira := h.creator("mira")
		files := bag{"film.mp4": string(clip(t, ".mp4")), "empty.mp4": "", "cover.jpg": "no picture", "a.vtt": "no subtitles"}
		at := archive.At(dbtest.Start.AddDate(-1, 0, 0))
		film := func(id string, change func(a *archive.Video)) archive.Video {
			a := archive.Video{ID: id, Title: "t", Audience: archive.AudiencePublic, File: "film.mp4", At: at, Created: at}
			change(&a)
			return a
		}
		records := []any{
			film("1", func(a *archive.Video) {
				a.Cover, a.Subtitles = "cover.jpg", []archive.Subtitle{{Language: "zh", Path: "a.vtt"}, {Language: "??", Path: "a.vtt"}}
			}),
			film("1", func(*archive.Video) {}),
			film("3", func(a *archive.Video) { a.File = "../../etc/passwd" }),
			film("4", func(a *archive.Video) { a.File = "empty.mp4" }),
			film("5", func(a *archive.Video) { a.Text = strings.Repeat("长", 6000) }),
			film("6", func(a *archive.Video) { a.State, a.Text = archive.StateWithheld, "about @{"+mira.Account.String()+"}" }),
			film("7", func(a *archive.Video) { a.Audience, a.Circle = archive.AudienceCircle, "99" }),
			film("8", func(a *archive.Video) { a.At = archive.At(dbtest.Start.AddDate(5, 0, 0)) }),
			film("9", func(a *archive.Video) { a.State, a.At = archive.StateScheduled, at }),
			film("10", func(a *archive.Video) { a.Text = "forbidden" }),
		}
		h.refuse = "forbidden"
		want := []string{"taken ", "duplicate ", "skipped channel.skip.file", "skipped channel.skip.file", "skipped channel.skip.long", "taken channel.note.draft", "taken channel.note.circle", "taken ", "taken ", "taken channel.note.draft"}
		take := func() []exit.Outcome { return h.imports(mira, files, records...) }
		out := take()
		for i, o := range out {
			if got := o.Result + " " + o.Reason; got != want[i] {
				t.Errorf("record %d is %q, want %q", i, got, want[i])
			}
		}
		if out[0].Missing != 3 {
			t.Errorf("%d files beside the first are missing, want 3", out[0].Missing)
		}
		for query, n := range map[string]int64{
			`select count(*) from videos where state = 'scheduled'`:                             3,
			`select count(*) from videos where state = 'live'`:                                  0,
			`select count(*) from videos where state = 'draft'`:                                 3,
			`select count(*) from videos where audience = 'only:` + mira.Account.String() + `'`: 1,
			`select count(*) from mentions`:                                                     0,
			`select count(*) from notices`:                                                      0,
			`select count(*) from videos where text like '%@{%'`:                                0,
		} {
			if got := h.sole(query); got != n {
				t.Errorf("%s gives %d, want %d", query, got, n)
			}
		}
		for _, o := range take() {
			if o.Result == "taken" {
				t.Errorf("what is here is taken once more: %+v", o)
			}
		}
		h.work()
		if n := h.sole(`select count(*) from videos where media = 'plain'`); n != 6 {
			t.Errorf("%d films play, want 6", n)
		}
		if n := h.sole(`select count(*) from videos where state = 'live'`); n != 3 {
			t.Errorf("%d films are published, want 3", n)
		}
	})
}

// imports brings the records of videos of an archive along.
func (h *studio) imports(v who.Viewer, files bag, records ...any) []exit.Outcome {
	h.t.Helper()
	task := exit.Task{Subject: exit.Account(v.Account.String()), Class: "videos", Part: archive.ClassVideos}
	intake, err := h.Holder().Import(h.t.Context(), task, records, files)
	h.must(err)
	var out []exit.Outcome
	h.must(h.d.Update(h.t.Context(), func(ctx context.Context) (err error) { out, err = intake(ctx); return err }))
	return out
}

// TestBroughtIsLookedAt has no archive be a way around what is not let through by its looks. What is brought keeps its date, and nobody is told.
func TestBroughtIsLookedAt(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx, ann, fan := t.Context(), h.creator("ann"), h.account("fan")
		h.must(h.Relations.Follow(ctx, fan, ann.Account))
		h.must(h.Relations.SetBell(ctx, fan, ann.Account, true))
		files := bag{"film.mp4": string(clip(t, ".mp4")), "other.mp4": string(tiny(t, "mandelbrot"))}
		h.block = h.see(ann, h.film(ann)).Look[:16]
		at := dbtest.Start.Add(-time.Hour)
		h.imports(ann, files,
			archive.Video{ID: "1", Title: "blocked", Audience: archive.AudiencePublic, File: "film.mp4"},
			archive.Video{ID: "2", Title: "of today", Audience: archive.AudiencePublic, File: "other.mp4", At: archive.At(at)},
			archive.Video{ID: "3", Title: "undated", Audience: archive.AudiencePublic, File: "other.mp4"})
		h.work()
		for title, want := range map[string]channel.State{"blocked": channel.Drafted, "of today": channel.Live, "undated": channel.Live} {
			x := h.see(ann, who.ID(h.sole(`select id from videos where title = $1`, title)))
			if x.State != want || want == channel.Drafted && x.Fault != "moderate.error.image" {
				t.Errorf("%s is %s, %q", title, x.State, x.Fault)
			}
			if title == "of today" && !x.At.Equal(at) {
				t.Errorf("its date is %s, want %s", x.At, at)
			}
		}
		if n := h.told(fan, notify.NewVideo); n != 0 {
			t.Errorf("followers were told of %d", n)
		}
	})
}

// TestBroughtOriginal brings a film byte for byte.
func TestBroughtOriginal(t *testing.T) {
	eachStudio(t, false, func(t *testing.T, h *studio) {
		ctx, mira := t.Context(), h.creator("mira")
		b := clip(t, ".mp4")
		h.imports(mira, bag{"f.mp4": string(b)}, archive.Video{ID: "5", Title: "t", Audience: archive.AudiencePublic, File: "f.mp4"})
		h.work()
		x := h.see(who.Viewer{}, who.ID(h.sole(`select id from videos`)))
		r, err := h.blobs.NewReader(ctx, x.Original, 0, -1)
		h.must(err)
		got, err := io.ReadAll(r)
		h.must(err)
		h.must(r.Close())
		if !bytes.Equal(got, b) || x.Media != channel.Ready || x.Bytes != int64(len(b)) {
			t.Errorf("%d bytes came back as %d, %s", len(b), len(got), x.Media)
		}
	})
}
