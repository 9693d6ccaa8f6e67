package post

// A post's heat is an instant, in Unix seconds, UTC: when it was written, moved forward by what was said of it.
// With p = likes + 2 × comments points, the first 10 points are worth an hour each, the next 90 a quarter of an hour each, the
// 900 after them three minutes each, and no more is counted: 10, 32½ and 77½ hours at the three corners. This follows a
// logarithm (ten times the points is about a day more) with whole numbers that both databases compute alike. A post of
// today that nobody answers stands beside one of yesterday with fifty points, and nothing stays on top for longer than
// about three days. Heat changes only with the counts, never with the passing of time: it is kept in a column, and the
// list is one walk of the index (service, place_id, hot, id).

// hotSQL is the heat of a row of posts, by its own counts.
const hotSQL = `created_at / 1000 + case
	when likes + 2 * comments <= 10 then 3600 * (likes + 2 * comments)
	when likes + 2 * comments <= 100 then 27000 + 900 * (likes + 2 * comments)
	when likes + 2 * comments <= 1000 then 99000 + 180 * (likes + 2 * comments)
	else 279000 end`

// Hot gives the heat of a post written at ms (Unix milliseconds) with that many likes and comments. It is [hotSQL] in Go.
func Hot(ms, likes, comments int64) int64 {
	p := likes + 2*comments
	switch at := ms / 1000; {
	case p <= 10:
		return at + 3600*p
	case p <= 100:
		return at + 27000 + 900*p
	case p <= 1000:
		return at + 99000 + 180*p
	default:
		return at + 279000
	}
}
