package notify_test

import (
	"bufio"
	"context"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/notify"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// server is a mail server: it speaks SMTP with whoever comes, and keeps what it is given.
type server struct {
	net.Listener
	mu      sync.Mutex
	letters []received
	answer  string // to RCPT; "" takes all
	failing int    // so many messages are put off
}

type received struct {
	from, to string
	message  *mail.Message
	body     string
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return s
}

// talk is one session (RFC 5321).
func (s *server) talk(c net.Conn) {
	defer c.Close() //nolint:errcheck // the other side has said goodbye
	in := bufio.NewReader(c)
	say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
	say("220 test ready")
	var got received
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			say("250 test")
		case "MAIL":
			got = received{from: rest}
			say("250 ok")
		case "RCPT":
			got.to = rest
			s.mu.Lock()
			answer := s.answer
			s.mu.Unlock()
			if answer == "" {
				answer = "250 ok"
			}
			say(answer)
		case "DATA":
			say("354 go on")
			s.take(in, got, say)
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 what")
		}
	}
}

func (s *server) take(in *bufio.Reader, got received, say func(string)) {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing > 0 {
		s.failing--
		say("451 later, <mira@example.com>")
		return
	}
	m, err := mail.ReadMessage(strings.NewReader(text.String()))
	if err != nil {
		say("554 no message")
		return
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		say("554 no body")
		return
	}
	got.message, got.body = m, string(body)
	s.letters = append(s.letters, got)
	say("250 taken")
}

// drained gives what came since it was last asked.
func (s *server) drained() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.letters
	s.letters = nil
	return out
}

func eachMailHouse(t *testing.T, fn func(t *testing.T, h *house, s *server)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newServer(t)
		mailer, err := notify.ParseSMTP("smtp://"+s.Addr().String(), "来去 <notices@here.example>", "")
		if err != nil {
			t.Fatal(err)
		}
		fn(t, newHouse(d, mailer), s)
	})
}

// work does all jobs that are due.
func (h *house) work(t *testing.T) {
	t.Helper()
	for {
		n, err := h.queue.Work(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

var link = regexp.MustCompile(`https://here\.example(/mail/\S+)`)

// bind proves an address for a person, by the link in the e-mail.
func (h *house) bind(t *testing.T, s *server, v who.Viewer, text string) {
	t.Helper()
	if err := h.notices.Bind(t.Context(), v, text); err != nil {
		t.Fatal(err)
	}
	h.work(t)
	letters := s.drained()
	if len(letters) != 1 {
		t.Fatalf("%d letters to prove an address", len(letters))
	}
	found := link.FindStringSubmatch(letters[0].body)
	if found == nil {
		t.Fatalf("no link in %q", letters[0].body)
	}
	w, err := serve(t, h.notices, who.Viewer{}, ui.English, "POST", found[1], nil)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("proving answers %d, %v", w.Code, err)
	}
}

func TestMail(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, s *server) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.exec(t, `insert into settings (account_id, language, zone, theme, lists_seen_by) values ($1, 'en', '', '', '')`, int64(mira.Account))
		h.exec(t, `insert into profiles (account_id, display_name, bio, avatar, cover) values ($1, $2, '', '', '')`, int64(jo.Account), "Jo\r\nBcc: all@here.example")
		asked := notify.Notice{To: mira.Account, Kind: notify.Mention, By: jo.Account, On: post(7)}
		h.add(t, asked)
		h.work(t)
		if n := len(s.drained()); n != 0 {
			t.Fatalf("%d letters without an address", n)
		}
		h.bind(t, s, mira, "mira@example.com")
		asked.On = post(8)
		h.add(t, asked)
		h.add(t, like(mira, jo, 7)) // by default no e-mail
		h.work(t)
		h.work(t)
		letters := s.drained()
		if len(letters) != 1 {
			t.Fatalf("%d letters, want one", len(letters))
		}
		l := letters[0]
		subject, err := new(mime.WordDecoder).DecodeHeader(l.message.Header.Get("Subject"))
		if err != nil || !strings.HasSuffix(subject, " mentioned you") || l.message.Header.Get("Bcc") != "" {
			t.Errorf("subject %q, Bcc %q, %v", subject, l.message.Header.Get("Bcc"), err)
		}
		from, err := l.message.Header.AddressList("From")
		if err != nil || from[0].Address != "notices@here.example" || from[0].Name != "来去" || l.to != "TO:<mira@example.com>" {
			t.Errorf("from %v, to %q, %v", from, l.to, err)
		}
		if _, err := l.message.Header.Date(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(l.body, "https://here.example/posts/8") || strings.Contains(l.body, "second words") {
			t.Errorf("the body is %q", l.body)
		}
		h.stopByMail(t, s, l, asked)
	})
}

