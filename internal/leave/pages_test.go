package leave_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/circle"
	"exeunt/internal/leave"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// TestClose closes an account as a person does: the calendar, the proof, the slip; what is missing or
// wrong changes nothing.
func TestClose(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		page := h.get(lina, 200, "/exit/close")
		h.has(page, "2026年3月9日结束前可以撤销", "冷静期结束", "清除评论、赞和收藏", "名字替你留到", "我看过这份日历，同意照此办理。", "注销账号", "先不关", "登录方式与账号记录")
		form := h.formOf(page, "/exit/close")
		h.has(h.post(lina, 422, "/exit/close", form).Body.String(), "请在这里打勾")
		form.Set("consent", "1")
		h.has(h.post(lina, 200, "/exit/close", form).Body.String(), "确认是你本人", `type="password"`)
		form.Set("proof", "a wrong one")
		h.has(h.post(lina, 422, "/exit/close", form).Body.String(), "密码或恢复码不对")
		h.state(lina, who.Active)
		form.Set("proof", password)
		w := h.post(lina, 200, "/exit/close", form)
		slip := h.slipOf(w.Body.String())
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("the slip's page may be kept: %q", got)
		}
		h.state(lina, who.Closing)
		h.has(h.get(lina, 200, "/exit"), "冷静期到2026年3月9日为止", `action="/exit/cancel"`, "带走一份")
		h.hasNot(h.get(lina, 200, "/exit"), slip, `href="/exit/hibernate"`)
		h.get(lina, 403, "/exit/close")
		h.post(lina, 303, "/exit/cancel", h.formOf(h.get(lina, 200, "/exit"), "/exit/cancel"))
		h.state(lina, who.Active)
		h.has(h.get(person{}, 200, slip), "已由本人撤销")
	})
}

// TestCloseByCode proves with a recovery code, once.
func TestCloseByCode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		form := h.formOf(h.get(lina, 200, "/exit/close"), "/exit/close")
		form.Set("consent", "1")
		form.Set("proof", lina.Codes[0])
		h.slipOf(h.post(lina, 200, "/exit/close", form).Body.String())
		h.post(lina, 303, "/exit/cancel", h.formOf(h.get(lina, 200, "/exit"), "/exit/cancel"))
		form = h.formOf(h.get(lina, 200, "/exit/close"), "/exit/close")
		form.Set("consent", "1")
		form.Set("proof", lina.Codes[0])
		h.has(h.post(lina, 422, "/exit/close", form).Body.String(), "密码或恢复码不对")
	})
}

// TestReturn comes back to what is left, with one tap, and is told what is gone.
func TestReturn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		h.close(lina, "")
		stale := h.formOf(h.get(lina, 200, "/exit"), "/exit/cancel")
		now, err := h.DB.Now(t.Context())
		h.must(err)
		h.must(h.DB.Move(t.Context(), now.Add(8*day)))
		h.has(h.get(lina, 200, "/exit"), "<progress", "正在开始", "可以离开这一页")
		h.settle()
		h.state(lina, who.Closed)
		h.post(lina, 409, "/exit/cancel", stale)
		page := h.get(lina, 200, "/exit")
		h.has(page, "正按日历分批清除", "评论、赞、收藏、观看记录和没传完的文件已在", "复核无残留")
		h.hasNot(page, `action="/exit/cancel"`)
		form := h.formOf(page, "/exit/return")
		form.Set("hash", strings.Repeat("0", 64))
		h.has(h.post(lina, 409, "/exit/return", form).Body.String(), "情况有了变化")
		h.post(lina, 303, "/exit/return", h.formOf(page, "/exit/return"))
		h.state(lina, who.Active)
		h.has(h.get(lina, 200, "/exit"), "已回来")
	})
}

