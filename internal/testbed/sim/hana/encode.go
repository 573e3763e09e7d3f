package hana

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// appendField encodes one value of a result row; LOBs are encoded by the session,
// which keeps their locators.
func appendField(b []byte, v store.Value, t store.Type, code byte) []byte {
	le := binary.LittleEndian
	switch code {
	case codeTinyint, codeSmallint, codeInteger, codeBigint:
		return appendInteger(b, v, code)
	case codeBoolean:
		if v.IsNull() {
			return append(b, 1)
		}
		return append(b, byte(v.I*2))
	case codeReal:
		if v.IsNull() {
			return le.AppendUint32(b, math.MaxUint32)
		}
		return le.AppendUint32(b, math.Float32bits(float32(store.ToFloat(v))))
	case codeDouble:
		if v.IsNull() {
			return le.AppendUint64(b, math.MaxUint64)
		}
		return le.AppendUint64(b, math.Float64bits(store.ToFloat(v)))
	case codeDecimal:
		return appendDecimal(b, v)
	case codeFixed8, codeFixed12, codeFixed16:
		return appendFixed(b, v, t.Scale, fixedSize(code))
	case codeLongdate, codeSeconddate, codeDaydate, codeSecondtime, codeTimestamp, codeDate, codeTime:
		return appendCalendar(b, v, code)
	case codeBinary, codeVarbinary:
		if v.IsNull() {
			return append(b, 255)
		}
		return append(appendLength(b, len(v.S)), v.S...)
	}
	if v.IsNull() {
		return append(b, 255)
	}
	text := appendCESU8(nil, v.S)
	if code == codeAlphanum {
		text = append([]byte{byte(t.Length)}, text...)
	}
	return append(appendLength(b, len(text)), text...)
}

func appendLength(b []byte, n int) []byte {
	switch {
	case n <= 245:
		return append(b, byte(n))
	case n <= math.MaxInt16:
		return binary.LittleEndian.AppendUint16(append(b, 246), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(b, 247), uint32(n))
}

func appendInteger(b []byte, v store.Value, code byte) []byte {
	if v.IsNull() {
		return append(b, 0)
	}
	le := binary.LittleEndian
	b = append(b, 1)
	switch code {
	case codeTinyint:
		return append(b, byte(v.I))
	case codeSmallint:
		return le.AppendUint16(b, uint16(v.I))
	case codeInteger:
		return le.AppendUint32(b, uint32(v.I))
	}
	return le.AppendUint64(b, uint64(v.I))
}

// appendDecimal writes 113 bits of magnitude, 14 of exponent and the sign.
func appendDecimal(b []byte, v store.Value) []byte {
	var out [16]byte
	if v.IsNull() {
		out[15] = 0x70
		return append(b, out[:]...)
	}
	v = store.Normalize(store.RoundDigits(v, floatingDigits))
	m := v.Unscaled()
	negative := m.Sign() < 0
	m.Abs(m)
	m.FillBytes(out[:])
	reverse(out[:])
	exp := uint16(6176 - int(v.N))
	out[14] |= byte(exp << 1)
	out[15] = byte(exp >> 7)
	if negative {
		out[15] |= 0x80
	}
	return append(b, out[:]...)
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

func fixedSize(code byte) int {
	switch code {
	case codeFixed8:
		return 8
	case codeFixed12:
		return 12
	}
	return 16
}

func appendFixed(b []byte, v store.Value, scale, size int) []byte {
	if v.IsNull() {
		return append(b, 0)
	}
	v, _ = store.Rescale(v, scale, true)
	b = append(b, 1)
	if v.S == "" {
		b = binary.LittleEndian.AppendUint64(b, uint64(v.I))
		for range size - 8 {
			b = append(b, byte(v.I>>63))
		}
		return b
	}
	n := v.Unscaled()
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(size)*8))
	}
	out := n.FillBytes(make([]byte, size))
	reverse(out)
	return append(b, out...)
}

func appendCalendar(b []byte, v store.Value, code byte) []byte {
	le := binary.LittleEndian
	null := v.IsNull()
	switch code {
	case codeLongdate:
		if null {
			return le.AppendUint64(b, longdateNull)
		}
		return le.AppendUint64(b, uint64((v.I-daySeconds)*1e7+int64(v.N)/100+1))
	case codeSeconddate:
		if null {
			return le.AppendUint64(b, seconddateNull)
		}
		return le.AppendUint64(b, uint64(v.I-daySeconds+1))
	case codeDaydate:
		if null {
			return le.AppendUint32(b, daydateNull)
		}
		return le.AppendUint32(b, uint32(v.I))
	case codeSecondtime:
		if null {
			return le.AppendUint32(b, secondtimeNull)
		}
		return le.AppendUint32(b, uint32(v.I+1))
	case codeDate:
		return appendOldDate(b, v.I, null)
	case codeTime:
		return appendOldTime(b, v.I*1000, null)
	}
	b = appendOldDate(b, v.I/daySeconds, null)
	return appendOldTime(b, v.I%daySeconds*1000+int64(v.N)/1e6, null)
}

// appendOldDate and appendOldTime write the civil fields of data formats below 4.
func appendOldDate(b []byte, day int64, null bool) []byte {
	if null {
		return append(b, 0, 0, 0, 0)
	}
	y, m, d := store.DayCivil(day)
	return append(binary.LittleEndian.AppendUint16(b, uint16(y)|0x8000), byte(m-1), byte(d))
}

func appendOldTime(b []byte, ms int64, null bool) []byte {
	if null {
		return append(b, 0, 0, 0, 0)
	}
	b = append(b, byte(ms/3600000)|0x80, byte(ms/60000%60))
	return binary.LittleEndian.AppendUint16(b, uint16(ms%60000))
}
