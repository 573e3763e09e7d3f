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
	if err := check(&p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return &p, nil
}

// check refuses what no planner writes, so that readers need not look: missing
// parts, two steps of one id, and steps before those that they need.
func check(p *Plan) error {
	for i, t := range p.Tables {
		if t == nil || t.Source == nil || t.Target == nil {
			return fmt.Errorf("table %d has no source or no target", i+1)
		}
		for _, k := range t.Packages {
			if k == nil {
				return fmt.Errorf("table %s has an empty package", t.Source.Name)
			}
		}
	}
	seen := make(map[string]bool, len(p.Steps))
	for i, s := range p.Steps {
		if s == nil || seen[s.ID] {
			return fmt.Errorf("step %d is empty or there twice", i+1)
		}
		for _, n := range s.Needs {
			if !seen[n] {
				return fmt.Errorf("step %s does not come after %s", s.ID, n)
			}
		}
		seen[s.ID] = true
	}
	return nil
}

// Identify returns the id that fits p's content. It never holds the whole plan as
// text: plans of 100,000 tables are identified in the memory of one.
func Identify(p *Plan) string {
	c := *p
	c.ID, c.Tables, c.Steps = "", nil, nil
	sum := sha256.New()
	e := json.NewEncoder(sum)
	write := func(v any) {
		if err := e.Encode(v); err != nil {
			panic("plan: marshal: " + err.Error()) // plain data always marshals, and a hash takes it
		}
	}
	write(&c)
	for _, t := range p.Tables {
		write(t)
	}
	for _, s := range p.Steps {
		write(s)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// Binding identifies what a plan was made from: the spec and the structures of both
// sides. A run records it, so that a later plan knows whether it goes on with the same.
func Binding(p *Plan) string {
	sum := sha256.Sum256([]byte(p.SpecDigest + "\n" + p.Structures))
	return hex.EncodeToString(sum[:16])
}
