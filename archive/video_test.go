package archive_test

import (
	"bytes"
	"io"
	"testing"

	"exeunt/archive"
)

// TestFits gives a file that is larger than a volume a volume to itself, and says of one that does not fit that the volume is full.
func TestFits(t *testing.T) {
	const volume, film = 1 << 20, 3 << 20
	begin := func() (*archive.Writer, *bytes.Buffer) {
		t.Helper()
		var out bytes.Buffer
		o := options(t)
		o.MaxBytes = volume
		w, err := archive.NewWriter(&out, o)
		must(t, err)
		must(t, w.Class(archive.ClassVideos))
		return w, &out
	}
	put := func(w *archive.Writer, id string, size int64) {
		t.Helper()
		must(t, w.Record(archive.Video{ID: id, Title: "t", Audience: archive.AudiencePublic, File: "videos/" + id + "/video.mp4"}))
		must(t, w.Media("videos/"+id+"/video.mp4", size, made, func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }))
	}
	first, _ := begin()
	if !first.Fits(1000) {
		t.Fatal("an empty volume has no room for a small film")
	}
	put(first, "1", 1000)
	if first.Full() || first.Fits(film) || !first.Full() {
		t.Error("a film larger than a volume joins another")
	}
	_, err := first.Close(true)
	must(t, err)
	second, out := begin()
	if !second.Fits(film) || second.Full() {
		t.Fatal("a film larger than a volume fits nowhere")
	}
	put(second, "2", film)
	if !second.Full() {
		t.Error("the film has its volume not to itself")
	}
	sum, err := second.Close(false)
	must(t, err)
	if sum.Missing != 0 || sum.Classes[0].Files != 1 || sum.Classes[0].Bytes != film {
		t.Errorf("the volume holds %+v", sum)
	}
	r := open(t, writeTemp(t, out.Bytes()))
	if got := records(t, r, archive.ClassVideos, 0); len(got) != 1 || got[0].(archive.Video).ID != "2" {
		t.Errorf("it is read as %+v", got)
	}
	endless := options(t)
	endless.MaxBytes = -1
	w, err := archive.NewWriter(io.Discard, endless)
	must(t, err)
	must(t, w.Class(archive.ClassVideos))
	put(w, "3", 10)
	if !w.Fits(film) {
		t.Error("an archive of one volume has a bound")
	}
	must(t, w.Abort())
}
