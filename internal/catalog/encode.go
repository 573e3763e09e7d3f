package catalog

import (
	"bytes"
	"encoding/json"
	"io"
)

// Encode writes c as indented JSON with a final newline. Each table is written by itself, so
// that the text of a large catalog is never in memory as a whole; no Write cuts a value.
func Encode(w io.Writer, c *Catalog) error {
	const key, none = "\n \"tables\": ", "null" // no value holds a line's end
	shell := *c
	shell.Tables = nil
	b, err := json.MarshalIndent(&shell, "", " ")
	if err != nil {
		return err
	}
	if len(c.Tables) == 0 {
		_, err := w.Write(append(b, '\n'))
		return err
	}
	head, tail, _ := bytes.Cut(b, []byte(key+none))
	before := string(head) + key + "["
	for _, t := range c.Tables {
		b, err := json.MarshalIndent(t, "  ", " ")
		if err != nil {
			return err
		}
		if _, err := w.Write(append([]byte(before+"\n  "), b...)); err != nil {
			return err
		}
		before = ","
	}
	_, err = w.Write(append([]byte("\n ]"), append(tail, '\n')...))
	return err
}
