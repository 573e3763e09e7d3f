package exportfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// messages hands a Reader's frames to the Arrow reader, one message each, without
// copying them: a batch lies in the buffer that its frame was decompressed into.
type messages struct {
	r       *Reader
	current *ipc.Message
}

// Message implements ipc.MessageReader: the message is valid until the next call.
// The Arrow reader turns panics over metadata into errors.
func (m *messages) Message() (*ipc.Message, error) {
	m.Release()
	plain, err := m.r.decode()
	if err != nil {
		return nil, err
	}
	frame := m.r.frame - 1
	meta, body, err := cutMessage(plain)
	if err != nil || meta == nil {
		m.r.codec.plain.put(plain)
		if err == nil {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("frame %d: %w", frame, err)
	}
	buffer := memory.NewBufferWithAllocator(body, &frameBuffer{m.r.codec, plain})
	defer buffer.Release()
	m.current = ipc.NewMessage(memory.NewBufferBytes(meta), buffer)
	if n := m.current.BodyLen(); n != int64(len(body)) {
		return nil, fmt.Errorf("frame %d: a message of %d bytes has %d", frame, n, len(body))
	}
	if frame > 0 && m.current.Type() != ipc.MessageRecordBatch {
		return nil, fmt.Errorf("frame %d: not a batch but a %s", frame, m.current.Type())
	}
	return m.current, nil
}

// Release gives up the current message; batches made of it keep what they need.
func (m *messages) Release() {
	if m.current != nil {
		m.current.Release()
		m.current = nil
	}
}

// Retain implements ipc.MessageReader. Nobody but the Arrow reader holds messages.
func (m *messages) Retain() {}

// cutMessage cuts a frame into metadata and body. Both are nil at the end of the stream.
func cutMessage(b []byte) (meta, body []byte, err error) {
	const prefix = 8 // marker and length of the metadata
	if len(b) < prefix || binary.LittleEndian.Uint32(b) != 0xffffffff {
		return nil, nil, errors.New("not an Arrow message")
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	switch {
	case n > int64(len(b)-prefix):
		return nil, nil, fmt.Errorf("an Arrow message of %d bytes in a frame of %d", n, len(b))
	case n == 0 && len(b) > prefix:
		return nil, nil, errors.New("bytes follow the end of the stream")
	case n == 0:
		return nil, nil, nil
	case n%prefix != 0: // values behind it would not lie where the processor wants them
		return nil, nil, fmt.Errorf("an Arrow message of %d bytes is not aligned", n)
	}
	return b[prefix : prefix+n], b[prefix+n:], nil
}

// frameBuffer gives a frame's buffer back to the codec once nothing refers to it any more.
type frameBuffer struct {
	codec *Codec
	plain []byte
}

// Allocate and Reallocate are never called: the buffer is of a fixed size.
func (f *frameBuffer) Allocate(size int) []byte { return make([]byte, size) }

// Reallocate implements memory.Allocator.
func (f *frameBuffer) Reallocate(size int, b []byte) []byte {
	return append(make([]byte, 0, size), b...)[:size]
}

// Free implements memory.Allocator.
func (f *frameBuffer) Free([]byte) { f.codec.plain.put(f.plain) }

// bounded refuses to allocate by a length that no frame can hold. The Arrow
// reader turns the panic into its own error, which is the only way out it has.
type bounded struct {
	memory.Allocator
	most int64
}

func (b bounded) Allocate(size int) []byte {
	b.check(size)
	return b.Allocator.Allocate(size)
}

func (b bounded) Reallocate(size int, p []byte) []byte {
	b.check(size)
	return b.Allocator.Reallocate(size, p)
}

func (b bounded) check(size int) {
	if int64(size) > b.most {
		panic(fmt.Sprintf("a message needs %d bytes, more than a frame may hold (%d)", size, b.most))
	}
}

// validate makes sure that no later access to a value leaves its buffers.
func validate(rec arrow.RecordBatch) error {
	for i := range int(rec.NumCols()) {
		arr := rec.Column(i)
		if int64(arr.Len()) != rec.NumRows() {
			return fmt.Errorf("column %d has %d rows of %d", i, arr.Len(), rec.NumRows())
		}
		if arr.NullN() != 0 && len(arr.NullBitmapBytes())*8 < arr.Data().Offset()+arr.Len() {
			return fmt.Errorf("column %d: the bitmap of NULLs is too short", i)
		}
		if !withinValues(arr) {
			return fmt.Errorf("column %d: offsets are not valid", i)
		}
		if b, ok := arr.(*array.Boolean); ok && b.Len() > 0 && len(b.Data().Buffers()[1].Bytes())*8 < b.Data().Offset()+b.Len() {
			return fmt.Errorf("column %d: the bitmap of values is too short", i)
		}
	}
	return nil
}

// withinValues says whether the offsets of texts and binary values stay inside of them.
func withinValues(arr arrow.Array) bool {
	if v, ok := arr.(interface{ Validate() error }); ok && v.Validate() != nil {
		return false
	}
	if arr.Len() == 0 {
		return true
	}
	switch v := arr.(type) {
	case *array.String:
		return ascending(v.ValueOffsets())
	case *array.Binary:
		return ascending(v.ValueOffsets())
	case *array.LargeString:
		return ascending(v.ValueOffsets())
	case *array.LargeBinary:
		return ascending(v.ValueOffsets())
	}
	return true
}

func ascending[O int32 | int64](offsets []O) bool {
	last := offsets[0]
	if last < 0 {
		return false
	}
	for _, o := range offsets[1:] {
		if o < last {
			return false
		}
		last = o
	}
	return true
}
