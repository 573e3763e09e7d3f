package postgres

import (
	"math/bits"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	smallestBuffer = 10 // powers of two
	largestKept    = 22
	keptBytes      = 4 << 20 // of free buffers a session holds on to
)

// buffers hands out byte slices for Arrow columns and takes them back when a
// batch is released, which may happen on another goroutine. A value too wide
// to be kept is left to the garbage collector.
type buffers struct {
	mu   sync.Mutex
	free [largestKept + 1][][]byte // by power of two of the capacity
	kept int
}

// grow returns b with room for n more bytes; b itself goes back.
func (p *buffers) grow(b []byte, n, atLeast int) []byte {
	want := max(len(b)+n, atLeast, 1<<smallestBuffer)
	if cap(b) > 0 && len(b) > 0 {
		want = max(want, min(2*cap(b), cap(b)+64<<20))
	}
	out := append(p.get(want), b...)
	if cap(b) > 0 {
		p.Free(b)
	}
	return out
}

func (p *buffers) get(n int) []byte {
	class := max(bits.Len(uint(n-1)), smallestBuffer)
	if class > largestKept {
		return make([]byte, 0, n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.free[class]; len(l) > 0 {
		b := l[len(l)-1]
		p.free[class] = l[:len(l)-1]
		p.kept -= cap(b)
		return b[:0]
	}
	return make([]byte, 0, 1<<class)
}

// wrap makes an Arrow buffer of b that comes back when it is released for good.
func (p *buffers) wrap(b []byte) *memory.Buffer { return memory.NewBufferWithAllocator(b, p) }

// Allocate, Reallocate and Free make buffers an Arrow allocator.
func (p *buffers) Allocate(n int) []byte { return p.get(n)[:n] }

// Reallocate implements memory.Allocator.
func (p *buffers) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	return p.grow(b, n-len(b), 0)[:n]
}

// Free implements memory.Allocator.
func (p *buffers) Free(b []byte) {
	n := cap(b)
	class := bits.Len(uint(n)) - 1
	if n == 0 || n != 1<<class || class > largestKept || class < smallestBuffer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept+n <= keptBytes {
		p.free[class] = append(p.free[class], b[:0])
		p.kept += n
	}
}
