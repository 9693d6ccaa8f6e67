package circle_test

import (
	"bytes"
	"context"
	"image/color"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/dbtest"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

func TestLifePages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, ann, guest := h.account("owner"), h.account("ann"), who.Viewer{}
		at := h.sends(owner, "/circles/new", url.Values{"name": {"周末徒步"}, "category": {"outdoors"}, "intro": {"慢慢走"}, "mode": {"approval"}, "question": {"走过哪条路？"}}, "*")
		id, _ := who.ParseID(strings.TrimPrefix(at, "/circles/"))
		h.sends(owner, at+"/settings", url.Values{
			"name": {"周末徒步"}, "category": {"outdoors"}, "rules": {"不带货\n不比 <b>速度"}, "mode": {"approval"}, "question": {"走过哪条路？"}, "preview": {"posts"}, "approves": {"1"},
		}, at+"/settings")
		h.wants(owner, ui.Chinese, at+"/settings", []string{`value="posts" checked`, "户外运动", "先审后发", "封面和头像", "交给接手人", "结束这个圈子"}, []string{"<b>"})
		h.wants(owner, ui.English, at+"/settings", []string{"Outdoors and sport", "What others see", "Not to be found"}, nil)
		h.wants(guest, ui.Chinese, at+"/rules", []string{"不带货<br>", "不比 &lt;b&gt;速度"}, []string{"修改圈规"})
		h.wants(owner, ui.English, at+"/rules", []string{"Edit the rules"}, nil)

		h.wants(ann, ui.Chinese, at, []string{"圈规", at + `/join"`, "最近 10 条"}, []string{at + `/notices"`, at + `/board"`})
		h.wants(ann, ui.English, at+"/join", []string{"走过哪条路？", "Owners and moderators read your answer"}, nil)
		status, body, _ := h.visit(ann, ui.Chinese, http.MethodPost, at+"/join", url.Values{"answer": {" "}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, "先回答圈主的问题") {
			t.Errorf("without an answer: %d", status)
		}
		h.sends(ann, at+"/join", url.Values{"answer": {"香山 <i>"}}, at)
		h.wants(owner, ui.Chinese, at+"/members", []string{"香山 &lt;i&gt;", "回答", "同意"}, nil)
		h.sends(owner, at+"/members/"+ann.Account.String()+"/accept", nil, at+"/members")
		h.wants(owner, ui.English, at+"/members?q=AN", []string{"Members found", "@ann", "joined on"}, []string{"香山", "@owner"})
		h.wants(ann, ui.Chinese, at+"/members?q=zz", []string{"没有找到这样的成员"}, nil)

		h.sends(owner, at+"/notices", url.Values{"text": {"周六东门集合 <b>"}}, at+"/notices")
		h.wants(ann, ui.Chinese, at, []string{"周六东门集合 &lt;b&gt;", `<span class="badge">新</span>`, "我在这里"}, []string{at + `/board"`, "/moderation/"})
		h.wants(ann, ui.English, at+"/notices", []string{"周六东门集合", "@", "owner"}, []string{"Take it down", "Put it up"})
		h.wants(ann, ui.Chinese, at, []string{"周六东门集合"}, []string{`<span class="badge">新</span>`})
		h.wants(owner, ui.Chinese, at+"/notices", []string{"写一条公告", "成员会收到提醒", "撤下"}, nil)
		status, body, _ = h.visit(owner, ui.English, http.MethodPost, at+"/notices", url.Values{"text": {""}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(body, "nothing in the notice") {
			t.Errorf("an empty notice: %d", status)
		}

		h.sends(owner, at+"/topics", url.Values{"name": {"路线"}}, at+"/topics")
		h.wants(owner, ui.English, at+"/topics", []string{"路线", "0 posts", "Close"}, nil)
		h.wants(ann, ui.Chinese, at+"/topics", []string{"路线", "0 条帖子"}, []string{"新话题", "关闭"})
		h.wants(ann, ui.Chinese, at, []string{"#路线"}, nil)

		h.sends(ann, at+"/mine", url.Values{"named": {"on"}}, at+"/mine")
		h.wants(ann, ui.English, at+"/mine", []string{"Me in here", "My name may stand in it", "/exit/take-along?in=circle:" + id.String() + `"`}, nil)
		if _, m, err := h.Circle(t.Context(), ann, id); err != nil || !m.Named {
			t.Errorf("the consent is stored as %+v, %v", m, err)
		}

		h.wants(owner, ui.Chinese, at+"/board", []string{"成员总数", `class="chart-line"`, "看数字", "/exit/take-along?in=circle:" + id.String() + "/whole"}, []string{"style="})
		h.wants(owner, ui.English, at+"/board", []string{"All members", "People who wrote", "Take the whole circle along"}, nil)
		for path, want := range map[string]exit.Kind{at + "/board": exit.Forbidden, at + "/settings": exit.Forbidden, at + "/invite": exit.Forbidden} {
			if status, _, _ := h.visit(ann, ui.Chinese, http.MethodGet, path, nil); status != -int(want) {
				t.Errorf("a member opens %s: %d", path, status)
			}
		}
		h.wants(guest, ui.English, "/circles?category=outdoors", []string{"周末徒步", "By category"}, nil)
		h.wants(guest, ui.Chinese, "/circles?category=food", []string{"还没有可以加入的圈子"}, []string{"周末徒步"})
	})
}

func TestOrdersOnPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		h.joined(ann, id)
		at := circle.Path(id)
		h.wants(ann, ui.Chinese, at+"?order=featured", []string{"还没有精华"}, nil)
		first, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "第一条"})
		h.must(err)
		second, err := h.posts.Write(ctx, ann, post.Draft{Service: circle.Name, Place: id, Text: "第二条"})
		h.must(err)
		h.must(h.posts.Pin(ctx, owner, first, true))
		h.must(h.posts.Feature(ctx, owner, second, true))
		_, body, _ := h.visit(ann, ui.Chinese, http.MethodGet, at, nil)
		if a, b := strings.Index(body, "第一条"), strings.Index(body, "第二条"); a < 0 || b < a || strings.Count(body, "第一条") != 1 {
			t.Errorf("what is pinned does not come first, once: %d, %d", a, b)
		}
		h.wants(ann, ui.English, at+"?order=featured", []string{"第二条"}, []string{"第一条"})
		h.must(h.posts.Feature(ctx, owner, first, true)) // it stays among the featured though it is pinned, too
		h.wants(ann, ui.English, at+"?order=featured", []string{"第二条", "第一条"}, nil)
		h.wants(ann, ui.English, at+"?order=hot", []string{"第二条", "第一条"}, nil)
	})
}

