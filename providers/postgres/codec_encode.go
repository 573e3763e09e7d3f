package postgres

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// An encoder writes the cells of one column in the server's binary form. There
// is one a column, bound to each batch in turn. One goroutine.
type encoder interface {
	bind(d arrow.ArrayData)
	// release lets go of the batch, whose memory would else be in use until the next one.
	release()
	// encode appends length and value of a cell to b. errWide says that the value is
	// left out and is to be sent from where it lies: the encoder is a *bytesEncoder.
	encode(b []byte, i int) ([]byte, error)
}

var errWide = errors.New("the value is to be sent from where it lies")

// nullable reads a column's null bitmap.
type nullable struct {
	bits   []byte // nil where nothing is NULL
	offset int
}

func (n *nullable) bindNulls(d arrow.ArrayData) {
	n.bits, n.offset = nil, d.Offset()
	if b := d.Buffers()[0]; b != nil && d.NullN() != 0 {
		n.bits = b.Bytes()
	}
}

func (n *nullable) null(i int) bool {
	i += n.offset
	return n.bits != nil && n.bits[i>>3]&(1<<(i&7)) == 0
}

func appendNull(b []byte) []byte { return append(b, 0xff, 0xff, 0xff, 0xff) }

// fixedValues are the values of a column of one width.
type fixedValues struct {
	nullable
	values []byte
}

func (e *fixedValues) bind(d arrow.ArrayData) {
	e.bindNulls(d)
	e.values = nil
	if b := d.Buffers()[1]; b != nil {
		e.values = b.Bytes()
	}
}

func (e *fixedValues) release() { e.values, e.bits = nil, nil }

// fixedEncoder writes columns of one width; put appends length and value. What
// nearly every table has many of has an encoder of its own, without that call.
type fixedEncoder struct {
	fixedValues
	width int
	put   func(b, v []byte) ([]byte, error)
}

func (e *fixedEncoder) encode(b []byte, i int) ([]byte, error) {
	if e.null(i) {
		return appendNull(b), nil
	}
	at := (e.offset + i) * e.width
	return e.put(b, e.values[at:at+e.width])
}

// swap4Encoder writes integers and floats of four bytes.
type swap4Encoder struct{ fixedValues }

func (e *swap4Encoder) encode(b []byte, i int) ([]byte, error) {
	if e.null(i) {
		return appendNull(b), nil
	}
	v := binary.LittleEndian.Uint32(e.values[4*(e.offset+i):])
	return binary.BigEndian.AppendUint64(b, 4<<32|uint64(v)), nil
}

// swap8Encoder writes integers, floats and times of eight bytes.
type swap8Encoder struct{ fixedValues }

func (e *swap8Encoder) encode(b []byte, i int) ([]byte, error) {
	if e.null(i) {
		return appendNull(b), nil
	}
	v := binary.LittleEndian.Uint64(e.values[8*(e.offset+i):])
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), v), nil
}

type boolEncoder struct {
	nullable
	values []byte
}

func (e *boolEncoder) bind(d arrow.ArrayData) {
	e.bindNulls(d)
	e.values = d.Buffers()[1].Bytes()
}

func (e *boolEncoder) release() { e.values, e.bits = nil, nil }

func (e *boolEncoder) encode(b []byte, i int) ([]byte, error) {
	if e.null(i) {
		return appendNull(b), nil
	}
	i += e.offset
	return append(b, 0, 0, 0, 1, e.values[i>>3]>>(i&7)&1), nil
}

// bytesEncoder writes values of any length, the wide ones without a copy.
type bytesEncoder struct {
	nullable
	wide    bool // 64-bit offsets
	jsonb   bool
	element uint32 // object id of an array's elements on this server, or 0
	offsets []byte
	values  []byte
	rest    []byte // of a wide value: what is to be sent after its length
}

func (e *bytesEncoder) bind(d arrow.ArrayData) {
	e.bindNulls(d)
	e.offsets, e.values = d.Buffers()[1].Bytes(), nil
	if b := d.Buffers()[2]; b != nil {
		e.values = b.Bytes()
	}
}

func (e *bytesEncoder) release() { e.offsets, e.values, e.bits = nil, nil, nil }

