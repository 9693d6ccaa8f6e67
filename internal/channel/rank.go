package channel

import (
	"cmp"
	"slices"
	"time"

	"exeunt/internal/media"
	"exeunt/internal/who"
)

// The entrance of videos is ordered by this file and by nothing else. Each video is moved up or down by whole hours from
// when it was published, t:
//
//	rank = t + followed + friends + topics + talk − less
//
//	followed  12 h  if the viewer follows the channel
//	friends   12 h  for each friend who likes it in public, 36 h at most
//	topics     3 h  for each video of its topics that the viewer liked in public in the last 30 days, 24 h at most
//	talk            by points = likes + 2 × comments: 1 h each up to 10, then 1 h for every 4 up to 100, then 1 h for every 20;
//	                77 h at most (the corners of the heat of posts)
//	less      72 h  for each of channel and topics of which the viewer asked for less
//
// There are no other terms: no watching time, no guesses about the viewer, nothing that was paid for, and the viewer's own videos
// are left out. The list is then dealt with variety: always the best video whose channel and topics are not those of the one before,
// as long as there is one, and of it the viewer has not asked for less; of videos that look alike the best alone. Only the newest few
// hundred candidates take part, see feed.go; what is older follows by time.
const (
	followedHours   = 12
	friendHours     = 12
	mostFriendHours = 36
	topicHours      = 3
	mostTopicHours  = 24
	mostTalkHours   = 77
	lessHours       = 72
	fondDays        = 30 // for how long a like tells of topics
)

// hotSQL is an instant in Unix seconds by which the most talked of new videos are found: when a row of videos was published, moved by the term
// talk. Both databases compute it alike, in whole numbers.
const hotSQL = `at / 1000 + 3600 * case
	when likes + 2 * comments <= 10 then likes + 2 * comments
	when likes + 2 * comments <= 100 then 10 + (likes + 2 * comments - 10) / 4
	when likes + 2 * comments <= 1000 then 32 + (likes + 2 * comments - 100) / 20
	else 77 end`

// Heat is [hotSQL] in Go, of a video published at a time with that many likes and comments.
func Heat(at time.Time, likes, comments int) int64 {
	return at.Unix() + 3600*int64(talkHours(likes, comments))
}

func talkHours(likes, comments int) int {
	switch p := max(likes, 0) + 2*max(comments, 0); {
	case p <= 10:
		return p
	case p <= 100:
		return 10 + (p-10)/4
	case p <= 1000:
		return 32 + (p-100)/20
	}
	return mostTalkHours
}

// term is one reason why a video stands where it stands.
type term string

// The terms, in the order in which they are told.
const (
	termFollowed term = "followed"
	termFriends  term = "friends"
	termTopics   term = "topics"
	termTalk     term = "talk"
	termLess     term = "less"
)

// candidate is a video that may be shown, with all that ranking looks at.
type candidate struct {
	ID, Owner       who.ID
	At              time.Time // when it was published
	Liked           who.ID    // the newest like of a friend's, 0: none
	Look            string    // see media.Alike
	Likes, Comments int
	Followed        bool     // the viewer follows its channel
	Friends         int      // friends of the viewer's who like it in public
	Topics          []who.ID // that it is about
	Fond            int      // videos of its topics that the viewer liked lately
	Less            int      // of channel and topics: of how many the viewer wants less
}

// moved is a term and the hours by which it moves a video; negative: down.
type moved struct {
	Term  term
	Hours int
}

// terms gives what moves a video, without what moves it by nothing.
func (c candidate) terms() []moved {
	followed := 0
	if c.Followed {
		followed = followedHours
	}
	all := []moved{
		{termFollowed, followed},
		{termFriends, min(max(c.Friends, 0)*friendHours, mostFriendHours)},
		{termTopics, min(max(c.Fond, 0)*topicHours, mostTopicHours)},
		{termTalk, talkHours(c.Likes, c.Comments)},
		{termLess, -max(c.Less, 0) * lessHours},
	}
	return slices.DeleteFunc(all, func(m moved) bool { return m.Hours == 0 })
}

// rank gives the instant at which a video stands in the ranked list, in Unix milliseconds, UTC.
func (c candidate) rank() int64 {
	at := c.At.UnixMilli()
	for _, m := range c.terms() {
		at += int64(m.Hours) * time.Hour.Milliseconds()
	}
	return at
}

// akin says whether two videos are of one channel or share a topic.
func (c candidate) akin(d candidate) bool {
	return c.Owner == d.Owner || slices.ContainsFunc(c.Topics, func(t who.ID) bool { return slices.Contains(d.Topics, t) })
}

// byTime puts the newest first; where friends' likes order the list, the last liked.
func byTime(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.Liked, a.Liked), b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
}

// dealt is a candidate with what is computed of it once.
type dealt struct {
	candidate
	rank int64
}

// deal gives the next videos of the ranked list, at most limit, after those that were shown already, in the order in which they were. What
// looks like one that was shown, or stands better, is left out.
func deal(list []candidate, shown []who.ID, limit int) (out []candidate) {
	left := make([]dealt, len(list))
	for i, c := range list {
		left[i] = dealt{c, c.rank()}
	}
	slices.SortFunc(left, func(a, b dealt) int { return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(b.ID, a.ID)) })
	var before *candidate
	take := func(i int) {
		took := left[i]
		before = &took.candidate
		left = slices.Delete(left, i, i+1)
		left = slices.DeleteFunc(left, func(d dealt) bool { return !slices.Contains(shown, d.ID) && media.Alike(d.Look, took.Look) })
	}
	for _, id := range shown {
		if i := slices.IndexFunc(left, func(d dealt) bool { return d.ID == id }); i >= 0 {
			take(i)
		}
	}
	for len(out) < limit && len(left) > 0 {
		take(pick(left, before))
		out = append(out, *before)
	}
	return out
}

// pick gives the best that is not akin to the one before; else the best of another channel; else the best. For variety's sake nothing comes forward
// of which the viewer wants less than of the best.
func pick(left []dealt, before *candidate) int {
	if before == nil {
		return 0
	}
	if i := slices.IndexFunc(left, func(d dealt) bool { return d.Less <= left[0].Less && !d.akin(*before) }); i >= 0 {
		return i
	}
	return max(0, slices.IndexFunc(left, func(d dealt) bool { return d.Less <= left[0].Less && d.Owner != before.Owner }))
}
