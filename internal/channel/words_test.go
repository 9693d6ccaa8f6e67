package channel_test

import (
	"testing"

	"exeunt/exit"
	"exeunt/internal/channel"
)

// TestWordsAreScreened has names and descriptions of channels and collections looked at as what stands before others is.
func TestWordsAreScreened(t *testing.T) {
	eachStudio(t, true, func(t *testing.T, h *studio) {
		ctx := t.Context()
		mira := h.creator("mira")
		h.refuse = "buy now"
		const key = "moderate.error.filtered"
		for _, w := range []channel.Words{{Name: "buy now"}, {Name: "Mira", Bio: "so buy now"}} {
			h.refused(h.Change(ctx, mira, w), exit.Invalid, key)
			h.refused(h.Open(ctx, mira, w), exit.Invalid, key)
		}
		if c, err := h.Channel(ctx, mira, mira.Account); err != nil || c.Bio != "" || c.Name == "buy now" {
			t.Errorf("the channel is %+v, %v", c, err)
		}
		_, err := h.SaveCollection(ctx, mira, 0, "buy now", "")
		h.refused(err, exit.Invalid, key)
		id, err := h.SaveCollection(ctx, mira, 0, "walks", "")
		h.must(err)
		_, err = h.SaveCollection(ctx, mira, id, "walks", "buy now")
		h.refused(err, exit.Invalid, key)
		if c, _, err := h.Collection(ctx, mira, id); err != nil || c.Title != "walks" || c.Text != "" {
			t.Errorf("the collection is %+v, %v", c, err)
		}
		h.must(h.Change(ctx, mira, channel.Words{Name: "Mira", Bio: "of walks"}))
	})
}
