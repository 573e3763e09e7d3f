package histories_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers/memory"
)

const (
	migration    = "m"
	sourceSchema = "src"
	targetSchema = "dst"

	none, structure = "none", "structure" // contents of an exclude, and a level
	levelCount      = "count"
	levelContent    = "content"
)

// spec is what the user's files say, as far as histories change it.
type spec struct {
	File, Quiet bool
	Existing    string
	Level       string
	Exceptions  map[string]string // table to rule
	Excludes    map[string]string // table to content
	Renames     map[string]string
	Parts       int // packages of the tables of the first group
	By          string
	Two         bool // a second group takes b* apart from the others
	Processes   int
	Retain      string
	Strip       bool // a policy that makes other generations
}

func firstSpec() spec {
	return spec{Existing: "require-empty", Level: levelContent, Parts: 1, By: "auto", Processes: 1,
		Exceptions: map[string]string{}, Excludes: map[string]string{}, Renames: map[string]string{}}
}

func (s spec) clone() spec {
	s.Exceptions, s.Excludes, s.Renames = maps.Clone(s.Exceptions), maps.Clone(s.Excludes), maps.Clone(s.Renames)
	return s
}

// pattern takes exactly one table, or none where it is gone: the second letter is a glob,
// so that a table that vanished is a warning.
func pattern(text string) desired.Pattern {
	p, err := desired.ParsePattern(text)
	if err != nil {
		panic(err)
	}
	return p
}

// desired is the spec as lang evaluates it. Entries for tables that the source does not
// have are left out, as a user would who got the error.
func (s spec) desired(has func(table string) bool) *desired.Spec {
	split := catalog.SplitSpec{By: catalog.By(s.By), Parts: s.Parts}
	out := &desired.Spec{
		Migration: migration,
		Source: desired.Endpoint{Role: "source", Type: memory.Type, Name: "a",
			Config: schema.Values{"consistency": map[bool]string{false: "snapshot", true: "quiet"}[s.Quiet]}},
		Target:    desired.Endpoint{Role: "target", Type: memory.Type, Name: "b", Config: schema.Values{"existing": s.Existing}},
		Transfer:  desired.Transfer{Mode: plan.Pipe},
		Processes: desired.Processes{Downtime: s.Processes, Verify: s.Processes, Memory: 64 << 20},
		Policies:  catalog.DefaultPolicies(),
		Verify:    desired.Verify{Default: plan.Level(s.Level)},
	}
	if s.Strip {
		out.Policies.NUL = "strip"
	}
	if s.File {
		out.Transfer = desired.Transfer{Mode: plan.File, FileSize: 1 << 20, Compression: plan.Fastest}
		out.Staging = &desired.Endpoint{Role: "staging", Type: memory.Type, Name: "s", Config: schema.Values{"retain": s.Retain}}
	}
	if s.Two && has("b") {
		out.Groups = append(out.Groups, desired.Group{Name: "second", Tables: []desired.Pattern{pattern("b")}, Split: catalog.SplitSpec{By: "auto", Parts: 2}})
	}
	out.Groups = append(out.Groups, desired.Group{Name: "all", Tables: []desired.Pattern{pattern("*")}, Split: split})
	for _, table := range slices.Sorted(maps.Keys(s.Excludes)) {
		if has(table) {
			out.Excludes = append(out.Excludes, desired.Exclude{Name: "x" + table, Tables: []desired.Pattern{pattern(table)}, Content: desired.Content(s.Excludes[table]), Reason: "it is drawn"})
		}
	}
	for _, table := range slices.Sorted(maps.Keys(s.Renames)) {
		if has(table) {
			out.Renames = append(out.Renames, desired.Rename{Table: pattern(table), To: pattern(s.Renames[table])})
		}
	}
	for _, table := range slices.Sorted(maps.Keys(s.Exceptions)) {
		if has(table) {
			out.Verify.Exceptions = append(out.Verify.Exceptions, desired.Exception{Table: pattern(table), Rule: plan.Rule(s.Exceptions[table]), Reason: "it is drawn"})
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	out.Digest = hex.EncodeToString(sum[:16])
	return out
}

// of is the name that a source's table has on the target.
func (s spec) of(table string) catalog.Name {
	if to, renamed := s.Renames[table]; renamed {
		table = to
	}
	return catalog.Name{Schema: targetSchema, Name: table}
}

func (s spec) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}
