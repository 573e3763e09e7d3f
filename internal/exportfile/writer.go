package exportfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dmoctl/dmoctl/internal/batch"
)

// ErrClosed is returned by a Writer or Reader that has ended, well or not.
var ErrClosed = errors.New("export file is closed")

// endOfStream is the marker that ends an Arrow IPC stream.
var endOfStream = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}

// frameExtra is room in bytes for what a frame holds beside a batch's values:
// metadata, bitmaps of NULLs, and what aligns the buffers.
const frameExtra = 32 << 10

// aheadFrames is how many frames of one file wait for each other at most.
const aheadFrames = 4

// Writer writes one export file. It is for one goroutine; frames are compressed
// on goroutines of their own, as many at once as the Codec has workers.
type Writer struct {
	codec   *Codec
	out     io.Writer
	sum     hash.Hash
	file    File
	taken   int64
	pending []*job // in the order of their frames
	failed  error
}

// job is one frame on its way.
type job struct {
	rows int64
	done chan struct{} // closed when the fields below are set
	data []byte        // compressed, from the codec's buffers
	size int64         // decompressed
	err  error
}

// NewWriter starts an export file at the place where w stands. The Writer never
// closes w; the caller fills in File.Object and, in a shared object, File.Offset.
func NewWriter(w io.Writer, what Content, c *Codec) (*Writer, error) {
	schema, err := what.labelled()
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	out := &Writer{codec: c, out: w, sum: sha256.New()}
	payload := ipc.GetSchemaPayload(schema, memory.DefaultAllocator)
	defer payload.Release()
	var message bytes.Buffer
	if _, err := payload.WritePayload(&message); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	out.encode(message.Bytes())
	return out, nil
}

// Write adds a batch as one frame. It keeps the batch until that is compressed and
// releases its own hold then; a wide one is written when Write returns. An error may belong to an earlier batch; the Writer
// takes no more after it.
func (w *Writer) Write(rec arrow.RecordBatch) error {
	if w.failed != nil {
		return w.failed
	}
	if rec.NumRows() == 0 {
		return nil
	}
	if batch.Bytes(rec) > w.codec.wide {
		return w.writeWide(rec)
	}
	if err := w.flush(min(cap(w.codec.slots), aheadFrames) - 1); err != nil {
		return err
	}
	w.taken += batch.Bytes(rec)
	j := &job{rows: rec.NumRows(), done: make(chan struct{})}
	w.pending = append(w.pending, j)
	rec.Retain()
	w.codec.slots <- struct{}{}
	go func() {
		defer func() {
			rec.Release()
			<-w.codec.slots
			close(j.done)
		}()
		j.compress(w.codec, rec)
	}()
	return nil
}

// Size returns how many bytes of batches the file has taken, before compression.
func (w *Writer) Size() int64 { return w.taken }

// Close ends the file and returns its index once every frame was written.
func (w *Writer) Close() (File, error) {
	if w.failed != nil {
		return File{}, w.failed
	}
	w.encode(endOfStream)
	if err := w.flush(0); err != nil {
		return File{}, err
	}
	w.failed = ErrClosed
	w.file.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	return w.file, nil
}

// Abort gives the file up and waits for what is in progress; a no-op after Close:
// safe to defer.
func (w *Writer) Abort() {
	for _, j := range w.pending {
		<-j.done
		w.codec.packed.put(j.data)
	}
	w.pending = nil
	if w.failed == nil {
		w.failed = ErrClosed
	}
}

// encode adds a small frame of the writer's own.
func (w *Writer) encode(message []byte) {
	j := &job{done: make(chan struct{}), size: int64(len(message))}
	j.data = w.codec.enc.EncodeAll(message, w.codec.packed.get())
	close(j.done)
	w.pending = append(w.pending, j)
}

// flush writes frames in order: those that are done, and more until at most that
// many are pending.
func (w *Writer) flush(most int) error {
	for len(w.pending) > 0 {
		j := w.pending[0]
		if len(w.pending) <= most {
			select {
			case <-j.done:
			default:
				return nil
			}
		}
		<-j.done
		w.pending = w.pending[1:]
		if err := w.frame(j); err != nil {
			w.failed = err
			w.Abort()
			return err
		}
	}
	return nil
}

func (w *Writer) frame(j *job) error {
	defer w.codec.packed.put(j.data)
	if j.err != nil {
		return fmt.Errorf("encode batch: %w", j.err)
	}
	if _, err := w.out.Write(j.data); err != nil {
		return fmt.Errorf("write export file: %w", err)
	}
	w.sum.Write(j.data)
	w.add(Frame{Length: int64(len(j.data)), Rows: j.rows, Bytes: j.size})
	return nil
}

// add puts a frame that was written into the index.
func (w *Writer) add(f Frame) {
	f.Offset = w.file.Length
	w.file.Frames = append(w.file.Frames, f)
	w.file.Length += f.Length
	w.file.Rows += f.Rows
	w.file.Bytes += f.Bytes
}

// compress makes the frame of one batch.
func (j *job) compress(c *Codec, rec arrow.RecordBatch) {
	payload, err := ipc.GetRecordBatchPayload(rec)
	if err != nil {
		j.err = err
		return
	}
	defer payload.Release()
	raw := bytes.NewBuffer(c.plain.get())
	raw.Grow(int(min(batch.Bytes(rec)+frameExtra, c.maxFrame)))
	if _, err := payload.WritePayload(raw); err != nil {
		j.err = err
		return
	}
	j.size = int64(raw.Len())
	if j.size > c.maxFrame {
		j.err = fmt.Errorf("a batch of %d bytes is larger than a frame may be (%d)", j.size, c.maxFrame)
		return
	}
	j.data = c.enc.EncodeAll(raw.Bytes(), c.packed.get())
	c.plain.put(raw.Bytes())
}
