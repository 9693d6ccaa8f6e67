package page

import (
	"cmp"
	"slices"
	"time"

	"exeunt/internal/who"
)

// Home is newest first. Where somebody turned ranking on, this is all that it does: each post is moved up or down by some
// hours, and the list is in the order of the resulting times. With t the time at which a post was written,
//
//	rank = t + followed + circle + fond + talk − less
//
//	followed   6 h  if the viewer follows its author
//	circle     3 h  if it stands in a circle of the viewer's
//	fond       2 h  for each post of the author that the viewer liked in the last 30 days, 6 h at most
//	talk       1 h  for each like, 2 h for each comment, 24 h at most
//	less      24 h  for each of author, circle and topics of which the viewer asked for less
//
// There are no other terms: no reading time, no guesses about the viewer, nothing that was paid for. The viewer's own posts
// are not moved. Only the newest window posts of home take part; below them home goes on newest first.
const (
	followedHours = 6
	circleHours   = 3
	fondHours     = 2
	mostFondHours = 6
	likeHours     = 1
	commentHours  = 2
	mostTalkHours = 24
	lessHours     = 24

	window   = 200
	fondDays = 30
)

// term is one reason why a post stands where it stands.
type term string

// The terms, in the order in which they are told.
const (
	termFollowed term = "followed"
	termCircle   term = "circle"
	termFond     term = "fond"
	termTalk     term = "talk"
	termLess     term = "less"
)

// signals are the facts that ranking looks at.
type signals struct {
	At       time.Time // when the post was written
	Own      bool
	Followed bool // the viewer follows its author
	Circle   bool // it stands in a circle of the viewer's
	Fond     int  // posts of its author that the viewer liked lately
	Likes    int
	Comments int
	Less     int // of author, circle and topics: of how many the viewer wants less
}

// moved is a term and the hours that it moves a post; negative: down.
type moved struct {
	Term  term
	Hours int
}

// terms gives what moves a post, without those that move it by nothing.
func (s signals) terms() []moved {
	if s.Own {
		return nil
	}
	all := []moved{
		{termFollowed, hoursIf(s.Followed, followedHours)},
		{termCircle, hoursIf(s.Circle, circleHours)},
		{termFond, min(max(s.Fond, 0)*fondHours, mostFondHours)},
		{termTalk, min(max(s.Likes, 0)*likeHours+max(s.Comments, 0)*commentHours, mostTalkHours)},
		{termLess, -max(s.Less, 0) * lessHours},
	}
	return slices.DeleteFunc(all, func(m moved) bool { return m.Hours == 0 })
}

func hoursIf(yes bool, hours int) int {
	if yes {
		return hours
	}
	return 0
}

// score gives the time, in Unix milliseconds UTC, at which a post stands in the ranked list.
func (s signals) score() int64 {
	at := s.At.UnixMilli()
	for _, m := range s.terms() {
		at += int64(m.Hours) * time.Hour.Milliseconds()
	}
	return at
}

// ranked is a post's place in the ranked list.
type ranked struct {
	Score int64
	ID    who.ID
	Index int // in the window
}

// order sorts the list: the highest score first, of two alike the newer post.
func order(list []ranked) {
	slices.SortFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.ID, a.ID))
	})
}

// pageOf gives at most limit of an ordered list from below a key on; the zero key is the top.
func pageOf(list []ranked, score int64, id who.ID, limit int) []ranked {
	from := 0
	if id != 0 {
		from = len(list)
		for i, r := range list {
			if r.Score < score || r.Score == score && r.ID < id {
				from = i
				break
			}
		}
	}
	return list[from:min(from+limit, len(list))]
}
