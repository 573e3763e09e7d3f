package exportfile

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/klauspost/compress/zstd"

	"github.com/dmoctl/dmoctl/internal/batch"
)

// A batch that is wider than batches usually are, a row with a large value, goes through a
// stream: its frame is neither put together in memory before it is compressed nor is it
// there compressed, beside the batch. Whoever asks a budget for the batch asks for all of it.

// wideWindow is how large a window a stream may ask for.
const wideWindow = 8 * window

// streams are compressors and decompressors that wait for use. They are safe for concurrent use.
type streams struct {
	level zstd.EncoderLevel
	mu    sync.Mutex
	enc   []*zstd.Encoder
	dec   []*zstd.Decoder
}

func (s *streams) encoder() (*zstd.Encoder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.enc); n > 0 {
		e := s.enc[n-1]
		s.enc = s.enc[:n-1]
		return e, nil
	}
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(s.level), zstd.WithEncoderCRC(true), zstd.WithWindowSize(window),
		zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
}

func (s *streams) decoder() (*zstd.Decoder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.dec); n > 0 {
		d := s.dec[n-1]
		s.dec = s.dec[:n-1]
		return d, nil
	}
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(wideWindow))
}

// gave takes back what encoder and decoder handed out.
func (s *streams) gave(e *zstd.Encoder, d *zstd.Decoder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e != nil {
		e.Reset(nil)
		s.enc = append(s.enc, e)
	}
	if d != nil && d.Reset(nil) == nil {
		s.dec = append(s.dec, d)
	}
}

func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.dec {
		d.Close()
	}
	s.enc, s.dec = nil, nil
}

// writeWide writes a batch as one frame, before it returns.
func (w *Writer) writeWide(rec arrow.RecordBatch) error {
	if err := w.flush(0); err != nil {
		return err
	}
	w.taken += batch.Bytes(rec)
	err := w.streamed(rec)
	if err != nil {
		w.failed = fmt.Errorf("write export file: %w", err)
	}
	return w.failed
}

func (w *Writer) streamed(rec arrow.RecordBatch) error {
	payload, err := ipc.GetRecordBatchPayload(rec)
	if err != nil {
		return err
	}
	defer payload.Release()
	var size counted
	if _, err := payload.WritePayload(&size); err != nil {
		return err
	}
	if size.n > w.codec.maxFrame {
		return fmt.Errorf("a batch of %d bytes is larger than a frame may be (%d)", size.n, w.codec.maxFrame)
	}
	e, err := w.codec.streams.encoder()
	if err != nil {
		return err
	}
	defer w.codec.streams.gave(e, nil)
	packed := counted{to: io.MultiWriter(w.out, w.sum)}
	e.ResetContentSize(&packed, size.n)
	if _, err := payload.WritePayload(e); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	w.add(Frame{Length: packed.n, Rows: rec.NumRows(), Bytes: size.n})
	return nil
}

// counted counts bytes and hands them on, if to anybody.
type counted struct {
	n  int64
	to io.Writer
}

func (c *counted) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	if c.to == nil {
		return len(p), nil
	}
	return c.to.Write(p)
}

// expandWide decompresses a frame as it is read.
func (r *Reader) expandWide(frame Frame) ([]byte, error) {
	d, err := r.codec.streams.decoder()
	if err != nil {
		return nil, err
	}
	defer r.codec.streams.gave(nil, d)
	from := &source{in: r.in}
	packed := io.LimitedReader{R: from, N: frame.Length}
	if err := d.Reset(io.TeeReader(&packed, r.sum)); err != nil {
		return nil, err
	}
	plain := make([]byte, frame.Bytes)
	n, err := io.ReadFull(d, plain)
	if err == nil {
		var more [1]byte
		if n, err = d.Read(more[:]); n > 0 {
			err = fmt.Errorf("it holds more than the %d bytes that the manifest says", frame.Bytes)
		}
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("it holds %d bytes or less, the manifest says %d", n, frame.Bytes)
	}
	switch {
	case from.failed != nil:
		return nil, &readError{from.failed}
	case !errors.Is(err, io.EOF):
		return nil, err
	case packed.N > 0:
		return nil, errors.New("it is shorter than the manifest says")
	}
	return plain, nil
}

// source remembers why its bytes ended early.
type source struct {
	in     io.Reader
	failed error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return n, err
}

// readError is an error of the staging, and no damage.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }
