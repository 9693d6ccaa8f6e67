package ui_test

import (
	"time"

	"github.com/a-h/templ"

	"exeunt/internal/ui"
)

type templComponent = templ.Component

// sample is everything the gallery shows, in one language.
type sample struct {
	me, home, post, exit, forms, pieces string
	tabs                                [2]string
	posts                               []ui.PostView
	comments                            []ui.CommentView
	circles                             []ui.CircleView
	people                              []ui.PersonView
	calendar                            ui.CalendarView
	doors                               []ui.DoorView
	notices                             []ui.Notice
	progress                            []ui.ProgressView
	words                               map[string]string
}

func sampleOf(lang ui.Lang) sample {
	if lang == ui.English {
		return englishSample()
	}
	return chineseSample()
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 10, 0, 0, 0, shanghai) }

const picture = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='1200' height='800'%3E" +
	"%3Crect width='1200' height='800' fill='%23b9cfc4'/%3E%3Cpath d='M0 620 340 300l220 240 180-160 460 420H0z' fill='%235f8d79'/%3E%3Ccircle cx='930' cy='200' r='70' fill='%23f3ead2'/%3E%3C/svg%3E"

func pictures(n int, alt string) []ui.ImageView {
	out := make([]ui.ImageView, n)
	for i := range out {
		out[i] = ui.ImageView{Src: picture, Href: "/i", Alt: alt, Width: 1200, Height: 800}
	}
	return out
}

func like(id string, n int, liked bool) ui.LikeView {
	return ui.LikeView{ID: id, Action: "/like", Back: "/", Count: n, Liked: liked}
}

