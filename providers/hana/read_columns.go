package hana

import (
	"database/sql/driver"
	"fmt"
	"math/big"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// appender appends one value that is not NULL to its builder, or says why the neutral type cannot hold it.
type appender func(v driver.Value) error

func unexpected(v driver.Value, t catalog.Type) error {
	return fmt.Errorf("the driver read a %T for a column of type %s", v, t)
}

// typed makes an appender of a function on the driver's type of value.
func typed[V any, B array.Builder](t catalog.Type, builder array.Builder, add func(B, V) error) appender {
	b := builder.(B)
	return func(v driver.Value) error {
		x, ok := v.(V)
		if !ok {
			return unexpected(v, t)
		}
		return add(b, x)
	}
}

// newAppender makes the appender of a column that is not a large object; nil where the type cannot be read.
func newAppender(t catalog.Type, to array.Builder) appender {
	switch t.Kind {
	case catalog.Bool:
		return typed(t, to, func(b *array.BooleanBuilder, v bool) error { b.Append(v); return nil })
	case catalog.Int16:
		return typed(t, to, func(b *array.Int16Builder, v int64) error { b.Append(int16(v)); return nil })
	case catalog.Int32:
		return typed(t, to, func(b *array.Int32Builder, v int64) error { b.Append(int32(v)); return nil })
	case catalog.Int64:
		return typed(t, to, func(b *array.Int64Builder, v int64) error { b.Append(v); return nil })
	case catalog.Float32:
		return typed(t, to, func(b *array.Float32Builder, v float64) error { b.Append(float32(v)); return nil })
	case catalog.Float64:
		return typed(t, to, func(b *array.Float64Builder, v float64) error { b.Append(v); return nil })
	case catalog.Decimal:
		return decimalAppender(t, to)
	case catalog.Number:
		return typed(t, to, appendNumber)
	case catalog.String:
		return typed(t, to, func(b *array.StringBuilder, v []byte) error { b.BinaryBuilder.Append(v); return nil })
	case catalog.Binary:
		return typed(t, to, func(b *array.BinaryBuilder, v []byte) error { b.Append(v); return nil })
	case catalog.Date:
		return typed(t, to, func(b *array.Date32Builder, v time.Time) error { b.Append(arrow.Date32(v.Unix() / 86400)); return nil })
	case catalog.Time:
		return typed(t, to, func(b *array.Time64Builder, v time.Time) error {
			b.Append(arrow.Time64(v.Hour()*3600+v.Minute()*60+v.Second()) * 1_000_000)
			return nil
		})
	case catalog.Timestamp:
		return typed(t, to, func(b *array.TimestampBuilder, v time.Time) error {
			if v.Nanosecond()%1000 != 0 {
				return fmt.Errorf("%s has more than six digits of a second", v.Format("2006-01-02 15:04:05.0000000"))
			}
			b.Append(arrow.Timestamp(v.UnixMicro()))
			return nil
		})
	case catalog.Timestamp9:
		return typed(t, to, func(b *array.Decimal128Builder, v time.Time) error {
			n := decimal128.FromI64(v.Unix()).Mul(decimal128.FromI64(1e9))
			b.Append(n.Add(decimal128.FromI64(int64(v.Nanosecond()))))
			return nil
		})
	}
	return nil
}

// decimalAppender turns the driver's fraction into the scaled integer again.
func decimalAppender(t catalog.Type, to array.Builder) appender {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)
	var n, rest big.Int // of one reader, hence one goroutine
	return typed(t, to, func(b *array.Decimal128Builder, v *big.Rat) error {
		if t.Scale <= 18 && v.Num().IsInt64() && v.Denom().IsInt64() {
			if s, ok := scaled(v.Num().Int64(), v.Denom().Int64(), ten.Int64()); ok {
				b.Append(decimal128.FromI64(s))
				return nil
			}
		}
		n.Mul(v.Num(), ten)
		n.QuoRem(&n, v.Denom(), &rest)
		if rest.Sign() != 0 || n.BitLen() > 127 {
			return fmt.Errorf("%s does not fit %s", v.FloatString(t.Scale+1), t)
		}
		b.Append(decimal128.FromBigInt(&n))
		return nil
	})
}

// scaled is num * ten / denom, where that is whole and fits.
func scaled(num, denom, ten int64) (int64, bool) {
	if denom == 0 || ten%denom != 0 {
		return 0, false
	}
	factor := ten / denom
	out := num * factor
	if factor != 0 && out/factor != num {
		return 0, false
	}
	return out, true
}

// appendNumber writes the canonical digits. The value is a decimal, so its fraction ends.
func appendNumber(b *array.StringBuilder, v *big.Rat) error {
	if v.IsInt() {
		b.Append(v.Num().String())
		return nil
	}
	digits, exact := v.FloatPrec()
	if !exact {
		return fmt.Errorf("%s is not a decimal number", v.RatString())
	}
	b.Append(v.FloatString(digits))
	return nil
}
