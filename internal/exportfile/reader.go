package exportfile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Reader gives the batches of one export file back. It is for one goroutine.
//
// Every frame is checked by zstd's checksum, its place in the index, its row count
// and the consistency of its buffers before its batch is handed out. The SHA-256
// of the whole file is compared before Next returns io.EOF: whoever commits only
// after io.EOF commits nothing but what was written.
type Reader struct {
	codec  *Codec
	in     io.Reader
	file   File
	sum    hash.Hash
	frame  int    // the next to decode
	packed []byte // compressed bytes of a frame, reused
	plain  []byte // content of the current frame, reused
	rest   []byte // what the Arrow reader has not taken of it
	stream *ipc.Reader
	at     int64 // offset in the object of the current frame
	failed error
}

// NewReader reads the file that f describes from r, which yields exactly its
// bytes. It fails with a *CorruptError where the file's schema is not want; a nil want takes any.
func NewReader(r io.Reader, f File, want *arrow.Schema, c *Codec) (*Reader, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("open export file: %w", err)
	}
	out := &Reader{codec: c, in: r, file: f, sum: sha256.New()}
	if err := out.decode(); err != nil {
		return nil, err
	}
	stream, err := ipc.NewReader(out, ipc.WithAllocator(bounded{memory.DefaultAllocator, c.maxFrame}))
	if err != nil {
		return nil, out.fail(err)
	}
	out.stream = stream
	if want != nil && Fingerprint(want) != Fingerprint(out.Schema()) {
		err := out.fail(errors.New("its columns are not those of the table"))
		out.Close()
		return nil, err
	}
	return out, nil
}

// Schema returns the schema of the batches.
func (r *Reader) Schema() *arrow.Schema { return r.stream.Schema() }

// Next returns the next batch, which the caller owns and releases. It returns
// io.EOF only once the whole file has proved to be what was written; every other
// error is a *CorruptError or that of the underlying reader.
func (r *Reader) Next() (arrow.RecordBatch, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	if len(r.rest) > 0 {
		return nil, r.fail(fmt.Errorf("%d bytes follow the message of frame %d", len(r.rest), r.frame-1))
	}
	if err := r.decode(); err != nil {
		return nil, err
	}
	rec, err := r.stream.Read()
	last := r.frame == len(r.file.Frames)
	switch {
	case last && errors.Is(err, io.EOF):
		return nil, r.end()
	case err != nil:
		return nil, r.fail(err)
	case last:
		return nil, r.fail(errors.New("the last frame is not the end of the stream"))
	}
	if rec.NumRows() != r.file.Frames[r.frame-1].Rows {
		return nil, r.fail(fmt.Errorf("frame %d holds %d rows, not %d", r.frame-1, rec.NumRows(), r.file.Frames[r.frame-1].Rows))
	}
	if err := validate(rec); err != nil {
		return nil, r.fail(err)
	}
	rec.Retain()
	return rec, nil
}

// Close frees what the Reader holds; safe to call twice.
func (r *Reader) Close() error {
	if r.stream != nil {
		r.stream.Release()
		r.stream = nil
	}
	if r.failed == nil {
		r.failed = ErrClosed
	}
	r.codec.recycle(r.packed)
	r.codec.recycle(r.plain)
	r.packed, r.plain, r.rest = nil, nil, nil
	return nil
}

// Read serves the Arrow reader with the current frame's content and nothing else.
func (r *Reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// decode brings the next frame's content into rest.
func (r *Reader) decode() error {
	frame := r.file.Frames[r.frame]
	r.at = r.file.Offset + frame.Offset
	if frame.Length > r.codec.maxFrame {
		return r.fail(fmt.Errorf("frame %d has %d bytes, more than a frame may have (%d)", r.frame, frame.Length, r.codec.maxFrame))
	}
	if r.packed == nil {
		r.packed, r.plain = r.codec.buffer(), r.codec.buffer()
	}
	if int64(cap(r.packed)) < frame.Length {
		r.packed = make([]byte, frame.Length)
	}
	r.packed = r.packed[:frame.Length]
	switch _, err := io.ReadFull(r.in, r.packed); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.fail(fmt.Errorf("it ends in frame %d of %d", r.frame, len(r.file.Frames)))
	case err != nil:
		r.failed = fmt.Errorf("read export file %s: %w", r.file.Object, err)
		return r.failed
	}
	r.sum.Write(r.packed)
	var err error
	if r.plain, err = r.codec.dec.DecodeAll(r.packed, r.plain[:0]); err != nil {
		return r.fail(fmt.Errorf("frame %d: %w", r.frame, err))
	}
	if err := checkMessage(r.plain); err != nil {
		return r.fail(fmt.Errorf("frame %d: %w", r.frame, err))
	}
	r.rest = r.plain
	r.frame++
	return nil
}

// checkMessage looks at the lengths that the Arrow reader would allocate by.
func checkMessage(b []byte) error {
	if len(b) < 8 || binary.LittleEndian.Uint32(b) != 0xffffffff {
		return errors.New("no Arrow message")
	}
	if n := binary.LittleEndian.Uint32(b[4:]); int64(n) > int64(len(b)-8) {
		return fmt.Errorf("an Arrow message of %d bytes in a frame of %d", n, len(b))
	}
	return nil
}

// end compares what can only be compared at the end.
func (r *Reader) end() error {
	if len(r.rest) > 0 {
		return r.fail(errors.New("bytes follow the end of the stream"))
	}
	if n, err := r.in.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return r.fail(errors.New("bytes follow the last frame"))
	}
	if got := hex.EncodeToString(r.sum.Sum(nil)); got != r.file.SHA256 {
		return r.fail(fmt.Errorf("sha256 is %s, the manifest says %s", got, r.file.SHA256))
	}
	r.failed = io.EOF
	return io.EOF
}

func (r *Reader) fail(err error) error {
	r.failed = &CorruptError{Object: r.file.Object, Offset: r.at, Err: err}
	return r.failed
}

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
		panic(fmt.Sprintf("a message asks for %d bytes, more than a frame may hold (%d)", size, b.most))
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
		if v, ok := arr.(interface{ ValidateFull() error }); ok && v.ValidateFull() != nil {
			return fmt.Errorf("column %d: offsets or texts are not valid", i)
		}
		if b, ok := arr.(*array.Boolean); ok && b.Len() > 0 && len(b.Data().Buffers()[1].Bytes())*8 < b.Data().Offset()+b.Len() {
			return fmt.Errorf("column %d: the bitmap of values is too short", i)
		}
	}
	return nil
}
