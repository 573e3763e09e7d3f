package oracle

import (
	"encoding/binary"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

const (
	lobChunk    = 8060
	locatorSize = 40
	keptLobs    = 1 << 16 // locators that a session can use; the oldest are forgotten
)

// Operations on large objects (TNS_LOB_OP of node-oracledb).
const (
	lobLength     = 0x1
	lobRead       = 0x2
	lobTrim       = 0x20
	lobWrite      = 0x40
	lobCreateTemp = 0x110
	lobFreeTemp   = 0x111
	lobChunkSize  = 0x4000
	lobOpen       = 0x8000
	lobClose      = 0x10000
	lobIsOpen     = 0x11000
	lobArray      = 0x80000
)

// lob is what a locator stands for. Text is in UTF-16, as locators say of it.
type lob struct {
	data     []byte
	clob     bool
	national bool
	temp     bool
}

// lobTable holds a session's locators.
type lobTable struct {
	next uint64
	all  map[uint64]*lob
}

// add gives a locator (lob.go of go-ora: the flags at 4, 6 and 7).
func (t *lobTable) add(l *lob) []byte {
	t.next++
	t.all[t.next] = l
	if !l.temp {
		if old, ok := t.all[t.next-keptLobs]; ok && !old.temp {
			delete(t.all, t.next-keptLobs)
		}
	}
	b := make([]byte, locatorSize)
	binary.BigEndian.PutUint16(b, locatorSize-2)
	binary.BigEndian.PutUint16(b[2:], 4)
	b[5] = 8
	if l.clob {
		b[6] = 0x80 // text of varying width: UTF-16 on the wire
	} else {
		b[4] = 1
	}
	if l.temp {
		b[4] |= 0x40
		b[7] |= 1
	}
	binary.BigEndian.PutUint64(b[10:], t.next)
	return b
}

// find looks a locator up: ORA-22922 for one that is none.
func (t *lobTable) find(b []byte) (*lob, error) {
	if len(b) == locatorSize {
		if l := t.all[binary.BigEndian.Uint64(b[10:])]; l != nil {
			return l, nil
		}
	}
	return nil, ora.Errorf(22922, "nonexistent LOB value")
}

// typed gives a bound locator's value.
func (s *session) lobValue(b []byte) (engine.Type, []byte, error) {
	l, err := s.lobs.find(b)
	if err != nil {
		return engine.Type{}, nil, err
	}
	switch {
	case !l.clob:
		return engine.Type{Kind: engine.Blob}, l.data, nil
	case l.national:
		return engine.Type{Kind: engine.NClob}, l.data, nil
	}
	return engine.Type{Kind: engine.Clob}, s.srv.charset().Encode(value.UTF16.Decode(l.data)), nil
}

// lobCall is one operation as the client asks for it.
type lobCall struct {
	source                     []byte
	op                         int
	charset                    int
	hasCharset, hasAmount, ret bool
	offset, kind               int
	amount                     int
	data                       []byte
}

// readLob reads the fields of an operation; the function code has been read.
func (s *session) readLob(piggyback bool) (*lobCall, error) {
	c := s.conn
	// Pointers are bytes, all else are integers with a length; a pointer of 1 reads like the length of one.
	sizes := []byte{'p', 'i', 'p', 'i', 'i', 'i', 'p', 'p', 'p', 'i', 'p', 'i', 'i', 'i', 'p'}
	values := make([]uint64, len(sizes))
	for k, kind := range sizes {
		var err error
		if kind == 'p' {
			var b byte
			b, err = c.U8()
			values[k] = uint64(b)
		} else {
			values[k], err = c.UB(8)
		}
		if err != nil {
			return nil, err
		}
	}
	call := &lobCall{op: int(values[9]), hasCharset: values[6] != 0, ret: values[8] != 0, offset: int(values[12]),
		kind: int(values[13]), hasAmount: values[14] != 0}
	if err := c.Skip(6); err != nil { // arrays
		return nil, err
	}
	var err error
	if values[0] != 0 {
		b, err := c.Bytes(int(values[1]))
		if err != nil {
			return nil, err
		}
		call.source = append([]byte(nil), b...)
	}
	if piggyback {
		return call, nil
	}
	if values[2] != 0 {
		if err := c.Skip(int(values[3])); err != nil {
			return nil, err
		}
	}
	if call.hasCharset {
		if call.charset, err = c.Int(); err != nil {
			return nil, err
		}
	}
	for range values[11] { // SCN
		if _, err := c.UB(4); err != nil {
			return nil, err
		}
	}
	return call, s.lobTail(call)
}

// lobTail reads amount and data, in the order in which the client has them.
func (s *session) lobTail(call *lobCall) error {
	data, amount := call.op == lobWrite, call.hasAmount
	for amount || data {
		b, err := s.conn.U8()
		if err != nil {
			return err
		}
		if data && b == ttc.MsgLobData {
			data = false
			if call.data, _, err = s.conn.CLR(); err != nil {
				return err
			}
			continue
		}
		if !amount || b > 8 {
			return errUnreadable
		}
		raw, err := s.conn.Bytes(int(b))
		if err != nil {
			return err
		}
		for _, x := range raw {
			call.amount = call.amount<<8 | int(x)
		}
		amount = false
	}
	return nil
}

// lob runs an operation and writes its reply.
func (s *session) lob(call *lobCall, w *ttc.Writer) error {
	locator := call.source
	amount := 0
	switch call.op {
	case lobCreateTemp:
		l := &lob{temp: true, clob: call.kind == dtyClob, national: call.offset == 2}
		locator = s.lobs.add(l)
	case lobFreeTemp, lobOpen, lobClose, lobIsOpen, lobFreeTemp | lobArray:
		s.freeLobs(call)
	default:
		l, err := s.lobs.find(call.source)
		if err != nil {
			return err
		}
		if amount, err = s.access(l, call, w); err != nil {
			return err
		}
	}
	w.U8(ttc.MsgParameter)
	w.Raw(locator)
	if call.hasCharset {
		w.Int(call.charset)
	}
	if call.hasAmount {
		w.Int(amount)
	}
	if call.ret {
		w.U8(0)
	}
	return nil
}

func (s *session) freeLobs(call *lobCall) {
	if call.op&lobFreeTemp != lobFreeTemp {
		return
	}
	for b := call.source; len(b) >= locatorSize; b = b[locatorSize:] {
		delete(s.lobs.all, binary.BigEndian.Uint64(b[10:]))
	}
}

// access reads and writes; offsets and amounts count bytes, of text UTF-16 units.
func (s *session) access(l *lob, call *lobCall, w *ttc.Writer) (int, error) {
	unit := 1
	if l.clob {
		unit = 2
	}
	from := (call.offset - 1) * unit
	switch call.op {
	case lobLength:
		return len(l.data) / unit, nil
	case lobChunkSize:
		return lobChunk, nil
	case lobRead:
		if from < 0 || from > len(l.data) {
			from = len(l.data)
		}
		part := l.data[from:]
		if n := call.amount * unit; n > 0 && n < len(part) {
			part = part[:n]
		}
		w.U8(ttc.MsgLobData)
		w.CLR(part)
		return len(part) / unit, nil
	case lobWrite:
		if !l.temp || from < 0 {
			return 0, ora.Errorf(22275, "invalid LOB locator specified")
		}
		data := call.data
		if need := from + len(data); need > len(l.data) {
			l.data = append(l.data, make([]byte, need-len(l.data))...)
		}
		copy(l.data[from:], data)
		return len(data) / unit, nil
	case lobTrim:
		if !l.temp || call.amount*unit > len(l.data) {
			return 0, ora.Errorf(22926, "specified trim length is greater than current LOB value's length")
		}
		l.data = l.data[:call.amount*unit]
		return call.amount, nil
	}
	return 0, ora.Errorf(3115, "unsupported network datatype or representation")
}
