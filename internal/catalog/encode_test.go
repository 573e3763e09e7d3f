package catalog

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestEncodeMatchesEncodingJSON(t *testing.T) {
	for _, tables := range [][]*Table{nil, {pooled("a", "text")}, {pooled("a", "text"), pooled("b\n \"tables\": null", "<int>"), {}}} {
		c := &Catalog{Engine: "e", Identity: "\n \"tables\": null", Tables: tables, Sequences: []Sequence{{Last: 1}}}
		var want, got bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetIndent("", " ")
		if err := e.Encode(c); err != nil {
			t.Fatal(err)
		}
		if err := Encode(&got, c); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%d tables became\n%s\nwant\n%s", len(tables), got.String(), want.String())
		}
	}
}
