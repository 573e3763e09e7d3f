package value

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// Float32 writes a BINARY_FLOAT: the bits, turned so that they compare as the numbers do.
func Float32(f float32) []byte {
	v := math.Float32bits(f)
	if f == 0 { // SQL Language Reference, "Floating-Point Numbers": -0 is coerced to +0
		v = 0
	}
	if v&(1<<31) != 0 {
		v = ^v
	} else {
		v |= 1 << 31
	}
	return binary.BigEndian.AppendUint32(nil, v)
}

// Float64 writes a BINARY_DOUBLE.
func Float64(f float64) []byte {
	v := math.Float64bits(f)
	if f == 0 {
		v = 0
	}
	if v&(1<<63) != 0 {
		v = ^v
	} else {
		v |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(nil, v)
}

// DecodeFloat reads a BINARY_FLOAT of 4 or a BINARY_DOUBLE of 8 bytes.
func DecodeFloat(b []byte) (float64, error) {
	switch len(b) {
	case 4:
		v := binary.BigEndian.Uint32(b)
		if v&(1<<31) != 0 {
			v &^= 1 << 31
		} else {
			v = ^v
		}
		return float64(math.Float32frombits(v)), nil
	case 8:
		v := binary.BigEndian.Uint64(b)
		if v&(1<<63) != 0 {
			v &^= 1 << 63
		} else {
			v = ^v
		}
		return math.Float64frombits(v), nil
	}
	return 0, ora.Errorf(1722, "invalid number")
}

const rowidDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// RowID writes a physical address in twelve bytes, which compare as ROWIDs do: data object, file,
// block, row.
func RowID(object uint32, file uint16, block uint32, slot uint16) []byte {
	b := binary.BigEndian.AppendUint32(nil, object)
	b = binary.BigEndian.AppendUint16(b, file)
	b = binary.BigEndian.AppendUint32(b, block)
	return binary.BigEndian.AppendUint16(b, slot)
}

// RowIDText writes the eighteen characters.
func RowIDText(b []byte) string {
	out := make([]byte, 0, 18)
	put := func(v uint64, n int) {
		for i := n - 1; i >= 0; i-- {
			out = append(out, rowidDigits[v>>(6*i)&63])
		}
	}
	put(uint64(binary.BigEndian.Uint32(b)), 6)
	put(uint64(binary.BigEndian.Uint16(b[4:])), 3)
	put(uint64(binary.BigEndian.Uint32(b[6:])), 6)
	put(uint64(binary.BigEndian.Uint16(b[10:])), 3)
	return string(out)
}

// ParseRowID reads the eighteen characters; anything else is ORA-01410.
func ParseRowID(s string) ([]byte, error) {
	bad := ora.Errorf(1410, "invalid ROWID")
	if len(s) != 18 {
		return nil, bad
	}
	get := func(t string) uint64 {
		var v uint64
		for _, c := range []byte(t) {
			v = v<<6 | uint64(strings.IndexByte(rowidDigits, c))
		}
		return v
	}
	for _, c := range []byte(s) {
		if strings.IndexByte(rowidDigits, c) < 0 {
			return nil, bad
		}
	}
	object, file, block, slot := get(s[:6]), get(s[6:9]), get(s[9:15]), get(s[15:])
	if object > math.MaxUint32 || file > math.MaxUint16 || block > math.MaxUint32 || slot > math.MaxUint16 {
		return nil, bad
	}
	return RowID(uint32(object), uint16(file), uint32(block), uint16(slot)), nil
}
