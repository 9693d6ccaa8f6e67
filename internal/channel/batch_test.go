package channel_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/blob"
	"exeunt/internal/channel"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/install"
	"exeunt/internal/job"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// wharf is a cinema where files arrive; it has no FFmpeg, so that films play as they came.
type wharf struct {
	*cinema
	uploads *upload.Room
	blobs   *blob.Store
	queue   *job.Queue
	index   *search.Room
}

func eachWharf(t *testing.T, fn func(t *testing.T, w *wharf)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		registry := &service.Registry{Services: []service.Service{channel.Service}}
		desk := service.NewDesk(d, registry)
		w := &wharf{cinema: &cinema{t: t, d: d, desk: desk, made: 1000}, queue: job.New(d, d.Clock), index: search.New(search.Config{DB: d, Desk: desk, Registry: registry})}
		w.must(desk.Announce(t.Context()))
		var err error
		w.blobs, err = blob.Open(t.Context(), t.TempDir(), d, d.Clock, channel.Name)
		w.must(err)
		t.Cleanup(func() { w.must(w.blobs.Close()) })
		w.uploads = upload.New(upload.Config{DB: d, Desk: desk, Blobs: w.blobs, Piece: 64 << 10})
		posts := post.New(post.Config{DB: d, Desk: desk, Registry: registry, Blobs: w.blobs, NameKey: strings.ToLower})
		w.Room = channel.New(channel.Config{
			DB: d, Desk: desk, Registry: registry, Blobs: w.blobs, Queue: w.queue, Search: w.index, Posts: posts, Uploads: w.uploads, Spool: t.TempDir(),
			Relations: relation.New(relation.Config{DB: d, Desk: desk, Registry: registry, NameKey: strings.ToLower}),
			Accounts:  account.New(account.Config{DB: d, Desk: desk, Install: install.New(d)}),
		})
		registry.Kinds = []service.Kind{w.Kind(), posts.TopicKind()}
		fn(t, w)
	})
}

