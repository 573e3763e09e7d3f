package e2e

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// proxy stands between dmoctl and a PostgreSQL server. It can slow the way to the
// server down, and hold a statement back while its client dies.
type proxy struct {
	listener net.Listener
	server   string

	mu      sync.Mutex
	pace    time.Duration // pause after each 64 KiB towards the server
	hold    []byte        // hold back the next message that has these bytes, in lower case
	held    chan struct{} // closed once one is held back
	release chan struct{} // closing it lets it continue
}

// newProxy starts a proxy before the server of rawURL and returns the URL to reach it.
func newProxy(t *testing.T, rawURL string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: u.Host, held: make(chan struct{}), release: make(chan struct{})}
	t.Cleanup(func() { l.Close() })
	go p.accept()
	u.Host = l.Addr().String()
	return p, u.String()
}

// slow makes the way to the server slower: it pauses after each 64 KiB.
func (p *proxy) slow(pause time.Duration) {
	p.mu.Lock()
	p.pace = pause
	p.mu.Unlock()
}

// holdNext holds the next message back that contains statement; held is closed once
// it has one.
func (p *proxy) holdNext(statement string) {
	p.mu.Lock()
	p.hold = []byte(strings.ToLower(statement))
	p.mu.Unlock()
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		client.Close()
		return
	}
	go func() {
		_, _ = io.Copy(client, server) // ends when either side does
		client.Close()
	}()
	p.forward(client, server)
	server.Close()
}

// forward copies what the client sends. A held statement reaches the server even
// if its client is gone by then.
func (p *proxy) forward(client, server net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			if p.wantsHold(buf[:n]) {
				close(p.held)
				<-p.release
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
			p.mu.Lock()
			pace := p.pace
			p.mu.Unlock()
			time.Sleep(pace)
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) wantsHold(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold == nil || !bytes.Contains(bytes.ToLower(b), p.hold) {
		return false
	}
	p.hold = nil
	return true
}
