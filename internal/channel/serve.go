package channel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/media"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// MayMedia says whether the viewer may have a file of a channel or of a video by its blob key, and whether everybody may. known is false
// for a key that is no file of this room.
func (r *Room) MayMedia(ctx context.Context, v who.Viewer, key string) (may, public, known bool, err error) {
	k, ok := blob.ParseKey(key)
	if !ok {
		return false, false, false, nil
	}
	if k.Folder == blob.Channels {
		return r.mayPicture(ctx, v, k.Account, key)
	}
	id, what, err := r.store.fileOf(ctx, key)
	if err != nil || id == 0 {
		return false, false, false, err
	}
	x, err := r.store.one(ctx, v.Account, id)
	if exit.KindOf(err) == exit.NotFound {
		return false, false, true, nil
	}
	if err != nil {
		return false, false, true, err
	}
	may, public = mayFile(v, x, what)
	return may, public, true, nil
}

// mayPicture answers for avatar and cover of a channel: who may see the channel.
func (r *Room) mayPicture(ctx context.Context, v who.Viewer, account who.ID, key string) (may, public, known bool, err error) {
	list, err := r.store.channels(ctx, v.Account, []who.ID{account})
	if err != nil || len(list) == 0 || list[0].Avatar != key && list[0].Cover != key {
		return false, false, false, err
	}
	return seesChannel(v, list[0]), seesChannel(who.Viewer{}, list[0]), true, nil
}

// SetCover stores a video's cover from an image file. It must not be called inside a transaction.
func (r *Room) SetCover(ctx context.Context, v who.Viewer, id who.ID, from io.Reader) error {
	x, err := r.Video(ctx, v, id)
	if err != nil {
		return err
	}
	if !changes(v, x) {
		return errNoVideo()
	}
	p, err := media.Image(ctx, from, coverLimits)
	if err != nil {
		return err
	}
	poster, thumb, err := r.putCover(ctx, v.Account, p)
	if err != nil {
		return err
	}
	return r.changing(ctx, v, id, nil, func(ctx context.Context, pass service.Pass, x Video) error {
		if err := r.screenPart(ctx, pass, x, "", post.Look(p.Thumb), true); err != nil {
			return err
		}
		if err := r.Blobs.Keep(ctx, poster.Key, thumb.Key); err != nil {
			return err
		}
		if err := r.Blobs.Doom(ctx, v.Account, x.Poster, x.Thumb); err != nil {
			return err
		}
		return r.store.setCover(ctx, pass, id, poster.Key, thumb.Key)
	})
}

// ChooseFrame makes one of the pictures out of a video its cover. It must not be called inside a transaction.
func (r *Room) ChooseFrame(ctx context.Context, v who.Viewer, id, frame who.ID) error {
	x, err := r.Video(ctx, v, id)
	if err != nil {
		return err
	}
	if !changes(v, x) {
		return errNoVideo()
	}
	list, err := r.store.frames(ctx, id)
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.ID != frame {
			continue
		}
		from, err := r.Blobs.NewReader(ctx, n.Key, 0, -1)
		if err != nil {
			return err
		}
		return errors.Join(r.SetCover(ctx, v, id, from), from.Close())
	}
	return exit.Fail(exit.NotFound, "channel.error.no_frame")
}

// playlistType is the media type of HLS playlists (RFC 8216 section 4).
const playlistType = "application/vnd.apple.mpegurl"

// MasterPath gives the address of a video's master playlist.
func MasterPath(id who.ID) string { return VideoPath(id) + "/master.m3u8" }

// RenditionPath gives the address of the playlist of one of a video's renditions.
func RenditionPath(id who.ID, height int) string {
	return VideoPath(id) + "/" + strconv.Itoa(height) + ".m3u8"
}

// getPlaylist answers with a master or a media playlist of a video, and asks the veil each time.
func (r *Room) getPlaylist(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	name, ok := strings.CutSuffix(req.PathValue("list"), ".m3u8")
	id, known := who.ParseID(req.PathValue("id"))
	if !ok || !known {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	x, err := r.Video(ctx, service.ViewerOf(ctx), id)
	if err != nil {
		return err
	}
	list, err := r.store.renditions(ctx, id)
	if err != nil {
		return err
	}
	text := master(list)
	if name != "master" {
		text = ""
		for _, n := range list {
			if strconv.Itoa(n.Height) == name {
				text = media.PlaylistAt(n.Playlist, service.MediaPath(n.Key))
			}
		}
	}
	if text == "" {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	sum := sha256.Sum256([]byte(text))
	h := w.Header()
	h.Set("Content-Type", playlistType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if open(x) {
		h.Set("Cache-Control", "public, max-age=1")
	}
	http.ServeContent(w, req, "", time.Time{}, strings.NewReader(text))
	return nil
}

// master writes a master playlist (RFC 8216 section 4.3.4), "" for no renditions. Players begin with the first: a middle one.
func master(list []Rendition) string {
	if len(list) == 0 {
		return ""
	}
	middle := (len(list) - 1) / 2
	order := append([]Rendition{list[middle]}, append(append([]Rendition{}, list[:middle]...), list[middle+1:]...)...)
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	for _, n := range order {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,RESOLUTION=%dx%d", n.Bandwidth, n.Width, n.Height)
		if n.Codecs != "" {
			fmt.Fprintf(&b, ",CODECS=%q", n.Codecs)
		}
		fmt.Fprintf(&b, "\n%d.m3u8\n", n.Height)
	}
	return b.String()
}
