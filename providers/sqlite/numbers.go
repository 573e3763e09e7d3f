package sqlite

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// numberText returns the digits of a stored number. A real stands for the shortest
// decimal that reads back as the same real, which is what was written into it
// where that had at most 15 digits.
func numberText(r *reader, i int, k sqlite.ColumnType) ([]byte, error) {
	switch k {
	case sqlite.TypeInteger:
		r.scratch = strconv.AppendInt(r.scratch[:0], r.stmt.ColumnInt64(i), 10)
	case sqlite.TypeFloat:
		f := r.stmt.ColumnFloat(i)
		if math.IsInf(f, 0) {
			return nil, fmt.Errorf("value is infinite")
		}
		r.scratch = strconv.AppendFloat(r.scratch[:0], f, 'f', -1, 64)
	case sqlite.TypeText:
		return r.utf8Text(i)
	default:
		return nil, mixed(k, "a number")
	}
	return r.scratch, nil
}

// numberCell keeps numbers of any precision as canonical text.
type numberCell struct{ b *array.BinaryBuilder }

func (c *numberCell) sized() bool { return true }

func (c *numberCell) append(r *reader, i int) error {
	k := r.stmt.ColumnType(i)
	if k == sqlite.TypeNull {
		c.b.AppendNull()
		return nil
	}
	if k == sqlite.TypeFloat {
		if f := r.stmt.ColumnFloat(i); math.IsInf(f, 0) {
			c.b.AppendString(map[bool]string{true: batch.Infinity, false: batch.NegInfinity}[f > 0])
			return nil
		}
	}
	s, err := numberText(r, i, k)
	if err != nil {
		return err
	}
	canonical, err := batch.CanonicalNumber(string(s))
	if err != nil {
		return err
	}
	c.b.AppendString(canonical)
	return nil
}

// decimalCell keeps numbers of a fixed scale.
type decimalCell struct {
	t     catalog.Type
	null  func()
	small func(int64)
	large func(*big.Int)
	limit *big.Int // 10^precision
}

func newDecimalCell(t catalog.Type, b array.Builder) *decimalCell {
	c := &decimalCell{t: t, null: b.AppendNull, limit: new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Precision)), nil)}
	switch b := b.(type) {
	case *array.Decimal128Builder:
		c.small = func(n int64) { b.Append(decimal128.FromI64(n)) }
		c.large = func(n *big.Int) { b.Append(decimal128.FromBigInt(n)) }
	case *array.Decimal256Builder:
		c.small = func(n int64) { b.Append(decimal256.FromI64(n)) }
		c.large = func(n *big.Int) { b.Append(decimal256.FromBigInt(n)) }
	}
	return c
}

func (c *decimalCell) sized() bool { return false }

func (c *decimalCell) append(r *reader, i int) error {
	k := r.stmt.ColumnType(i)
	if k == sqlite.TypeNull {
		c.null()
		return nil
	}
	s, err := numberText(r, i, k)
	if err != nil {
		return err
	}
	if n, ok := fixed(s, c.t.Scale); ok && c.t.Precision >= 18 || ok && n < pow10(c.t.Precision) && n > -pow10(c.t.Precision) {
		c.small(n)
		return nil
	}
	return c.exact(string(s))
}

// fixed reads plain digits of at most 18 places into an integer of that scale.
func fixed(s []byte, scale int) (n int64, ok bool) {
	negative, seen, digits, after := false, false, 0, -1
	for i, b := range s {
		switch {
		case b == '-' && i == 0:
			negative = true
		case b == '.' && after < 0:
			after = 0
		case b >= '0' && b <= '9':
			seen = true
			if n = n*10 + int64(b-'0'); n != 0 {
				digits++ // leading zeros need no room
			}
			if after >= 0 {
				after++
			}
		default:
			return 0, false
		}
		if digits > 18 {
			return 0, false
		}
	}
	missing := scale - max(after, 0)
	if !seen || missing < 0 || digits+missing > 18 {
		return 0, false
	}
	n *= pow10(missing)
	if negative {
		n = -n
	}
	return n, true
}

// pow10 returns 10^n for n up to 18.
func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// exact reads any spelling and says why it does not fit.
func (c *decimalCell) exact(s string) error {
	text, err := batch.CanonicalNumber(s)
	if err != nil {
		return err
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > c.t.Scale {
		return fmt.Errorf("%s has %d decimal places, %s holds %d", shorten(text), len(fraction), c.t, c.t.Scale)
	}
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", c.t.Scale-len(fraction)), 10)
	if !ok {
		return fmt.Errorf("%s is not a decimal", shorten(text))
	}
	if n.CmpAbs(c.limit) >= 0 {
		return fmt.Errorf("%s has more digits than %s holds", shorten(text), c.t)
	}
	c.large(n)
	return nil
}

func shorten(s string) string {
	const most = 64
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
