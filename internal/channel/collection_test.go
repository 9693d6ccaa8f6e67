package channel_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/channel"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// inOrder wants the videos of a collection to stand on its page one after the other.
func (h *studio) inOrder(v who.Viewer, collection who.ID, videos ...who.ID) {
	h.t.Helper()
	body := h.shows(v, ui.Chinese, channel.CollectionPath(collection), nil, nil)
	var at []int
	for _, id := range videos {
		at = append(at, strings.Index(body, `href="`+channel.VideoPath(id)+`"`))
	}
	if !slices.IsSorted(at) || slices.Contains(at, -1) {
		h.t.Errorf("they stand at %v", at)
	}
}

// moves presses one of the two buttons beneath a video of a collection.
func (h *studio) moves(v who.Viewer, collection, video who.ID, to string) {
	h.t.Helper()
	h.sends(v, channel.CollectionPath(collection)+"/move", url.Values{"video": {video.String()}, "to": {to}}, channel.CollectionPath(collection))
}

// shelves makes two collections, each with the same three videos in their order.
func (h *studio) shelves(ann who.Viewer) (hills, rivers who.ID, films []who.ID) {
	h.t.Helper()
	for title, id := range map[string]*who.ID{"山": &hills, "河": &rivers} {
		made, err := h.SaveCollection(h.t.Context(), ann, 0, title, "")
		h.must(err)
		*id = made
	}
	for range 3 {
		id := h.film(ann)
		h.must(h.Publish(h.t.Context(), ann, id, channel.VideoWords{Title: "第" + id.String()}, time.Time{}))
		h.sends(ann, channel.VideoPath(id)+"/edit", url.Values{"title": {"第" + id.String()}, "audience": {"public"}, "collection": {hills.String(), rivers.String(), hills.String()}}, "")
		films = append(films, id)
	}
	return hills, rivers, films
}

// TestCollectionOrder has videos stand in several collections, and their owner arrange them, without scripts.
func TestCollectionOrder(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		ann, bob, guest := h.creator("ann"), h.creator("bob"), who.Viewer{}
		hills, rivers, films := h.shelves(ann)
		a, b, c := films[0], films[1], films[2]
		h.inOrder(guest, hills, a, b, c)
		h.inOrder(guest, rivers, a, b, c)
		if n := strings.Count(h.shows(ann, ui.English, channel.VideoPath(a)+"/edit", []string{"In collections"}, nil), `name="collection" value="`); n != 2 {
			t.Errorf("%d collections can be chosen", n)
		}

		move := func(video who.ID, to string) { h.moves(ann, hills, video, to) }
		move(c, "before")
		h.inOrder(guest, hills, a, c, b)
		h.inOrder(guest, rivers, a, b, c)
		h.must(h.Save(ctx, ann, c, channel.VideoWords{Title: "存", Audience: "public", Collections: []who.ID{hills, rivers}}))
		h.inOrder(guest, hills, a, c, b) // what stands there keeps its place
		move(a, "after")
		h.inOrder(guest, hills, c, a, b)
		move(c, "before") // the first stays
		move(b, "after")  // and the last
		h.inOrder(guest, hills, c, a, b)
		h.must(h.Delete(ctx, ann, a)) // what is not seen is stepped over
		move(b, "before")
		h.inOrder(guest, hills, b, c)

		h.must(h.Save(ctx, ann, c, channel.VideoWords{Title: "只在河里", Audience: "public", Collections: []who.ID{rivers}}))
		h.shows(guest, ui.Chinese, channel.CollectionPath(hills), []string{b.String()}, []string{c.String(), "往前"})
		h.inOrder(guest, rivers, b, c)
		h.must(h.Save(ctx, ann, b, channel.VideoWords{Title: "在哪儿都不在", Audience: "public"}))
		h.shows(guest, ui.Chinese, channel.CollectionPath(hills), nil, []string{b.String(), c.String()})
		h.must(h.Save(ctx, ann, b, channel.VideoWords{Title: "都在", Audience: "public", Collections: []who.ID{hills, rivers}}))
		h.inOrder(guest, rivers, c, b)
		h.refused(h.Save(ctx, ann, c, channel.VideoWords{Title: "x", Collections: []who.ID{rivers, 77}}), exit.NotFound, "channel.error.no_collection")
		h.inOrder(guest, rivers, c, b)
		for _, form := range []url.Values{{"video": {b.String()}}, {"video": {"nothing"}}} {
			if status, _, _ := h.visit(bob, ui.Chinese, http.MethodPost, channel.CollectionPath(hills)+"/move", form); status != -int(exit.NotFound) {
				t.Errorf("somebody else moves %v: %d", form, status)
			}
		}
	})
}
