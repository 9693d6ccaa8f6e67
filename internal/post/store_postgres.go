package post

// newestPostgres gives a select of the newest $4 posts x below ($2, $3) of each row of a source s: one
// short walk of an index each.
func newestPostgres(source, which, match string) string {
	return `select q.id, q.created_at from ` + source + ` cross join lateral (select x.id, x.created_at from posts x where ` + match + `
		and x.state = 'live' and (x.created_at, x.id) < ($2, $3) order by x.created_at desc, x.id desc limit $4) q where ` + which
}
