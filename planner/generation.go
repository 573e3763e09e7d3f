package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
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
func (j *judge) tableGeneration(d *decision) *generation {
	if j.shared.source == "" {
		policies := j.spec.Policies
		policies.Expressions = "" // changes no row
		j.shared.source, j.shared.policies = short(j.o.Source.Identity), short(policies)
	}
	return &generation{
		source:    j.shared.source,
		structure: short(d.structureDigest),
		columns:   j.columnsDigest(d.source.Columns, d.mapped.Columns),
		policies:  j.shared.policies,
		edition:   formatEdition(d.edition),
		split:     j.pool.Text(short(d.split)),
	}
}

// columnsDigest identifies the types in which rows are read and loaded. Tables share their
// columns where they are equal: each list is looked at once.
func (j *judge) columnsDigest(source, mapped []catalog.Column) string {
	type column struct {
		Name         string
		Source, Into catalog.Type
	}
	var lists [2]*catalog.Column
	if len(source) > 0 && len(mapped) > 0 {
		lists = [2]*catalog.Column{&source[0], &mapped[0]}
	}
	if known := j.columns[lists]; known != "" {
		return known
	}
	var columns []column
	for i, c := range source {
		if c.Copied() && i < len(mapped) {
			columns = append(columns, column{c.Name, c.Type, mapped[i].Type})
		}
	}
	if j.columns == nil {
		j.columns = make(map[[2]*catalog.Column]string)
	}
	sum := j.pool.Text(short(columns))
	if lists[0] != nil {
		j.columns[lists] = sum
	}
	return sum
}

func formatEdition(n int64) string { return strconv.FormatInt(n, 10) }

// digest is short of a list that is never in memory as a whole.
type digest struct {
	sum   hash.Hash
	parts int
}

func newDigest() *digest { return &digest{sum: sha256.New()} }

func (d *digest) add(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("planner: marshal: " + err.Error()) // plain data always marshals
	}
	before := ","
	if d.parts++; d.parts == 1 {
		before = "["
	}
	d.sum.Write(append([]byte(before), b...)) // a hash takes all
}

func (d *digest) short() string {
	if d.parts == 0 {
		d.sum.Write([]byte("["))
	}
	d.sum.Write([]byte("]"))
	return hex.EncodeToString(d.sum.Sum(nil)[:6])
}

// short digests plain data to 48 bits: enough to tell versions of one thing apart.
func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("planner: marshal: " + err.Error()) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
