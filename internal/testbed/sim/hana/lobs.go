package hana

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// Options of a LOB (go-hdb, protocol/lob.go).
const (
	lobNull = 0x01
	lobData = 0x02
	lobLast = 0x04
)

// locator is a LOB that a client reads or writes in pieces.
type locator struct {
	id     uint64
	cursor *cursor
	text   bool
	auto   bool // of a query outside of a transaction: the next statement ends it

	data  string // being read
	units int    // UTF-16 units before at
	at    int    // bytes, where the last piece ended
	half  bool   // that was in the middle of a surrogate pair

	writer *lobWriter // being written
	buf    []byte
	column int
	done   bool
}

// lobWriter is the row that waits for its LOBs.
type lobWriter struct {
	x      *execution
	change *change
	open   int
	slot   uint32
}

// appendLob encodes a LOB of a row: its sizes, its begin, and a locator for the rest.
func (s *session) appendLob(b []byte, v store.Value, c *cursor) []byte {
	if v.IsNull() {
		return append(b, 0, lobNull)
	}
	l := &locator{id: s.newID(), cursor: c, text: v.K == store.Text, data: v.S, auto: c.own != nil}
	size, chars := len(v.S), len(v.S)
	if l.text {
		chars = units(v.S)
		size = cesuSize(v.S)
	}
	piece, last := l.piece(s.srv.options.LobInline)
	options := byte(lobData)
	if last {
		options |= lobLast
	} else {
		s.locators[l.id] = l
	}
	le := binary.LittleEndian
	b = append(b, 0, options, 0, 0)
	b = le.AppendUint64(b, uint64(chars))
	b = le.AppendUint64(b, uint64(size))
	b = le.AppendUint64(b, l.id)
	b = le.AppendUint32(b, uint32(len(piece)))
	return append(b, piece...)
}

func cesuSize(s string) int {
	n := len(s)
	for i := range len(s) {
		if s[i] >= 0xF0 {
			n += 2
		}
	}
	return n
}

// piece returns the next n bytes, or UTF-16 units of text. A pair of surrogates may
// be cut in two.
func (l *locator) piece(n int) (b []byte, last bool) {
	if !l.text {
		end := min(len(l.data), l.at+n)
		b = []byte(l.data[l.at:end])
		l.at, l.units = end, end
		return b, end == len(l.data)
	}
	for ; n > 0 && l.at < len(l.data); n-- {
		r, size := utf8.DecodeRuneInString(l.data[l.at:])
		l.units++
		if r < 0x10000 {
			b = append(b, l.data[l.at:l.at+size]...)
			l.at += size
			continue
		}
		high, low := 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF
		if !l.half {
			b = appendUnit(b, high)
			l.half = true
			continue
		}
		b = appendUnit(b, low)
		l.half = false
		l.at += size
	}
	return b, l.at == len(l.data)
}

// seek goes to a unit, counted from 0; reading on where the last piece ended is cheap.
func (l *locator) seek(to int) bool {
	if !l.text {
		l.at = to
		return to <= len(l.data)
	}
	if to < l.units {
		l.at, l.units, l.half = 0, 0, false
	}
	for l.units < to {
		if l.at >= len(l.data) {
			return false
		}
		l.piece(1)
	}
	return true
}

var errLocator = &Error{Code: 1033, Text: "error while parsing protocol: invalid lob locator id (piecewise lob reading)"}

func (s *session) readLob(p *part) (*reply, error) {
	if len(p.data) < 20 {
		return nil, errParameters
	}
	le := binary.LittleEndian
	l := s.locators[le.Uint64(p.data)]
	if l == nil || l.writer != nil {
		return nil, errLocator
	}
	offset, size := int64(le.Uint64(p.data[8:])), int(int32(le.Uint32(p.data[16:])))
	if offset < 1 || size < 0 || !l.seek(int(offset-1)) {
		return nil, &Error{Code: 584, Text: "No more LOB data"}
	}
	piece, last := l.piece(size)
	b := le.AppendUint64(nil, l.id)
	options := byte(lobData)
	if last {
		options |= lobLast
	}
	b = append(b, options)
	b = le.AppendUint32(b, uint32(len(piece)))
	b = append(b, 0, 0, 0)
	r := &reply{function: funcReadLob}
	r.add(partReadLobReply, 1, append(b, piece...))
	return r, nil
}

// lobsOf says whether locators of a cursor are open.
func (s *session) lobsOf(c *cursor) bool {
	for _, l := range s.locators {
		if l.cursor == c {
			return true
		}
	}
	return false
}

