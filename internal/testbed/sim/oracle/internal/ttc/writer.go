package ttc

import (
	"encoding/binary"
	"math/bits"
)

// pieceSize is the longest piece of a long value (tcp_protocol_nego.go: 0x7FFF where the server
// announces big chunks).
const pieceSize = 0x7FFF

// Writer collects a reply. The zero value is not usable: call Reset first, or NewWriter.
type Writer struct {
	buf []byte
}

// NewWriter gives an empty Writer.
func NewWriter() *Writer {
	w := &Writer{}
	w.Reset()
	return w
}

// Reset forgets what was collected, and keeps the memory unless it is large.
func (w *Writer) Reset() {
	if cap(w.buf) > 4<<20 || cap(w.buf) < dataOffset {
		w.buf = make([]byte, dataOffset, 64<<10)
	}
	w.buf = w.buf[:dataOffset]
}

// Len is how many bytes were collected.
func (w *Writer) Len() int { return len(w.buf) - dataOffset }

// Bytes is what was collected; it is the Writer's.
func (w *Writer) Bytes() []byte { return w.buf[dataOffset:] }

// U8 writes bytes as they are.
func (w *Writer) U8(b ...byte) { w.buf = append(w.buf, b...) }

// Raw writes bytes as they are.
func (w *Writer) Raw(b []byte) { w.buf = append(w.buf, b...) }

// UB writes an integer as its length and its bytes, big endian.
func (w *Writer) UB(v uint64) {
	n := (bits.Len64(v) + 7) / 8
	w.buf = append(w.buf, byte(n))
	for i := n - 1; i >= 0; i-- {
		w.buf = append(w.buf, byte(v>>(8*i)))
	}
}

// Int writes a number that is not negative like UB.
func (w *Writer) Int(v int) { w.UB(uint64(v)) }

// SB writes a signed integer: the length's high bit is the sign.
func (w *Writer) SB(v int) {
	at := len(w.buf)
	if v >= 0 {
		w.Int(v)
		return
	}
	w.Int(-v)
	w.buf[at] |= 0x80
}

// LE16 writes two bytes, little endian.
func (w *Writer) LE16(v uint16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, v) }

// BE16 writes two bytes, big endian.
func (w *Writer) BE16(v uint16) { w.buf = binary.BigEndian.AppendUint16(w.buf, v) }

// CLR writes a value after its length, in pieces where it is long; none is NULL.
func (w *Writer) CLR(b []byte) {
	if len(b) <= maxShort {
		w.buf = append(w.buf, byte(len(b)))
		w.buf = append(w.buf, b...)
		return
	}
	w.buf = append(w.buf, leadLong)
	for len(b) > 0 {
		n := min(len(b), pieceSize)
		w.Int(n)
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
	}
	w.buf = append(w.buf, 0)
}

// DLC writes a length and, unless it is 0, a CLR.
func (w *Writer) DLC(b []byte) {
	w.Int(len(b))
	if len(b) > 0 {
		w.CLR(b)
	}
}

// KeyValue writes one pair of a dictionary.
func (w *Writer) KeyValue(key, value string, flag int) {
	w.DLC([]byte(key))
	w.DLC([]byte(value))
	w.Int(flag)
}

// Halve forgets the second half of what was collected.
func (w *Writer) Halve() { w.buf = w.buf[:dataOffset+w.Len()/2] }