func (e *bytesEncoder) value(i int) []byte {
	i += e.offset
	if e.wide {
		return e.values[binary.LittleEndian.Uint64(e.offsets[8*i:]):binary.LittleEndian.Uint64(e.offsets[8*i+8:])]
	}
	return e.values[binary.LittleEndian.Uint32(e.offsets[4*i:]):binary.LittleEndian.Uint32(e.offsets[4*i+4:])]
}

func (e *bytesEncoder) encode(b []byte, i int) ([]byte, error) {
	if e.null(i) {
		return appendNull(b), nil
	}
	v := e.value(i)
	n := len(v)
	if e.jsonb {
		n++
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	if e.jsonb {
		b = append(b, 1)
	}
	if e.element != 0 && len(v) >= 12 {
		b = append(b, v[:8]...)
		b = binary.BigEndian.AppendUint32(b, e.element)
		v = v[12:]
	}
	if len(v) > wideValue {
		e.rest = v
		return b, errWide
	}
	return append(b, v...), nil
}

// numberEncoder writes dmo.number.
type numberEncoder struct{ bytesEncoder }

func (e *numberEncoder) encode(b []byte, i int) ([]byte, error) {
	if e.null(i) {
		return appendNull(b), nil
	}
	return appendNumericText(b, e.value(i))
}

// newEncoder makes the encoder of a target column. Base is the type below domains,
// element that of an array's elements, as the target has them.
func newEncoder(t catalog.Type, base string, element uint32) encoder {
	switch t.Kind {
	case catalog.Bool:
		return &boolEncoder{}
	case catalog.Number:
		return &numberEncoder{}
	case catalog.String, catalog.Char, catalog.Binary:
		return &bytesEncoder{}
	case catalog.Text, catalog.Blob, catalog.JSON:
		return &bytesEncoder{wide: true, jsonb: base == "jsonb"}
	case catalog.Native:
		if !isArray(t) { // a point has elements too, but does not say so in its bytes
			element = 0
		}
		return &bytesEncoder{wide: true, element: element}
	}
	put, width := fixedPut(t, base)
	switch {
	case put != nil:
		return &fixedEncoder{width: width, put: put}
	case width == 4:
		return &swap4Encoder{}
	case width == 8:
		return &swap8Encoder{}
	}
	return nil
}

// fixedPut returns how a type's values are written, nil where only their bytes are
// swapped, and their width; 0 where the type is none of one width.
func fixedPut(t catalog.Type, base string) (put func(b, v []byte) ([]byte, error), width int) {
	switch t.Kind {
	case catalog.Int16:
		return appendSwap2, 2
	case catalog.Int32, catalog.Float32:
		return nil, 4
	case catalog.Int64:
		if base == "oid" {
			return appendOID, 8
		}
		return nil, 8
	case catalog.Float64, catalog.Time:
		return nil, 8
	case catalog.Date:
		return appendDate, 4
	case catalog.Timestamp, catalog.TimestampTZ:
		return appendTimestamp, 8
	case catalog.UUID:
		return appendUUID, 16
	case catalog.Decimal:
		e := decimalEncoder{scale: t.Scale}
		if t.Precision > 38 {
			return e.append256, 32
		}
		return e.append128, 16
	}
	return nil, 0
}

func appendSwap2(b, v []byte) ([]byte, error) { return append(b, 0, 0, 0, 2, v[1], v[0]), nil }

func appendOID(b, v []byte) ([]byte, error) {
	if n := binary.LittleEndian.Uint64(v); n > math.MaxUint32 {
		return b, errRange
	}
	return append(b, 0, 0, 0, 4, v[3], v[2], v[1], v[0]), nil
}

func appendUUID(b, v []byte) ([]byte, error) { return append(append(b, 0, 0, 0, 16), v...), nil }

func appendDate(b, v []byte) ([]byte, error) {
	d := int32(binary.LittleEndian.Uint32(v))
	if d != batch.InfinityDay && d != batch.NegInfinityDay {
		if d < math.MinInt32+epochDays {
			return b, errRange
		}
		d -= epochDays
	}
	return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32(d)), nil
}

func appendTimestamp(b, v []byte) ([]byte, error) {
	us := int64(binary.LittleEndian.Uint64(v))
	if us != batch.InfinityUS && us != batch.NegInfinityUS {
		if us < math.MinInt64+epochMicros {
			return b, errRange
		}
		us -= epochMicros
	}
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(us)), nil
}
