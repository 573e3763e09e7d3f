package exportfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
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
	stream *ipc.Reader
	at     int64 // offset in the object of the current frame
	failed error
}

// NewReader reads the file that f describes from r, which yields exactly its
// bytes. It fails with a *CorruptError where the file does not say that it is want.
func NewReader(r io.Reader, f File, want Content, c *Codec) (*Reader, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("open export file: %w", err)
	}
	out := &Reader{codec: c, in: r, file: f, sum: sha256.New()}
	stream, err := ipc.NewReaderFromMessageReader(&messages{r: out}, ipc.WithAllocator(bounded{memory.DefaultAllocator, c.maxFrame}))
	if err != nil {
		return nil, out.fail(err)
	}
	out.stream = stream
	if err := want.check(out.Schema()); err != nil {
		err = out.fail(err)
		out.Close()
		return nil, err
	}
	return out, nil
}

// Schema returns the schema of the batches.
func (r *Reader) Schema() *arrow.Schema { return r.stream.Schema() }

// Ahead is how many bytes the batch has that the next call of Next takes into memory.
func (r *Reader) Ahead() int64 {
	if r.failed != nil || r.frame >= len(r.file.Frames) {
		return 0
	}
	return r.file.Frames[r.frame].Bytes
}

// Next returns the next batch, which the caller owns and releases. It returns
// io.EOF only once the whole file has proved to be what was written; every other
// error is a *CorruptError or that of the underlying reader.
func (r *Reader) Next() (arrow.RecordBatch, error) {
	if r.failed != nil {
		return nil, r.failed
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
	r.codec.packed.put(r.packed)
	r.packed = nil
	return nil
}

// decode returns the next frame's content, in a buffer of the codec's that is the caller's now.
func (r *Reader) decode() ([]byte, error) {
	if r.frame == len(r.file.Frames) {
		return nil, r.fail(errors.New("it continues after the last frame"))
	}
	frame := r.file.Frames[r.frame]
	r.at = r.file.Offset + frame.Offset
	if n := max(frame.Length, frame.Bytes); n > r.codec.maxFrame {
		return nil, r.fail(fmt.Errorf("frame %d has %d bytes, more than a frame may have (%d)", r.frame, n, r.codec.maxFrame))
	}
	plain, err := r.expand(frame)
	var broken *readError
	if errors.As(err, &broken) {
		r.failed = fmt.Errorf("read export file %s: %w", r.file.Object, broken.error)
		return nil, r.failed
	}
	if err != nil {
		return nil, r.fail(fmt.Errorf("frame %d of %d: %w", r.frame, len(r.file.Frames), err))
	}
	r.frame++
	return plain, nil
}

// expand reads the next frame and returns what it holds.
func (r *Reader) expand(frame Frame) ([]byte, error) {
	if max(frame.Length, frame.Bytes) > r.codec.wide {
		return r.expandWide(frame)
	}
	if r.packed == nil {
		r.packed = r.codec.packed.get()
	}
	if int64(cap(r.packed)) < frame.Length {
		r.packed = make([]byte, frame.Length)
	}
	r.packed = r.packed[:frame.Length]
	switch _, err := io.ReadFull(r.in, r.packed); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the file ends within it")
	case err != nil:
		return nil, &readError{err}
	}
	r.sum.Write(r.packed)
	return r.codec.expand(r.packed, frame.Bytes)
}

// end compares what can only be compared at the end.
func (r *Reader) end() error {
	if n, err := r.in.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return r.fail(errors.New("bytes follow the last frame"))
	}
	if got := hex.EncodeToString(r.sum.Sum(nil)); got != r.file.SHA256 {
		return r.fail(fmt.Errorf("sha256 is %s, the manifest says %s", got, r.file.SHA256))
	}
	r.failed = io.EOF
	return io.EOF
}

// fail notes why the file is not what was written; the first reason counts.
func (r *Reader) fail(err error) error {
	if r.failed != nil {
		return r.failed
	}
	r.failed = &CorruptError{Object: r.file.Object, Offset: r.at, Err: err}
	return r.failed
}
