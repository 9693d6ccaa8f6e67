package search

// Walk sets how many of the newest rows PostgreSQL looks at without the index.
func (r *Room) Walk(rows int) { r.store.walk = rows }

// Excerpts gives an excerpt of another size.
func Excerpts(text, typed string, before, whole int) []Span {
	return excerpt(text, words(typed), before, whole)
}

// Terms gives the terms of a folded text.
func Terms(body string) []string { return terms(body) }
