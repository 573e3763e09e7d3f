package exportfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	Bytes  int64 `json:"bytes"` // decompressed: no more is ever expanded
}

// Content is what an export file holds. It stands in the file itself, in the metadata of
// its schema, so that no manifest can make one file stand for another.
type Content struct {
	Schema     *arrow.Schema // of the batches; for a Reader, nil is any
	Package    string        // its id; for a Reader, "" is any file
	Generation string
	Owner      int64  // number of the exporter's owner entry in the journal
	Attempt    string // of that owner
	Part       int    // number of the file among those of its package, from 1
}

// FileFormat is the version of export files.
const FileFormat = 2

// fileKey is under which a schema's metadata says what the file is, in JSON.
const fileKey = "dmo.file"

// label is Content as it stands in a file.
type label struct {
	Format     int    `json:"format"`
	Package    string `json:"package"`
	Generation string `json:"generation"`
	Owner      int64  `json:"owner"`
	Attempt    string `json:"attempt"`
	Part       int    `json:"part"`
}

func (c *Content) label() label {
	return label{FileFormat, c.Package, c.Generation, c.Owner, c.Attempt, c.Part}
}

// labelled is the schema as it is written.
func (c *Content) labelled() (*arrow.Schema, error) {
	text, err := json.Marshal(c.label())
	if err != nil {
		return nil, err
	}
	metadata := arrow.NewMetadata([]string{fileKey}, []string{string(text)})
	return arrow.NewSchema(c.Schema.Fields(), &metadata), nil
}

// check compares the schema that a file begins with.
func (c *Content) check(s *arrow.Schema) error {
	text, ok := s.Metadata().GetValue(fileKey)
	if !ok {
		return errors.New("it does not say which file it is")
	}
	var got label
	if err := Decode([]byte(text), FileFormat, &got); err != nil {
		return fmt.Errorf("it does not say which file it is: %w", err)
	}
	if want := c.label(); c.Package != "" && got != want {
		return fmt.Errorf("it is part %d of package %q (generation %s, attempt %d-%s), not part %d of %q (generation %s, attempt %d-%s)",
			got.Part, got.Package, got.Generation, got.Owner, got.Attempt, want.Part, want.Package, want.Generation, want.Owner, want.Attempt)
	}
	if c.Schema != nil && Fingerprint(c.Schema) != Fingerprint(s) {
		return errors.New("its columns do not match the table")
	}
	return nil
}

// check says what is wrong with an index that was read.
func (f *File) check() error {
	if !ValidName(f.Object) {
		return fmt.Errorf("object name %.80q is not valid", f.Object)
	}
	if raw, err := hex.DecodeString(f.SHA256); err != nil || len(raw) != sha256.Size {
		return fmt.Errorf("object %s: sha256 is not a checksum", f.Object)
	}
	if len(f.Frames) < 2 {
		return fmt.Errorf("object %s: a file has at least a schema and an end", f.Object)
	}
	var length, rows, bytes int64
	for i, frame := range f.Frames {
		last := i == 0 || i == len(f.Frames)-1
		if frame.Offset != length || frame.Length <= 0 || frame.Rows < 0 || last && frame.Rows != 0 {
			return fmt.Errorf("object %s: frame %d is not in its place", f.Object, i)
		}
		if frame.Bytes <= 0 || frame.Length > packedBound(frame.Bytes) {
			return fmt.Errorf("object %s: frame %d of %d bytes does not hold %d", f.Object, i, frame.Length, frame.Bytes)
		}
		length += frame.Length
		rows += frame.Rows
		bytes += frame.Bytes
		if length < 0 || rows < 0 || bytes < 0 {
			return fmt.Errorf("object %s: frames overflow", f.Object)
		}
	}
	if f.Offset < 0 || bytes != f.Bytes || length != f.Length || rows != f.Rows || f.Offset+f.Length < 0 {
		return fmt.Errorf("object %s: frames do not add up to the file", f.Object)
	}
	return nil
}

// packedBound is how long a frame of that content may be: zstd stores what does not
// compress, with three bytes for each block of 128 KiB and a header and checksum.
func packedBound(content int64) int64 { return content + content>>8 + 64 }

// CorruptError says that stored bytes are not what was written.
type CorruptError struct {
	Object string
	Offset int64 // in the object, of the frame at which it was noticed
	Err    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("object %s is not what was written, as of byte %d: %v", e.Object, e.Offset, e.Err)
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
