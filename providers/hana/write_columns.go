package hana

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// column turns the cells of one Arrow array into the driver's arguments. Boxing a value is the
// driver's price; nothing else is allocated a cell.
type column interface {
	// bind takes the array of the next batch. It is valid until the next bind.
	bind(a arrow.Array)
	// fill writes the cells from..to into every stride-th argument. With an error it says in which row.
	fill(args []driver.NamedValue, stride, from, to int) (row int, err error)
	// size is how many bytes a cell of variable length has.
	size(i int) int
}

func newColumn(t catalog.Type) column {
	switch t.Kind {
	case catalog.Bool:
		return &cellsOf[*array.Boolean]{value: func(a *array.Boolean, i int) any { return a.Value(i) }}
	case catalog.Int16:
		return &cellsOf[*array.Int16]{value: func(a *array.Int16, i int) any { return int64(a.Value(i)) }}
	case catalog.Int32:
		return &cellsOf[*array.Int32]{value: func(a *array.Int32, i int) any { return int64(a.Value(i)) }}
	case catalog.Int64:
		return &cellsOf[*array.Int64]{value: func(a *array.Int64, i int) any { return a.Value(i) }}
	case catalog.Float32:
		return &cellsOf[*array.Float32]{value: func(a *array.Float32, i int) any { return float64(a.Value(i)) }}
	case catalog.Float64:
		return &cellsOf[*array.Float64]{value: func(a *array.Float64, i int) any { return a.Value(i) }}
	case catalog.Decimal:
		if t.Precision <= maxPrecision {
			return &decimals{scale: t.Scale, precision: t.Precision}
		}
	case catalog.Number:
		return &numbers{}
	case catalog.String:
		return &cellsOf[*array.String]{value: func(a *array.String, i int) any { return a.Value(i) }}
	case catalog.Binary:
		return &cellsOf[*array.Binary]{value: func(a *array.Binary, i int) any { return a.Value(i) }}
	case catalog.Text:
		return &cellsOf[*array.LargeString]{value: func(a *array.LargeString, i int) any { return strings.NewReader(a.Value(i)) },
			bytes: func(a *array.LargeString, i int) int { return a.ValueLen(i) }}
	case catalog.Blob:
		return &cellsOf[*array.LargeBinary]{value: func(a *array.LargeBinary, i int) any { return bytes.NewReader(a.Value(i)) },
			bytes: func(a *array.LargeBinary, i int) int { return a.ValueLen(i) }}
	case catalog.Date:
		return &cellsOf[*array.Date32]{value: func(a *array.Date32, i int) any { return time.Unix(int64(a.Value(i))*86400, 0).UTC() }}
	case catalog.Timestamp:
		return &cellsOf[*array.Timestamp]{value: func(a *array.Timestamp, i int) any { return time.UnixMicro(int64(a.Value(i))).UTC() }}
	case catalog.Timestamp9:
		return &cellsOf[*array.Decimal128]{value: func(a *array.Decimal128, i int) any { return instant(a.Value(i)) }}
	}
	return nil
}

// cellsOf is a column whose cells need nothing but the array.
type cellsOf[A arrow.Array] struct {
	a     A
	value func(a A, i int) any
	bytes func(a A, i int) int
}

func (c *cellsOf[A]) bind(a arrow.Array) { c.a = a.(A) }

func (c *cellsOf[A]) fill(args []driver.NamedValue, stride, from, to int) (int, error) {
	nulls := c.a.NullN() > 0
	for i, at := from, 0; i < to; i, at = i+1, at+stride {
		if nulls && c.a.IsNull(i) {
			args[at].Value = nil
			continue
		}
		args[at].Value = c.value(c.a, i)
	}
	return 0, nil
}

func (c *cellsOf[A]) size(i int) int {
	if c.bytes == nil || c.a.IsNull(i) {
		return 0
	}
	return c.bytes(c.a, i)
}

// instant makes a time of seconds since the epoch with nine digits. The driver takes the civil
// fields of it, in UTC, and 100 ns (encoding/datetime.go).
func instant(v decimal128.Num) time.Time {
	seconds, nanos := v.Div(decimal128.FromI64(1e9))
	s, n := int64(seconds.LowBits()), int64(nanos.LowBits())
	return time.Unix(s, n).UTC() // takes negative nanoseconds
}

// decimals are sent as fractions over a power of ten, which the driver turns into the scaled
// integer again. They have the column's scale already, so nothing is rounded.
type decimals struct {
	scale, precision int
	a                *array.Decimal128
	rats             []big.Rat // one a row of the batch, kept
	ten              *big.Int  // 10^scale
	low, high        decimal128.Num
}

func (c *decimals) bind(a arrow.Array) {
	c.a = a.(*array.Decimal128)
	if c.ten == nil {
		c.ten = new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.scale)), nil)
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.precision)), nil)
		c.high = decimal128.FromBigInt(limit.Sub(limit, big.NewInt(1)))
		c.low = c.high.Negate()
	}
	for n := a.Len(); len(c.rats) < n; {
		c.rats = make([]big.Rat, n)
		for i := range c.rats {
			c.rats[i].SetFrac64(1, 3) // gives the denominator a place of its own
			c.rats[i].Denom().Set(c.ten)
		}
	}
}

var errDigits = errors.New("the number has more digits than the column")

func (c *decimals) fill(args []driver.NamedValue, stride, from, to int) (int, error) {
	for i, at := from, 0; i < to; i, at = i+1, at+stride {
		if c.a.IsNull(i) {
			args[at].Value = nil
			continue
		}
		v := c.a.Value(i)
		if v.Less(c.low) || v.Greater(c.high) {
			return i, errDigits
		}
		r := &c.rats[i]
		if n := int64(v.LowBits()); v.HighBits() == n>>63 {
			r.Num().SetInt64(n)
		} else {
			r.Num().Set(v.BigInt())
		}
		args[at].Value = r
	}
	return 0, nil
}

func (c *decimals) size(int) int { return 0 }

// numbers are floating decimals. More than 34 digits would be rounded or worse by the driver
// without an error, so they are counted here, whatever was checked before.
type numbers struct {
	a    *array.String
	rats []big.Rat
}

func (c *numbers) bind(a arrow.Array) {
	c.a = a.(*array.String)
	if len(c.rats) < a.Len() {
		c.rats = make([]big.Rat, a.Len())
	}
}

func (c *numbers) fill(args []driver.NamedValue, stride, from, to int) (int, error) {
	for i, at := from, 0; i < to; i, at = i+1, at+stride {
		if c.a.IsNull(i) {
			args[at].Value = nil
			continue
		}
		text := c.a.Value(i)
		if n := significant(text); n > floatingDigits {
			return i, fmt.Errorf("the number has %d significant digits, but the column keeps %d", n, floatingDigits)
		}
		if _, ok := c.rats[i].SetString(text); !ok {
			return i, fmt.Errorf("%.40q is not a number that the column can hold", text)
		}
		args[at].Value = &c.rats[i]
	}
	return 0, nil
}

func (c *numbers) size(int) int { return 0 }

// significant counts digits between the first and the last that is not 0, of a canonical number.
func significant(text string) int {
	first, last, at := 0, 0, 0
	for i := range len(text) {
		if d := text[i]; d >= '0' && d <= '9' {
			at++
			if d != '0' {
				if first == 0 {
					first = at
				}
				last = at
			}
		}
	}
	if first == 0 {
		return 0
	}
	return last - first + 1
}