// ageLocators ends the locators of queries outside of transactions: the next
// statement makes them invalid (go-hdb, driver/conn.go, errInvalidLobLocatorID).
func (s *session) ageLocators() {
	for id, l := range s.locators {
		if l.auto {
			delete(s.locators, id)
		}
	}
}

func (s *session) dropLocators() {
	for id, l := range s.locators {
		if !l.auto {
			delete(s.locators, id)
		}
	}
}

func openLobs(lobs []lobInput) bool {
	for _, l := range lobs {
		if !l.last {
			return true
		}
	}
	return false
}

// takeLobs puts the LOBs of a row, as far as they came, into its values.
func (s *session) takeLobs(c *change, values []store.Value) error {
	for _, l := range c.lobs {
		if !l.last {
			if s.auto {
				return &Error{Code: 596, Text: "LOB streaming is not permitted in auto-commit mode"}
			}
			values[l.column] = store.TextValue("")
			continue
		}
		if l.text {
			text, err := fromCESU8(l.data)
			if err != nil {
				return err
			}
			values[l.column] = store.TextValue(text)
			continue
		}
		values[l.column] = store.BytesValue(l.data)
	}
	return nil
}

// openWriters makes locators for the LOBs that are not complete. Only the last row of
// a message may have such (go-hdb, driver/stmt.go).
func (s *session) openWriters(x *execution, c *change, row int) ([]byte, error) {
	if row != x.rows-1 {
		return nil, &Error{Code: 7, Text: "feature not supported: incomplete LOB in a row that is not the last"}
	}
	w := &lobWriter{x: x, change: c, slot: c.slot}
	var ids []byte
	for _, in := range c.lobs {
		if in.last {
			continue
		}
		l := &locator{id: s.newID(), text: in.text, writer: w, column: in.column, buf: append([]byte(nil), in.data...)}
		s.locators[l.id] = l
		w.open++
		ids = binary.LittleEndian.AppendUint64(ids, l.id)
	}
	return ids, nil
}

// writeLob takes pieces; when the last is there, the row gets its LOBs.
func (s *session) writeLob(p *part) (*reply, error) {
	le := binary.LittleEndian
	b := p.data
	var finished *lobWriter
	var open []byte
	for range p.count {
		if len(b) < 21 {
			return nil, errParameters
		}
		l := s.locators[le.Uint64(b)]
		options, size := b[8], int(int32(le.Uint32(b[17:])))
		b = b[21:]
		if l == nil || l.writer == nil || l.done {
			return nil, errLocator
		}
		if size < 0 || size > len(b) {
			return nil, errParameters
		}
		l.buf = append(l.buf, b[:size]...)
		b = b[size:]
		if options&lobLast == 0 {
			open = le.AppendUint64(open, l.id)
			continue
		}
		l.done = true
		l.writer.open--
		if l.writer.open == 0 {
			finished = l.writer
		}
	}
	r := &reply{function: funcWriteLob}
	if finished == nil {
		r.add(partWriteLobReply, len(open)/8, open)
		return r, nil
	}
	if err := s.finishLobs(finished); err != nil {
		return nil, err
	}
	r.add(partRowsAffected, 1, le.AppendUint32(nil, 1))
	return r, nil
}

// finishLobs stores the LOBs that came in pieces in their row.
func (s *session) finishLobs(w *lobWriter) error {
	t := w.x.cmd.table
	tx := w.change.tx
	if tx.ended {
		return errLocator
	}
	d := t.structure(tx)
	cur, err := tx.Current(t.rows, w.slot, s.wait())
	if err != nil || !cur.Alive {
		return errLocator
	}
	row := t.relationOf(tx).Decode(cur.Row)
	for id, l := range s.locators {
		if l.writer != w {
			continue
		}
		delete(s.locators, id)
		at, ok := w.x.cmd.lobs[l.column]
		if !ok {
			return &Error{Code: 7, Text: "feature not supported: LOB in pieces inside of an expression"}
		}
		v := store.BytesValue(l.buf)
		if l.text {
			text, err := fromCESU8(l.buf)
			if err != nil {
				return err
			}
			v = store.TextValue(text)
		}
		l.buf = nil
		if row[at], err = store1(v, d.columns[at]); err != nil {
			return err
		}
	}
	_, err = tx.Apply(t.rows, w.slot, cur, store.EncodeRow(nil, row))
	return err
}
