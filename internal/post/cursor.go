package post

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/who"
)

// Cursor is the place in a list ordered by time, newest first, below which the next page begins.
// The zero Cursor is the top.
type Cursor struct {
	At int64 // Unix milliseconds
	ID who.ID
}

// String gives the cursor for an address, "" for the top.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", c.At, c.ID)
}

// ParseCursor reads what [Cursor.String] wrote; anything else is the top.
func ParseCursor(s string) Cursor {
	at, id, _ := strings.Cut(s, "-")
	ms, err := strconv.ParseInt(at, 10, 64)
	key, ok := who.ParseID(id)
	if err != nil || !ok {
		return Cursor{}
	}
	return Cursor{ms, key}
}

// below gives the bounds for SQL.
func (c Cursor) below() (at, id int64) {
	if c == (Cursor{}) {
		return math.MaxInt64, math.MaxInt64
	}
	return c.At, int64(c.ID)
}

// Next gives the cursor below the last post of a full page, the top if the page is not full: then there is no next.
func Next(posts []Post, limit int) Cursor {
	if len(posts) < limit || limit <= 0 {
		return Cursor{}
	}
	p := posts[len(posts)-1]
	return Cursor{db.Ms(p.At), p.ID}
}