func chineseSample() sample {
	lin := ui.PersonView{Name: "林间", Handle: "linjian", Href: "/@linjian", Bio: "记录步道、鸟和雨。"}
	he := ui.PersonView{Name: "何处", Handle: "hechu", Href: "/@hechu", Bio: "修旧书的人。周末在城西的旧书摊，平日回信慢一些，请多包涵；要寄书来修，先写一封信说说它的情形。"}
	gone := ui.PersonView{Left: true}
	return sample{
		me: "林间", home: "圈子", post: "正文", exit: "去留", forms: "设置", pieces: "组件", tabs: [2]string{"圈子", "视频"},
		posts: []ui.PostView{
			{
				ID: "1", Href: "/p/1", Author: lin, At: today.Add(-3 * time.Hour), Place: &ui.Link{Text: "山野步道", Href: "/c/1"}, Audience: ui.AudienceCircle,
				Text:     "今天走完了龙井到九溪的老路，全程约 11 公里。沿路的指示牌换新了，雨后石阶有点滑，@{7} 你上次问的茶亭还开着。\n路线图在这里：https://example.org/trails/longjing-jiuxi（可下载）。",
				Mentions: map[string]ui.Mention{"7": {Name: "何处", Href: "/@hechu"}}, Images: pictures(3, "雨后的山路和远处的山"), Like: like("1", 28, true), Comments: 6,
				Saved: &ui.SaveView{Action: "/save", Back: "/"}, Menu: []ui.Action{{Label: "改一改", Href: "/e", Icon: "pen-line"}, {Label: "删除", Href: "/d", Icon: "trash-2", Post: true}},
			},
			{ID: "2", Href: "/p/2", Author: he, At: day(2026, 11, 12), Edited: true, Audience: ui.AudiencePublic, Text: "修好了一本 1936 年的《瓦尔登湖》。", Images: pictures(1, "修好的旧书"), Like: like("2", 0, false)},
			{ID: "3", Href: "/p/3", Author: gone, Gone: true, Comments: 2, Like: ui.LikeView{ID: "3"}},
		},
		comments: []ui.CommentView{
			{ID: "1", Author: he, At: today.Add(-2 * time.Hour), Text: "谢谢告知，周末就去。", Like: like("c1", 2, false), Reply: "/r", Answers: []ui.CommentView{
				{ID: "2", Author: lin, At: today.Add(-time.Hour), Text: "带伞。", Like: like("c2", 0, false), Reply: "/r"},
			}},
			{ID: "3", Gone: true, Answers: []ui.CommentView{{ID: "4", Author: gone, At: today.Add(-26 * time.Hour), Text: "同问。", Like: ui.LikeView{ID: "c4"}}}},
		},
		circles: []ui.CircleView{
			{Name: "山野步道", Href: "/c/1", About: "走路的人交换路线、天气和茶亭。", Members: 1286, Joining: "自由加入"},
			{Name: "旧书修补", Href: "/c/2", About: "纸、浆糊与耐心。", Members: 47, Joining: "需要同意", Badge: "圈主"},
		},
		people: []ui.PersonView{lin, he, gone},
		calendar: ui.CalendarView{Title: "关闭视频号的日历", ID: "sha256:1", Today: today, Zone: shanghai, PolicyZone: shanghai, Rows: []ui.CalendarRow{
			{Date: day(2026, 11, 20), AtOnce: true, State: ui.CalendarPast, Sentence: "别人看不到你的视频号，名字替你留着", Undo: "2026年12月18日以前可随时回来", Back: ui.BackByItself},
			{Date: day(2026, 11, 27), State: ui.CalendarPast, Sentence: "清除评论、赞和收藏", What: []string{"评论", "赞", "收藏", "观看记录"}, Receipt: &ui.CalendarReceipt{Items: 3418, Bytes: 1240000, VerifiedAt: day(2026, 11, 27)}, Back: ui.BackFromArchive},
			{Date: day(2026, 12, 18), State: ui.CalendarFuture, Sentence: "清除视频和封面", What: []string{"视频原片", "封面", "草稿"}, Undo: "2026年12月18日以前可以回来，原样还给你", Back: ui.BackFromArchive},
			{Date: day(2026, 12, 18), State: ui.CalendarStuck, Sentence: "清除转码文件", What: []string{"转码文件"}},
			{Waits: "订单结清之后", State: ui.CalendarFuture, Sentence: "撤下橱窗商品", What: []string{"商品授权"}},
			{Date: day(2027, 11, 20), State: ui.CalendarFuture, Sentence: "名字不再替你保留", Back: ui.BackNever},
			{Date: day(2029, 12, 28), State: ui.CalendarFuture, Sentence: "清除订单记录", What: []string{"订单（已去除姓名）"}, Hold: &ui.Law{Name: "电子商务法第三十一条", Until: day(2029, 12, 28)}, Back: ui.BackNever},
		}, Stays: []string{"账号、个人主页和圈子照旧", "别人写的评论属于写下它们的人"}},
		doors: []ui.DoorView{
			{Icon: "eye-off", Name: "隐藏入口", Happens: "从底栏、发现和提醒里拿掉。", Stays: "什么也不删。", Undo: "随时在这里放回来。", Action: "/hide", Button: "隐藏"},
			{Icon: "moon", Name: "休眠", Happens: "别人看不到你。", Stays: "名字、内容、粉丝都替你留着。", Undo: "随时唤醒，也可以定个日子。", Href: "/h", Button: "休眠"},
			{Icon: "package", Name: "带走一份", Happens: "你发的、你收到的、你和谁往来，打成一包，断网也能看。", Stays: "账号照旧。", Href: "/t", Button: "带走"},
			{Icon: "door-open", Name: "关闭视频号", Happens: "先隐去，再按日历分批清除。", Stays: "账号和圈子照旧。", Undo: "12月8日前可撤销，12月29日前可回来。", Href: "/c", Button: "看日历"},
			{Icon: "undo-2", Name: "回来", Happens: "还在的，都还给你。", Stays: "已经清除的会一一说明。", Href: "/r", Button: "回来", Status: "正在关闭"},
		},
		notices:  []ui.Notice{{Sentence: "圈子「山野步道」的圈主换人了。", Action: &ui.Link{Text: "看看", Href: "/"}}, {Kind: ui.Done, Sentence: "已保存。"}, {Kind: ui.Warn, Sentence: "还有 2 件订单没有结清，结清后继续办理。"}, {Kind: ui.Danger, Sentence: "12月18日之后，视频原片无法找回。"}},
		progress: []ui.ProgressView{{ID: "x", Title: "正在打包你的存档", Doing: "正在装入图片", Meanwhile: "可以离开这一页，办好会通知你。", Done: 812, Total: 1586, Unit: "项", Live: "/progress"}, {ID: "y", Title: "存档", Doing: "已经打好，也核对过了", Finished: true}},
		words:    map[string]string{"name": "名字", "namehint": "2 到 30 个字，之后可以改。", "nameerr": "这个名字已有人用，请换一个。", "bio": "简介", "who": "谁能加入", "open": "自由加入", "openhint": "想来的人直接成为成员。", "approval": "需要同意", "approvalhint": "你或管理员看过申请再放行。", "lang": "语言", "avatar": "头像", "avatarhint": "JPEG、PNG 或 WebP，不超过 10 MB。", "agree": "我看过这份日历，同意照此办理。", "save": "保存", "cancel": "取消", "close": "关闭频道", "keep": "先不关", "video": "视频", "videohint": "在底栏和发现里显示", "password": "密码", "empty": "这里还没有内容。", "find": "去发现", "sheet": "还会发生什么", "posts": "帖子", "members": "成员", "about": "关于", "link": "凭条链接", "qr": "凭条的二维码", "table": "办理记录", "date": "日期", "count": "数量", "what": "内容", "download": "下载", "join": "加入", "follow": "关注", "circles": "我的圈子", "comment": "写评论", "send": "发表", "followers": "关注者"},
	}
}
