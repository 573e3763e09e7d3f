package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// ErrFormat is wrapped by Decode where the bytes are no plan of this version.
var ErrFormat = errors.New("not a plan of this version")

// Encode writes p as indented JSON with a final newline. Each table and step is written
// by itself, so that the text of a large plan is never in memory as a whole; no Write
// cuts a value.
func Encode(w io.Writer, p *Plan) error {
	shell := *p
	shell.Tables, shell.Steps = nil, nil
	b, err := json.MarshalIndent(&shell, "", " ")
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	head, rest, _ := bytes.Cut(b, []byte(emptyTables))
	middle, tail, _ := bytes.Cut(rest, []byte(emptySteps))
	e := &encoder{w: w}
	e.text(head, tablesKey)
	encodeList(e, p.Tables)
	e.text(middle, stepsKey)
	encodeList(e, p.Steps)
	e.text(tail, "\n")
	if e.err != nil {
		return fmt.Errorf("write plan: %w", e.err)
	}
	return nil
}

// The places of the two lists in a plan's text. Lines that are indented by one blank are
// the plan's own fields: no value holds a line's end.
const (
	tablesKey   = "\n \"tables\": "
	stepsKey    = "\n \"steps\": "
	emptyTables = tablesKey + "null"
	emptySteps  = stepsKey + "null"
)

// encoder writes until the first error, which it keeps.
type encoder struct {
	w   io.Writer
	err error
}

func (e *encoder) text(b []byte, more string) {
	if e.err == nil {
		_, e.err = e.w.Write(append(b[:len(b):len(b)], more...))
	}
}

// encodeList writes a list the way json.MarshalIndent does.
func encodeList[T any](e *encoder, list []*T) {
	switch {
	case list == nil:
		e.text(nil, "null")
		return
	case len(list) == 0:
		e.text(nil, "[]")
		return
	}
	e.text(nil, "[")
	for i, v := range list {
		b, err := json.MarshalIndent(v, "  ", " ")
		if err != nil && e.err == nil {
			e.err = err
		}
		if i < len(list)-1 {
			b = append(b, ',')
		}
		e.text([]byte("\n  "), string(b))
	}
	e.text(nil, "\n ]")
}

// Decode reads a saved plan. It refuses other formats, unknown fields, trailing
// bytes and a plan whose id does not fit its content, all wrapping ErrFormat.
func Decode(r io.Reader) (*Plan, error) { return decode(r, maxBytes) }

