package talk

import (
	"fmt"
	"strconv"
	"strings"

	"exeunt/internal/who"
)

// Order is how the comments on a thing are listed. Answers stand beneath what they answer, oldest first.
type Order string

// The orders of comments.
const (
	Oldest Order = "oldest"
	Newest Order = "newest"
	Liked  Order = "liked" // the most liked first, newest first among those with as many
)

// ParseOrder reads an order from an address; anything else is [Oldest].
func ParseOrder(s string) Order {
	if o := Order(s); o == Newest || o == Liked {
		return o
	}
	return Oldest
}

// cursor is the comment after which a page begins, with the number of its likes. The zero cursor is the first page.
type cursor struct{ likes, id int64 }

// parseCursor reads what after writes.
func parseCursor(s string) cursor {
	likes, text, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(likes, 10, 64)
	id, ok := who.ParseID(text)
	if err != nil || !ok {
		return cursor{}
	}
	return cursor{n, int64(id)}
}

func after(c Comment) string { return fmt.Sprintf("%d-%d", c.Likes, int64(c.ID)) }