// TestHasten ends the waiting early, after another proof, and there is no way back then.
func TestHasten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina, mei := h.signUp("lina"), h.signUp("mei")
		slip := h.close(lina, "")
		run := h.openRun(lina, exit.Close)
		h.get(mei, 404, "/exit/hasten?run="+run.ID)
		page := h.get(lina, 200, "/exit/hasten?run="+run.ID)
		h.has(page, "剩下的现在就清除", "再等等", "即刻")
		form := h.formOf(page, "/exit/hasten")
		h.post(mei, 404, "/exit/hasten", form)
		form.Set("consent", "1")
		h.has(h.post(lina, 200, "/exit/hasten", form).Body.String(), "确认是你本人")
		form.Set("proof", password)
		other := url.Values{"run": form["run"], "seen": form["seen"], "hash": {"0"}, "consent": {"1"}, "proof": {password}}
		h.has(h.post(lina, 409, "/exit/hasten", other).Body.String(), "情况有了变化")
		h.post(lina, 303, "/exit/hasten", form)
		h.settle()
		h.has(h.get(person{}, 200, slip), "全部办完", "下载证明")
	})
}

// TestCloseNow keeps nothing for a return when that is chosen.
func TestCloseNow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		page := h.get(lina, 200, "/exit/close?keep=now&choice.talk.comments=detach")
		h.has(page, "评论以「已离开」的名义留下", "即刻", "没有冷静期")
		h.hasNot(page, "结束前可以撤销", "回来时自动恢复")
		form := h.formOf(page, "/exit/close")
		if form.Get("keep") != "now" || form.Get("choice.talk.comments") != "detach" {
			t.Errorf("the choices do not travel: %v", form)
		}
		h.get(lina, 422, "/exit/close?choice.talk.likes=detach")
		h.get(lina, 422, "/exit/close?choice.no.such=erase")
		h.get(lina, 422, "/exit/close?in=nowhere")
	})
}

// TestChanged shows what is no longer as it was when a plan has changed since it was read.
func TestChanged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		form := h.formOf(h.get(lina, 200, "/exit/close"), "/exit/close")
		form.Set("consent", "1")
		form.Set("proof", password)
		h.travel(day)
		page := h.post(lina, 409, "/exit/close", form).Body.String()
		h.has(page, "情况有了变化", "有变化的地方", "2026年3月9日 清除评论、赞和收藏", "2026年3月10日")
		h.state(lina, who.Active)
		again := h.formOf(page, "/exit/close")
		if again.Get("hash") == form.Get("hash") {
			t.Error("the new calendar has the old hash")
		}
		form.Set("hash", again.Get("hash"))
		form.Set("seen", strings.Repeat("x", 40<<10))
		h.slipOf(h.post(lina, 200, "/exit/close", form).Body.String())
	})
}

// TestCloseService closes one service, keeps the rest, and seals with a certificate of one's own.
func TestCloseService(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina, mei := h.signUp("lina"), h.signUp("mei")
		id, err := h.circles.Create(t.Context(), h.viewer(lina), circle.Draft{Name: "山野步道", Intro: "走走", Mode: circle.Open})
		h.must(err)
		_, err = h.posts.Write(t.Context(), h.viewer(lina), post.Draft{Service: "circle", Place: id, Text: "圈里的一条"})
		h.must(err)
		page := h.get(lina, 200, "/exit/close?in=circle")
		h.has(page, "你是圈子「山野步道」的圈主。", "没有接手人", "约 1 条帖子", "账号和登录照旧", `name="heir"`)
		h.has(h.get(lina, 200, "/exit/close?in=circle&heir=nobody_here"), "没有叫这个名字的人")
		h.has(h.get(lina, 200, "/exit/close?in=circle&heir=mei"), "交给接手人", "接手人收到提议")
		slip := h.close(lina, "circle")
		run := h.openRun(lina, exit.Close)
		h.state(lina, who.Active)
		h.has(h.get(lina, 200, "/exit"), `href="/exit/close"`, `action="/exit/cancel"`)
		h.get(lina, 409, "/exit/close?in=circle")
		h.get(lina, 404, "/exit/runs/"+run.ID+"/certificate")
		h.travel(40 * day)
		h.has(h.get(lina, 200, "/exit/runs/"+run.ID), "已办完", "下载证明", "复核无残留")
		h.has(h.get(lina, 200, "/exit/runs/"+run.ID+"/certificate"), "exeunt certificate")
		h.has(h.get(lina, 200, "/exit/runs/"+run.ID+"/calendar.ics"), "BEGIN:VEVENT")
		for _, p := range []string{"", "/certificate", "/calendar.ics"} {
			h.get(mei, 404, "/exit/runs/"+run.ID+p)
			h.get(person{}, 401, "/exit/runs/"+run.ID+p)
		}
		h.hasNot(h.get(person{}, 200, slip), "山野步道", "lina")
	})
}

