package oracle

import (
	"bytes"
	"encoding/binary"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/engine"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ttc"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// define is how a client wants a column: as it is described, or a large object as LONG.
type define struct {
	dty      byte
	prefetch bool // a large object with its length and its chunk size before the locator
}

// cursor is an open statement of a session.
type cursor struct {
	id      int
	st      *engine.Statement
	text    string
	query   *engine.Cursor
	wire    []wireType
	defines []define // nil until the client sends them
	maxes   []oac    // of the binds, for calls that repeat their values only
	fetched uint64
	done    bool
	opened  bool
	canned  *cannedPage
}

// large says whether the query has columns whose rows are not sent before the client has defined them.
func (c *cursor) large() bool {
	for _, w := range c.wire {
		switch w.dty {
		case dtyClob, dtyBlob, dtyLong, dtyLongRaw:
			return true
		}
	}
	return false
}

// rowWriter writes the rows of one reply.
type rowWriter struct {
	s      *session
	c      *cursor
	w      *ttc.Writer
	last   [][]byte // of the row before; nil for the first
	sparse bool     // a bit vector was sent: go-ora keeps it until the next one
	rows   int
}

// header writes message 6, which precedes rows.
func (r *rowWriter) header() {
	r.w.U8(ttc.MsgRowHeader, 2)
	r.w.Int(len(r.c.wire))
	r.w.U8(0)
	r.w.Int(1)
	r.w.U8(0)
	r.w.U8(0, 0)
}

// row writes one row. Columns that equal those of the row before are left out, as real servers do; a bit
// vector in message 21 says which are sent.
func (r *rowWriter) row(values [][]byte) error {
	n := len(r.c.wire)
	sent := n
	var bits []byte
	if r.last != nil {
		bits = make([]byte, (n+7)/8)
		sent = 0
		for i := range n {
			if !r.repeats(i, values[i]) {
				bits[i/8] |= 1 << (i % 8)
				sent++
			}
		}
	}
	if r.sparse || bits != nil && sent < n {
		r.sparse = true
		r.w.U8(ttc.MsgBitVector)
		r.w.Int(sent)
		r.w.Raw(bits)
	} else {
		bits = nil
	}
	r.w.U8(ttc.MsgRowData)
	for i := range n {
		if bits == nil || bits[i/8]&(1<<(i%8)) != 0 {
			r.value(i, values[i])
		}
	}
	r.last = append(r.last[:0], values[:n]...)
	r.rows++
	return nil
}

// repeats says whether a column may be left out.
func (r *rowWriter) repeats(i int, v []byte) bool {
	switch r.c.wire[i].dty {
	case dtyClob, dtyBlob, dtyLong, dtyLongRaw, dtyRowid, dtyUrowid:
		return false
	}
	return (v == nil) == (r.last[i] == nil) && bytes.Equal(v, r.last[i])
}

// value writes one column.
func (r *rowWriter) value(i int, v []byte) {
	t := r.c.wire[i]
	if t.text && !t.national && r.s.recode && v != nil {
		v = r.s.clientCharset().Encode(r.s.srv.charset().Decode(v))
	}
	switch t.dty {
	case dtyVarchar, dtyChar:
		if t.size > 0 { // of what has no length nothing is sent
			r.w.CLR(v)
		}
	case dtyRowid:
		r.rowid(v)
	case dtyUrowid:
		r.urowid(v)
	case dtyLong, dtyLongRaw:
		r.w.CLR(v)
		r.indicators(v)
	case dtyClob, dtyBlob:
		r.lob(i, v)
	default:
		r.w.CLR(v)
	}
}

// indicators writes what follows a LONG: NULL indicator and return code.
func (r *rowWriter) indicators(v []byte) {
	if v == nil {
		r.w.SB(-1)
		r.w.Int(1405)
		return
	}
	r.w.U8(0, 0)
}

func (r *rowWriter) rowid(v []byte) {
	if v == nil {
		r.w.U8(0)
		return
	}
	r.w.U8(14)
	r.w.Int(int(binary.BigEndian.Uint32(v)))
	r.w.Int(int(binary.BigEndian.Uint16(v[4:])))
	r.w.U8(0)
	r.w.Int(int(binary.BigEndian.Uint32(v[6:])))
	r.w.Int(int(binary.BigEndian.Uint16(v[10:])))
}

// urowid writes a physical ROWID in 13 bytes.
func (r *rowWriter) urowid(v []byte) {
	if v == nil {
		r.w.U8(0)
		return
	}
	if len(v) == 12 {
		v = append([]byte{1}, v...)
	}
	r.w.DLC(v)
}

// lob writes a large object: as LONG where the client defined it so, else its locator.
func (r *rowWriter) lob(i int, v []byte) {
	d := define{dty: r.c.wire[i].dty}
	if r.c.defines != nil {
		d = r.c.defines[i]
	}
	switch d.dty {
	case dtyLong, dtyLongVarchar, dtyLongRaw, dtyLongVarRaw, dtyVarchar, dtyRaw:
		data := v
		if r.c.wire[i].national && v != nil {
			data = v // the national charset is sent as it is
		}
		r.w.CLR(data)
		r.indicators(v)
		return
	}
	if v == nil {
		r.w.U8(0)
		return
	}
	if r.c.wire[i].dty == dtyClob && !r.c.wire[i].national {
		v = value.UTF16.Encode(r.text(i, v))
	}
	l := r.s.lobs.add(&lob{data: v, clob: r.c.wire[i].dty == dtyClob, national: r.c.wire[i].national})
	r.w.Int(len(l))
	if d.prefetch {
		size := len(v)
		if r.c.wire[i].dty == dtyClob {
			size /= 2
		}
		r.w.Int(size)
		r.w.Int(lobChunk)
	}
	r.w.CLR(l)
}

// text decodes a value that was recoded for the client.
func (r *rowWriter) text(i int, v []byte) string {
	if r.s.recode {
		return r.s.clientCharset().Decode(v)
	}
	return r.s.srv.charset().Decode(v)
}
