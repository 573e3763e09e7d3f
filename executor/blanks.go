package executor

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// constraintFix says what to do where a unique key fails that blank = "abap" may have
// broken: keys that differed in trailing blanks only became one. It is "" for all else.
func (x *failures) constraintFix(t *work.Table, err error) string {
	if providers.KindOf(err) != providers.Constraint {
		return ""
	}
	keys := t.Source.Uniques
	if t.Source.Key != nil {
		keys = append([]catalog.Key{*t.Source.Key}, keys...)
	}
	for _, k := range keys {
		var trimmed, columns []string
		for _, name := range k.Columns {
			quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
			if c := t.Source.Column(name); c != nil && x.policies.TrimsBlanks(*c) {
				trimmed = append(trimmed, name)
				quoted = "RTRIM(" + quoted + ")"
			}
			columns = append(columns, quoted)
		}
		if len(trimmed) > 0 {
			list := strings.Join(columns, ", ")
			return fmt.Sprintf("Because of blank = \"abap\", keys that differ only in trailing blanks of %s become equal. "+
				"Correct such rows, or set blank = \"exact\" in the spec's types block. To find them, run on the source:\n"+
				"  SELECT %s, COUNT(*) FROM %s GROUP BY %[2]s HAVING COUNT(*) > 1", strings.Join(trimmed, ", "), list, t.Name())
		}
	}
	return ""
}
