package planner

import (
	"fmt"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/desired"
)

// tableID prints a name so that no two tables share it: dots inside a schema or a
// table are escaped as in a spec.
func tableID(n catalog.Name) string {
	if n.Schema == "" {
		return desired.Escape(n.Name)
	}
	return desired.Escape(n.Schema) + "." + desired.Escape(n.Name)
}

// packageID numbers the ranges of a table from 1, in the order of its ranges.
func packageID(n catalog.Name, i int) string { return fmt.Sprintf("%s/%04d", tableID(n), i+1) }