// TestSlip opens a calendar, then a certificate, names nobody, acts on nothing, and ends.
func TestSlip(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina_the_leaver")
		slip := h.close(lina, "")
		for _, at := range []string{slip, slip + "/slip.txt", slip + "/calendar.ics"} {
			r := h.send(person{}, 200, httptest.NewRequest(http.MethodGet, at, nil))
			if r.Header().Get("Referrer-Policy") != "no-referrer" || r.Header().Get("X-Robots-Tag") != "noindex" {
				t.Errorf("%s may be referred to or indexed", at)
			}
			h.hasNot(r.Body.String(), "lina_the_leaver", lina.Account.String(), lina.Person.String(), `action="/exit/`)
		}
		h.get(person{}, 404, slip+"/certificate.txt")
		h.get(person{}, 404, "/slip/AAAAAAAAAAAAAAAAAAAAAA")
		run := h.openRun(lina, exit.Close)
		h.post(person{}, 401, "/exit/cancel", url.Values{"run": {run.ID}})
		h.travel(60 * day)
		page := h.get(person{}, 200, slip)
		h.has(page, "全部办完", slip+"/certificate.txt", "凭条有效到", `action="/sign-up"`)
		h.hasNot(h.get(person{}, 200, slip+"/certificate.txt"), "lina_the_leaver", lina.Account.String())
		h.lang = ui.English
		h.has(h.get(person{}, 200, slip), "Certificate of erasure", "We erase comments, likes and favourites")
		h.travel(400 * day)
		h.get(person{}, 404, slip)
		h.get(person{}, 404, slip+"/slip.txt")
	})
}

// TestOthersRuns finds nothing of anybody else's, and changes nothing of it.
func TestOthersRuns(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina, mei := h.signUp("lina"), h.signUp("mei")
		h.close(lina, "")
		form := h.formOf(h.get(lina, 200, "/exit"), "/exit/cancel")
		for _, j := range []string{"cancel", "return", "wake"} {
			h.post(mei, 404, "/exit/"+j, form)
			h.post(mei, 404, "/exit/"+j, url.Values{"run": {"no such run"}})
		}
		h.state(lina, who.Closing)
		h.hasNot(h.get(mei, 200, "/exit"), form.Get("run"))
	})
}

// TestHibernate sleeps without a proof, refuses a day that is over, and wakes with one tap.
func TestHibernate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		h.has(h.get(lina, 200, "/exit/hibernate?until=2026-01-01"), "请填今天以后的日期", "disabled")
		h.has(h.get(lina, 200, "/exit/hibernate?until=soon"), "请填一个日期")
		form := h.formOf(h.get(lina, 200, "/exit/hibernate?until=2026-04-01"), "/exit/hibernate")
		bad := url.Values{"until": {"soon"}, "hash": form["hash"]}
		h.post(lina, 422, "/exit/hibernate", bad)
		h.post(lina, 303, "/exit/hibernate", form)
		h.state(lina, who.Hibernating)
		page := h.get(lina, 200, "/exit")
		h.has(page, "2026年4月1日自动唤醒", `action="/exit/wake"`)
		h.get(lina, 409, "/exit/hibernate")
		h.post(lina, 303, "/exit/wake", h.formOf(page, "/exit/wake"))
		h.state(lina, who.Active)
		h.post(lina, 303, "/exit/hibernate", h.formOf(h.get(lina, 200, "/exit/hibernate?in=circle"), "/exit/hibernate"))
		h.state(lina, who.Active)
		h.has(h.get(lina, 200, "/exit"), "圈子休眠中", `href="/exit/hibernate"`)
		h.post(lina, 303, "/exit/hibernate", h.formOf(h.get(lina, 200, "/exit/hibernate?until=2026-04-01"), "/exit/hibernate"))
		h.travel(31 * day)
		h.state(lina, who.Active)
	})
}

