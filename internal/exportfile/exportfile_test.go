package exportfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/klauspost/compress/zstd"
)

func TestRoundTrip(t *testing.T) {
	for _, level := range []string{"fastest", "default", "better", "best"} {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprint(level, workers), func(t *testing.T) {
				c := codec(t, Options{Level: level, Workers: workers})
				recs := three(t)
				data, f := write(t, c, recs...)
				if f.Rows != 1101 || f.Length != int64(len(data)) || len(f.Frames) != 5 || f.Bytes <= f.Length {
					t.Errorf("index %+v of %d bytes", f, len(data))
				}
				// Underlying readers may hand out any piece, and io.EOF with the last.
				got, err := read(iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(data))), f, content(t), c)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, got, recs)
			})
		}
	}
}

func equal(t *testing.T, got, want []arrow.RecordBatch) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d batches, want %d", len(got), len(want))
	}
	for i := range want {
		if !array.RecordEqual(want[i], got[i]) {
			t.Errorf("batch %d differs", i)
		}
	}
}

func TestSlicesAndEmptyBatches(t *testing.T) {
	c := codec(t, Options{Workers: 2})
	whole := rows(t, 1000, 5)
	parts := []arrow.RecordBatch{whole.NewSlice(3, 7), whole.NewSlice(500, 500), whole.NewSlice(9, 1000)}
	data, f := write(t, c, parts...)
	got, err := read(bytes.NewReader(data), f, content(t), c)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, []arrow.RecordBatch{parts[0], parts[2]})
	data, f = write(t, c)
	if got, err := read(bytes.NewReader(data), f, content(t), c); err != nil || len(got) != 0 {
		t.Errorf("a file without rows: %v, %v", got, err)
	}
}

// A file is what two programs that are not ours say it is: zstd and an Arrow
// stream reader that knows nothing of frames.
func TestThirdPartyReaders(t *testing.T) {
	tool, err := exec.LookPath("zstd")
	if err != nil {
		if os.Getenv("DMO_TEST_REQUIRE") == "all" {
			t.Fatal("zstd is not installed")
		}
		t.Skip("zstd is not installed")
	}
	recs := three(t)
	data, f := write(t, codec(t, Options{}), recs...)
	some := slices.Concat(data[:f.Frames[0].Length], data[f.Frames[3].Offset:])
	for name, c := range map[string]struct {
		data []byte
		want []arrow.RecordBatch
	}{"whole": {data, recs}, "schema, one batch and the end": {some, recs[2:]}} {
		cmd := exec.Command(tool, "-dc")
		cmd.Stdin = bytes.NewReader(c.data)
		plain, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: zstd -dc: %v", name, err)
		}
		in, err := ipc.NewReader(bytes.NewReader(plain))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []arrow.RecordBatch
		for in.Next() {
			in.RecordBatch().Retain()
			got = append(got, in.RecordBatch())
		}
		if in.Err() != nil {
			t.Fatalf("%s: %v", name, in.Err())
		}
		equal(t, got, c.want)
	}
}

func corrupt(t *testing.T, what string, err error) {
	t.Helper()
	var bad *CorruptError
	if !errors.As(err, &bad) || bad.Object == "" {
		t.Errorf("%s: got %v, want a CorruptError", what, err)
	}
}

func TestFlippedBits(t *testing.T) {
	// Failure scenario: an export file with a flipped bit, truncated, missing, swapped with another's: no flipped bit goes unnoticed, in whichever frame it is.
	c := codec(t, Options{})
	data, f := write(t, c, three(t)...)
	for i, frame := range f.Frames {
		for at := frame.Offset; at < frame.Offset+frame.Length; at += max(1, frame.Length/200) {
			bad := bytes.Clone(data)
			bad[at] ^= 1 << (at % 8)
			_, err := read(bytes.NewReader(bad), f, content(t), c)
			corrupt(t, fmt.Sprintf("frame %d byte %d", i, at), err)
		}
	}
}

func TestCorruptFilesRejected(t *testing.T) {
	// Failure scenario: an export file with a flipped bit, truncated, missing, swapped with another's, from another attempt: all of them are refused before the end is reported.
	c := codec(t, Options{})
	recs := three(t)
	data, f := write(t, c, recs...)
	for n := range len(data) {
		if n%97 == 0 || n > len(data)-20 {
			_, err := read(bytes.NewReader(data[:n]), f, content(t), c)
			corrupt(t, fmt.Sprintf("truncated to %d", n), err)
		}
	}
	_, err := read(bytes.NewReader(append(bytes.Clone(data), 0)), f, content(t), c)
	corrupt(t, "one byte more", err)
	other, otherFile := write(t, c, rows(t, 100, 9), rows(t, 1, 8), rows(t, 1000, 7))
	_, err = read(bytes.NewReader(other), f, content(t), c)
	corrupt(t, "another's file", err)
	// Another attempt at the same rows in the same order, whose frames have equal
	// lengths: only the checksum of the whole tells them apart.
	again := otherFile
	again.SHA256 = f.SHA256
	got, err := read(bytes.NewReader(other), again, content(t), c)
	corrupt(t, "another attempt", err)
	if len(got) != 3 {
		t.Errorf("%d batches before the end", len(got))
	}
	swapped := f
	swapped.Frames = slices.Clone(f.Frames)
	swapped.Frames[1].Rows, swapped.Frames[3].Rows = swapped.Frames[3].Rows, swapped.Frames[1].Rows
	_, err = read(bytes.NewReader(data), swapped, content(t), c)
	corrupt(t, "rows of other frames", err)
	narrow := arrow.NewSchema(schema(t).Fields()[:3], nil)
	_, err = read(bytes.NewReader(data), f, Content{Schema: narrow}, c)
	corrupt(t, "another table's columns", err)
}

