package postgres_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a client and the server, and can hold back a message. The
// server's side stays open when the client goes away, as behind a lost network.
type proxy struct {
	l     net.Listener
	to    string
	hold  []byte // a client's bytes that contain this are held back, once armed
	armed atomic.Bool
	held  chan struct{} // closed when that has happened
	pass  chan struct{} // closed to let them through
	once  sync.Once
	all   sync.WaitGroup
}

func newProxy(t *testing.T, to, hold string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l, to: to, hold: []byte(hold), held: make(chan struct{}), pass: make(chan struct{})}
	p.all.Go(p.serve)
	t.Cleanup(func() { l.Close(); p.release(); p.all.Wait() })
	return p
}

// url returns a server's URL by way of the proxy.
func (p *proxy) url(server string) string {
	return strings.Replace(server, p.to, p.l.Addr().String(), 1)
}

func (p *proxy) release() { p.once.Do(func() { close(p.pass) }) }

func (p *proxy) serve() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			continue
		}
		p.all.Go(func() { p.up(client, server) })
		p.all.Go(func() { _, _ = io.Copy(client, server); client.Close() })
	}
}

func (p *proxy) up(client, server net.Conn) {
	defer server.Close()
	defer client.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			if p.armed.Load() && bytes.Contains(buf[:n], p.hold) {
				close(p.held)
				<-p.pass
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// rewriter stands between a client and the server, and replaces bytes of the
// server's answers by others of the same length.
type rewriter struct {
	from, by []byte
}

// listen serves one connection after another until the test ends, and returns its address.
func (w rewriter) listen(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				return
			}
			all.Go(func() { _, _ = io.Copy(server, client); server.Close() })
			all.Go(func() { w.answers(client, server); client.Close() })
		}
	})
	return l.Addr().String()
}

func (w rewriter) answers(client io.Writer, server io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if _, failed := client.Write(bytes.ReplaceAll(buf[:n], w.from, w.by)); failed != nil || err != nil {
			return
		}
	}
}