// TestOrganisation needs two administrators, or one and a day.
func TestOrganisation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		house, err := h.Accounts.AddPersona(t.Context(), h.viewer(lina), "readers_club", account.Organisation)
		h.must(err)
		org := lina
		org.Account, org.name = house, "readers_club"
		ask := func(p person, status int) string {
			form := h.formOf(h.get(p, 200, "/exit/close"), "/exit/close")
			form.Set("consent", "1")
			form.Set("proof", password)
			return h.post(p, status, "/exit/close", form).Body.String()
		}
		h.has(ask(org, 200), "要等满一天", "现在什么也没有改动")
		h.state(org, who.Active)
		h.travel(day)
		h.slipOf(ask(org, 200))
		h.post(org, 303, "/exit/cancel", h.formOf(h.get(org, 200, "/exit"), "/exit/cancel"))

		mei := h.signUp("mei")
		token, err := h.Accounts.Invite(t.Context(), h.viewer(org))
		h.must(err)
		_, err = h.Accounts.Accept(t.Context(), h.viewer(mei), token)
		h.must(err)
		second := mei
		second.Account, second.name = house, org.name
		h.has(ask(org, 200), "还要另一位管理员")
		h.state(org, who.Active)
		h.slipOf(ask(second, 200))
		h.state(org, who.Closing)
	})
}

// TestEntrances hides, shows and orders, and Discover's own button comes back to where it was.
func TestEntrances(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		shown := func(name string, want bool) {
			t.Helper()
			list, err := h.Desk.Entrances(t.Context(), lina.Account)
			h.must(err)
			for _, e := range list {
				if e.Service.Name == name && e.Shown != want {
					t.Errorf("%s shown: %v, want %v", name, e.Shown, want)
				}
			}
		}
		page := h.get(lina, 200, "/settings/entrances")
		form := h.formOf(page, "/entrances/circle/hide")
		h.post(lina, 303, "/entrances/circle/hide", url.Values{"hash": {"0"}})
		shown("circle", true)
		h.post(lina, 303, "/entrances/circle/hide", form)
		shown("circle", false)
		h.post(lina, 303, "/entrances/circle/show", h.formOf(h.get(lina, 200, "/settings/entrances"), "/entrances/circle/show"))
		shown("circle", true)
		h.post(lina, 404, "/entrances/nowhere/hide", form)
		h.post(lina, 303, "/settings/entrances/order", url.Values{"service": {"circle"}, "move": {"up"}})
		list, err := h.Desk.Entrances(t.Context(), lina.Account)
		h.must(err)
		if list[0].Service.Name != "circle" {
			t.Errorf("the first entrance is %s", list[0].Service.Name)
		}
		h.post(lina, 303, "/settings/entrances/order", url.Values{"service": {"nowhere"}, "move": {"up"}})

		var b bytes.Buffer
		ctx := h.context(lina)
		h.must(h.HideForm(ctx, "page").Render(ctx, &b))
		w := h.post(lina, 303, "/entrances/page/hide", h.formOf(b.String(), "/entrances/page/hide"))
		if to := w.Header().Get("Location"); to != "/discover" {
			t.Errorf("led to %s", to)
		}
		shown("page", false)
	})
}

var download = regexp.MustCompile(`href="(/exit/archives/[0-9]+/[^"]+)"`)

