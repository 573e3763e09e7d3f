package hana

import (
	"database/sql/driver"

	hdb "github.com/SAP/go-hdb/driver"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// builder collects one column of a batch.
type builder interface {
	AppendNull()
	NewArray() arrow.Array
	Release()
}

// lobs is the builder of a column of large objects. They are read from the connection straight into
// the column's buffer, so that a value of 100 MB takes 100 MB.
type lobs struct {
	dt      arrow.DataType
	data    []byte
	offsets []int64
	valid   []byte
	nulls   int
	most    int64 // bytes of one value; 0 is no bound
	start   int   // of the value that is being read
	read    int64 // bytes of it so far
}

func newLobs(dt arrow.DataType) *lobs { return &lobs{dt: dt, offsets: []int64{0}} }

// Write implements io.Writer for the driver. What is too large is read to its end all the same,
// because what comes after it is on the same connection.
func (b *lobs) Write(p []byte) (int, error) {
	b.read += int64(len(p))
	if b.most > 0 && b.read > b.most {
		b.data = b.data[:b.start]
		return len(p), nil
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// scan reads a value of about size bytes, and returns how many it has. One that has more than most is not
// appended; 0 is no bound.
func (b *lobs) scan(v driver.Value, size, most int64) (int64, error) {
	b.start, b.most, b.read = len(b.data), most, 0
	if free := int64(cap(b.data) - len(b.data)); size > free && (most == 0 || size <= most) {
		grown := make([]byte, len(b.data), int64(len(b.data))+size)
		copy(grown, b.data)
		b.data = grown
	}
	if err := hdb.ScanLobWriter(v, b); err != nil {
		b.data = b.data[:b.start]
		return 0, err
	}
	if most == 0 || b.read <= most {
		b.end(true)
	}
	return b.read, nil
}

// AppendNull implements builder.
func (b *lobs) AppendNull() { b.end(false) }

func (b *lobs) end(valid bool) {
	i := len(b.offsets) - 1
	if i/8 >= len(b.valid) {
		b.valid = append(b.valid, 0)
	}
	if valid {
		bitutil.SetBit(b.valid, i)
	} else {
		b.nulls++
	}
	b.offsets = append(b.offsets, int64(len(b.data)))
}

// NewArray implements builder. The buffers go with the array.
func (b *lobs) NewArray() arrow.Array {
	d := array.NewData(b.dt, len(b.offsets)-1, []*memory.Buffer{memory.NewBufferBytes(b.valid),
		memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(b.offsets)), memory.NewBufferBytes(b.data)}, nil, b.nulls, 0)
	defer d.Release()
	*b = lobs{dt: b.dt, offsets: []int64{0}}
	return array.MakeFromData(d)
}

// Release implements builder.
func (b *lobs) Release() {}
