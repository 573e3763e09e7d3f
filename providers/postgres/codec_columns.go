package postgres

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// An appender decodes the binary form of one column into Arrow buffers. There
// is one a column, made when a Reader opens, so that a cell costs one call and
// no type switch. One goroutine.
type appender interface {
	append(v []byte) error // v is valid during the call only
	appendNull()
	finish() arrow.ArrayData // hands the rows over and starts with none
}

// validity collects the null bitmap of a column. A bitmap is made at the first NULL only.
type validity struct {
	bits  []byte
	nulls int
	rows  int
}

func (v *validity) valid() {
	if v.bits != nil {
		v.set()
	}
	v.rows++
}

func (v *validity) set() {
	if v.rows>>3 >= len(v.bits) {
		v.bits = append(v.bits, 0)
	}
	v.bits[v.rows>>3] |= 1 << (v.rows & 7)
}

func (v *validity) null() {
	if v.bits == nil {
		v.bits = make([]byte, v.rows/8+1, batch.Rows/8+1)
		for i := range v.rows {
			v.bits[i>>3] |= 1 << (i & 7)
		}
	}
	if v.rows>>3 >= len(v.bits) {
		v.bits = append(v.bits, 0)
	}
	v.nulls++
	v.rows++
}

func (v *validity) take() (bitmap *memory.Buffer, rows, nulls int) {
	rows, nulls = v.rows, v.nulls
	if v.bits != nil {
		bitmap = memory.NewBufferBytes(v.bits)
	}
	*v = validity{}
	return bitmap, rows, nulls
}

// data makes array data of buffers and gives this function's references to it.
func data(t arrow.DataType, rows, nulls int, buffers ...*memory.Buffer) arrow.ArrayData {
	d := array.NewData(t, rows, buffers, nil, nulls, 0)
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	return d
}

// fixed holds columns of one width; put decodes one value into w bytes.
type fixed struct {
	validity
	dtype arrow.DataType
	width int
	buf   []byte
	pool  *buffers
	put   func(dst, v []byte) error
}

func (c *fixed) append(v []byte) error {
	n := len(c.buf)
	if n+c.width > cap(c.buf) {
		c.buf = c.pool.grow(c.buf, c.width, batch.Rows*c.width)
	}
	c.buf = c.buf[:n+c.width]
	if err := c.put(c.buf[n:n+c.width], v); err != nil {
		c.buf = c.buf[:n]
		return err
	}
	c.valid()
	return nil
}

func (c *fixed) appendNull() {
	n := len(c.buf)
	if n+c.width > cap(c.buf) {
		c.buf = c.pool.grow(c.buf, c.width, batch.Rows*c.width)
	}
	c.buf = c.buf[:n+c.width]
	clear(c.buf[n:])
	c.null()
}

func (c *fixed) finish() arrow.ArrayData {
	bitmap, rows, nulls := c.take()
	values := c.pool.wrap(c.buf)
	c.buf = nil
	return data(c.dtype, rows, nulls, bitmap, values)
}

// bools packs booleans.
type bools struct {
	validity
	buf []byte
}

func (c *bools) append(v []byte) error {
	if len(v) != 1 {
		return errLength
	}
	if c.rows>>3 >= len(c.buf) {
		c.buf = append(c.buf, 0)
	}
	c.buf[c.rows>>3] |= (v[0] & 1) << (c.rows & 7)
	c.valid()
	return nil
}

func (c *bools) appendNull() {
	if c.rows>>3 >= len(c.buf) {
		c.buf = append(c.buf, 0)
	}
	c.null()
}

func (c *bools) finish() arrow.ArrayData {
	bitmap, rows, nulls := c.take()
	values := memory.NewBufferBytes(c.buf)
	c.buf = nil
	return data(arrow.FixedWidthTypes.Boolean, rows, nulls, bitmap, values)
}

// bytesColumn holds values of any length; change, where set, edits the value
// after it was copied and returns what is left of it.
type bytesColumn struct {
	validity
	dtype   arrow.DataType
	wide    bool // 64-bit offsets
	offsets []byte
	buf     []byte
	pool    *buffers
	change  func(v []byte) ([]byte, error)
}

func (c *bytesColumn) append(v []byte) error {
	c.reserve(len(v))
	c.buf = append(c.buf, v...)
	return c.appended(len(v))
}

// reserve makes room for n bytes, so that a wide value can be read straight into place.
func (c *bytesColumn) reserve(n int) {
	if len(c.buf)+n > cap(c.buf) {
		c.buf = c.pool.grow(c.buf, n, 64<<10)
	}
}