func decode(r io.Reader, limit int64) (*Plan, error) {
	in := &input{from: r, left: limit}
	d := &decoder{json: json.NewDecoder(in), rest: make(map[string]json.RawMessage)}
	d.json.DisallowUnknownFields()
	err := d.decode()
	if in.err != nil {
		return nil, fmt.Errorf("read plan: %w", in.err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if d.plan.ID != Identify(&d.plan) {
		return nil, fmt.Errorf("%w: its id does not match its content: it was edited or truncated", ErrFormat)
	}
	if err := check(&d.plan); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return &d.plan, nil
}

// input remembers an error of the reader, which is not a fault of the plan.
type input struct {
	from io.Reader
	left int64 // bytes that may still be read
	err  error
}

// Bounds of a saved plan, several times those of one of 100,000 tables: what it takes to
// read one stays bounded, whatever it holds.
const (
	maxBytes = 2 << 30
	maxParts = 4_000_000 // tables, or steps
)

func (in *input) Read(p []byte) (int, error) {
	if in.left <= 0 {
		return 0, errors.New("it is too large for a plan")
	}
	n, err := in.from.Read(p[:min(int64(len(p)), in.left)])
	in.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return n, err
}

// decoder reads tables and steps one by one, and what is beside them at the end.
type decoder struct {
	json *json.Decoder
	plan Plan
	pool catalog.Pool
	rest map[string]json.RawMessage
}

func (d *decoder) decode() error {
	if err := d.delim('{'); err != nil {
		return err
	}
	for d.json.More() {
		key, err := d.json.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // a key is nothing else
		if _, twice := d.rest[name]; twice {
			return fmt.Errorf("%q appears twice", name)
		}
		if err := d.field(name); err != nil {
			return err
		}
	}
	if err := d.delim('}'); err != nil {
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is data after the plan")
	}
	return d.others()
}

// field reads one value of the plan.
func (d *decoder) field(name string) error {
	d.rest[name] = nil
	switch name {
	case "tables":
		return decodeList(d, &d.plan.Tables, d.shareTable)
	case "steps":
		return decodeList(d, &d.plan.Steps, d.shareStep)
	}
	var value json.RawMessage
	if err := d.json.Decode(&value); err != nil {
		return err
	}
	d.rest[name] = value
	if name == "format" {
		return checkFormat(value)
	}
	return nil
}

func checkFormat(value []byte) error {
	format := 0
	if err := json.Unmarshal(value, &format); err != nil {
		return err
	}
	if format != Format {
		return fmt.Errorf("it has format %d, this dmoctl reads %d", format, Format)
	}
	return nil
}

// others decodes what is neither table nor step.
func (d *decoder) others() error {
	if d.rest["format"] == nil {
		return checkFormat([]byte("0"))
	}
	delete(d.rest, "tables")
	delete(d.rest, "steps")
	b, err := json.Marshal(d.rest)
	if err != nil {
		return err
	}
	tables, steps := d.plan.Tables, d.plan.Steps
	one := json.NewDecoder(bytes.NewReader(b))
	one.DisallowUnknownFields()
	err = one.Decode(&d.plan)
	d.plan.Tables, d.plan.Steps = tables, steps
	return err
}

// share lets equal texts of a plan be one.
func share[T ~string](d *decoder, text *T) { *text = T(d.pool.Text(string(*text))) }

// shareTable lets the tables of a plan share what is equal in them.
func (d *decoder) shareTable(t *Table) {
	d.pool.Table(t.Source)
	d.pool.Table(t.Target)
	share(d, &t.Group)
	share(d, &t.Action)
	share(d, &t.Reason)
	share(d, &t.SplitReason)
	share(d, &t.Verify)
	if n := len(t.Packages); n < cap(t.Packages) {
		t.Packages = append(make([]*Package, 0, n), t.Packages...)
	}
	for _, p := range t.Packages {
		if p != nil { // a file may say anything, and is checked afterwards
			p.ID = d.pool.Text(p.ID)
		}
	}
}

// shareStep lets a step share its lists with other steps of the same tables, and their names
// with the tables: of each table a plan has half a dozen steps.
func (d *decoder) shareStep(s *Step) {
	share(d, &s.Phase)
	share(d, &s.Kind)
	share(d, &s.Reason)
	s.Tables, s.Packages, s.Needs = d.pool.Tables(s.Tables), d.pool.Names(s.Packages), d.pool.Names(s.Needs)
}

// delim reads one bracket.
func (d *decoder) delim(want json.Delim) error {
	got, err := d.json.Token()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("found %v, expected %v", got, want)
	}
	return nil
}

// decodeList reads an array of objects, or null.
func decodeList[T any](d *decoder, into *[]*T, each func(*T)) error {
	open, err := d.json.Token()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('[') {
		return fmt.Errorf("found %v, expected a list", open)
	}
	*into = []*T{}
	for d.json.More() {
		var v *T
		if err := d.json.Decode(&v); err != nil {
			return err
		}
		if v == nil || len(*into) == maxParts {
			return fmt.Errorf("part %d is empty or surplus", len(*into)+1)
		}
		each(v)
		*into = append(*into, v)
	}
	return d.delim(']')
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
			return fmt.Errorf("step %d is empty or a duplicate", i+1)
		}
		for _, n := range s.Needs {
			if !seen[n] {
				return fmt.Errorf("step %s does not come after %s", s.ID, n)
			}
		}
		seen[s.ID] = true
	}
	return cover(p)
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
// sides. A run records it, so that a later plan knows whether it continues with the same.
func Binding(p *Plan) string {
	sum := sha256.Sum256([]byte(p.SpecDigest + "\n" + p.Structures))
	return hex.EncodeToString(sum[:16])
}
