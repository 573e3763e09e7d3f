package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// generationForm is the version of the text form of a generation.
const generationForm = "2"

// generation is what makes a package itself, each part a digest of its own, so
// that a difference can be named. Another generation does not count.
type generation struct {
	source    string // identity of the source
	structure string // of the table on the source
	columns   string // types in which the rows are read and loaded
	policies  string
	edition   string // which of the copies that were asked for
	rows      string // the range
	// split is what the spec asked for. It is recorded so that a changed split is
	// told; it makes no package another one.
	split string
}

// String is the form in plan and ledger.
func (g generation) String() string {
	return strings.Join([]string{generationForm, g.source, g.structure, g.columns, g.policies, g.edition, g.rows, g.split}, "-")
}

func parseGeneration(s string) (generation, bool) {
	p := strings.Split(s, "-")
	if len(p) != 8 || p[0] != generationForm {
		return generation{}, false
	}
	return generation{p[1], p[2], p[3], p[4], p[5], p[6], p[7]}, true
}

// of returns the generation of one range of the same table.
func (g generation) of(r catalog.Range) generation {
	g.rows = short(r.ID())
	return g
}

// same says whether two generations are of one package.
func (g generation) same(o generation) bool {
	g.split, o.split = "", ""
	return g == o
}

// tableGeneration is the part that all packages of a table share.
func tableGeneration(d *decision, identity string, policies catalog.Policies) generation {
	type column struct {
		Name         string
		Source, Into catalog.Type
	}
	var columns []column
	for i, c := range d.source.Columns {
		if c.Copied() && i < len(d.mapped.Columns) {
			columns = append(columns, column{c.Name, c.Type, d.mapped.Columns[i].Type})
		}
	}
	policies.Expressions = "" // changes no row
	return generation{
		source:    short(identity),
		structure: short(d.structureDigest),
		columns:   short(columns),
		policies:  short(policies),
		edition:   formatEdition(d.edition),
		split:     short(d.split),
	}
}

func formatEdition(n int64) string { return strconv.FormatInt(n, 10) }

// short digests plain data to 48 bits: enough to tell versions of one thing apart.
func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("planner: marshal: " + err.Error()) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