// uploads posts a form with a file.
func (h *house) uploads(v who.Viewer, path, field string, file []byte) (status int, body string) {
	h.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	f, err := form.CreateFormFile(field, "picture.png")
	h.must(err)
	_, err = f.Write(file)
	h.must(err)
	h.must(form.Close())
	mux := http.NewServeMux()
	var failed error
	for _, rt := range h.Routes() {
		mux.HandleFunc(rt.Pattern, func(w http.ResponseWriter, r *http.Request) { failed = rt.Handle(w, r) })
	}
	r := httptest.NewRequestWithContext(h.t.Context(), http.MethodPost, path, io.Reader(&b))
	r.Header.Set("Content-Type", form.FormDataContentType())
	ctx := service.WithSession(ui.WithReader(r.Context(), ui.Reader{Lang: ui.Chinese, Now: dbtest.Start}), &service.Session{Viewer: v, DisplayName: v.Name, Path: path})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(ctx))
	if failed != nil {
		return -int(exit.KindOf(failed)), failed.Error()
	}
	return w.Code, w.Body.String()
}

// TestPicturesHaveABound has a picture refused for which its owner has no room left, and the one before stay.
func TestPicturesHaveABound(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, co := h.account("owner"), h.account("co")
		id := h.circle(owner, "c", circle.Open)
		h.joined(co, id)
		h.must(h.Appoint(ctx, owner, id, co.Account, circle.CoOwner))
		red, blue := picture(t, color.RGBA{200, 0, 0, 255}), picture(t, color.RGBA{0, 0, 200, 255})
		full := false
		h.RoomFor = func(_ context.Context, account who.ID, more int64) error {
			if account != owner.Account || more <= 0 {
				t.Errorf("asked about %v for %d bytes", account, more)
			}
			if full {
				return exit.Fail(exit.Conflict, "account.error.quota", "Used", int64(9), "Quota", int64(9))
			}
			return nil
		}
		h.must(h.SetPicture(ctx, owner, id, circle.Cover, bytes.NewReader(red)))
		before := h.keys(owner)
		full = true
		for _, v := range []who.Viewer{owner, co} {
			for _, which := range []circle.Which{circle.Cover, circle.Avatar} {
				h.refused(h.SetPicture(ctx, v, id, which, bytes.NewReader(blue)), exit.Conflict, "quota")
			}
		}
		if status, body := h.uploads(owner, circle.Path(id)+"/pictures", "cover", blue); status != http.StatusUnprocessableEntity || !strings.Contains(body, "field-error") {
			t.Errorf("the form of a full account: %d %.200s", status, body)
		}
		c, _, err := h.Circle(ctx, owner, id)
		h.must(err)
		if got := h.keys(owner); len(before) != 1 || !slices.Equal(got, before) || c.Cover != before[0] || c.Avatar != "" {
			t.Errorf("files %v, before %v; cover %q, avatar %q", got, before, c.Cover, c.Avatar)
		}
		h.must(h.SetPicture(ctx, owner, id, circle.Cover, nil)) // taking away needs no room
	})
}

