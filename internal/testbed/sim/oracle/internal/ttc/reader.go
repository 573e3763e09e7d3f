package ttc

import (
	"encoding/binary"
	"fmt"
)

// Lead bytes of a value with a length (session.go, GetClr): the lengths 1 to 252 stand for
// themselves.
const (
	maxShort  = 252
	leadLong  = 0xFE
	leadNull  = 0xFF
	leadNull2 = 0xFD
)

// maxValue bounds what one value may have, so that a client that is out of step does not eat the memory.
const maxValue = 1 << 30

// Bytes reads n bytes. They are the caller's until the next read.
func (c *Conn) Bytes(n int) ([]byte, error) {
	if n < 0 || n > maxValue {
		return nil, fmt.Errorf("%w: %d bytes", errProtocol, n)
	}
	if c.pos+n <= len(c.in) {
		b := c.in[c.pos : c.pos+n]
		c.pos += n
		return b, nil
	}
	out := make([]byte, 0, n)
	for {
		part := min(n-len(out), len(c.in)-c.pos)
		out = append(out, c.in[c.pos:c.pos+part]...)
		c.pos += part
		if len(out) == n {
			return out, nil
		}
		if err := c.next(); err != nil {
			return nil, err
		}
	}
}

// next waits for the next data packet.
func (c *Conn) next() error {
	select {
	case c.in = <-c.data:
	case <-c.failed:
		select { // what came before the end
		case c.in = <-c.data:
		default:
			return c.failure()
		}
	}
	c.pos = 0
	return nil
}

// Rest returns what is left of the current packet and moves past it.
func (c *Conn) Rest() []byte {
	b := c.in[c.pos:]
	c.pos = len(c.in)
	return b
}

// U8 reads a byte.
func (c *Conn) U8() (byte, error) {
	b, err := c.Bytes(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// Skip moves over n bytes.
func (c *Conn) Skip(n int) error {
	_, err := c.Bytes(n)
	return err
}

// UB reads an integer in the form of a length and that many bytes, big endian; size is how many bytes
// the field may have, and more are a protocol violation.
func (c *Conn) UB(size int) (uint64, error) {
	n, err := c.U8()
	if err != nil {
		return 0, err
	}
	if int(n) > size {
		return 0, fmt.Errorf("%w: integer of %d bytes in a field of %d", errProtocol, n, size)
	}
	b, err := c.Bytes(int(n))
	if err != nil {
		return 0, err
	}
	var v [8]byte
	copy(v[8-len(b):], b)
	return binary.BigEndian.Uint64(v[:]), nil
}

// Int reads an integer of at most four bytes.
func (c *Conn) Int() (int, error) {
	v, err := c.UB(4)
	return int(v), err
}

// CLR reads a value that its length precedes, in pieces where it is long. null is true for a NULL,
// whose length is 0.
func (c *Conn) CLR() (value []byte, null bool, err error) {
	lead, err := c.U8()
	if err != nil {
		return nil, false, err
	}
	switch lead {
	case 0, leadNull, leadNull2:
		return nil, true, nil
	case leadLong:
		value, err = c.pieces()
		return value, len(value) == 0, err
	}
	b, err := c.Bytes(int(lead))
	if err != nil {
		return nil, false, err
	}
	return append([]byte(nil), b...), false, nil
}

func (c *Conn) pieces() ([]byte, error) {
	var out []byte
	for {
		n, err := c.Int()
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return out, nil
		}
		if len(out)+n > maxValue {
			return nil, fmt.Errorf("%w: value of more than %d bytes", errProtocol, maxValue)
		}
		b, err := c.Bytes(n)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
}

// Text reads a CLR as text.
func (c *Conn) Text() (string, error) {
	b, _, err := c.CLR()
	return string(b), err
}

// KeyValue reads one pair of a dictionary, and its flag.
func (c *Conn) KeyValue() (key, value string, flag int, err error) {
	for _, part := range []*string{&key, &value} {
		n, err := c.Int()
		if err != nil {
			return "", "", 0, err
		}
		if n == 0 {
			continue
		}
		if *part, err = c.Text(); err != nil {
			return "", "", 0, err
		}
	}
	flag, err = c.Int()
	return key, value, flag, err
}
