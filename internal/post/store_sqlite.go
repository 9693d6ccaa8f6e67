package post

// newestSQLite is [newestPostgres] for SQLite, which has no lateral join: the cross join keeps the
// order of the loops, and the inner select walks the index once for each row of the source.
func newestSQLite(source, which, match string) string {
	return `select q.id, q.created_at from ` + source + ` cross join posts q where q.id in (select x.id from posts x where ` + match + `
		and x.state = 'live' and (x.created_at, x.id) < ($2, $3) order by x.created_at desc, x.id desc limit $4) and ` + which
}
