package hana

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// lobInput is the piece of a LOB that came with a row of parameters.
type lobInput struct {
	column int
	text   bool // of NCLOB and CLOB
	data   []byte
	last   bool
}

// parameters reads rows of parameters one after the other.
type parameters struct {
	b      []byte
	fields []store.Type // types of the placeholders; scales of FIXED are theirs
	// lobs are the LOBs of the row read last.
	lobs []lobInput
}

var errParameters = &Error{Code: 1033, Text: "error while parsing protocol: parameters are cut off"}

// row reads one row into dst. A LOB's value is the piece that is there.
func (p *parameters) row(dst []store.Value) error {
	p.lobs = p.lobs[:0]
	sizes := make([]int, 0, 4)
	var bad error // of a value; the row is read to its end all the same
	for i := range dst {
		if len(p.b) == 0 {
			return errParameters
		}
		code := p.b[0]
		p.b = p.b[1:]
		if code&codeNull != 0 {
			dst[i] = store.Value{}
			continue
		}
		if code == codeBlob || code == codeNclob || code == codeClob || code == codeText {
			if len(p.b) < 9 {
				return errParameters
			}
			options, size := p.b[0], int(int32(binary.LittleEndian.Uint32(p.b[1:])))
			p.b = p.b[9:]
			if options&0x01 != 0 {
				dst[i] = store.Value{}
				continue
			}
			if options&0x02 == 0 {
				size = 0
			}
			p.lobs = append(p.lobs, lobInput{column: i, text: code != codeBlob, last: options&0x04 != 0})
			sizes = append(sizes, size)
			continue
		}
		v, err := p.field(code, p.fields[i])
		if err != nil && asError(err).Code == 1033 {
			return err
		}
		if err != nil && bad == nil {
			bad = err
		}
		dst[i] = v
	}
	for i := range p.lobs {
		if sizes[i] < 0 || sizes[i] > len(p.b) {
			return errParameters
		}
		p.lobs[i].data = p.b[:sizes[i]]
		p.b = p.b[sizes[i]:]
	}
	return bad
}

func (p *parameters) take(n int) ([]byte, error) {
	if n < 0 || n > len(p.b) {
		return nil, errParameters
	}
	out := p.b[:n]
	p.b = p.b[n:]
	return out, nil
}

// fieldSizes are those of the codes with a fixed size.
var fieldSizes = map[byte]int{codeTinyint: 1, codeSmallint: 2, codeInteger: 4, codeBigint: 8, codeReal: 4, codeDouble: 8, codeBoolean: 1,
	codeLongdate: 8, codeSeconddate: 8, codeDaydate: 4, codeSecondtime: 4, codeDate: 4, codeTime: 4, codeTimestamp: 8,
	codeDecimal: 16, codeFixed8: 8, codeFixed12: 12, codeFixed16: 16}

func (p *parameters) field(code byte, t store.Type) (store.Value, error) {
	size, fixed := fieldSizes[code]
	if !fixed {
		return p.counted(code)
	}
	b, err := p.take(size)
	if err != nil {
		return store.Value{}, err
	}
	le := binary.LittleEndian
	switch code {
	case codeTinyint:
		return store.IntValue(int64(b[0])), nil
	case codeSmallint:
		return store.IntValue(int64(int16(le.Uint16(b)))), nil
	case codeInteger:
		return store.IntValue(int64(int32(le.Uint32(b)))), nil
	case codeBigint:
		return store.IntValue(int64(le.Uint64(b))), nil
	case codeBoolean:
		if b[0] == 1 {
			return store.Value{}, nil
		}
		return store.BoolValue(b[0] != 0), nil
	case codeReal:
		return store.FloatValue(float64(math.Float32frombits(le.Uint32(b)))), nil
	case codeDouble:
		return store.FloatValue(math.Float64frombits(le.Uint64(b))), nil
	case codeDecimal:
		return decimalOf(b)
	case codeFixed8:
		return store.Value{K: store.Dec, I: int64(le.Uint64(b)), N: int32(t.Scale)}, nil
	case codeFixed12, codeFixed16:
		return fixedOf(b, t.Scale), nil
	}
	return calendarOf(code, b)
}

