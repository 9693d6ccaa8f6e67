package post

import (
	"context"

	"exeunt/exit/exitsql"
	"exeunt/internal/who"
)

// shared keeps the rows of a table from changing until the transaction ends; nothing outside of one and on SQLite.
func (s store) shared(ctx context.Context, table string) string {
	if _, ok := exitsql.Tx(ctx); !ok || s.db.SQLite() {
		return ""
	}
	return " for share of " + table
}

// livingAbove gives living posts with an id above after, by id. In a transaction their rows are kept from changing.
func (s store) livingAbove(ctx context.Context, after who.ID, limit int) ([]Post, error) {
	return s.posts(ctx, "read posts to be found", `select `+columns+` from posts p`+authors+` where p.id > $2 and p.state = 'live' order by p.id limit $3`+s.shared(ctx, "p"),
		int64(0), int64(after), limit)
}

// topicsAbove gives topics with an id above after, by id.
func (s store) topicsAbove(ctx context.Context, after who.ID, limit int) ([]Topic, error) {
	return s.listTopics(ctx, `select `+topicColumns+` from topics t where t.id > $1 order by t.id limit $2`+s.shared(ctx, "t"), int64(after), limit)
}
