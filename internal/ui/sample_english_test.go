package ui_test

import (
	"time"

	"exeunt/internal/ui"
)

func englishSample() sample {
	lin := ui.PersonView{Name: "Lin Woods", Handle: "linwoods", Href: "/@linwoods", Bio: "Trails, birds and rain."}
	he := ui.PersonView{Name: "何处", Handle: "hechu", Href: "/@hechu", Bio: "Mends old books. Slow to answer on weekdays; write first and tell me about the book before you send it."}
	gone := ui.PersonView{Left: true}
	return sample{
		me: "Lin", home: "Circles", post: "Post", exit: "Stay or go", forms: "Settings", pieces: "Pieces", tabs: [2]string{"Circles", "Channels"},
		posts: []ui.PostView{
			{
				ID: "1", Href: "/p/1", Author: lin, At: today.Add(-3 * time.Hour), Place: &ui.Link{Text: "Hill trails", Href: "/c/1"}, Audience: ui.AudienceCircle,
				Text:     "Walked the old road from Longjing to Nine Creeks today, about 11 km. New signs all the way; the steps are slippery after rain. @{7} the tea house you asked about is still open.\nMap: https://example.org/trails/longjing-jiuxi.",
				Mentions: map[string]ui.Mention{"7": {Name: "何处", Href: "/@hechu"}}, Images: pictures(4, "A hill road after rain"), Like: like("1", 28, true), Comments: 6,
				Saved: &ui.SaveView{Action: "/save", Back: "/"}, Menu: []ui.Action{{Label: "Edit", Href: "/e", Icon: "pen-line"}, {Label: "Delete", Href: "/d", Icon: "trash-2", Post: true}},
			},
			{ID: "2", Href: "/p/2", Author: he, At: day(2026, 11, 12), Edited: true, Audience: ui.AudiencePublic, Text: "修好了一本 1936 年的《瓦尔登湖》。", Images: pictures(1, "A mended book"), Like: like("2", 0, false)},
			{ID: "3", Href: "/p/3", Author: gone, Gone: true, Comments: 2, Like: ui.LikeView{ID: "3"}},
		},
		comments: []ui.CommentView{
			{ID: "1", Author: he, At: today.Add(-2 * time.Hour), Text: "Thank you, I shall go on Sunday.", Like: like("c1", 2, false), Reply: "/r", Answers: []ui.CommentView{
				{ID: "2", Author: lin, At: today.Add(-time.Hour), Text: "Take an umbrella.", Like: like("c2", 0, false), Reply: "/r"},
			}},
			{ID: "3", Gone: true, Answers: []ui.CommentView{{ID: "4", Author: gone, At: today.Add(-26 * time.Hour), Text: "I wonder too.", Like: ui.LikeView{ID: "c4"}}}},
		},
		circles: []ui.CircleView{
			{Name: "Hill trails", Href: "/c/1", About: "Walkers exchange routes, weather and tea houses.", Members: 1286, Joining: "Open"},
			{Name: "旧书修补", Href: "/c/2", About: "Paper, paste and patience.", Members: 1, Joining: "By approval", Badge: "Owner"},
		},
		people: []ui.PersonView{lin, he, gone},
		calendar: ui.CalendarView{Title: "Calendar of closing your channel", ID: "sha256:1", Today: today, Zone: shanghai, PolicyZone: time.UTC, Rows: []ui.CalendarRow{
			{Date: day(2026, 11, 20), AtOnce: true, State: ui.CalendarPast, Sentence: "Others no longer see your channel; its name is kept for you", Undo: "You may come back at any time until 18 December 2026", Back: ui.BackByItself},
			{Date: day(2026, 11, 27), State: ui.CalendarPast, Sentence: "Comments, likes and favourites are erased", What: []string{"comments", "likes", "favourites", "viewing history"}, Receipt: &ui.CalendarReceipt{Items: 3418, Bytes: 1240000, VerifiedAt: day(2026, 11, 27)}, Back: ui.BackFromArchive},
			{Date: day(2026, 12, 1), State: ui.CalendarToday, Sentence: "Drafts are erased", What: []string{"drafts"}, Back: ui.BackFromArchive},
			{Date: day(2026, 12, 18), State: ui.CalendarFuture, Sentence: "Videos and covers are erased", What: []string{"original videos", "covers"}, Undo: "Until 18 December 2026 you get all of it back as it was", Back: ui.BackFromArchive},
			{Date: day(2027, 1, 3), State: ui.CalendarCancelled, Sentence: "Products leave the shelf", What: []string{"product grants"}},
			{Date: day(2029, 12, 28), State: ui.CalendarFuture, Sentence: "Order records are erased", What: []string{"orders, names removed"}, Hold: &ui.Law{Name: "E-Commerce Law, art. 31", Until: day(2029, 12, 28)}, Back: ui.BackNever},
		}, Stays: []string{"Your account, your page and your circles", "Comments that others wrote belong to them"}},
		doors: []ui.DoorView{
			{Icon: "eye-off", Name: "Hide", Happens: "Takes it out of your tabs, Discover and notices.", Stays: "Nothing is deleted.", Undo: "Put it back here at any time.", Action: "/hide", Button: "Hide"},
			{Icon: "moon", Name: "Hibernate", Happens: "Others no longer see you.", Stays: "Name, posts and followers are kept for you.", Undo: "Wake at any time, or set a day.", Href: "/h", Button: "Hibernate"},
			{Icon: "package", Name: "Take a copy along", Happens: "What you posted, what you received and whom you follow, in one package that opens without a network.", Stays: "Your account goes on as before.", Href: "/t", Button: "Take along"},
			{Icon: "door-open", Name: "Close channel", Happens: "Hidden first, then erased in stages by a calendar.", Stays: "Your account and circles stay.", Undo: "Cancel until 8 December, come back until 29 December.", Href: "/c", Button: "See calendar"},
			{Icon: "undo-2", Name: "Come back", Happens: "What is still kept is yours again.", Stays: "What has gone is told one by one.", Href: "/r", Button: "Come back", Status: "Closing"},
		},
		notices:  []ui.Notice{{Sentence: "The circle Hill trails has a new owner.", Action: &ui.Link{Text: "See it", Href: "/"}}, {Kind: ui.Done, Sentence: "Saved."}, {Kind: ui.Warn, Sentence: "Two orders are not settled yet. It goes on when they are."}, {Kind: ui.Danger, Sentence: "After 18 December the original videos cannot be brought back."}},
		progress: []ui.ProgressView{{ID: "x", Title: "Packing your archive", Doing: "Adding images", Meanwhile: "You can leave this page; you will be told when it is ready.", Done: 812 << 20, Total: 1586 << 20, InBytes: true, Live: "/progress"}, {ID: "y", Title: "Archive", Doing: "Ready, and read back once", Finished: true}},
		words:    map[string]string{"name": "Name", "namehint": "2 to 30 characters. You can change it later.", "nameerr": "This name is taken. Please choose another.", "bio": "About you", "who": "Who may join", "open": "Open", "openhint": "Whoever wants becomes a member.", "approval": "By approval", "approvalhint": "You or an administrator look at each request.", "lang": "Language", "avatar": "Picture", "avatarhint": "JPEG, PNG or WebP up to 10 MB.", "agree": "I have read this calendar and agree to it.", "save": "Save", "cancel": "Cancel", "close": "Close channel", "keep": "Not now", "video": "Channels", "videohint": "Shown in tabs and on Discover", "password": "Password", "empty": "Nothing here yet.", "find": "Discover", "sheet": "What else happens", "posts": "Posts", "members": "Members", "about": "About", "link": "Link of the slip", "qr": "QR code of the slip", "table": "What was done", "date": "Date", "count": "Count", "what": "What", "download": "Download", "join": "Join", "follow": "Follow", "circles": "My circles", "comment": "Write a comment", "send": "Post", "followers": "Followers"},
	}
}