// takeAlong makes an archive through the pages and gives its address.
func (h *house) takeAlong(p person) string {
	h.t.Helper()
	w := h.post(p, 303, "/exit/take-along", h.formOf(h.get(p, 200, "/exit/take-along"), "/exit/take-along"))
	if to := w.Header().Get("Location"); to != "/exit/archives" {
		h.t.Errorf("led to %s", to)
	}
	h.has(h.get(p, 200, "/exit/archives"), "<progress", "排队等候打包")
	h.settle()
	m := download.FindStringSubmatch(h.get(p, 200, "/exit/archives"))
	if m == nil {
		h.t.Fatal("no download")
	}
	return m[1]
}

// TestArchives takes a copy along: it downloads whole and in parts, to its owner alone, also while
// the account is closing, and comes back in.
func TestArchives(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina, mei := h.signUp("lina"), h.signUp("mei")
		_, err := h.posts.Write(t.Context(), h.viewer(lina), post.Draft{Service: post.Page, Text: "要带走的一条"})
		h.must(err)
		h.travel(day * 2 / 3) // the next day here, and not yet in UTC
		at := h.takeAlong(lina)
		if !strings.HasSuffix(at, "/exeunt-20260303-1.zip") {
			t.Errorf("the archive of 3 March is %s", at)
		}
		whole := h.get(lina, 200, at)
		file := filepath.Join(t.TempDir(), "a.zip")
		h.must(os.WriteFile(file, []byte(whole), 0o600))
		if _, err := archive.Verify(t.Context(), file); err != nil {
			t.Errorf("the download does not verify: %v", err)
		}
		r := httptest.NewRequest(http.MethodGet, at, nil)
		r.Header.Set("Range", "bytes=10-19")
		if got := h.send(lina, 206, r).Body.String(); got != whole[10:20] {
			t.Errorf("range: %q, want %q", got, whole[10:20])
		}
		h.get(mei, 404, at)
		h.get(person{}, 401, at)
		h.get(lina, 404, at+"x")
		h.get(lina, 404, "/exit/archives/0/a.zip")
		h.upload(lina, whole)
		h.close(lina, "")
		h.has(h.get(lina, 200, "/exit"), at)
		h.travel(9 * day)
		h.get(lina, 404, at)
	})
}

// body is a posted form with a file.
func body(t *testing.T, name, content string) (*bytes.Buffer, string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if name != "" {
		part, err := m.CreateFormFile(name, "a.zip")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, m.FormDataContentType()
}

func (h *house) sendFile(p person, status int, name, content string) *httptest.ResponseRecorder {
	h.t.Helper()
	b, kind := body(h.t, name, content)
	r := httptest.NewRequest(http.MethodPost, "/exit/import", b)
	r.Header.Set("Content-Type", kind)
	return h.send(p, status, r)
}

// upload brings an own archive back in: all of it is there already.
func (h *house) upload(p person, content string) {
	h.t.Helper()
	to := h.sendFile(p, 303, "archive", content).Header().Get("Location")
	h.has(h.get(p, 200, to), "<progress", "先通读一遍")
	h.settle()
	h.has(h.get(p, 200, to), "放好了", "导入结果", "<td class=\"number\">1</td>")
	h.get(h.signUp("curious"), 404, to)
}

// TestImportRefused says in one sentence why an archive is not taken.
func TestImportRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lina := h.signUp("lina")
		h.has(h.get(lina, 200, "/exit/import"), "导入存档")
		h.has(h.sendFile(lina, 422, "", "").Body.String(), "请先选一个存档文件")
		h.has(h.sendFile(lina, 422, "archive", "").Body.String(), "文件是空的")
		to := h.sendFile(lina, 303, "archive", "this is no archive").Header().Get("Location")
		h.settle()
		h.has(h.get(lina, 200, to), "没有导入，什么也没有写入。这不是本站或 Mastodon 的存档", `<a href="/exit/import">另选一个文件</a>`)
		r := httptest.NewRequest(http.MethodPost, "/exit/import", strings.NewReader("no form at all"))
		h.send(lina, 422, r)
		h.get(lina, 404, "/exit/import/77")
		h.close(lina, "")
		h.sendFile(lina, 403, "archive", "x")
	})
}

