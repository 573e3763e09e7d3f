package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// cell appends the values of one result column to an Arrow column.
type cell interface {
	// append takes result column i of the row on which the statement stands.
	append(r *reader, i int) error
	// sized says whether values are worth counting bytes.
	sized() bool
}

// newCell makes the appender of a neutral type, once a column of a scan.
func newCell(t catalog.Type, b array.Builder) (cell, error) {
	switch t.Kind {
	case catalog.Int16, catalog.Int32, catalog.Int64:
		return newIntCell(t, b)
	case catalog.Bool:
		return &boolCell{b.(*array.BooleanBuilder)}, nil
	case catalog.Float64:
		return &floatCell{b.(*array.Float64Builder)}, nil
	case catalog.String, catalog.Char:
		return &textCell{b.(*array.StringBuilder).BinaryBuilder}, nil
	case catalog.Text:
		return &textCell{b.(*array.LargeStringBuilder).BinaryBuilder}, nil
	case catalog.JSON:
		return &jsonCell{b.(*array.LargeStringBuilder).BinaryBuilder}, nil
	case catalog.Binary, catalog.Blob:
		return &blobCell{b.(*array.BinaryBuilder)}, nil
	case catalog.Native:
		if t.Engine == engine {
			return &nativeCell{b.(*array.BinaryBuilder)}, nil
		}
	case catalog.Decimal:
		return newDecimalCell(t, b), nil
	case catalog.Number:
		return &numberCell{b.(*array.StringBuilder).BinaryBuilder}, nil
	}
	return newCalendarCell(t, b)
}

// class names a storage class the way typeof() does.
func class(k sqlite.ColumnType) string {
	switch k {
	case sqlite.TypeInteger:
		return "an integer"
	case sqlite.TypeFloat:
		return "a real"
	case sqlite.TypeText:
		return "text"
	case sqlite.TypeBlob:
		return "a blob"
	}
	return "NULL"
}

func mixed(k sqlite.ColumnType, want string) error {
	return fmt.Errorf("the value is stored as %s, not as %s", class(k), want)
}

// bytes copies a text or blob into the reader's scratch space.
func (r *reader) bytes(i int) []byte {
	b := r.room(r.stmt.ColumnLen(i))
	r.stmt.ColumnBytes(i, b)
	return b
}

// keptScratch is the largest scratch space that is kept for the next value.
const keptScratch = 1 << 20

// room returns scratch space of n bytes: for a wide value no more than it needs, and not
// kept for its sake.
func (r *reader) room(n int) []byte {
	if n > keptScratch {
		return make([]byte, n)
	}
	if cap(r.scratch) < n {
		r.scratch = make([]byte, n+n/4)
	}
	return r.scratch[:n]
}

// utf8Text returns a text value.
func (r *reader) utf8Text(i int) ([]byte, error) {
	b := r.bytes(i)
	if !utf8.Valid(b) {
		at := 0
		for rest := b; len(rest) > 0; rest = b[at:] {
			c, n := utf8.DecodeRune(rest)
			if c == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, fmt.Errorf("text is not valid UTF-8 at byte %d (%#x)", at, b[at])
	}
	return b, nil
}

type boolCell struct{ b *array.BooleanBuilder }

func (c *boolCell) sized() bool { return false }

func (c *boolCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
	case sqlite.TypeInteger:
		n := r.stmt.ColumnInt64(i)
		if n != 0 && n != 1 {
			return fmt.Errorf("%d is neither 0 nor 1", n)
		}
		c.b.Append(n == 1)
	default:
		return mixed(k, "an integer")
	}
	return nil
}

// intCell keeps integers; the builder is a function, because three widths share it.
type intCell struct {
	null     func()
	add      func(int64)
	min, max int64
}

func newIntCell(t catalog.Type, b array.Builder) (cell, error) {
	switch b := b.(type) {
	case *array.Int16Builder:
		return &intCell{b.AppendNull, func(n int64) { b.Append(int16(n)) }, math.MinInt16, math.MaxInt16}, nil
	case *array.Int32Builder:
		return &intCell{b.AppendNull, func(n int64) { b.Append(int32(n)) }, math.MinInt32, math.MaxInt32}, nil
	case *array.Int64Builder:
		return &int64Cell{b}, nil
	}
	return nil, fmt.Errorf("%s is not supported", t)
}

func (c *intCell) sized() bool { return false }