// appended ends the value that the last n bytes of buf are.
func (c *bytesColumn) appended(n int) error {
	if c.change != nil {
		start := len(c.buf) - n
		v, err := c.change(c.buf[start:])
		if err != nil {
			c.buf = c.buf[:start]
			return err
		}
		c.buf = append(c.buf[:start], v...)
	}
	c.offset()
	c.valid()
	return nil
}

func (c *bytesColumn) appendNull() {
	c.offset()
	c.null()
}

// offset notes where a value ends. The first offset, zero, is written with it.
func (c *bytesColumn) offset() {
	width := 4
	if c.wide {
		width = 8
	}
	n := len(c.offsets)
	if n == 0 {
		n = width
		c.offsets = c.pool.grow(c.offsets, 2*width, (batch.Rows+1)*width)[:width]
		clear(c.offsets)
	}
	if n+width > cap(c.offsets) {
		c.offsets = c.pool.grow(c.offsets, width, 0)
	}
	c.offsets = c.offsets[:n+width]
	if c.wide {
		binary.LittleEndian.PutUint64(c.offsets[n:], uint64(len(c.buf)))
	} else {
		binary.LittleEndian.PutUint32(c.offsets[n:], uint32(len(c.buf)))
	}
}

func (c *bytesColumn) finish() arrow.ArrayData {
	bitmap, rows, nulls := c.take()
	offsets, values := c.pool.wrap(c.offsets), c.pool.wrap(c.buf)
	c.offsets, c.buf = nil, nil
	return data(c.dtype, rows, nulls, bitmap, offsets, values)
}

// newAppender makes the appender of a column that is selected as selectColumn says.
func newAppender(t catalog.Type, pool *buffers) (appender, error) {
	dt, err := batch.DataType(t)
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case catalog.Bool:
		return &bools{}, nil
	case catalog.Number:
		return &bytesColumn{dtype: dt, pool: pool, change: numberText}, nil
	case catalog.String, catalog.Char, catalog.Binary:
		return &bytesColumn{dtype: dt, pool: pool}, nil
	case catalog.Text, catalog.Blob, catalog.JSON:
		return &bytesColumn{dtype: dt, wide: true, pool: pool}, nil
	case catalog.Native:
		c := &bytesColumn{dtype: dt, wide: true, pool: pool}
		if isArray(t) {
			c.change = clearElement
		}
		return c, nil
	}
	put, width := fixedDecoder(t)
	if put == nil {
		return nil, errUnknownType
	}
	return &fixed{dtype: dt, width: width, put: put, pool: pool}, nil
}

// epochDays and epochMicros lead from 2000-01-01, where the server counts from, to 1970-01-01.
const (
	epochDays   = 10957
	epochMicros = epochDays * 86400 * 1_000_000
)

func fixedDecoder(t catalog.Type) (put func(dst, v []byte) error, width int) {
	switch t.Kind {
	case catalog.Int16:
		return swap2, 2
	case catalog.Int32, catalog.Float32:
		return swap4, 4
	case catalog.Int64, catalog.Float64, catalog.Time:
		return swap8, 8
	case catalog.Date:
		return putDate, 4
	case catalog.Timestamp, catalog.TimestampTZ:
		return putTimestamp, 8
	case catalog.UUID:
		return putUUID, 16
	case catalog.Decimal:
		d := decimalDecoder{scale: t.Scale}
		if t.Precision > 38 {
			return d.put256, 32
		}
		return d.put128, 16
	}
	return nil, 0
}

func swap2(dst, v []byte) error {
	if len(v) != 2 {
		return errLength
	}
	binary.LittleEndian.PutUint16(dst, binary.BigEndian.Uint16(v))
	return nil
}

func swap4(dst, v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	binary.LittleEndian.PutUint32(dst, binary.BigEndian.Uint32(v))
	return nil
}

func swap8(dst, v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	binary.LittleEndian.PutUint64(dst, binary.BigEndian.Uint64(v))
	return nil
}

func putUUID(dst, v []byte) error {
	if len(v) != 16 {
		return errLength
	}
	copy(dst, v)
	return nil
}

func putDate(dst, v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	d := int32(binary.BigEndian.Uint32(v))
	if d != math.MaxInt32 && d != math.MinInt32 { // infinities are the extremes on both sides
		d += epochDays
	}
	binary.LittleEndian.PutUint32(dst, uint32(d))
	return nil
}

func putTimestamp(dst, v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	us := int64(binary.BigEndian.Uint64(v))
	if us != batch.InfinityUS && us != batch.NegInfinityUS {
		if us >= math.MaxInt64-epochMicros { // the server's last 30 years, from 294247 on
			return errRange
		}
		us += epochMicros
	}
	binary.LittleEndian.PutUint64(dst, uint64(us))
	return nil
}
