package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// binder binds the values of one Arrow column.
type binder interface {
	// use takes the column of the next batch.
	use(arrow.Array) error
	// bind binds the value of a row to parameter p.
	bind(s *sqlite.Stmt, p, row int) error
	// release lets go of the column, whose memory would else be in use until the next batch.
	release()
}

// column is a binder over one type of Arrow array. set is chosen once a column, so
// that the loop over rows has no type switch.
type column[A arrow.Array] struct {
	array A
	set   func(s *sqlite.Stmt, p int, a A, row int) error
}

func (c *column[A]) use(a arrow.Array) error {
	typed, ok := a.(A)
	if !ok {
		return fmt.Errorf("values come as %s", a.DataType())
	}
	c.array = typed
	return nil
}

func (c *column[A]) release() {
	var none A
	c.array = none
}

func (c *column[A]) bind(s *sqlite.Stmt, p, row int) error {
	if c.array.IsNull(row) {
		s.BindNull(p)
		return nil
	}
	return c.set(s, p, c.array, row)
}

// newBinder makes the binder of a neutral type.
func newBinder(t catalog.Type) (binder, error) {
	switch t.Kind {
	case catalog.Bool:
		return &column[*array.Boolean]{set: func(s *sqlite.Stmt, p int, a *array.Boolean, row int) error {
			s.BindBool(p, a.Value(row))
			return nil
		}}, nil
	case catalog.Int16:
		return &column[*array.Int16]{set: func(s *sqlite.Stmt, p int, a *array.Int16, row int) error {
			s.BindInt64(p, int64(a.Value(row)))
			return nil
		}}, nil
	case catalog.Int32:
		return &column[*array.Int32]{set: func(s *sqlite.Stmt, p int, a *array.Int32, row int) error {
			s.BindInt64(p, int64(a.Value(row)))
			return nil
		}}, nil
	case catalog.Int64:
		return &column[*array.Int64]{set: func(s *sqlite.Stmt, p int, a *array.Int64, row int) error {
			s.BindInt64(p, a.Value(row))
			return nil
		}}, nil
	case catalog.Float64:
		return &column[*array.Float64]{set: bindFloat}, nil
	case catalog.Number:
		return &column[*array.String]{set: bindText[*array.String]}, nil
	case catalog.String, catalog.Char:
		return &column[*array.String]{set: bindText[*array.String]}, nil
	case catalog.Text, catalog.JSON:
		return &column[*array.LargeString]{set: bindText[*array.LargeString]}, nil
	case catalog.Binary:
		return &column[*array.Binary]{set: bindBytes[*array.Binary]}, nil
	case catalog.Blob:
		return &column[*array.LargeBinary]{set: bindBytes[*array.LargeBinary]}, nil
	case catalog.Native:
		if t.Engine == engine {
			return &column[*array.LargeBinary]{set: bindNative}, nil
		}
	}
	return newTextBinder(t)
}

// newTextBinder makes the binder of a type that is stored as the text of its value.
func newTextBinder(t catalog.Type) (binder, error) {
	buf := make([]byte, 0, 96)
	text := func(s *sqlite.Stmt, p int, b []byte) {
		buf = b[:0]
		s.BindText(p, borrowed(b))
	}
	switch t.Kind {
	case catalog.Decimal:
		if t.Precision > 38 {
			return &column[*array.Decimal256]{set: func(s *sqlite.Stmt, p int, a *array.Decimal256, row int) error {
				text(s, p, appendDecimal(buf[:0], a.Value(row).BigInt(), t.Scale))
				return nil
			}}, nil
		}
		return &column[*array.Decimal128]{set: func(s *sqlite.Stmt, p int, a *array.Decimal128, row int) error {
			text(s, p, appendDecimal128(buf[:0], a.Value(row), t.Scale))
			return nil
		}}, nil
	case catalog.Date:
		return &column[*array.Date32]{set: func(s *sqlite.Stmt, p int, a *array.Date32, row int) error {
			b, err := appendDay(buf[:0], int64(a.Value(row)))
			text(s, p, b)
			return err
		}}, nil
	case catalog.Time:
		return &column[*array.Time64]{set: func(s *sqlite.Stmt, p int, a *array.Time64, row int) error {
			text(s, p, appendClock(buf[:0], int64(a.Value(row))*1000, 0))
			return nil
		}}, nil
	case catalog.Timestamp, catalog.TimestampTZ:
		return &column[*array.Timestamp]{set: func(s *sqlite.Stmt, p int, a *array.Timestamp, row int) error {
			b, err := appendInstant(buf[:0], int64(a.Value(row)), t)
			text(s, p, b)
			return err
		}}, nil
	case catalog.Timestamp9:
		return &column[*array.Decimal128]{set: func(s *sqlite.Stmt, p int, a *array.Decimal128, row int) error {
			b, err := appendInstant9(buf[:0], a.Value(row).BigInt())
			text(s, p, b)
			return err
		}}, nil
	case catalog.UUID:
		return &column[*array.FixedSizeBinary]{set: func(s *sqlite.Stmt, p int, a *array.FixedSizeBinary, row int) error {
			text(s, p, appendUUID(buf[:0], a.Value(row)))
			return nil
		}}, nil
	}
	return nil, fmt.Errorf("%s is not supported", t)
}

