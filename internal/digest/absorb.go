package digest

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/zeebo/xxh3"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// newColumn chooses the loop of a column once, so that no loop looks at types.
func newColumn(c catalog.Column) (column, error) {
	dt, err := batch.DataType(c.Type)
	if err != nil {
		return column{}, err
	}
	col := column{name: c.Name, id: dt.ID()}
	switch c.Type.Kind {
	case catalog.Bool:
		col.tag, col.absorb = tagBool, bools
	case catalog.Int16:
		col.tag, col.absorb = tagInt, ints[int16]
	case catalog.Int32:
		col.tag, col.absorb = tagInt, ints[int32]
	case catalog.Int64:
		col.tag, col.absorb = tagInt, ints[int64]
	case catalog.Float32:
		col.tag, col.absorb = tagFloat32, float32s
	case catalog.Float64:
		col.tag, col.absorb = tagFloat64, float64s
	case catalog.Decimal:
		col.tag, col.absorb = tagDecimal, decimals
		if dt.ID() == arrow.DECIMAL256 {
			col.tag, col.absorb = tagWideDecimal, wideDecimals
		}
	case catalog.Timestamp9:
		col.tag, col.absorb = tagTimestamp9, decimals
	case catalog.Number:
		col.tag, col.absorb = tagNumber, variable
	case catalog.String, catalog.Char, catalog.Text, catalog.JSON:
		col.tag, col.absorb = tagText, variable
	case catalog.Binary, catalog.Blob:
		col.tag, col.absorb = tagBinary, variable
	case catalog.Native:
		col.tag, col.absorb = tagNative, variable
	case catalog.Date:
		col.tag, col.absorb = tagDate, ints[arrow.Date32]
	case catalog.Time:
		col.tag, col.absorb = tagTime, ints[arrow.Time64]
	case catalog.Timestamp:
		col.tag, col.absorb = tagTimestamp, ints[arrow.Timestamp]
	case catalog.TimestampTZ:
		col.tag, col.absorb = tagTimestampTZ, ints[arrow.Timestamp]
	case catalog.UUID:
		col.tag, col.absorb = tagUUID, uuids
	}
	return col, nil
}

// lanes are the rows' lanes while one column is mixed in.
type lanes struct {
	tag  uint64
	a, b []uint64
}

// nulls mixes the NULL marker into the rows that have it, and returns whether
// there is any. A NULL's own bits say nothing and are never looked at.
func nulls(arr arrow.Array, l lanes) (bitmap []byte, offset int, some bool) {
	if arr.NullN() == 0 {
		return nil, 0, false
	}
	tag, a, b := l.tag, l.a, l.b
	bitmap, offset = arr.NullBitmapBytes(), arr.Data().Offset()
	for i := range a {
		if !bitutil.BitIsSet(bitmap, offset+i) {
			a[i] = roundA(a[i]^nullA^tag, 0)
			b[i] = roundB(b[i]^nullB^tag, 0)
		}
	}
	return bitmap, offset, true
}

type integer interface{ ~int16 | ~int32 | ~int64 }

func ints[T integer](arr arrow.Array, l lanes) {
	tag, a, b := l.tag, l.a, l.b[:len(l.a)]
	values := arr.(interface{ Values() []T }).Values()[:len(a)]
	if bitmap, offset, some := nulls(arr, l); some {
		for i, v := range values {
			if bitutil.BitIsSet(bitmap, offset+i) {
				a[i] = roundA(a[i]^tag, uint64(int64(v)))
				b[i] = roundB(b[i]^tag, uint64(int64(v)))
			}
		}
		return
	}
	for i, v := range values {
		a[i] = roundA(a[i]^tag, uint64(int64(v)))
		b[i] = roundB(b[i]^tag, uint64(int64(v)))
	}
}

// each mixes one 64-bit word a row, for types that are rare.
func each(arr arrow.Array, l lanes, word func(int) uint64) {
	tag, a, b := l.tag, l.a, l.b
	bitmap, offset, some := nulls(arr, l)
	for i := range a {
		if some && !bitutil.BitIsSet(bitmap, offset+i) {
			continue
		}
		v := word(i)
		a[i] = roundA(a[i]^tag, v)
		b[i] = roundB(b[i]^tag, v)
	}
}

