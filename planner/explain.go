package planner

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// changesNamed bounds how many differences one reason lists.
const changesNamed = 5

// difference is one column that is not the same in two forms of a table.
type difference struct {
	column string
	what   string // "added", "dropped", "changed from X to Y"
}

func (c difference) String() string { return "column " + c.column + " " + c.what }

// differences compares a table as it shall be on the target with how it is there:
// names and types of columns, and NOT NULL where values would be refused. Keys, indexes
// and spellings of defaults are left out: they come back from a server in another form.
func differences(wanted, found *catalog.Table) []difference {
	var out []difference
	if found == nil {
		return nil
	}
	have := make(map[string]*catalog.Column, len(found.Columns))
	for i := range found.Columns {
		have[found.Columns[i].Name] = &found.Columns[i]
	}
	for _, w := range wanted.Columns {
		h := have[w.Name]
		delete(have, w.Name)
		switch {
		case h == nil:
			out = append(out, difference{w.Name, "added"})
		case !sameType(w, *h):
			out = append(out, difference{w.Name, "changed from " + spelled(*h) + " to " + spelled(w)})
		case w.Nullable && !h.Nullable && !inKey(wanted, w.Name) && w.Copied():
			out = append(out, difference{w.Name, "changed from NOT NULL to nullable"})
		}
	}
	for _, h := range found.Columns {
		if have[h.Name] != nil {
			out = append(out, difference{h.Name, "dropped"})
		}
	}
	return out
}

func inKey(t *catalog.Table, column string) bool {
	if t.Key == nil {
		return false
	}
	for _, c := range t.Key.Columns {
		if c == column {
			return true
		}
	}
	return false
}

func spelled(c catalog.Column) string {
	if c.Declared != "" {
		return c.Declared
	}
	return c.Type.String()
}

// sameType says whether two columns take the same values. Unbounded texts, and
// unbounded bytes, are one each: engines read them back under either kind.
func sameType(a, b catalog.Column) bool {
	if a.Declared != "" && strings.EqualFold(unquoted(a.Declared), unquoted(b.Declared)) {
		return true
	}
	return family(a.Type) == family(b.Type)
}

func family(t catalog.Type) catalog.Type {
	switch {
	case t.Kind == catalog.Text, t.Kind == catalog.String && t.Length == 0:
		return catalog.Type{Kind: catalog.Text}
	case t.Kind == catalog.Blob, t.Kind == catalog.Binary && t.Length == 0:
		return catalog.Type{Kind: catalog.Blob}
	}
	return t
}

// joined prints differences, bounded.
func joined(all []difference) string {
	parts := make([]string, 0, changesNamed+1)
	for i, c := range all {
		if i == changesNamed {
			parts = append(parts, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		parts = append(parts, c.String())
	}
	return strings.Join(parts, ", ")
}

// wanted says what a table on the target lacks or has too much.
func wanted(mapped, found *catalog.Table) string {
	var parts []string
	for i, c := range differences(mapped, found) {
		if i == changesNamed {
			parts = append(parts, fmt.Sprintf("%d more", len(differences(mapped, found))-i))
			break
		}
		switch c.what {
		case "added":
			parts = append(parts, "column "+c.column+" is missing")
		case "dropped":
			parts = append(parts, "column "+c.column+" is unexpected")
		default:
			parts = append(parts, "column "+c.column+" must be "+c.what)
		}
	}
	return strings.Join(parts, ", ")
}

// sourceChange names what became different on the source. The ledger has only a
// digest of the old structure; the target's table shows the columns that it had.
func sourceChange(d *decision) string {
	if all := differences(d.mapped, d.found); len(all) > 0 {
		return joined(all) + " on the source" + since(d)
	}
	return "its keys, indexes, defaults or constraints changed on the source" + since(d)
}

// targetChange names what somebody altered on the target since the table was made, or returns "".
func targetChange(d *decision) string {
	if columns := wanted(d.mapped, d.found); columns != "" {
		return "altered on the target since it was made: " + columns
	}
	return ""
}

func since(d *decision) string { return fmt.Sprintf(" since serial %d", d.Entry.Serial) }

func moved(d *decision) string {
	becomes := "which is emptied and kept"
	if d.Entry.Created {
		becomes = "which is dropped"
	}
	return fmt.Sprintf("its name on the target is now %s; it was %s, %s", d.target, d.Entry.Target, becomes)
}
