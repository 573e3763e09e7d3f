package postgres

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	wireBuffer = 256 << 10 // bytes a session reads at once
	headerSize = 5         // message type and length
)

// wire is the receiving end of a session. The driver's Frontend reads through
// Read, which never hands out bytes of two messages at once; so between two
// messages everything unread is here, and COPY data is taken from the buffer
// without a copy of each row.
type wire struct {
	r      io.Reader
	buf    []byte
	rp, wp int
	left   int // bytes of the current message that Read has not handed out
	// since is when it began to wait for the server, in nanoseconds; 0 while it does not.
	since atomic.Int64
}

func newWire(r io.Reader) *wire { return &wire{r: r, buf: make([]byte, wireBuffer)} }

// Read implements io.Reader for the Frontend.
func (w *wire) Read(p []byte) (int, error) {
	if w.left == 0 {
		_, n, err := w.peekHeader()
		if err != nil {
			return 0, err
		}
		w.left = headerSize + n
	}
	if w.rp == w.wp {
		if err := w.fill(1); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.buf[w.rp:min(w.wp, w.rp+w.left)])
	w.rp += n
	w.left -= n
	return n, nil
}

// fill makes at least n bytes contiguous in the buffer; n is at most its size.
func (w *wire) fill(n int) error {
	if w.rp > 0 && (w.rp == w.wp || w.rp+n > len(w.buf)) {
		w.wp = copy(w.buf, w.buf[w.rp:w.wp])
		w.rp = 0
	}
	for w.wp-w.rp < n {
		w.since.Store(time.Now().UnixNano())
		m, err := w.r.Read(w.buf[w.wp:])
		w.since.Store(0)
		w.wp += m
		if err != nil && w.wp-w.rp < n {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// peekHeader returns type and body length of the next message, without taking it.
func (w *wire) peekHeader() (kind byte, body int, err error) {
	if w.wp-w.rp < headerSize {
		if err := w.fill(headerSize); err != nil {
			return 0, 0, err
		}
	}
	n := int32(binary.BigEndian.Uint32(w.buf[w.rp+1:]))
	if n < 4 {
		return 0, 0, fmt.Errorf("message of length %d", n)
	}
	return w.buf[w.rp], int(n) - 4, nil
}

// take returns the next n bytes, which are valid until the next call. n is at
// most the buffer's size.
func (w *wire) take(n int) ([]byte, error) {
	if w.wp-w.rp < n {
		if err := w.fill(n); err != nil {
			return nil, err
		}
	}
	b := w.buf[w.rp : w.rp+n : w.rp+n]
	w.rp += n
	return b, nil
}

// readFull copies the next len(dst) bytes, however many.
func (w *wire) readFull(dst []byte) error {
	n := copy(dst, w.buf[w.rp:w.wp])
	w.rp += n
	if n == len(dst) {
		return nil
	}
	_, err := io.ReadFull(w.r, dst[n:])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// discard skips the next n bytes.
func (w *wire) discard(n int) error {
	for n > 0 {
		m := min(n, len(w.buf))
		if w.rp < w.wp {
			m = min(n, w.wp-w.rp)
		}
		if _, err := w.take(m); err != nil {
			return err
		}
		n -= m
	}
	return nil
}