// faulty is a holder whose first try fails.
type faulty struct{ broken bool }

func (f *faulty) Name() string { return "faulty" }

func (f *faulty) Classes() []exit.Class { return []exit.Class{{Name: "things"}} }

func (f *faulty) Erase(context.Context, exit.Task) (exit.Progress, error) {
	if f.broken {
		return exit.Progress{}, exit.Fail(exit.Internal, "error.step_failed")
	}
	return exit.Progress{Done: true}, nil
}

func (f *faulty) Verify(context.Context, exit.Task) (exit.Residue, error) { return exit.Residue{}, nil }

// TestOperator lists runs and stuck steps to the operator alone, by ids, and has one tried again.
func TestOperator(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		bad := &faulty{broken: true}
		h.Engine.Holders = append(h.Engine.Holders, bad)
		lina, op := h.signUp("lina"), h.signUp("op")
		op.operator = true
		slip := h.close(lina, "")
		run := h.openRun(lina, exit.Close)
		h.get(lina, 404, "/operator/runs")
		page := h.get(op, 200, "/operator/runs")
		h.has(page, run.ID, "没有卡住的步骤", "注销账号")
		h.hasNot(page, "lina")
		h.travel(30 * day)
		page = h.get(op, 200, "/operator/runs")
		h.has(page, "erase:faulty.things", "这一步没有办成", "试过 1 次")
		h.has(h.get(person{}, 200, slip), "还没办成")
		form := h.formOf(page, "/operator/runs/"+run.ID+"/retry")
		h.post(lina, 404, "/operator/runs/"+run.ID+"/retry", form)
		h.post(op, 404, "/operator/runs/"+run.ID+"/retry", url.Values{"step": {"no such step"}})
		bad.broken = false
		h.post(op, 303, "/operator/runs/"+run.ID+"/retry", form)
		h.settle()
		h.post(op, 409, "/operator/runs/"+run.ID+"/retry", form)
		h.has(h.get(person{}, 200, slip), "全部办完")
	})
}

// TestOperatorPages gives every open run once, page by page.
func TestOperatorPages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		op := h.signUp("op")
		op.operator = true
		want := map[string]bool{}
		for i := range 53 {
			p := h.signUp(fmt.Sprintf("sleeper_%d", i))
			ask := exit.Ask{Subject: leave.SubjectOf(p.Account, ""), Journey: exit.Hibernate}
			plan, err := h.Engine.Preview(t.Context(), ask)
			h.must(err)
			run, _, err := h.Agree(t.Context(), ask, plan.Hash(), "person")
			h.must(err)
			want[run.ID] = true
		}
		found := map[string]int{}
		for path, pages := "/operator/runs", 0; path != ""; pages++ {
			page := h.get(op, 200, path)
			for _, m := range regexp.MustCompile(`<code>([a-z0-9]{26})</code>`).FindAllStringSubmatch(page, -1) {
				found[m[1]]++
			}
			path = ""
			if m := regexp.MustCompile(`href="(/operator/runs\?[^"]+)"`).FindStringSubmatch(page); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
			if pages > 1 {
				t.Fatal("more than two pages")
			}
		}
		for id := range want {
			if found[id] != 1 {
				t.Errorf("run %s was listed %d times", id, found[id])
			}
		}
	})
}

// TestRoutes wants every page but the slip and the public key to need signing in.
func TestRoutes(t *testing.T) {
	for _, r := range (&leave.Room{}).Routes() {
		if open := r.Access == service.Anyone; open != (strings.HasPrefix(r.Pattern, "GET /slip/") || r.Pattern == "GET "+ui.KeyPath) {
			t.Errorf("%s has access %v", r.Pattern, r.Access)
		}
		if r.Upload != (r.Pattern == "POST /exit/import") {
			t.Errorf("%s takes uploads: %v", r.Pattern, r.Upload)
		}
	}
}
