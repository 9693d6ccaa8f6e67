package e2e_test

import (
	"bufio"
	"io"
	"mime/quotedprintable"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailbox is a mail server that keeps the links of what it is given.
type mailbox struct {
	net.Listener
	links chan string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	m := &mailbox{l, make(chan string, 100)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { m.talk(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return m
}

// options are those by which a server sends its e-mail here.
func (m *mailbox) options() []string {
	return []string{"--smtp", "smtp://" + m.Addr().String(), "--mail-from", "notices@exeunt.example"}
}

var mailed = regexp.MustCompile(`http://exeunt\.example(/(?:mail|archives)/\S+)`)

// talk is one session (RFC 5321) in which all is taken.
func (m *mailbox) talk(c net.Conn) {
	defer c.Close() //nolint:errcheck // the other side has said goodbye
	in := bufio.NewReader(c)
	answer := "220 ready"
	for {
		if _, err := io.WriteString(c, answer+"\r\n"); err != nil {
			return
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		answer = "250 taken"
		switch strings.ToUpper(strings.Fields(line + " -")[0]) {
		case "QUIT":
			answer = "221 bye"
		case "DATA":
			if _, err := io.WriteString(c, "354 go on\r\n"); err != nil {
				return
			}
			m.take(in)
		}
	}
}

// take reads a message to its end.
func (m *mailbox) take(in *bufio.Reader) {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	_, body, _ := strings.Cut(text.String(), "\r\n\r\n")
	plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	if err != nil {
		return
	}
	for _, found := range mailed.FindAllSubmatch(plain, -1) {
		m.links <- string(found[1])
	}
}

// link waits for the next letter with a link that begins so, and gives it.
func (m *mailbox) link(t *testing.T, prefix string) string {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for {
		select {
		case link := <-m.links:
			if strings.HasPrefix(link, prefix) {
				return link
			}
		case <-deadline.C:
			t.Fatalf("no letter with a link to %s came", prefix)
		}
	}
}
