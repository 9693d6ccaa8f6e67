package e2e_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// films gives the addresses of what belongs to channels: somebody's with a video, comments, a list, a complaint about it and a batch brought in.
func (l *looking) films(p *person, page string) places {
	l.t.Helper()
	channel := page + "/channel"
	video := l.film(p, channel)
	id := filepath.Base(video)
	p.open("/channels/collections")
	p.fill("#title", "清晨")
	p.tap(`main form[action="/channels/collections"] button`)
	p.open("/channels/collections")
	collection := p.attribute(`main a[href^="/collections/"]`, "href")
	batch := l.batch(p)
	l.shelve(p, collection, video+"/edit", p.attribute(`main table a[href$="/edit"]`, "href"))
	p.open("/me/history")

	secret := l.complains(video)
	p.open("/claims")
	claim := p.attribute(`main .line a[href^="/claims/"]`, "href")
	p.open("/channels")
	topic := ""
	if p.open(video); p.has(`main a[href^="/channels/topics/"]`) {
		topic = p.attribute(`main a[href^="/channels/topics/"]`, "href")
	} else {
		l.t.Error("a video's topic leads nowhere")
	}
	return places{
		public: []string{"/channels", "/watch", channel, video, "/embed/" + id, collection, topic, "/channels/limits", "/claims/new?on=video:" + id, secret},
		private: []string{
			"/channels", "/channels?tab=following", "/channels/order", "/watch", channel, video, "/channels/settings", "/channels/collections", collection, "/videos/new", "/videos/drafts", video + "/edit", video + "/delete",
			video + "/progress", "/channel/desk", "/channel/desk?days=90", "/channels/batch", batch, "/me/history", "/exit/farewell?in=channel", "/exit/close?in=channel", "/share/video/" + id, "/claims", claim,
		},
	}
}

// shelve puts videos into the one collection of their owner, by the forms at these addresses, and waits until they stand there.
func (l *looking) shelve(p *person, collection string, edits ...string) {
	l.t.Helper()
	for _, form := range edits {
		p.open(form)
		p.touch(`main input[name="collection"]`)
		p.tap(`main form[action$="/edit"] button.primary`)
	}
	for deadline := time.Now().Add(90 * time.Second); ; {
		p.open(collection)
		n := p.count(`main a.tile-link[href^="/videos/"]`)
		if n == len(edits) {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%d of %d videos are in a collection: %s", n, len(edits), p.text("main"))
		}
	}
}

// film waits until somebody's first video can be watched, and gives its address.
func (l *looking) film(p *person, channel string) string {
	l.t.Helper()
	const tile = `main a.tile-link[href^="/videos/"]`
	for deadline := time.Now().Add(90 * time.Second); ; {
		if p.open(channel); p.has(tile) {
			video, _, _ := strings.Cut(p.attribute(tile, "href"), "?")
			if p.open(video); p.has("main video source") {
				return video
			}
		}
		if time.Now().After(deadline) {
			l.t.Fatal("no video becomes ready")
		}
	}
}

// complains has somebody without an account say that a video is theirs, and gives the page by which they follow what comes of it.
func (l *looking) complains(video string) string {
	l.t.Helper()
	p := l.b.visitor(l.t, l.in, "who says that a film is theirs")
	p.open("/claims/new?on=video:" + filepath.Base(video))
	p.fill("#name", "Moss Films")
	p.fill("#email", "moss@example.com")
	p.fill("#work", "A morning, filmed in 2024")
	p.fill("#statement", "It shows the whole of it.")
	p.touch("#faith")
	p.tap(`main form[action="/claims/new"] button.primary`)
	return p.path()
}

// batch brings two videos in as one, and gives the page that says what became of each.
func (l *looking) batch(p *person) string {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), "films.zip")
	out, err := os.Create(path)
	must(l.t, err)
	archive := zip.NewWriter(out)
	film, err := os.Open(clip(l.t))
	must(l.t, err)
	into, err := archive.Create("a moss.mp4")
	must(l.t, err)
	_, err = io.Copy(into, film)
	must(l.t, err)
	into, err = archive.Create("not a film.mp4")
	must(l.t, err)
	_, err = io.WriteString(into, "moss")
	must(l.t, err)
	must(l.t, archive.Close())
	must(l.t, out.Close())
	must(l.t, film.Close())
	p.open("/channels/batch")
	p.choose(`main input[type="file"]`, path)
	p.until(`location.pathname.startsWith("/channels/batch/")`) // the script leads there
	p.awaits(`main table a[href$="/edit"]`)
	return p.path()
}