// TestPicturesCount counts a circle's pictures as what its owner has, as long as they are there and the owner is.
func TestPicturesCount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		owner, co := h.account("owner"), h.account("co")
		id := h.circle(owner, "c", circle.Open)
		h.joined(co, id)
		h.must(h.Appoint(ctx, owner, id, co.Account, circle.CoOwner))
		counts := func(v who.Viewer, files int) {
			t.Helper()
			var bytes int64
			keys := h.keys(v)
			for _, key := range keys {
				n, err := h.blobs.Size(ctx, key)
				h.must(err)
				bytes += n
			}
			got, err := h.Stored(ctx, []who.ID{owner.Account, co.Account})
			if err != nil || len(keys) != files || got[v.Account] != bytes {
				t.Errorf("%s has %d bytes, %v; want %d of %d files", v.Name, got[v.Account], err, bytes, files)
			}
		}
		counts(owner, 0)
		h.must(h.SetPicture(ctx, co, id, circle.Cover, bytes.NewReader(picture(t, color.RGBA{200, 0, 0, 255}))))
		h.must(h.SetPicture(ctx, owner, id, circle.Avatar, bytes.NewReader(picture(t, color.RGBA{0, 0, 200, 255}))))
		counts(owner, 2)
		counts(co, 0)
		h.must(h.SetPicture(ctx, owner, id, circle.Cover, nil))
		counts(owner, 1)
		h.must(h.OfferTo(ctx, owner, id, "co"))
		offers, err := h.Offers(ctx, co, 0, 5)
		h.must(err)
		_, err = h.Take(ctx, co, offers[0].ID)
		h.must(err)
		counts(co, 1)
		counts(owner, 0)
	})
}

func TestPictureForm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, ann := h.account("owner"), h.account("ann")
		id := h.circle(owner, "c", circle.Open)
		at := circle.Path(id)
		red := picture(t, color.RGBA{200, 0, 0, 255})
		if status, _ := h.uploads(ann, at+"/pictures", "cover", red); status != -int(exit.Forbidden) {
			t.Errorf("a stranger changes the cover: %d", status)
		}
		for name, bad := range map[string][]byte{"nothing": {}, "words": []byte("MZ not a picture"), "a drawing": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "half": red[:40]} {
			if status, body := h.uploads(owner, at+"/pictures", "cover", bad); status != http.StatusUnprocessableEntity || !strings.Contains(body, "field-error") {
				t.Errorf("%s as a cover: %d %.200s", name, status, body)
			}
		}
		if got := h.keys(owner); len(got) != 0 {
			t.Errorf("what was refused is stored: %v", got)
		}
		if status, _ := h.uploads(owner, at+"/pictures", "cover", red); status != http.StatusSeeOther {
			t.Errorf("a cover: %d", status)
		}
		c, _, err := h.Circle(t.Context(), owner, id)
		h.must(err)
		h.wants(ann, ui.Chinese, at, []string{service.MediaPath(c.Cover)}, nil)
	})
}