// borrowed lends bytes as a string to a call that copies them.
func borrowed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bindText[A interface{ Value(int) string }](s *sqlite.Stmt, p int, a A, row int) error {
	s.BindText(p, a.Value(row))
	return nil
}

func bindBytes[A interface{ Value(int) []byte }](s *sqlite.Stmt, p int, a A, row int) error {
	s.BindBytes(p, a.Value(row))
	return nil
}

func bindFloat(s *sqlite.Stmt, p int, a *array.Float64, row int) error {
	f := a.Value(row)
	if math.IsNaN(f) {
		return errors.New("SQLite stores NaN as NULL")
	}
	s.BindFloat(p, f)
	return nil
}

func bindNative(s *sqlite.Stmt, p int, a *array.LargeBinary, row int) error {
	v := a.Value(row)
	if len(v) == 0 {
		return errors.New("native value without a tag")
	}
	tag, v := v[0], v[1:]
	switch {
	case tag == nativeInteger && len(v) == 8:
		s.BindInt64(p, int64(binary.BigEndian.Uint64(v)))
	case tag == nativeReal && len(v) == 8:
		s.BindFloat(p, math.Float64frombits(binary.BigEndian.Uint64(v)))
	case tag == nativeText:
		s.BindText(p, borrowed(v))
	case tag == nativeBlob:
		s.BindBytes(p, v)
	default:
		return errors.New("native value is not SQLite's")
	}
	return nil
}

const (
	day       = int64(86400)
	microsDay = day * 1_000_000
)

var errYear = errors.New("dates in SQLite range from year 0001 to 9999")

func appendDay(b []byte, days int64) ([]byte, error) {
	t := time.Unix(days*day, 0).UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return b, errYear
	}
	return t.AppendFormat(b, "2006-01-02"), nil
}

// appendClock writes HH:MM:SS with the fraction's digits that are not zero, at least least of them.
func appendClock(b []byte, nanos int64, least int) []byte {
	seconds := nanos / 1e9
	b = digits2(b, seconds/3600)
	b = digits2(append(b, ':'), seconds/60%60)
	b = digits2(append(b, ':'), seconds%60)
	fraction := nanos % 1e9
	if fraction == 0 && least == 0 {
		return b
	}
	b = append(b, '.')
	for n := 0; fraction > 0 || n < least; n++ {
		fraction *= 10
		b = append(b, byte('0'+fraction/1e9))
		fraction %= 1e9
	}
	return b
}

func digits2(b []byte, n int64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// appendInstant writes a timestamp; one with a time zone in UTC, with all its
// digits and a Z, so that texts sort as instants do.
func appendInstant(b []byte, us int64, t catalog.Type) ([]byte, error) {
	if us == batch.InfinityUS || us == batch.NegInfinityUS {
		return b, errYear
	}
	days := us / microsDay
	rest := us % microsDay
	if rest < 0 {
		days, rest = days-1, rest+microsDay
	}
	b, err := appendDay(b, days)
	if err != nil {
		return b, err
	}
	if t.Kind == catalog.TimestampTZ {
		return append(appendClock(append(b, ' '), rest*1000, t.Precision), 'Z'), nil
	}
	return appendClock(append(b, ' '), rest*1000, 0), nil
}

// appendInstant9 writes seconds since the epoch with nine decimals.
func appendInstant9(b []byte, n *big.Int) ([]byte, error) {
	rest := new(big.Int)
	days, _ := new(big.Int).DivMod(n, big.NewInt(day*1e9), rest)
	if !days.IsInt64() || days.CmpAbs(big.NewInt(4_000_000)) > 0 {
		return b, errYear
	}
	b, err := appendDay(b, days.Int64())
	if err != nil {
		return b, err
	}
	return appendClock(append(b, ' '), rest.Int64(), 0), nil
}
