package ttc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Packet types of Oracle Net (network/packets.go of go-ora).
const (
	packetConnect = 1
	packetAccept  = 2
	packetRefuse  = 4
	packetData    = 6
	packetMarker  = 12
)

// Marker types (network/marker_packet.go).
const (
	markerBreak     = 1
	markerReset     = 2
	markerInterrupt = 3
)

const (
	headerSize   = 8
	dataOffset   = 10   // header and data flags
	flagEOF      = 0x40 // in the data flags: the client closes
	maxPacket    = 2 << 20
	acceptSize   = 45
	versionLarge = 317 // from 315 on packet lengths have four bytes
)

// errProtocol is what a client's bytes cannot be read as.
var errProtocol = errors.New("protocol violation")

// Conn is one client's connection after the handshake. A goroutine of its own reads packets, so that
// a break is seen while a call runs. Reading, writing and Send belong to one goroutine.
type Conn struct {
	net    net.Conn
	sdu    int
	large  bool // four-byte packet lengths
	data   chan []byte
	resets chan struct{}
	failed chan struct{} // closed when reading ended
	in     []byte
	pos    int

	mu      sync.Mutex
	err     error
	onBreak func()
	broken  bool // a break arrived and is not answered yet
	closed  chan struct{}
	once    sync.Once
}

// Connect is what a client asked for in its connect packet.
type Connect struct {
	Service string
	SID     string
}

// Close ends the connection; a read that waits ends with it.
func (c *Conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.net.Close()
}

// readPacket reads one packet with its header.
func readPacket(r io.Reader, large bool) ([]byte, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[:]))
	if large {
		n = int(binary.BigEndian.Uint32(head[:]))
	}
	if n < headerSize || n > maxPacket {
		return nil, fmt.Errorf("%w: packet of %d bytes", errProtocol, n)
	}
	p := make([]byte, n)
	copy(p, head[:])
	_, err := io.ReadFull(r, p[headerSize:])
	return p, err
}

// putHeader fills a packet's header.
func (c *Conn) putHeader(p []byte, kind byte) {
	clear(p[:headerSize])
	if c.large {
		binary.BigEndian.PutUint32(p, uint32(len(p)))
	} else {
		binary.BigEndian.PutUint16(p, uint16(len(p)))
	}
	p[4] = kind
}

// receive is the connection's reading goroutine.
func (c *Conn) receive() {
	defer close(c.failed)
	for {
		p, err := readPacket(c.net, c.large)
		if err == nil {
			err = c.dispatch(p)
		}
		if err != nil {
			c.mu.Lock()
			c.err = err
			stop := c.onBreak
			c.mu.Unlock()
			if stop != nil {
				stop() // a call whose client is gone need not continue
			}
			return
		}
	}
}

func (c *Conn) dispatch(p []byte) error {
	switch p[4] {
	case packetData:
		if len(p) < dataOffset {
			return fmt.Errorf("%w: data packet of %d bytes", errProtocol, len(p))
		}
		if p[9]&flagEOF != 0 {
			return io.EOF
		}
		select {
		case c.data <- p[dataOffset:]:
		case <-c.closed:
			return net.ErrClosed
		}
	case packetMarker:
		if len(p) != 11 {
			return fmt.Errorf("%w: marker of %d bytes", errProtocol, len(p))
		}
		c.marker(p[10])
	default:
		return fmt.Errorf("%w: packet type %d", errProtocol, p[4])
	}
	return nil
}

func (c *Conn) marker(kind byte) {
	if kind == markerReset {
		select {
		case c.resets <- struct{}{}:
		default:
		}
		return
	}
	c.mu.Lock()
	c.broken = true
	stop := c.onBreak
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// OnBreak sets what happens when the client breaks the call in progress or goes away; nil for nothing.
// A break that arrived before calls stop at once: the server met it when it read the next call.
func (c *Conn) OnBreak(stop func()) {
	c.mu.Lock()
	c.onBreak = stop
	pending := c.broken
	c.mu.Unlock()
	if pending && stop != nil {
		stop()
	}
}

// Broken says whether a break waits for its answer.
func (c *Conn) Broken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// Reset takes both sides out of a call that failed or was broken: a break marker, the client's reset,
// a reset of ours. What the client sent of the call is forgotten. The error message follows.
func (c *Conn) Reset() error {
	if err := c.sendMarker(markerBreak); err != nil {
		return err
	}
	for waiting := true; waiting; {
		select {
		case <-c.resets:
			waiting = false
		case <-c.data: // the rest of the call
		case <-c.failed:
			return c.failure()
		}
	}
	c.in, c.pos = nil, 0
	c.mu.Lock()
	c.broken = false
	c.mu.Unlock()
	return c.sendMarker(markerReset)
}

func (c *Conn) sendMarker(kind byte) error {
	p := make([]byte, 11)
	c.putHeader(p, packetMarker)
	p[8], p[10] = 1, kind
	_, err := c.net.Write(p)
	return err
}

func (c *Conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return net.ErrClosed
	}
	return c.err
}

// Send puts a reply on the wire, in as many packets as the session's data unit asks for.
func (c *Conn) Send(w *Writer) error {
	room := c.sdu - dataOffset
	for body := w.buf[dataOffset:]; len(body) > 0; {
		n := min(room, len(body))
		// The header goes into the bytes before the part, which are on the wire already.
		start := len(w.buf) - len(body) - dataOffset
		p := w.buf[start : start+dataOffset+n]
		c.putHeader(p, packetData)
		p[8], p[9] = 0, 0
		if _, err := c.net.Write(p); err != nil {
			return err
		}
		body = body[n:]
	}
	w.Reset()
	return nil
}
