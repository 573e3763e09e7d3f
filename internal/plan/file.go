package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrFormat is wrapped by Decode where the bytes are no plan of this version.
var ErrFormat = errors.New("not a plan of this version")

// Encode writes p as indented JSON with a final newline.
func Encode(w io.Writer, p *Plan) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// Decode reads a saved plan. It refuses other formats, unknown fields, trailing
// bytes and a plan whose id does not fit its content, all wrapping ErrFormat.
func Decode(r io.Reader) (*Plan, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if head.Format != Format {
		return nil, fmt.Errorf("%w: format %d, this dmoctl reads %d", ErrFormat, head.Format, Format)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var p Plan
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if d.More() {
		return nil, fmt.Errorf("%w: bytes after the plan", ErrFormat)
	}
	if p.ID != Identify(&p) {
		return nil, fmt.Errorf("%w: its id does not fit its content: it was edited or cut", ErrFormat)
	}
	return &p, nil
}

// Identify returns the id that fits p's content.
func Identify(p *Plan) string {
	c := *p
	c.ID = ""
	b, err := json.Marshal(&c)
	if err != nil {
		panic("plan: marshal: " + err.Error()) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Binding identifies what a plan was made from: the spec and the structures of both
// sides. A run records it, so that a later plan knows whether it goes on with the same.
func Binding(p *Plan) string {
	sum := sha256.Sum256([]byte(p.SpecDigest + "\n" + p.Structures))
	return hex.EncodeToString(sum[:16])
}
