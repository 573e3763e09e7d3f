package plan

import "github.com/dmoctl/dmoctl/internal/catalog"

// SharedSchema returns a schema in which a migration within one database would both read
// and write. Without one neither its tables nor those that later plans read are ever those
// that it makes.
func SharedSchema(source, target []catalog.Name) (schema string, shared bool) {
	read := make(map[string]bool)
	for _, n := range source {
		read[n.Schema] = true
	}
	for _, n := range target {
		if read[n.Schema] {
			return n.Schema, true
		}
	}
	return "", false
}

// Names returns the tables that the plan reads and those that it writes.
func (p *Plan) Names() (source, target []catalog.Name) {
	for _, t := range p.Tables {
		if t.Source != nil {
			source = append(source, t.Source.Name)
		}
		if t.Target != nil {
			target = append(target, t.Target.Name)
		}
	}
	return source, target
}
