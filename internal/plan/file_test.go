package plan

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func small() *Plan {
	p := &Plan{
		Format: Format, Version: "0.1.0", Migration: "erp", Mode: "pipe", SpecDigest: "s", Structures: "t",
		Source: Endpoint{Type: "sqlite", Name: "a", Identity: "/a"}, Target: Endpoint{Type: "sqlite", Name: "b", Identity: "/b"},
		Policies: catalog.DefaultPolicies(), Existing: "require-empty",
		Tables: []*Table{{
			Source: &catalog.Table{Name: catalog.Name{Name: "T"}}, Target: &catalog.Table{Name: catalog.Name{Name: "T"}},
			Action: Copy, Packages: []*Package{{ID: "T/0001", Rows: -1, Bytes: -1}}, Verify: "count",
		}},
		Steps: []*Step{{ID: "copy/T", Phase: Downtime, Kind: StepCopy, Packages: []string{"T/0001"}}},
	}
	p.ID = Identify(p)
	return p
}

func encoded(t testing.TB, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSavedPlanReadsBack(t *testing.T) {
	text := encoded(t, small())
	p, err := Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if again := encoded(t, p); again != text {
		t.Errorf("%s\nbecame\n%s", text, again)
	}
}

func TestDecodeRefusesWhatWasNotPlanned(t *testing.T) {
	text := encoded(t, small())
	for name, bad := range map[string]string{
		"empty":          "",
		"no JSON":        "plan",
		"other format":   strings.Replace(text, `"format": 1`, `"format": 2`, 1),
		"unknown field":  strings.Replace(text, `"format": 1,`, `"format": 1, "steals": true,`, 1),
		"cut":            text[:len(text)/2],
		"bytes after it": text + "{}",
		"edited step":    strings.Replace(text, `"phase": "downtime"`, `"phase": "finalize"`, 1),
		"edited id":      strings.Replace(text, `"id": "`, `"id": "0`, 1),
		"edited table":   strings.Replace(text, `"action": "copy"`, `"action": "keep"`, 1),
	} {
		if _, err := Decode(strings.NewReader(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecodePlan: no bytes make Decode panic, and what it takes reads back as it is.
func FuzzDecodePlan(f *testing.F) {
	f.Add([]byte(encoded(f, small())))
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":1,"tables":[null],"steps":[null]}`))
	f.Add([]byte(`{"format":2,"id":"x"}`))
	f.Add([]byte("[[[[["))
	golden, err := os.ReadFile(filepath.Join("..", "..", "planner", "testdata", "plan.golden.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%v does not say that it is no plan", err)
			}
			return
		}
		if again, err := Decode(strings.NewReader(encoded(t, p))); err != nil || again.ID != p.ID {
			t.Errorf("a plan that was read does not read back: %v", err)
		}
		p.Table(catalog.Name{Name: "T"})
	})
}

func TestDecodeRefusesWhatNoPlannerWrites(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"empty table":          func(p *Plan) { p.Tables = append(p.Tables, nil) },
		"table without target": func(p *Plan) { p.Tables[0].Target = nil },
		"empty package":        func(p *Plan) { p.Tables[0].Packages[0] = nil },
		"empty step":           func(p *Plan) { p.Steps[0] = nil },
		"step twice":           func(p *Plan) { p.Steps = append(p.Steps, p.Steps[0]) },
		"needs a later step":   func(p *Plan) { p.Steps[0].Needs = []string{"close"} },
	} {
		p := small()
		change(p)
		p.ID = Identify(p)
		if _, err := Decode(strings.NewReader(encoded(t, p))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