func bools(arr arrow.Array, l lanes) {
	values := arr.(*array.Boolean)
	each(arr, l, func(i int) uint64 {
		if values.Value(i) {
			return 1
		}
		return 0
	})
}

// float32s and float64s hash bits; every NaN counts as one. Whether -0 is 0 is
// the target's business and settled before.
func float32s(arr arrow.Array, l lanes) {
	values := arr.(*array.Float32).Float32Values()
	each(arr, l, func(i int) uint64 {
		if v := values[i]; v == v {
			return uint64(math.Float32bits(v))
		}
		return 0x7fc00000
	})
}

func float64s(arr arrow.Array, l lanes) {
	values := arr.(*array.Float64).Float64Values()
	each(arr, l, func(i int) uint64 {
		if v := values[i]; v == v {
			return math.Float64bits(v)
		}
		return 0x7ff8000000000000
	})
}

// decimals folds the upper half of a 128-bit integer into each lane differently,
// so that small values, which are nearly all, cost one round.
func decimals(arr arrow.Array, l lanes) {
	tag, a, b := l.tag, l.a, l.b[:len(l.a)]
	values := arr.(*array.Decimal128).Values()[:len(a)]
	bitmap, offset, some := nulls(arr, l)
	for i, v := range values {
		if some && !bitutil.BitIsSet(bitmap, offset+i) {
			continue
		}
		va, vb := halves(v)
		a[i] = roundA(a[i]^tag, va)
		b[i] = roundB(b[i]^tag, vb)
	}
}

func halves(v decimal128.Num) (forA, forB uint64) {
	hi, lo := uint64(v.HighBits()), v.LowBits()
	return lo ^ hi*wide, lo + hi*nullB
}

func wideDecimals(arr arrow.Array, l lanes) {
	tag, a, b := l.tag, l.a, l.b
	values := arr.(*array.Decimal256).Values()
	bitmap, offset, some := nulls(arr, l)
	for i, v := range values {
		if some && !bitutil.BitIsSet(bitmap, offset+i) {
			continue
		}
		a[i], b[i] = wideDecimal(v, a[i]^tag, b[i]^tag)
	}
}

func wideDecimal(v decimal256.Num, a, b uint64) (uint64, uint64) {
	for _, word := range v.Array() {
		a, b = roundA(a, word), roundB(b, word)
	}
	return a, b
}

func uuids(arr arrow.Array, l lanes) {
	tag, a, b := l.tag, l.a, l.b
	values := arr.(*array.FixedSizeBinary)
	bitmap, offset, some := nulls(arr, l)
	for i := range a {
		if some && !bitutil.BitIsSet(bitmap, offset+i) {
			continue
		}
		v := values.Value(i)
		first, second := binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])
		a[i] = roundA(roundA(a[i]^tag, first), second)
		b[i] = roundB(roundB(b[i]^tag, first), second)
	}
}

// variable hashes text and binary values, whose own hash covers their length.
func variable(arr arrow.Array, l lanes) {
	switch v := arr.(type) {
	case *array.String:
		spans(arr, v.ValueOffsets(), v.ValueBytes(), l)
	case *array.Binary:
		spans(arr, v.ValueOffsets(), v.ValueBytes(), l)
	case *array.LargeString:
		spans(arr, v.ValueOffsets(), v.ValueBytes(), l)
	case *array.LargeBinary:
		spans(arr, v.ValueOffsets(), v.ValueBytes(), l)
	}
}

func spans[O int32 | int64](arr arrow.Array, offsets []O, data []byte, l lanes) {
	if len(l.a) == 0 {
		return
	}
	a, b := l.a, l.b[:len(l.a)]
	bitmap, offset, some := nulls(arr, l)
	base, offsets := offsets[0], offsets[:len(a)+1]
	start := offsets[0]
	for i := range a {
		end := offsets[i+1]
		if !some || bitutil.BitIsSet(bitmap, offset+i) {
			h := xxh3.Hash128(data[start-base : end-base])
			a[i] = roundA(a[i]^l.tag, h.Lo)
			b[i] = roundB(b[i]^l.tag, h.Hi)
		}
		start = end
	}
}