// stopByMail follows the one-click request of RFC 8058, and expects no more letters of the kind.
func (h *house) stopByMail(t *testing.T, s *server, l received, n notify.Notice) {
	t.Helper()
	if got := l.message.Header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post is %q", got)
	}
	stop := strings.TrimSuffix(strings.TrimPrefix(l.message.Header.Get("List-Unsubscribe"), "<https://here.example"), ">")
	if !strings.Contains(l.body, stop) {
		t.Errorf("the body lacks %s", stop)
	}
	other := strings.Replace(stop, "/mention/", "/comment/", 1)
	if _, err := serve(t, h.notices, who.Viewer{}, ui.English, "POST", other, nil); exit.KindOf(err) != exit.NotFound {
		t.Errorf("another kind is stopped by the same proof: %v", err)
	}
	for _, method := range []string{"GET", "POST"} {
		if w, err := serve(t, h.notices, who.Viewer{}, ui.English, method, stop, nil); err != nil || w.Code != http.StatusOK {
			t.Errorf("%s: %d, %v", method, w.Code, err)
		}
		n.On.ID++
		h.things.words[n.On.ID] = "more words"
		h.add(t, n)
		h.work(t)
		if got, want := len(s.drained()), map[string]int{"GET": 1, "POST": 0}[method]; got != want {
			t.Errorf("after %s %d letters, want %d", method, got, want)
		}
	}
	if got, err := h.notices.Unread(t.Context(), n.To); err != nil || got == 0 {
		t.Errorf("the centre has %d unread, %v: only e-mail is stopped", got, err)
	}
}

// TestLongSubject asks that of a title, however long and in however many lines, a subject holds one line that every mail server takes (RFC 5322, 2.1.1).
func TestLongSubject(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, s *server) {
		mira := h.person(t, "mira")
		h.bind(t, s, mira, "mira@example.com")
		for i, title := range []string{strings.Repeat("The end\nis near. ", 120), strings.Repeat("圈子停运🌒", 400)} {
			h.things.titles = map[who.ID]string{who.ID(7 + i): title}
			h.add(t, notify.Notice{To: mira.Account, Kind: notify.Sunset, On: post(who.ID(7 + i))})
			h.work(t)
			letters := s.drained()
			if len(letters) != 1 {
				t.Fatalf("%d letters, want one", len(letters))
			}
			raw := letters[0].message.Header.Get("Subject")
			subject, err := new(mime.WordDecoder).DecodeHeader(raw)
			if err != nil || len("Subject: "+raw) > 998 || strings.ContainsAny(subject, "\r\n") || !strings.HasSuffix(subject, "…") {
				t.Errorf("a subject of %d bytes, %q: %v", len(raw), subject, err)
			}
			if !strings.Contains(strings.ReplaceAll(letters[0].body, "\r\n", "\n"), title) {
				t.Error("the letter lacks the title")
			}
		}
	})
}

func TestMailFails(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, s *server) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.bind(t, s, mira, "mira@example.com")
		n := notify.Notice{To: mira.Account, Kind: notify.Mention, By: jo.Account, On: post(7)}
		s.mu.Lock()
		s.failing = 2
		s.mu.Unlock()
		h.add(t, n)
		for range 3 {
			h.work(t)
			dbtest.Clock(t, h.d).Add(time.Hour)
		}
		if got := len(s.drained()); got != 1 {
			t.Errorf("%d letters after two failures, want 1", got)
		}
		s.mu.Lock()
		s.answer = "550 no such mailbox <mira@example.com>"
		s.mu.Unlock()
		n.On = post(8)
		h.add(t, n)
		h.work(t)
		pending, err := h.queue.Pending(t.Context(), 24*time.Hour)
		if err != nil || pending != 0 {
			t.Errorf("%d jobs wait for an address that is refused, %v", pending, err)
		}
	})
}