func (c *intCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.null()
	case sqlite.TypeInteger:
		n := r.stmt.ColumnInt64(i)
		if n < c.min || n > c.max {
			return fmt.Errorf("%d is out of range", n)
		}
		c.add(n)
	default:
		return mixed(k, "an integer")
	}
	return nil
}

type int64Cell struct{ b *array.Int64Builder }

func (c *int64Cell) sized() bool { return false }

func (c *int64Cell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
	case sqlite.TypeInteger:
		c.b.Append(r.stmt.ColumnInt64(i))
	default:
		return mixed(k, "an integer")
	}
	return nil
}

type floatCell struct{ b *array.Float64Builder }

func (c *floatCell) sized() bool { return false }

func (c *floatCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
	case sqlite.TypeFloat:
		c.b.Append(r.stmt.ColumnFloat(i))
	case sqlite.TypeInteger:
		n := r.stmt.ColumnInt64(i)
		if n > 1<<53 || n < -1<<53 {
			return fmt.Errorf("%d has no exact floating-point value", n)
		}
		c.b.Append(float64(n))
	default:
		return mixed(k, "a real")
	}
	return nil
}

type textCell struct{ b *array.BinaryBuilder }

func (c *textCell) sized() bool { return true }

func (c *textCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
	case sqlite.TypeText:
		s, err := r.utf8Text(i)
		if err != nil {
			return err
		}
		c.b.Append(s)
	default:
		return mixed(k, "text")
	}
	return nil
}

// jsonCell takes numbers too: a column of NUMERIC affinity turns the document 1 into an integer.
type jsonCell struct{ b *array.BinaryBuilder }

func (c *jsonCell) sized() bool { return true }

func (c *jsonCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeInteger, sqlite.TypeFloat:
		s, err := numberText(r, i, k)
		if err != nil {
			return err
		}
		c.b.Append(s)
		return nil
	}
	return (*textCell)(c).append(r, i)
}

type blobCell struct{ b *array.BinaryBuilder }

func (c *blobCell) sized() bool { return true }

func (c *blobCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
	case sqlite.TypeBlob:
		c.b.Append(r.bytes(i))
	default:
		return mixed(k, "a blob")
	}
	return nil
}

// Tags of the native form: one byte for the storage class, then the value:
// integers and reals as eight bytes, big-endian; text and blobs as they are.
const (
	nativeInteger = 'i'
	nativeReal    = 'r'
	nativeText    = 't'
	nativeBlob    = 'b'
)

type nativeCell struct{ b *array.BinaryBuilder }

func (c *nativeCell) sized() bool { return true }

func (c *nativeCell) append(r *reader, i int) error {
	var fixed [9]byte
	switch r.stmt.ColumnType(i) {
	case sqlite.TypeNull:
		c.b.AppendNull()
	case sqlite.TypeInteger:
		fixed[0] = nativeInteger
		binary.BigEndian.PutUint64(fixed[1:], uint64(r.stmt.ColumnInt64(i)))
		c.b.Append(fixed[:])
	case sqlite.TypeFloat:
		fixed[0] = nativeReal
		binary.BigEndian.PutUint64(fixed[1:], math.Float64bits(r.stmt.ColumnFloat(i)))
		c.b.Append(fixed[:])
	case sqlite.TypeText:
		c.tagged(nativeText, r, i)
	case sqlite.TypeBlob:
		c.tagged(nativeBlob, r, i)
	default:
		return errors.New("storage class is unknown")
	}
	return nil
}

func (c *nativeCell) tagged(tag byte, r *reader, i int) {
	b := r.room(r.stmt.ColumnLen(i) + 1)
	b[0] = tag
	r.stmt.ColumnBytes(i, b[1:])
	c.b.Append(b)
}

// describe prints a value for a message, cut to what a person needs.
func describe(s *sqlite.Stmt, i int) string {
	const most = 64
	switch s.ColumnType(i) {
	case sqlite.TypeNull:
		return "NULL"
	case sqlite.TypeInteger:
		return strconv.FormatInt(s.ColumnInt64(i), 10)
	case sqlite.TypeFloat:
		return strconv.FormatFloat(s.ColumnFloat(i), 'g', -1, 64)
	case sqlite.TypeBlob:
		b := make([]byte, min(s.ColumnLen(i), most/2))
		s.ColumnBytes(i, b)
		return "x'" + hex.EncodeToString(b) + "'"
	}
	v := s.ColumnText(i)
	if len(v) > most {
		v = strings.ToValidUTF8(v[:most], "") + "..."
	}
	if q := strconv.Quote(v); len(q) != len(v)+2 {
		return q
	}
	return v
}
