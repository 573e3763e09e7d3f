package exportfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// File is the index of one export file: where it is, and what it holds.
type File struct {
	Object string `json:"object"` // name in the staging
	Offset int64  `json:"offset"` // of the file in its object
	Length int64  `json:"length"` // bytes
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`  // decompressed
	SHA256 string `json:"sha256"` // of the file's bytes, hexadecimal
	// Frames follow each other without gaps: the schema, the batches, the end.
	Frames []Frame `json:"frames"`
}

// Frame is one zstd frame of a File.
type Frame struct {
	Offset int64 `json:"offset"` // in the file
	Length int64 `json:"length"`
	Rows   int64 `json:"rows"`
}

// check says what is wrong with an index that was read.
func (f *File) check() error {
	if !ValidName(f.Object) {
		return fmt.Errorf("object name %.80q is not valid", f.Object)
	}
	if raw, err := hex.DecodeString(f.SHA256); err != nil || len(raw) != sha256.Size {
		return fmt.Errorf("object %s: sha256 is no checksum", f.Object)
	}
	if len(f.Frames) < 2 {
		return fmt.Errorf("object %s: a file has at least a schema and an end", f.Object)
	}
	var length, rows int64
	for i, frame := range f.Frames {
		last := i == 0 || i == len(f.Frames)-1
		if frame.Offset != length || frame.Length <= 0 || frame.Rows < 0 || last && frame.Rows != 0 {
			return fmt.Errorf("object %s: frame %d is not in its place", f.Object, i)
		}
		length += frame.Length
		rows += frame.Rows
		if length < 0 || rows < 0 {
			return fmt.Errorf("object %s: frames overflow", f.Object)
		}
	}
	if f.Offset < 0 || f.Bytes < 0 || length != f.Length || rows != f.Rows || f.Offset+f.Length < 0 {
		return fmt.Errorf("object %s: frames do not add up to the file", f.Object)
	}
	return nil
}

// CorruptError says that stored bytes are not what was written.
type CorruptError struct {
	Object string
	Offset int64 // in the object, of the frame at which it was noticed
	Err    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("object %s is not what was written, noticed at byte %d: %v", e.Object, e.Offset, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// Fingerprint identifies a schema: names, Arrow types and neutral types of its
// columns, in order.
func Fingerprint(s *arrow.Schema) string {
	type field struct {
		Name, Type string
		Keys       []string
		Values     []string
	}
	fields := make([]field, 0, s.NumFields())
	for _, f := range s.Fields() {
		fields = append(fields, field{f.Name, f.Type.String(), f.Metadata.Keys(), f.Metadata.Values()})
	}
	b, err := json.Marshal(fields)
	if err != nil {
		panic("exportfile: marshal: " + err.Error()) // strings always marshal
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