// counted reads text and bytes.
func (p *parameters) counted(code byte) (store.Value, error) {
	lead, err := p.take(1)
	if err != nil {
		return store.Value{}, err
	}
	size := int(lead[0])
	switch {
	case lead[0] == 255:
		return store.Value{}, nil
	case lead[0] == 246:
		b, err := p.take(2)
		if err != nil {
			return store.Value{}, err
		}
		size = int(binary.LittleEndian.Uint16(b))
	case lead[0] == 247:
		b, err := p.take(4)
		if err != nil {
			return store.Value{}, err
		}
		size = int(int32(binary.LittleEndian.Uint32(b)))
	case lead[0] > 247:
		return store.Value{}, errParameters
	}
	b, err := p.take(size)
	if err != nil {
		return store.Value{}, err
	}
	switch code {
	case codeBinary, codeVarbinary, codeBstring:
		return store.BytesValue(b), nil
	case codeChar, codeVarchar, codeNchar, codeNvarchar, codeString, codeNstring, codeShorttext, codeAlphanum:
		s, err := fromCESU8(b)
		return store.TextValue(s), err
	}
	return store.Value{}, &Error{Code: 1033, Text: fmt.Sprintf("error while parsing protocol: no such data type: type_code=%d", code)}
}

func decimalOf(b []byte) (store.Value, error) {
	if b[15]&0x70 == 0x70 {
		return store.Value{}, nil
	}
	exp := int(uint16(b[15]&0x7F)<<7|uint16(b[14])>>1) - 6176
	m := make([]byte, 15)
	copy(m, b[:15])
	m[14] &= 0x01
	reverse(m)
	n := new(big.Int).SetBytes(m)
	if b[15]&0x80 != 0 {
		n.Neg(n)
	}
	if n.Sign() == 0 {
		exp = 0
	}
	v := store.DecValue(n, -exp)
	if store.Digits(v) > floatingDigits {
		return v, &Error{Code: 314, Text: "numeric overflow: decimal of more than 34 digits"}
	}
	return v, nil
}

func fixedOf(b []byte, scale int) store.Value {
	big2 := make([]byte, len(b))
	copy(big2, b)
	reverse(big2)
	n := new(big.Int).SetBytes(big2)
	if b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return store.DecValue(n, scale)
}

func calendarOf(code byte, b []byte) (store.Value, error) {
	le := binary.LittleEndian
	bad := &Error{Code: 303, Text: "invalid DATE, TIME or TIMESTAMP value"}
	switch code {
	case codeLongdate:
		n := int64(le.Uint64(b))
		if n == longdateNull {
			return store.Value{}, nil
		}
		if n < 1 || n > longdateNull {
			return store.Value{}, bad
		}
		return store.Value{K: store.Stamp, I: (n-1)/1e7 + daySeconds, N: int32((n - 1) % 1e7 * 100)}, nil
	case codeSeconddate:
		n := int64(le.Uint64(b))
		if n == seconddateNull {
			return store.Value{}, nil
		}
		if n < 1 || n > seconddateNull {
			return store.Value{}, bad
		}
		return store.Value{K: store.Stamp, I: n - 1 + daySeconds}, nil
	case codeDaydate:
		n := int64(int32(le.Uint32(b)))
		if n == daydateNull {
			return store.Value{}, nil
		}
		if n < 1 || n > daydateNull {
			return store.Value{}, bad
		}
		return store.Value{K: store.Day, I: n}, nil
	case codeSecondtime:
		n := int64(int32(le.Uint32(b)))
		if n == secondtimeNull {
			return store.Value{}, nil
		}
		if n < 1 || n > secondtimeNull {
			return store.Value{}, bad
		}
		return store.Value{K: store.Clock, I: n - 1}, nil
	}
	return oldCalendarOf(code, b, bad)
}

// oldCalendarOf reads civil fields.
func oldCalendarOf(code byte, b []byte, bad error) (store.Value, error) {
	le := binary.LittleEndian
	var day, ms int64
	if code != codeTime {
		year := le.Uint16(b)
		if year&0x8000 == 0 {
			return store.Value{}, nil
		}
		n, ok := store.CivilDay(int(year&0x3fff), int(b[2])+1, int(b[3]))
		if !ok || n < 1 || n > lastDay {
			return store.Value{}, bad
		}
		day = n
		b = b[4:]
	}
	if code != codeDate {
		if b[0]&0x80 == 0 {
			return store.Value{}, nil
		}
		hour, minute, milli := int64(b[0]&0x7f), int64(b[1]), int64(le.Uint16(b[2:]))
		if hour > 23 || minute > 59 || milli > 59999 {
			return store.Value{}, bad
		}
		ms = hour*3600000 + minute*60000 + milli
	}
	switch code {
	case codeDate:
		return store.Value{K: store.Day, I: day}, nil
	case codeTime:
		return store.Value{K: store.Clock, I: ms / 1000}, nil
	}
	return store.Value{K: store.Stamp, I: day*daySeconds + ms/1000, N: int32(ms % 1000 * 1e6)}, nil
}
