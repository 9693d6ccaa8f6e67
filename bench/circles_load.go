package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// view is a page that is measured.
type view struct {
	name     string
	requests func(s *circlesServer) [][]byte
}

// get is a request for a page as a browser sends it.
func (s *circlesServer) get(path, cookie string) []byte {
	head := "GET " + path + " HTTP/1.1\r\nHost: " + s.address + "\r\nAccept-Encoding: gzip\r\nAccept-Language: zh\r\nSec-Fetch-Site: same-origin\r\n"
	if cookie != "" {
		head += "Cookie: session=" + cookie + "\r\n"
	}
	return []byte(head + "\r\n")
}

// post is a request that a form sends.
func (s *circlesServer) post(path, cookie string, form url.Values) []byte {
	body := form.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nCookie: session=%s\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		path, s.address, cookie, len(body), body)
}

// circlesOf gives four circles of an account, besides the first.
func (c community) circlesOf(account int) []int {
	var list []int
	for k := range 4 {
		list = append(list, 2+((account-1+k*c.members)*7)%(c.circles-1))
	}
	return list
}

// views are the pages that are measured, each by the viewers by turns.
func views(questions []question) []view {
	circlePage := func(query string) func(s *circlesServer) [][]byte {
		return func(s *circlesServer) (list [][]byte) {
			for n, cookie := range s.cookies[:viewers] {
				for _, circle := range s.circlesOf(s.first() + 1 + n) {
					list = append(list, s.get("/circles/1"+query, cookie), s.get(fmt.Sprintf("/circles/%d%s", circle, query), cookie))
				}
			}
			return list
		}
	}
	list := []view{
		{"circle page, newest first", circlePage("")},
		{"circle page, by heat", circlePage("?order=hot")},
		{"home page", func(s *circlesServer) (list [][]byte) {
			for _, cookie := range s.cookies[:viewers] {
				list = append(list, s.get("/", cookie))
			}
			return list
		}},
		{"post with its comments", func(s *circlesServer) (list [][]byte) {
			for n := range 10 * viewers {
				list = append(list, s.get(fmt.Sprintf("/posts/%d", cityPosts+s.posts/10*10-10*n), s.cookies[n%viewers]))
			}
			return list
		}},
	}
	searches := func(name string, words []string, query string) {
		list = append(list, view{name, func(s *circlesServer) (list [][]byte) {
			for n, w := range words {
				cookie := s.cookies[n%viewers]
				if n%4 == 3 { // a guest
					cookie = ""
				}
				list = append(list, s.get("/search?q="+url.QueryEscape(w)+query, cookie))
			}
			return list
		}})
	}
	for _, q := range questions {
		searches("search for "+q.name, q.words, "&tab=posts")
	}
	searches("search of all kinds, 2 characters", questions[3].words, "")
	return list
}

// writes gives what the writers do, by turns: a post, a comment and a like, another comment and another like.
func (s *circlesServer) writes() *target {
	began := time.Now().UnixNano() // texts differ from run to run
	t := &target{address: s.address, want: 303}
	t.make = func(n int64) []byte {
		writer := int(n/5) % cityWriters
		cookie := s.cookies[viewers+writer]
		about := fmt.Sprintf("%d", cityPosts+int64(s.posts/10*10)-10*(n*31%int64(min(5000, s.posts/20))))
		words := fmt.Sprintf("今天又在河边，第 %d 次。The water is high, and the boats lie still. %d", n, began)
		switch n % 5 {
		case 0:
			in := ""
			if n%10 == 0 {
				in = "circle:1"
			}
			return s.post("/write", cookie, url.Values{"in": {in}, "text": {words}, "audience": {"public"}})
		case 1, 3:
			return s.post("/talk/post/"+about+"/comments", cookie, url.Values{"text": {words}})
		}
		return s.post("/talk/post/"+about+"/like", cookie, url.Values{"on": {"1"}})
	}
	return t
}

// guests asks for own pages with twenty posts, by nobody.
func (s *circlesServer) guests() *target {
	t := &target{address: s.address}
	for n := range viewers {
		t.requests = append(t.requests, s.get(fmt.Sprintf("/@n%d", 1+(10*n+2)%s.writing()), ""))
	}
	return t
}

// addresses gives the style sheets and scripts that a page names.
func addresses(page string) []string {
	var list []string
	for _, mark := range []string{`<link rel="stylesheet" href="`, `<script src="`} {
		for rest := page; ; {
			_, after, ok := strings.Cut(rest, mark)
			if !ok {
				break
			}
			var address string
			address, rest, _ = strings.Cut(after, `"`)
			list = append(list, address)
		}
	}
	return list
}

func unzipped(page string) (string, error) {
	z, err := gzip.NewReader(strings.NewReader(page))
	if err != nil {
		return "", fmt.Errorf("the page is not gzipped: %w", err)
	}
	b, err := io.ReadAll(z)
	return string(b), err
}
