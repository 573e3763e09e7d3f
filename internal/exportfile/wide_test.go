package exportfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
)

func TestWideFrames(t *testing.T) {
	wide, narrow := codec(t, Options{Wide: 1 << 10}), codec(t, Options{})
	for name, w := range map[string]*Codec{"wide": wide, "narrow": narrow} {
		recs := three(t)
		data, f := write(t, w, recs...)
		f.Object = ObjectName("x", 1, "0123456789ab", 1)
		if err := f.check(); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Codec{wide, narrow} {
			got, err := read(iotest.HalfReader(bytes.NewReader(data)), f, content(t), r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			equal(t, got, recs)
		}
		for i := 0; i < len(data); i += 97 {
			bad := bytes.Clone(data)
			bad[i] ^= 0x10
			_, err := read(bytes.NewReader(bad), f, content(t), wide)
			corrupt(t, fmt.Sprintf("%s: bit at %d", name, i), err)
			_, err = read(bytes.NewReader(data[:i]), f, content(t), wide)
			corrupt(t, fmt.Sprintf("%s: cut at %d", name, i), err)
		}
		broken := errors.New("connection reset")
		_, err := read(io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken)), f, content(t), wide)
		var bad *CorruptError
		if !errors.Is(err, broken) || errors.As(err, &bad) {
			t.Errorf("%s: the staging's error became %v", name, err)
		}
	}
}

func TestWideFrameBoundedByManifest(t *testing.T) {
	// Done: staging: a zstd frame expands to what the manifest says, and no further, also where it is streamed
	c := codec(t, Options{Wide: 1 << 10})
	for name, packed := range bombs(t, 1<<30) {
		r := &Reader{codec: c, in: bytes.NewReader(packed), sum: sha256.New()}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.expand(Frame{Length: int64(len(packed)), Bytes: 1 << 20})
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: expanded", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}

func TestWideBatchOverLimit(t *testing.T) {
	w, err := NewWriter(io.Discard, content(t), codec(t, Options{MaxFrame: 64 << 10, Wide: 1 << 10}))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(rows(t, 2000, 1)); err == nil {
		t.Error("a frame beyond the limit was written")
	}
	if _, err := w.Close(); err == nil {
		t.Error("the file ends well")
	}
}