// TestMailFromElsewhere tells somebody in a process that sends no e-mail: one that does sends it, unless it is older than a week by then; one that answers people without
// a mail server gives it up.
func TestMailFromElsewhere(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, s *server) {
		mira, jo := h.person(t, "mira"), h.person(t, "jo")
		h.bind(t, s, mira, "mira@example.com")
		silent := newHouse(h.d, nil)
		tell := func(n who.ID) {
			t.Helper()
			silent.things.words[n] = "words"
			h.things.words[n] = "words"
			silent.add(t, notify.Notice{To: mira.Account, Kind: notify.Mention, By: jo.Account, On: post(n)})
			silent.work(t)
		}
		tell(21)
		h.work(t)
		if n := len(s.drained()); n != 1 {
			t.Errorf("%d letters about what a process without a mail server told, want 1", n)
		}
		tell(22)
		h.exec(t, `update notices set created_at = created_at - $1 where ref_id = 22`, (7*24*time.Hour + time.Minute).Milliseconds())
		tell(23)
		h.work(t)
		letters := s.drained()
		if len(letters) != 1 || !strings.Contains(letters[0].body, "/posts/23") {
			t.Errorf("a week later there are %d letters, want that about the newest notice alone", len(letters))
		}
		tell(24)
		silent.notices.NoMail()
		silent.work(t)
		h.work(t)
		if n := len(s.drained()); n != 0 {
			t.Errorf("%d letters of what was given up", n)
		}
		for _, q := range []*house{silent, h} {
			if n, err := q.queue.Pending(t.Context(), 24*time.Hour); err != nil || n != 0 {
				t.Errorf("%d jobs are left, %v", n, err)
			}
		}
	})
}

// TestErrorsHideAddresses asks that what a mail server writes does not get into errors, and so into logs.
func TestErrorsHideAddresses(t *testing.T) {
	s := newServer(t)
	s.failing = 1
	mailer, err := notify.ParseSMTP("smtp://"+s.Addr().String(), "notices@here.example", "")
	if err != nil {
		t.Fatal(err)
	}
	err = mailer.Send(t.Context(), "mira@example.com", []byte("Subject: x\r\n\r\nx\r\n"))
	if err == nil || strings.Contains(err.Error(), "mira") || !strings.Contains(err.Error(), "451") {
		t.Errorf("the error is %v", err)
	}
	for _, address := range []string{"http://user:secret@host", "smtps://", "smtps://user:secret@host:port:x"} {
		if _, err := notify.ParseSMTP(address, "notices@here.example", ""); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAddress(t *testing.T) {
	eachMailHouse(t, func(t *testing.T, h *house, s *server) {
		ctx := t.Context()
		mira := h.person(t, "mira")
		for _, text := range []string{"", "mira", "mira@example.com\r\nBcc: x@example.com", "Mira <mira@example.com>", "a@b, c@d", "米拉@example.com", strings.Repeat("a", 250) + "@example.com"} {
			if err := h.notices.Bind(ctx, mira, text); exit.KindOf(err) != exit.Invalid {
				t.Errorf("%q: %v", text, err)
			}
		}
		for range 2 {
			if err := h.notices.Bind(ctx, mira, "mira@example.com"); err != nil {
				t.Fatal(err)
			}
		}
		h.work(t)
		letters := s.drained()
		if len(letters) == 0 {
			t.Fatal("no letter came")
		}
		token := strings.TrimPrefix(link.FindStringSubmatch(letters[len(letters)-1].body)[1], "/mail/prove/")
		if err := h.notices.Prove(ctx, "0"+token[1:]); exit.KindOf(err) != exit.NotFound {
			t.Errorf("a wrong secret: %v", err)
		}
		dbtest.Clock(t, h.d).Add(25 * time.Hour)
		if err := h.notices.Prove(ctx, token); exit.KindOf(err) != exit.NotFound {
			t.Errorf("after a day: %v", err)
		}
		h.wantAddresses(t, 1)
		if _, err := h.notices.Sweep(ctx, 10); err != nil {
			t.Fatal(err)
		}
		h.wantAddresses(t, 0)
		h.bind(t, s, mira, "mira@example.com")
		if err := h.notices.Unbind(ctx, mira); err != nil {
			t.Fatal(err)
		}
		h.wantAddresses(t, 0)
		none := newHouse(h.d, nil)
		if err := none.notices.Bind(ctx, mira, "mira@example.com"); exit.KindOf(err) != exit.Unavailable {
			t.Errorf("without a mail server: %v", err)
		}
	})
}

func (h *house) wantAddresses(t *testing.T, want int) {
	t.Helper()
	var n int
	if err := h.d.Reader.QueryRowContext(context.WithoutCancel(t.Context()), `select count(*) from notice_addresses`).Scan(&n); err != nil || n != want {
		t.Errorf("%d addresses, want %d (%v)", n, want, err)
	}
}
