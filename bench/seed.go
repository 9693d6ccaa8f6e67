package main

import (
	"fmt"

	"exeunt/internal/who"
)

// seedTime is when the made data begins, Unix milliseconds: 2025-01-01T00:00:00Z.
const seedTime = 1735689600000

// accounts gives statements that make n people with an account each. Their ids are first+1, first+2 …, their names n with
// the id, under keys as account.NameKey makes them.
func accounts(first int64, n int) []string {
	id := fmt.Sprintf("%d + i", first)
	rows := func(into, columns string) string {
		return "insert into " + into + " " + series(n) + " select " + columns + " from g"
	}
	return []string{
		rows("people (id, password, password_at, operator, created_at)", fmt.Sprintf("%s, '', %d, 0, %d", id, seedTime, seedTime)),
		rows("accounts (id, name, name_key, kind, state, created_at)",
			fmt.Sprintf("%[1]s, 'n' || (%[1]s), replace(replace('n' || (%[1]s), '0', 'o'), '1', 'l'), 'personal', '%[2]s', %[3]d", id, who.Active, int64(seedTime))),
		rows("standings (account_id, version)", id+", 1"),
		rows("account_people (account_id, person_id, role, as_id, created_at)", fmt.Sprintf("%[1]s, %[1]s, 'owner', null, %[2]d", id, int64(seedTime))),
		rows("profiles (account_id, display_name, bio, avatar, cover)", id+", '名字' || (i % 97), '', '', ''"),
		rows("settings (account_id, language, zone, theme, lists_seen_by)", id+", '', '', '', 'me'"),
	}
}

// words is an expression for a text of some 200 characters that differs from row to row.
const words = `'第 ' || i || ' 篇。清晨的市场上，卖花的人把水洒在玫瑰上，卖鱼的把冰敲碎。我们沿着河走到桥头，坐下来，看船一只只过去。' ||
	' A short walk along the river before the rain, with bread still warm and nobody in a hurry, number ' || (i * 7919 % 1000003) || '.'`

// posts gives a statement that makes n posts on own pages, with ids first+1 …, by turns of the accounts author+1 …
// author+authors.
func posts(first int64, n int, author int64, authors, images int) string {
	return fmt.Sprintf(`insert into posts (id, author_id, service, place_id, audience, text, summary, sensitive, language, reply_to, origin, state,
			created_at, edited_at, likes, comments, images) %s
		select %d + i, %d + 1 + (i - 1) %% %d, 'page', 0, 'public', %s, '', 0, 'zh', '', null, 'live', %d + i * 1000, null, 0, 0, %d from g`,
		series(n), first, author, authors, words, int64(seedTime), images)
}

// onPosts gives the columns' values of something that is about posts on own pages.
const onPosts = `'page', 0`

// likes gives a statement that makes n likes, with ids first+1 …; the expressions say of i who and which post.
func likes(first int64, n int, account, post string) string {
	return fmt.Sprintf(`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at) %s
		select %d + i, %s, 'post', %s, %s, %d + i from g where true on conflict do nothing`, series(n), first, account, post, onPosts, int64(seedTime))
}

// comments gives a statement that makes n comments; parent is an expression too, "null" for none.
func comments(first int64, n int, author, post, parent string) string {
	return fmt.Sprintf(`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, origin, state, created_at) %s
		select %d + i, %s, 'post', %s, %s, %s, '说得好，第 ' || i || ' 次来看。', null, 'live', %d + i from g`,
		series(n), first, author, post, onPosts, parent, int64(seedTime))
}

// counted are statements that set the counts of likes and comments on posts to what there is.
func counted() []string {
	return []string{
		`update posts set likes = n.n from (select ref_id, count(*) as n from likes where ref_kind = 'post' group by ref_id) n where n.ref_id = posts.id`,
		`update posts set comments = n.n from (select ref_id, count(*) as n from comments where ref_kind = 'post' and state = 'live' group by ref_id) n where n.ref_id = posts.id`,
	}
}