// entry is a file of a zip.
type entry struct {
	name, content string
	damaged       bool
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(e.content)), CompressedSize64: uint64(len(e.content)), UncompressedSize64: uint64(len(e.content))}
		if e.damaged {
			h.CRC32++
		}
		f, err := w.CreateRaw(h)
		if err == nil {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// filmOf is what begins as an MP4 does.
func filmOf(seed int, n int) string {
	return "\x00\x00\x00\x18ftypisom" + strings.Repeat(fmt.Sprintf("%07d\n", seed), n)
}

// bring uploads a zip.
func (w *wharf) bring(v who.Viewer, audience string, file []byte) upload.Upload {
	w.t.Helper()
	u, err := w.uploads.Bring(w.t.Context(), v.Account, upload.Draft{What: channel.KindBatch, Name: "films.zip", Detail: audience, Length: int64(len(file))}, bytes.NewReader(file))
	w.must(err)
	return u
}

// work has all jobs done.
func (w *wharf) work() {
	w.t.Helper()
	for {
		n, err := w.queue.Work(w.t.Context(), 10)
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// report gives what became of each file, a line each.
func (w *wharf) report(u upload.Upload) (out []string) {
	w.t.Helper()
	items, err := w.uploads.Items(w.t.Context(), u.ID, 0, 1000)
	w.must(err)
	for _, i := range items {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", i.Name, i.State, strings.TrimPrefix(i.Reason, "channel_batch."))))
	}
	return out
}

func (w *wharf) wantReport(u upload.Upload, want ...string) {
	w.t.Helper()
	if got := w.report(u); strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("the report is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 320, 180)), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestBatch takes a zip of videos in, with what stands beside them, and the same zip a second time.
func TestBatch(t *testing.T) {
	eachWharf(t, func(t *testing.T, w *wharf) {
		mira, jo := w.account("mira"), w.account("jo")
		file := zipOf(t,
			entry{name: "films/Sea [abc].mp4", content: filmOf(1, 20000)},
			entry{name: "films/Sea [abc].info.json", content: `{"id": "abc", "extractor_key": "Youtube", "title": "海 & sea", "description": "By @jo and @{5}", "tags": ["waves", "two words"],
				"timestamp": 1577836800.0, "upload_date": "20191231", "language": "en", "formats": [{"url": "https://example.com/x"}]}`},
			entry{name: "films/Sea [abc].jpg", content: picture(t)},
			entry{name: "films/Sea [abc].de.vtt", content: "WEBVTT\n\n00:01.000 --> 00:02.000\nMeer\n"},
			entry{name: "films/Sea [abc].fr.srt", content: "1\n00:00:01,000 --> 00:00:02,000\nMer\n"},
			entry{name: "films/Sea [abc].it.vtt", content: "no subtitles"},
			entry{name: "own.mp4", content: filmOf(2, 10)},
			entry{name: "own.json", content: `{"id": "77", "origin": "urn:exeunt:video:77", "title": "Own", "text": "words", "at": "2021-03-04T05:06:07Z", "language": "zh-CN", "audience": "public", "file_name": "My own.mp4"}`},
			entry{name: "plain.mp4", content: filmOf(3, 10)},
			entry{name: "plain copy.mp4", content: filmOf(3, 10)},
			entry{name: "videos/8/video.mp4", content: filmOf(8, 10)},
			entry{name: "videos/8/video.json", content: `{"id": "8", "origin": "urn:exeunt:video:8", "title": "Unfinished", "audience": "only-me", "state": "draft", "at": "2021-03-04T05:06:07Z"}`},
			entry{name: "bad.mp4", content: filmOf(4, 10), damaged: true},
			entry{name: "odd.mp4", content: filmOf(5, 10)},
			entry{name: "odd.info.json", content: `{"title": [`},
			entry{name: "empty.mp4"},
			entry{name: "alone.info.json", content: `{"id": "x"}`},
			entry{name: "readme", content: "hello"},
			entry{name: "films/Sea [abc].txt", content: "hello"},
			entry{name: "lost.jpg", content: "no video's"},
			entry{name: "own.srt", content: "1\n00:00:01,000 --> 00:00:02,000\nMer\n"},
			entry{name: "own.vtt", content: "WEBVTT\n"},
			entry{name: "__MACOSX/films/._Sea [abc].mp4", content: "x"},
		)
		u := w.bring(mira, "public", file)
		w.work()
		w.wantReport(u,
			"bad.mp4 skipped skip.damaged", "empty.mp4 skipped skip.refused", "films/Sea [abc].mp4 taken note.beside", "odd.mp4 taken note.beside", "own.mp4 taken",
			"plain copy.mp4 taken", "plain.mp4 duplicate", "videos/8/video.mp4 taken note.unpublished", "alone.info.json skipped skip.alone",
			"films/Sea [abc].txt skipped skip.kind", "lost.jpg skipped skip.alone", "own.vtt skipped skip.second", "readme skipped skip.kind")
		if x := w.brought(mira, "urn:exeunt:video:8"); x.State != channel.Drafted || x.Audience != who.Only(mira.Account) {
			t.Errorf("the draft came as %s for %s", x.State, x.Audience)
		}
		for _, x := range []struct{ origin, title, text, language, at string }{
			{"yt-dlp:Youtube:abc", "海 & sea", "By @jo and @ {5}\n\n#waves", "en", "2020-01-01T00:00:00Z"},
			{"urn:exeunt:video:77", "Own", "words", "zh-CN", "2021-03-04T05:06:07Z"},
		} {
			v := w.brought(mira, x.origin)
			if v.Title != x.title || v.Text != x.text || v.Language != x.language || v.At.Format(time.RFC3339) != x.at || v.State != channel.Live || v.Media != channel.Plain {
				t.Errorf("%s came as %q, %q, %q, %s, %s, %s", x.origin, v.Title, v.Text, v.Language, v.At.Format(time.RFC3339), v.State, v.Media)
			}
			if _, err := w.Video(t.Context(), jo, v.ID); err != nil {
				t.Errorf("another does not see it: %v", err)
			}
		}
		sea := w.brought(mira, "yt-dlp:Youtube:abc")
		if sea.Poster == "" || sea.Thumb == "" || sea.File != "Sea [abc].mp4" {
			t.Errorf("its cover is %q, its file %q", sea.Poster, sea.File)
		}
		if n := w.sole(`select count(*) from video_subtitles where video_id = $1`, int64(sea.ID)); n != 2 {
			t.Errorf("it has %d subtitles, want 2", n)
		}
		if n := w.sole(`select count(*) from upload_pieces`); n != 0 {
			t.Errorf("%d pieces of the zip are left", n)
		}
		again := w.bring(mira, "public", file)
		w.work()
		for _, line := range w.report(again) {
			if strings.Contains(line, "taken") {
				t.Errorf("taken twice: %s", line)
			}
		}
		if n := w.sole(`select count(*) from videos`); n != 5 {
			t.Errorf("%d videos are there, want 5", n)
		}
	})
}

// TestBatchOfADay has dates of a sidecar not get around the bound of a day, by which what is published counts in the promise clock's time.
func TestBatchOfADay(t *testing.T) {
	eachWharf(t, func(t *testing.T, w *wharf) {
		ctx := t.Context()
		w.must(w.d.MakeTrial(ctx, dbtest.Start.AddDate(0, 0, 30)))
		now, err := w.d.Now(ctx)
		w.must(err)
		w.must(w.SetLimits(ctx, who.Viewer{Account: 9, Operator: true}, channel.Limits{ADay: 2}))
		mira := w.account("mira")
		dated := func(name string, at time.Time) entry {
			return entry{name: name + ".json", content: fmt.Sprintf(`{"title": %q, "at": %q}`, name, at.Format(time.RFC3339))}
		}
		u := w.bring(mira, "public", zipOf(t,
			entry{name: "a.mp4", content: filmOf(1, 10)},
			entry{name: "b.mp4", content: filmOf(2, 10)}, dated("b", now.AddDate(-2, 0, 0)),
			entry{name: "c.mp4", content: filmOf(3, 10)}, dated("c", now.Add(-2*time.Hour)),
			entry{name: "d.mp4", content: filmOf(4, 10)}, dated("d", now.Add(time.Hour)),
			entry{name: "e.mp4", content: filmOf(5, 10)},
			entry{name: "f.mp4", content: filmOf(6, 10)}, dated("f", now.AddDate(0, 0, -2)),
		))
		w.work()
		w.wantReport(u, "a.mp4 taken", "b.mp4 taken", "c.mp4 taken note.draft", "d.mp4 taken note.draft", "e.mp4 taken note.draft", "f.mp4 taken note.draft")
		if n := w.sole(`select count(*) from videos where state = 'live'`); n != 2 {
			t.Errorf("%d videos are published, want 2", n)
		}
	})
}

// TestBatchStanding has what stands beside a video decide whether it is published, when, and for whom, as far as that is for fewer than was picked.
func TestBatchStanding(t *testing.T) {
	eachWharf(t, func(t *testing.T, w *wharf) {
		ctx := t.Context()
		w.must(w.d.MakeTrial(ctx, dbtest.Start))
		now, err := w.d.Now(ctx)
		w.must(err)
		now = now.Truncate(time.Second)
		mira, jo := w.account("mira"), w.account("jo")
		seed := 0
		film := func(name, fields string) []entry {
			seed++
			ending, origin := ".json", fmt.Sprintf(`"origin": "urn:exeunt:video:%s", `, name)
			if strings.HasPrefix(name, "tube") {
				ending, origin = ".info.json", fmt.Sprintf(`"extractor_key": "Tube", "id": %q, `, name)
			}
			return []entry{{name: name + ".mp4", content: filmOf(seed, 10)}, {name: name + ending, content: `{` + origin + fields + `}`}}
		}
		at := func(by time.Duration) string { return now.Add(by).Format(time.RFC3339) }
		only, fans := who.Only(mira.Account), who.FollowersOf(mira.Account)
		for _, x := range []struct {
			picked, name, fields string
			state                channel.State
			audience             who.Audience
			note                 string
		}{
			{"public", "later", `"state": "scheduled", "audience": "public", "at": "` + at(48*time.Hour) + `"`, channel.Scheduled, who.Public, ""},
			{"public", "missed", `"state": "scheduled", "audience": "public", "at": "` + at(-48*time.Hour) + `"`, channel.Drafted, who.Public, "note.unpublished"},
			{"public", "withheld", `"state": "withheld", "audience": "public", "at": "` + at(-48*time.Hour) + `"`, channel.Drafted, who.Public, "note.unpublished"},
			{"public", "odd", `"state": "anything", "audience": "public"`, channel.Drafted, who.Public, "note.unpublished"},
			{"public", "fans", `"audience": "followers"`, channel.Live, fans, "note.narrower"},
			{"public", "link", `"audience": "unlisted"`, channel.Live, who.Unlisted, "note.narrower"},
			{"public", "ring", `"audience": "circle", "circle": "99"`, channel.Live, only, "note.narrower"},
			{"public", "mine", `"audience": "only-me"`, channel.Live, only, "note.narrower"},
			{"public", "tube1", `"availability": "private"`, channel.Live, only, "note.narrower"},
			{"public", "tube2", `"availability": "unlisted"`, channel.Live, who.Unlisted, "note.narrower"},
			{"followers", "all", `"audience": "public"`, channel.Live, fans, ""},
			{"followers", "linked", `"audience": "unlisted"`, channel.Live, only, "note.narrower"},
		} {
			u := w.bring(mira, x.picked, zipOf(t, film(x.name, x.fields)...))
			w.work()
			w.wantReport(u, strings.TrimSpace(x.name+".mp4 taken "+x.note))
			origin := "urn:exeunt:video:" + x.name
			if strings.HasPrefix(x.name, "tube") {
				origin = "yt-dlp:Tube:" + x.name
			}
			if v := w.brought(mira, origin); v.State != x.state || v.Audience != x.audience {
				t.Errorf("%s came as %s for %s, want %s for %s", x.name, v.State, v.Audience, x.state, x.audience)
			}
		}
		later := w.brought(mira, "urn:exeunt:video:later")
		if !later.Due.Equal(now.Add(48 * time.Hour)) {
			t.Errorf("it is due at %s", later.Due)
		}
		_, err = w.Video(ctx, jo, later.ID)
		if exit.KindOf(err) != exit.NotFound {
			t.Errorf("before its time another gets %v", err)
		}
		w.must(w.d.Move(ctx, now.Add(49*time.Hour)))
		_, err = w.Sweep(ctx, 10)
		w.must(err)
		if x := w.brought(mira, "urn:exeunt:video:later"); x.State != channel.Live || x.At.Before(now.Add(49*time.Hour)) {
			t.Errorf("after its time it is %s of %s", x.State, x.At)
		}
	})
}

func (w *wharf) sole(query string, args ...any) (n int64) {
	w.t.Helper()
	w.must(w.d.Reader.QueryRowContext(w.t.Context(), query, args...).Scan(&n))
	return n
}

// brought gives the video that came from a place.
func (w *wharf) brought(v who.Viewer, origin string) channel.Video {
	w.t.Helper()
	id := who.ID(w.sole(`select id from videos where account_id = $1 and origin = $2`, int64(v.Account), origin))
	x, err := w.Video(w.t.Context(), v, id)
	w.must(err)
	return x
}

// TestBatchHostile refuses what is no plain zip of videos, with a reason.
func TestBatchHostile(t *testing.T) {
	eachWharf(t, func(t *testing.T, w *wharf) {
		mira := w.account("mira")
		deep := `{"title": ` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`
		for _, x := range []struct {
			name string
			file []byte
			want string
		}{
			{"no zip", []byte("hello, this is no zip at all, whatever its name says"), "films.zip skipped skip.damaged"},
			{"climbing", zipOf(t, entry{name: "../a.mp4", content: filmOf(1, 1)}), "films.zip skipped skip.unsafe"},
			{"twice", zipOf(t, entry{name: "a.mp4", content: "1"}, entry{name: "a.mp4", content: "2"}), "films.zip skipped skip.unsafe"},
			{"nothing in it", zipOf(t, entry{name: "a.txt", content: "1"}), "skipped skip.none\na.txt skipped skip.kind"},
			{"no text", zipOf(t, entry{name: "a.mp4", content: filmOf(7, 1)}, entry{name: "a.info.json", content: `{"id": "a\u0000b", "title": "\u0000", "tags": ["\u0000"], "language": "\u0000"}`}), "a.mp4 taken"},
			{"deep sidecar", zipOf(t, entry{name: "a.mp4", content: filmOf(9, 1)}, entry{name: "a.info.json", content: deep}), "a.mp4 taken note.beside"},
		} {
			u := w.bring(mira, "only", x.file)
			w.work()
			if got := strings.Join(w.report(u), "\n"); got != x.want {
				t.Errorf("%s: the report is %q, want %q", x.name, got, x.want)
			}
		}
		var many []entry
		for i := range 502 {
			many = append(many, entry{name: fmt.Sprintf("%d.mp4", i), content: ""})
		}
		u := w.bring(mira, "only", zipOf(t, many...))
		w.work()
		if got := w.report(u); len(got) != 502 || got[501] != "99.mp4 skipped skip.too_many" {
			t.Errorf("of 502 films %d are told of, the last as %q", len(got), got[len(got)-1])
		}
		others := []entry{{name: "z.mp4", content: filmOf(8, 1)}, {name: "z.jpg", content: picture(t)}}
		for i := range 502 {
			others = append(others, entry{name: fmt.Sprintf("%d.txt", i)})
		}
		u = w.bring(mira, "only", zipOf(t, others...))
		w.work()
		if got := w.report(u); len(got) != 502 || got[0] != "z.mp4 taken" || got[501] != "skipped skip.others" || w.sole(`select count(*) from videos where poster <> ''`) != 1 {
			t.Errorf("of a film among many files %d are told of, the first as %q, the last as %q", len(got), got[0], got[len(got)-1])
		}
		_, err := w.uploads.Create(t.Context(), mira.Account, upload.Draft{What: channel.KindBatch, Detail: "everybody", Length: 5})
		if exit.KindOf(err) != exit.Invalid {
			t.Errorf("an unknown audience: %v", err)
		}
	})
}

// TestBatchBreaksOff ends the job again and again while it takes a zip in: each video is there once in the end.
func TestBatchBreaksOff(t *testing.T) {
	eachWharf(t, func(t *testing.T, w *wharf) {
		mira := w.account("mira")
		var entries []entry
		for i := range 12 {
			entries = append(entries, entry{name: fmt.Sprintf("%02d.mp4", i), content: filmOf(i, 1000)})
		}
		u := w.bring(mira, "only", zipOf(t, entries...))
		for i := range 12 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := w.queue.Work(ctx, 1)
				done <- err
			}()
			for w.settled(u) <= i && len(done) == 0 {
			}
			cancel()
			if err := <-done; err != nil && ctx.Err() == nil {
				t.Fatal(err)
			}
			dbtest.Clock(t, w.d).Add(time.Hour)
		}
		w.work()
		if n, taken := w.sole(`select count(*) from videos`), w.settled(u); n != 12 || taken != 12 {
			t.Errorf("%d videos are there and %d are told of, want 12", n, taken)
		}
		for _, line := range w.report(u) {
			if !strings.HasSuffix(line, " taken") {
				t.Errorf("reported: %s", line)
			}
		}
	})
}

// settled counts the files of a zip of which it is said what became of them.
func (w *wharf) settled(u upload.Upload) int {
	tally, err := w.uploads.Tally(w.t.Context(), u.ID)
	w.must(err)
	return int(tally[upload.ItemTaken] + tally[upload.ItemDuplicate] + tally[upload.ItemSkipped])
}