func TestStagingErrorNotCorruption(t *testing.T) {
	c := codec(t, Options{})
	data, f := write(t, c, three(t)...)
	broken := errors.New("connection reset")
	_, err := read(io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken)), f, content(t), c)
	var bad *CorruptError
	if !errors.Is(err, broken) || errors.As(err, &bad) {
		t.Errorf("got %v", err)
	}
	w, err := NewWriter(failing{broken}, content(t), c)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	var seen error
	for range 4 {
		if err := w.Write(rows(t, 10, 1)); err != nil {
			seen = err
		}
	}
	if _, err := w.Close(); !errors.Is(err, broken) || !errors.Is(seen, broken) {
		t.Errorf("writing: %v, closing: %v", seen, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestFrameLimit(t *testing.T) {
	// A frame that unfolds into more than the limit is refused, not held.
	data, f := write(t, codec(t, Options{}), rows(t, 8000, 1))
	_, err := read(bytes.NewReader(data), f, content(t), codec(t, Options{MaxFrame: 64 << 10}))
	corrupt(t, "a large frame", err)
	w, err := NewWriter(io.Discard, content(t), codec(t, Options{MaxFrame: 64 << 10}))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rows(t, 8000, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err == nil || !strings.Contains(err.Error(), "larger than a frame may be") {
		t.Errorf("a batch over the limit: %v", err)
	}
}

func TestMultipleFilesPerObject(t *testing.T) {
	c := codec(t, Options{Workers: 2})
	var object bytes.Buffer
	var files []File
	for seed := range uint64(3) {
		data, f := write(t, c, rows(t, 10, seed))
		f.Offset = int64(object.Len())
		object.Write(data)
		files = append(files, f)
	}
	for seed, f := range files {
		got, err := read(io.NewSectionReader(bytes.NewReader(object.Bytes()), f.Offset, f.Length), f, Content{}, c)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, []arrow.RecordBatch{rows(t, 10, uint64(seed))})
	}
	_, err := read(bytes.NewReader(object.Bytes()[files[1].Offset:]), files[1], Content{}, c)
	corrupt(t, "the next file's bytes behind it", err)
}

func TestClosed(t *testing.T) {
	c := codec(t, Options{})
	w, err := NewWriter(io.Discard, content(t), c)
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if _, err := w.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("close after abort: %v", err)
	}
	if err := w.Write(rows(t, 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("write after abort: %v", err)
	}
	if _, err := NewCodec(Options{Level: "9"}); err == nil {
		t.Error("level 9 is taken")
	}
}

// bomb makes frames of size zero bytes in the ways in which a frame can be larger than it is said to be.
func bombs(t *testing.T, size int) map[string][]byte {
	t.Helper()
	var silent bytes.Buffer // its header names no size
	enc, err := zstd.NewWriter(&silent)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range size >> 20 {
		if _, err := enc.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	honest := enc.EncodeAll(make([]byte, 64<<20), nil)
	lying := bytes.Clone(honest)
	var h zstd.Header
	if err := h.Decode(honest); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(lying[h.HeaderSize-4:], 1<<20)
	second := append(enc.EncodeAll(zeros, nil), silent.Bytes()...)
	return map[string][]byte{"silent": silent.Bytes(), "honest": honest, "lying": lying, "a second frame": second}
}

func TestFrameBoundedByManifest(t *testing.T) {
	// Done: staging: a zstd frame expands to what the manifest says, and no further
	c := codec(t, Options{})
	for name, packed := range bombs(t, 2<<30) {
		if _, err := c.expand(packed[:20], 1<<20); err == nil { // what is set aside once is not part of the frame
			t.Errorf("%s: half a frame is a frame", name)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.expand(packed, 1<<20)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: expanded", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
	data, f := write(t, c, three(t)...)
	for i := range f.Frames { // sizes that are not the frames'
		g := f
		g.Frames = slices.Clone(f.Frames)
		g.Frames[i].Bytes += 1 << 20
		g.Bytes += 1 << 20
		_, err := read(bytes.NewReader(data), g, content(t), c)
		corrupt(t, fmt.Sprintf("frame %d", i), err)
	}
}

func TestSwappedFilesDetected(t *testing.T) {
	// Done: staging: files exchanged by a forged manifest are found
	c := codec(t, Options{})
	data, f := write(t, c, three(t)...)
	for what, change := range map[string]func(*Content){
		"another package":      func(w *Content) { w.Package = "S.U/0001" },
		"another generation":   func(w *Content) { w.Generation = "9e" },
		"another owner":        func(w *Content) { w.Owner++ },
		"another attempt":      func(w *Content) { w.Attempt = "ba9876543210" },
		"another part":         func(w *Content) { w.Part++ },
		"another table's rows": func(w *Content) { w.Schema = arrow.NewSchema(w.Schema.Fields()[1:], nil) },
	} {
		want := content(t)
		change(&want)
		_, err := read(bytes.NewReader(data), f, want, c)
		corrupt(t, what, err)
	}
}
