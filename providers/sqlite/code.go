package sqlite

import (
	"slices"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// harmlessFunctions are SQLite's own that read and write nothing. Whatever else a schema
// calls is an application's, loads code, or tells about the connection.
const harmlessFunctions = ` abs acos acosh asin asinh atan atan2 atanh ceil ceiling char coalesce concat
concat_ws cos cosh date datetime degrees exp floor format glob hex if ifnull iif instr
json json_array json_array_length json_error_position json_extract json_insert json_object json_patch
json_pretty json_quote json_remove json_replace json_set json_type json_valid
jsonb jsonb_array jsonb_extract jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set
julianday length like likelihood likely ln log log10 log2 lower ltrim max min mod
nullif octet_length pi pow power printf quote radians random randomblob replace round rtrim sign sin sinh
soundex sqrt strftime substr substring subtype tan tanh time timediff trim trunc typeof
unhex unicode unixepoch unlikely upper zeroblob current_date current_time current_timestamp `

// wordsBeforeParenthesis are keywords that a parenthesis may follow without a call.
const wordsBeforeParenthesis = ` and or not in is like glob regexp match between case when then else end cast
collate check default as null isnull notnull escape
on where unique primary key index references generated always stored virtual distinct exists select values from using `

// calls lists the functions in an expression that are not harmless, each once. REGEXP and
// MATCH are operators that call a function of the application's.
func calls(expression string) []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	tokens := tokenize(expression)
	for i, t := range tokens {
		name := fold(identifier(expression, t))
		bare := t.kind == word
		if bare && (name == "regexp" || name == "match") {
			add(name + "()")
			continue
		}
		call := i+1 < len(tokens) && tokens[i+1].kind == symbol && expression[tokens[i+1].start] == '('
		if !call || !bare && t.kind != quoted || bare && listed(wordsBeforeParenthesis, name) || listed(harmlessFunctions, name) {
			continue
		}
		add(name + "()")
	}
	return out
}

func listed(words, name string) bool {
	return strings.Contains(" "+strings.Join(strings.Fields(words), " ")+" ", " "+name+" ")
}

// code notes which expressions of a table are code.
func code(t *catalog.Table) []catalog.Code {
	var out []catalog.Code
	note := func(kind, name, expression string) {
		if uses := calls(expression); uses != nil {
			out = append(out, catalog.Code{Kind: kind, Name: name, Uses: uses})
		}
	}
	for _, c := range t.Columns {
		if strings.Contains(c.Default, "(") || c.Generated != "" {
			note(catalog.CodeDefault, c.Name, c.Default)
			note(catalog.CodeGenerated, c.Name, c.Generated)
		}
	}
	for _, x := range t.Checks {
		note(catalog.CodeCheck, checkName(x), x.Expression)
	}
	for _, x := range t.Indexes {
		if x.Special {
			note(catalog.CodeIndex, x.Name, indexed(x.Definition))
		}
	}
	return out
}

// indexed returns what stands behind the table's name in a CREATE INDEX.
func indexed(definition string) string {
	for _, t := range tokenize(definition) {
		if t.kind == symbol && definition[t.start] == '(' {
			return definition[t.start:]
		}
	}
	return ""
}

// checkName is what messages call a check.
func checkName(x catalog.Check) string {
	if x.Name != "" {
		return x.Name
	}
	return "(" + x.Expression + ")"
}

const fixCode = "Only SQLite's own functions are migrated automatically; others belong to the application, or load " +
	"code. Add it manually after the migration, where that function is available."

// withoutCode takes what is code from a table, and says whether its CREATE TABLE is another one by that.
func (m *mapper) withoutCode(t *catalog.Table) (changed bool) {
	t.Code = nil
	if m.how.Policies.TakesCode() {
		return false
	}
	for _, c := range m.source.Code {
		uses := strings.Join(c.Uses, ", ")
		switch c.Kind {
		case catalog.CodeDefault:
			m.converts(c.Name, fixCode, "The default is not migrated: it uses %s.", uses)
			t.Columns = slices.Clone(t.Columns)
			t.Column(c.Name).Default = ""
		case catalog.CodeGenerated:
			m.refuse(
				c.Name,
				"Make it a plain column on the source, or exclude the table.",
				"The expression of the generated column uses %s, which is not one of SQLite's own harmless functions.",
				uses,
			)
		case catalog.CodeCheck:
			m.converts("", fixCode, "Check %s is not migrated: it uses %s.", c.Name, uses)
			t.Checks = slices.DeleteFunc(slices.Clone(t.Checks), func(x catalog.Check) bool { return checkName(x) == c.Name })
		case catalog.CodeIndex:
			m.converts("", fixCode, "Index %s is not migrated: it uses %s.", c.Name, uses)
			t.Indexes = slices.DeleteFunc(t.Indexes, func(x catalog.Index) bool { return x.Name == c.Name })
			continue
		}
		changed = true
	}
	return changed
}
