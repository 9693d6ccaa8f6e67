package trial

import (
	"math/rand/v2"

	"exeunt/internal/ui"
)

// neighbours are the accounts that live on a trial install and follow those that are lent.
var neighbours = []string{
	"青禾", "南溪", "阿榕", "木棉", "小满", "谷雨", "白露", "霜降", "立夏", "秋分",
	"石板路", "晚风", "灯塔", "渡口", "山房", "竹里", "听泉", "半夏", "沉香", "云脚",
	"maren", "tobias", "ines", "oskar", "leonie", "jannis", "freya", "milan", "nora", "pavel",
	"ravi", "sana", "yuki", "hana", "amara", "kofi", "lucia", "mateo", "zofia", "eero",
}

// words is what a lent account is made of, in one language.
type words struct {
	name, picture           string
	opening, middle, ending []string
	answers                 []string
}

// sentence puts a post together.
func (w words) sentence(rng *rand.Rand) string {
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	s := pick(w.opening) + pick(w.middle)
	if rng.IntN(3) > 0 {
		s += pick(w.ending)
	}
	return s
}

func wordsOf(l ui.Lang) words {
	if l == ui.English {
		return english
	}
	return chinese
}

var chinese = words{
	name: "访客", picture: "远山和近坡，天色很淡",
	opening: []string{
		"早上六点出门，", "下了一夜雨，", "地铁坐到终点站，", "和老朋友约在渡口，", "修好了那辆旧自行车，", "菜市场快收摊了，", "图书馆今天人不多，",
		"阳台上的薄荷活过来了，", "翻到一张十年前的照片，", "第一次自己发面，", "沿着河一直走，", "停电的一个小时里，",
	},
	middle: []string{
		"路上只遇见一只猫。", "忽然觉得不着急了。", "走了十二公里，膝盖还好。", "把没写完的信写完了。", "听见有人在练小号。", "买到了最后两斤枇杷。",
		"才发现这条路通到海边。", "面团比想象中听话。", "收到了很久没联系的人的消息。", "雾散得比预报早。", "记下来，怕忘了。", "风从山口过来，很响。",
	},
	ending: []string{
		"下周还来。", "照片晚点整理。", "谁知道这是什么花？", "就到这里，睡了。", "给明年的自己留一条。", "路线放在圈子里了。", "慢一点也好。", "茶还是热的。",
	},
	answers: []string{"这条路我也走过，春天更好。", "照片真安静。", "下次叫上我。", "薄荷怎么救回来的？", "谢谢记下来。", "那只猫还在，我昨天看见了。"},
}

var english = words{
	name: "guest", picture: "Far hills and a near slope under a pale sky",
	opening: []string{
		"Left the house at six. ", "It rained all night. ", "Took the line to its last stop. ", "Met an old friend at the ferry. ", "Got the old bicycle running again. ",
		"The market was about to close. ", "The library was nearly empty. ", "The mint on the balcony came back. ", "Found a photograph from ten years ago. ", "Baked bread for the first time. ",
	},
	middle: []string{
		"Met nobody but a cat.", "There was suddenly no hurry.", "Twelve kilometres, and the knees are fine.", "Finished the letter that was lying about.", "Somebody was practising the trumpet.",
		"The path goes all the way to the sea.", "The dough was kinder than expected.", "Heard from someone I had lost sight of.", "The fog lifted early.", "Writing it down so it stays.",
	},
	ending:  []string{" Back next week.", " Pictures later.", " Does anyone know this flower?", " Off to bed.", " A note to next year's me.", " The route is in the circle.", " Slow is fine too."},
	answers: []string{"I know that path, spring is best.", "What a quiet picture.", "Take me along next time.", "How did you save the mint?", "Thank you for writing it down.", "The cat is still there, I saw it yesterday."},
}
