package oracle

import (
	"database/sql/driver"
	"math/bits"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// column puts the driver's values of one column into an Arrow builder. There is one a
// column, made when a Reader opens, so that a cell costs one call and one type switch.
type column struct {
	array.Builder
	put func(v driver.Value) error // v is not nil; appends nothing where it fails
}

// append adds a value; nil is NULL.
func (c *column) append(v driver.Value) error {
	if v == nil {
		c.AppendNull()
		return nil
	}
	return c.put(v)
}

// newColumn makes the column for values that are selected as items says.
func newColumn(c catalog.Column) (*column, error) {
	dt, err := batch.DataType(c.Type)
	if err != nil {
		return nil, err
	}
	b := array.NewBuilder(memory.DefaultAllocator, dt)
	out := &column{Builder: b}
	switch b := b.(type) {
	case *array.Decimal128Builder:
		out.put = putDecimal(b, c.Type.Scale)
		if c.Type.Kind == catalog.Timestamp9 {
			out.put = putNanos(b)
		}
	case *array.Decimal256Builder:
		out.put = putWideDecimal(b, c.Type)
	case *array.StringBuilder:
		out.put = putText(b.Append)
		if c.Type.Kind == catalog.Number {
			out.put = putNumber(b)
		}
		if shapeOf(c.Declared) == interval {
			out.put = putInterval(b)
		}
	case *array.LargeStringBuilder:
		out.put = putText(b.Append)
	case *array.BinaryBuilder:
		out.put = putBytes(b.Append)
	case *array.Float32Builder:
		out.put = func(v driver.Value) error {
			f, ok := v.(float32)
			if !ok {
				return errForm
			}
			b.Append(f)
			return nil
		}
	case *array.Float64Builder:
		out.put = func(v driver.Value) error {
			f, ok := v.(float64)
			if !ok {
				return errForm
			}
			b.Append(f)
			return nil
		}
	case *array.TimestampBuilder:
		out.put = putMicros(b)
	default:
		b.Release()
		return nil, errForm
	}
	return out, nil
}

// reserve makes room for a batch at its first value, rather than step by step.
func reserve(b array.Builder) {
	if b.Len() == b.Cap() {
		b.Reserve(max(batch.Rows, b.Len()))
	}
}

func putText(add func(string)) func(driver.Value) error {
	return func(v driver.Value) error {
		s, ok := v.(string)
		if !ok {
			return errForm
		}
		s, err := unicodeText(s)
		if err != nil {
			return err
		}
		add(s)
		return nil
	}
}

func putBytes(add func([]byte)) func(driver.Value) error {
	return func(v driver.Value) error {
		b, ok := v.([]byte)
		if !ok {
			return errForm
		}
		add(b)
		return nil
	}
}

func putDecimal(b *array.Decimal128Builder, scale int) func(driver.Value) error {
	return func(v driver.Value) error {
		s, ok := v.(string)
		if !ok {
			return errForm
		}
		n, err := decimal(s, scale)
		if err != nil {
			return err
		}
		reserve(b)
		b.UnsafeAppend(n)
		return nil
	}
}

func putWideDecimal(b *array.Decimal256Builder, t catalog.Type) func(driver.Value) error {
	return func(v driver.Value) error {
		s, ok := v.(string)
		if !ok {
			return errForm
		}
		n, err := wideDecimal(s, t)
		if err != nil {
			return err
		}
		b.Append(decimal256.FromBigInt(n))
		return nil
	}
}

func putNumber(b *array.StringBuilder) func(driver.Value) error {
	return func(v driver.Value) error {
		s, ok := v.(string)
		if !ok {
			return errForm
		}
		s, err := batch.CanonicalNumber(s)
		if err != nil {
			return err
		}
		b.Append(s)
		return nil
	}
}

func putInterval(b *array.StringBuilder) func(driver.Value) error {
	return func(v driver.Value) error {
		s, ok := v.(string)
		if !ok {
			return errForm
		}
		s, err := isoInterval(s)
		if err != nil {
			return err
		}
		b.Append(s)
		return nil
	}
}

// putMicros takes what the driver decoded, or an instant that was spelled by the server.
func putMicros(b *array.TimestampBuilder) func(driver.Value) error {
	return func(v driver.Value) error {
		seconds, nanos, err := instantOf(v)
		if err != nil {
			return err
		}
		if nanos%1000 != 0 {
			return errDigits
		}
		reserve(b)
		b.UnsafeAppend(arrow.Timestamp(seconds*1_000_000 + nanos/1000))
		return nil
	}
}

func putNanos(b *array.Decimal128Builder) func(driver.Value) error {
	return func(v driver.Value) error {
		seconds, nanos, err := instantOf(v)
		if err != nil {
			return err
		}
		b.Append(nanosSinceEpoch(seconds, nanos))
		return nil
	}
}

// instant is a point in time of civil fields, as the server spelled it.
type instant struct{ seconds, nanos int64 }

func instantOf(v driver.Value) (seconds, nanos int64, err error) {
	switch v := v.(type) {
	case time.Time:
		return v.Unix(), int64(v.Nanosecond()), nil
	case instant:
		return v.seconds, v.nanos, nil
	}
	return 0, 0, errForm
}

func nanosSinceEpoch(seconds, nanos int64) decimal128.Num {
	const billion = 1_000_000_000
	hi, lo := bits.Mul64(uint64(max(seconds, -seconds)), billion)
	n := decimal128.New(int64(hi), lo)
	if seconds < 0 {
		n = n.Negate()
	}
	return n.Add(decimal128.FromI64(nanos))
}
