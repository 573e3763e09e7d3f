package exportfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
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
				got, err := read(iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(data))), f, schema(t), c)
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
	got, err := read(bytes.NewReader(data), f, schema(t), c)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, []arrow.RecordBatch{parts[0], parts[2]})
	data, f = write(t, c)
	if got, err := read(bytes.NewReader(data), f, schema(t), c); err != nil || len(got) != 0 {
		t.Errorf("a file without rows: %v, %v", got, err)
	}
}

// A file is what two programs that are not ours say it is: zstd and an Arrow
// stream reader that knows nothing of frames.
func TestOtherToolsReadIt(t *testing.T) {
	zstd, err := exec.LookPath("zstd")
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
		cmd := exec.Command(zstd, "-dc")
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
	// Bad day: an export file with a flipped bit, truncated, missing, swapped with another's: no flipped bit goes unnoticed, in whichever frame it is.
	c := codec(t, Options{})
	data, f := write(t, c, three(t)...)
	for i, frame := range f.Frames {
		for at := frame.Offset; at < frame.Offset+frame.Length; at += max(1, frame.Length/200) {
			bad := bytes.Clone(data)
			bad[at] ^= 1 << (at % 8)
			_, err := read(bytes.NewReader(bad), f, schema(t), c)
			corrupt(t, fmt.Sprintf("frame %d byte %d", i, at), err)
		}
	}
}

func TestWrongBytes(t *testing.T) {
	// Bad day: an export file with a flipped bit, truncated, missing, swapped with another's, from another attempt: all of them are refused before the end is reported.
	c := codec(t, Options{})
	recs := three(t)
	data, f := write(t, c, recs...)
	for n := range len(data) {
		if n%97 == 0 || n > len(data)-20 {
			_, err := read(bytes.NewReader(data[:n]), f, schema(t), c)
			corrupt(t, fmt.Sprintf("truncated to %d", n), err)
		}
	}
	_, err := read(bytes.NewReader(append(bytes.Clone(data), 0)), f, schema(t), c)
	corrupt(t, "one byte more", err)
	other, otherFile := write(t, c, rows(t, 100, 9), rows(t, 1, 8), rows(t, 1000, 7))
	_, err = read(bytes.NewReader(other), f, schema(t), c)
	corrupt(t, "another's file", err)
	// Another attempt at the same rows in the same order, whose frames have equal
	// lengths: only the checksum of the whole tells them apart.
	again := otherFile
	again.SHA256 = f.SHA256
	got, err := read(bytes.NewReader(other), again, schema(t), c)
	corrupt(t, "another attempt", err)
	if len(got) != 3 {
		t.Errorf("%d batches before the end", len(got))
	}
	swapped := f
	swapped.Frames = slices.Clone(f.Frames)
	swapped.Frames[1].Rows, swapped.Frames[3].Rows = swapped.Frames[3].Rows, swapped.Frames[1].Rows
	_, err = read(bytes.NewReader(data), swapped, schema(t), c)
	corrupt(t, "rows of other frames", err)
	narrow := arrow.NewSchema(schema(t).Fields()[:3], nil)
	_, err = read(bytes.NewReader(data), f, narrow, c)
	corrupt(t, "another table's columns", err)
}

func TestErrorsOfTheStagingAreNotCorruption(t *testing.T) {
	c := codec(t, Options{})
	data, f := write(t, c, three(t)...)
	broken := errors.New("connection reset")
	_, err := read(io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken)), f, schema(t), c)
	var bad *CorruptError
	if !errors.Is(err, broken) || errors.As(err, &bad) {
		t.Errorf("got %v", err)
	}
	w, err := NewWriter(failing{broken}, schema(t), c)
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
	_, err := read(bytes.NewReader(data), f, schema(t), codec(t, Options{MaxFrame: 64 << 10}))
	corrupt(t, "a large frame", err)
	w, err := NewWriter(io.Discard, schema(t), codec(t, Options{MaxFrame: 64 << 10}))
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

func TestSeveralFilesInOneObject(t *testing.T) {
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
		got, err := read(io.NewSectionReader(bytes.NewReader(object.Bytes()), f.Offset, f.Length), f, nil, c)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, []arrow.RecordBatch{rows(t, 10, uint64(seed))})
	}
	_, err := read(bytes.NewReader(object.Bytes()[files[1].Offset:]), files[1], nil, c)
	corrupt(t, "the next file's bytes behind it", err)
}

func TestClosed(t *testing.T) {
	c := codec(t, Options{})
	w, err := NewWriter(io.Discard, schema(t), c)
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
