package trial

import (
	"context"
	"fmt"
	"math/rand/v2"

	"exeunt/exit"
	"exeunt/internal/circle"
	"exeunt/internal/post"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// community is what a circle of the trial says of itself.
type community struct {
	name, category, intro, rules, notice string
	question                             string // asked of who wants to join; "" where everybody may
}

// lentCircles are those of which each lent account owns one, neighbourCircles those to be found.
var lentCircles = map[ui.Lang][]community{
	ui.Chinese: {
		{"周末徒步", "outdoors", "城市周边一日来回的路线，走完记一笔。不比速度，不带货。", "一、路线写清楚起点、终点和里程。\n二、不带货，不拉群。\n三、雨天听领队的。", "本周六改在东门集合，七点出发，雨天顺延。", ""},
		{"旧物修理铺", "life", "收音机、雨伞、拉链头，修得好的都值得再用几年。", "一、先说坏在哪里，再问怎么修。\n二、拆之前拍张照。", "这个月一起修收音机，零件清单在第一条帖子里。", ""},
		{"一锅一面", "food", "一个人也好好吃饭。每天一锅，做法写在一条里。", "一、写清楚几个人吃、花了多久。\n二、不晒餐厅。", "周三交换腌菜，带上自己的罐子。", ""},
		{"小镇图书馆", "reading", "一个月一本，读完聊两句。没读完也能来。", "一、剧透先提醒。\n二、摘抄写上页码。", "下个月读《边城》，月底那个周日晚上聊。", ""},
		{"河边观鸟", "outdoors", "护城河一带的鸟，记时间、地点、天气，拍不清也算。", "一、不投喂，不惊飞。\n二、巢的位置不公开。", "夜鹭回来了，看见的在这条下面记一笔。", ""},
		{"手冲学徒", "food", "豆子、水温、研磨，失败了也写下来。", "一、写清楚豆子和粉水比。\n二、不卖豆子。", "周日盲测三支埃塞，先报名的先喝。", ""},
	},
	ui.English: {
		{"Weekend walks", "outdoors", "Day routes around the city, noted down once walked. No racing, no selling.", "1. Say where it starts, where it ends, and how far.\n2. No selling.\n3. In the rain the guide decides.", "This Saturday we meet at the east gate at seven; if it rains, on Sunday.", ""},
		{"The mending table", "life", "Radios, umbrellas, zips: what can be mended is good for some years more.", "1. Say what is broken before you ask how.\n2. Take a picture before you take it apart.", "This month it is radios. The list of parts is in the first post.", ""},
		{"One pot", "food", "Cooking for one is still cooking. A pot a day, the recipe in one post.", "1. For how many, and how long?\n2. No restaurants.", "On Wednesday we swap pickles. Bring a jar.", ""},
		{"A book a month", "reading", "One book a month, and a talk at its end. Come unfinished.", "1. Warn before you spoil.\n2. Give the page with a quote.", "Next month: My Antonia. We talk on the last Sunday.", ""},
		{"Birds of the canal", "outdoors", "What flies along the canal: when, where, what weather. Blurred pictures count.", "1. Do not feed, do not flush.\n2. Nests stay secret.", "The night herons are back. Note yours beneath this.", ""},
		{"Slow coffee", "food", "Beans, water, grind. Failures are written down, too.", "1. Beans and ratio, please.\n2. No selling of beans.", "Blind tasting on Sunday, three from Ethiopia.", ""},
	},
}

var neighbourCircles = []community{
	{"胡同里的猫", "local", "谁家的猫，今天在哪儿晒太阳。", "一、不公开门牌。\n二、领养先聊再约。", "三号院的橘猫找到了，谢谢大家。", ""},
	{"树莓派角落", "tech", "小板子、小程序、小灯泡，做成了拍一张。", "一、代码贴链接。\n二、先搜再问。", "周五晚上一起焊面包板。", ""},
	{"晨间自习室", "study", "六点半到八点，各学各的，互相报个到。", "一、只报到，不打卡攀比。", "下周起改为七点开始。", ""},
	{"独立电影放映", "arts", "看一部，聊一部，片单大家定。", "一、不发资源链接。", "这周末放《八月》，八点开场。", "最近看完还在想的，是哪一部？"},
	{"新手爸妈", "family", "夜里三点醒着的人，在这里说两句。", "一、不给诊断，该看医生看医生。", "疫苗时间表更新了，见第一条。", ""},
	{"Balcony garden", "life", "Tomatoes on the fourth floor, and what the wind did to them.", "1. Say which way your balcony faces.", "Seed swap on the first of the month.", ""},
	{"Night shift", "work", "Nurses, bakers, drivers: who is awake when others sleep.", "1. No names of employers.", "The thread for the long weekend is open.", ""},
	{"Board games, no phones", "games", "An evening a week, and what we learned losing.", "1. Rules questions are welcome.", "On Thursday we begin with the short ones.", ""},
}

// settle makes the circles that are there to be found, once: each is owned by one of the neighbours.
func (r *Room) settle(ctx context.Context, crowd []who.Viewer) error {
	mine, err := r.Circles.Memberships(ctx, crowd[0], 0, 1)
	if err != nil || len(mine) > 0 {
		return err
	}
	rng := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // made-up posts, the same each time
	for i, c := range neighbourCircles {
		w, owner := chinese, i
		if i >= 5 {
			w, owner = english, 20+i
		}
		id, err := r.found(ctx, crowd[owner], c, circle.PreviewPosts)
		if err != nil {
			return err
		}
		for j := range 6 + i%3 {
			n := crowd[(owner+3*j+1)%len(crowd)]
			if _, err := r.Circles.Join(ctx, n, id); err != nil {
				return fmt.Errorf("join circle: %w", err)
			}
			if j < 3 {
				if _, err := r.Posts.Write(ctx, n, post.Draft{Service: circle.Name, Place: id, Text: w.sentence(rng)}); err != nil {
					return fmt.Errorf("post in circle: %w", err)
				}
			}
		}
		if c.question == "" {
			continue
		}
		d := circle.Draft{Name: c.name, Intro: c.intro, Category: c.category, Rules: c.rules, Question: c.question, Mode: circle.Approval, Preview: circle.PreviewPosts}
		if err := r.Circles.Change(ctx, crowd[owner], id, d); err != nil {
			return fmt.Errorf("ask who joins: %w", err)
		}
	}
	return nil
}

// found makes a circle with all that it says of itself.
func (r *Room) found(ctx context.Context, owner who.Viewer, c community, p circle.Preview) (who.ID, error) {
	id, err := r.Circles.Create(ctx, owner, circle.Draft{Name: c.name, Intro: c.intro, Category: c.category, Rules: c.rules, Mode: circle.Open, Preview: p})
	if err != nil {
		return 0, fmt.Errorf("make circle: %w", err)
	}
	if err := r.Circles.Tell(ctx, owner, id, c.notice); err != nil {
		return 0, fmt.Errorf("put up notice: %w", err)
	}
	return id, nil
}

// foundOne makes the circle of a lent account. Visitors share the install: a name that another has is taken with a number.
func (r *Room) foundOne(ctx context.Context, own who.Viewer, rng *rand.Rand, lang ui.Lang) (who.ID, error) {
	list := lentCircles[lang]
	if list == nil {
		list = lentCircles[ui.Chinese]
	}
	first := rng.IntN(len(list))
	for i := range 10 * len(list) {
		c := list[(first+i)%len(list)]
		if n := i / len(list); n > 0 {
			c.name = fmt.Sprintf("%s %d", c.name, 1+n)
		}
		id, err := r.found(ctx, own, c, circle.PreviewIntro)
		if err == nil || exit.KindOf(err) != exit.Conflict {
			return id, err
		}
	}
	last := list[first]
	last.name = fmt.Sprint(last.name, " ", rng.IntN(1_000_000))
	return r.found(ctx, own, last, circle.PreviewIntro)
}
