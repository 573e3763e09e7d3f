package hana

import (
	"context"
	"net"
	"sync"
	"time"

	hdbdial "github.com/SAP/go-hdb/driver/dial"
)

// connectTimeout bounds reaching the server and logging in.
const connectTimeout = 15 * time.Second

// wire is the connection below the driver's TLS. It keeps deadlines of its own: the driver's
// single timeout would be the deadline of each read (dbconn.go), and a merge, an index or a
// count may answer after hours. A host that is gone is noticed by keepalives.
type wire struct {
	net.Conn
	mu     sync.Mutex
	closed bool
}

// SetReadDeadline ignores the driver's deadline.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline ignores the driver's deadline.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline ignores the driver's deadline.
func (w *wire) SetDeadline(time.Time) error { return nil }

// within bounds all traffic from now on; 0 is no bound.
func (w *wire) within(d time.Duration) {
	var end time.Time
	if d > 0 {
		end = time.Now().Add(d)
	}
	_ = w.Conn.SetDeadline(end) // fails on a closed connection, which the next read says
}

// abort ends the connection from another goroutine, so that a read that waits returns.
func (w *wire) abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		_ = w.Conn.Close() // nothing is left to lose
	}
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.abort()
	return nil
}

// watch ends the connection once ctx ends. The func it returns stops that, and says whether it
// came too late. The driver's own way returns while a goroutine of it still uses the arguments.
func (w *wire) watch(ctx context.Context) (stop func() bool) {
	off := context.AfterFunc(ctx, w.abort)
	return func() bool { return !off() && ctx.Err() != nil }
}

// dialer hands the driver a connection and keeps it: the last one, where the system database
// was asked first where a tenant listens.
type dialer struct {
	ctx  context.Context //nolint:containedctx // of one connect: the driver hands its own on, without an end
	last *wire
}

// DialContext implements dial.Dialer.
func (d *dialer) DialContext(_ context.Context, address string, _ hdbdial.DialerOptions) (net.Conn, error) {
	nd := &net.Dialer{Timeout: connectTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}
	c, err := nd.DialContext(d.ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	d.last = &wire{Conn: c}
	d.last.within(connectTimeout)
	return d.last, nil
}
