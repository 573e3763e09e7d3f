// Package exportfile reads and writes export files.
//
// An export file is a sequence of zstd frames, each with a content checksum: the
// first holds an Arrow IPC schema message, each further one a record batch
// message, the last the end-of-stream marker. Decompressed as a whole it is an
// Arrow IPC stream that any Arrow implementation reads. Several files may share an
// object, one after the other.
//
// A Writer makes a file out of batches and returns its File, the index that a
// Manifest holds; a Reader gives the batches back and fails unless the bytes are
// those of the File. docs/export-format.md describes the format.
package exportfile

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// defaultMaxFrame bounds a frame's content where Options do not.
const defaultMaxFrame = 1 << 30

// defaultWide is where Options name no width.
const defaultWide = 8 << 20

// window is how far back, in bytes, the encoder looks for repetitions; it keeps twice as
// much a worker. Frames hold about 2 MB, and looking further than this did not make them smaller.
const window = 1 << 20

// pooled is how many bytes of free buffers are kept for reuse.
const pooled = 16 << 20

// Options of a Codec.
type Options struct {
	Level    string // "fastest", "default", "better" or "best"; "" is "fastest"
	Workers  int    // frames compressed at once, over all Writers; 0 is 1
	MaxFrame int64  // bytes that a frame may hold, compressed or not; 0 is 1 GiB
	Wide     int64  // bytes from which on a frame is never in memory beside its batch; 0 is 8 MiB
}

// Codec compresses and decompresses frames. A run has one, which all its Writers and
// Readers share, so that small packages cost no buffers of their own. It is safe
// for concurrent use.
type Codec struct {
	enc      *zstd.Encoder
	dec      *zstd.Decoder
	slots    chan struct{} // one a worker
	plain    buffers       // of a frame's content
	packed   buffers       // of compressed frames, which are a fraction of it
	maxFrame int64
	wide     int64
	streams  streams
}

// NewCodec returns a Codec. An unknown level is an error.
func NewCodec(o Options) (*Codec, error) {
	level, ok := zstd.SpeedFastest, true
	if o.Level != "" {
		ok, level = zstd.EncoderLevelFromString(o.Level)
	}
	if !ok {
		return nil, fmt.Errorf("compression level %q is not one of fastest, default, better, best", o.Level)
	}
	workers := max(o.Workers, 1)
	c := &Codec{slots: make(chan struct{}, workers), maxFrame: o.MaxFrame, wide: o.Wide}
	if c.maxFrame <= 0 {
		c.maxFrame = defaultMaxFrame
	}
	if c.wide <= 0 {
		c.wide = defaultWide
	}
	c.streams.level = level
	var err error
	// The encoder notices blocks that do not compress and stores them at memory
	// speed, so nothing is sampled here. zstd's own checksum is asked for although the
	// manifest has SHA-256 of the file: that is known at its end only, and lengths inside a
	// frame that is damaged must not be believed before.
	c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(true),
		zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(workers), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("start compressor: %w", err)
	}
	// A frame never grows beyond the buffer that the manifest's word made for it.
	c.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(c.maxFrame)), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("start decompressor: %w", err)
	}
	return c, nil
}

// expand decompresses one frame that holds exactly so many bytes. The header is believed no
// more than the manifest: nothing is expanded beyond size.
func (c *Codec) expand(packed []byte, size int64) ([]byte, error) {
	var h zstd.Header
	switch err := h.Decode(packed); {
	case err != nil:
		return nil, err
	case h.Skippable:
		return nil, errors.New("it is a skippable frame")
	case h.HasFCS && h.FrameContentSize != uint64(size): // small frames do not say
		return nil, fmt.Errorf("its header says %d bytes, the manifest says %d", h.FrameContentSize, size)
	}
	buffer := c.plain.get()
	if int64(cap(buffer)) < size {
		c.plain.put(buffer)
		buffer = make([]byte, 0, size)
	}
	plain, err := c.dec.DecodeAll(packed, buffer[:0:size])
	if err == nil && int64(len(plain)) != size {
		err = fmt.Errorf("it holds %d bytes, the manifest says %d", len(plain), size)
	}
	if err != nil {
		c.plain.put(buffer)
		return nil, err
	}
	return buffer[:size], nil
}

// Close frees the codec's buffers. No Writer or Reader may use it afterwards.
func (c *Codec) Close() error {
	c.streams.close()
	c.dec.Close()
	return c.enc.Close()
}

// buffers are byte slices for reuse. They are safe for concurrent use. They are kept until
// the codec goes: a sync.Pool forgets them at every collection, and frames are what a
// run mostly allocates.
type buffers struct {
	mu   sync.Mutex
	free [][]byte
	kept int // bytes in free
}

// get returns an empty buffer.
func (p *buffers) get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	b := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	p.kept -= cap(b)
	return b[:0]
}

// put takes a buffer back that nothing refers to any more.
func (p *buffers) put(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cap(b) > 0 && p.kept+cap(b) <= pooled {
		p.free = append(p.free, b)
		p.kept += cap(b)
	}
}
