package sqlite

import (
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// neutral returns the neutral type of a declared one. SQLite itself only knows
// affinities (https://www.sqlite.org/datatype3.html, section 3); the names below
// are what applications and mapTable write.
func neutral(declared string) catalog.Type {
	base, args := splitDeclared(declared)
	switch base {
	case "BOOLEAN", "BOOL":
		return catalog.Type{Kind: catalog.Bool}
	case "DATE":
		return catalog.Type{Kind: catalog.Date}
	case "TIME":
		return catalog.Type{Kind: catalog.Time, Precision: digits(args, 6)}
	case "DATETIME", "TIMESTAMP":
		if p := digits(args, 9); len(args) > 0 && p > 6 {
			return catalog.Type{Kind: catalog.Timestamp9, Precision: p}
		}
		return catalog.Type{Kind: catalog.Timestamp, Precision: digits(args, 6)}
	case "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE":
		return catalog.Type{Kind: catalog.TimestampTZ, Precision: digits(args, 6)}
	case "UUID":
		return catalog.Type{Kind: catalog.UUID}
	case "JSON", "JSON_TEXT":
		return catalog.Type{Kind: catalog.JSON}
	case "NUMERIC", "DECIMAL", "DEC", "NUMBER", "DECIMAL_TEXT", "NUMBER_TEXT":
		return numeric(args)
	case "BINARY", "VARBINARY":
		return catalog.Type{Kind: catalog.Binary, Length: first(args)}
	case "", "ANY":
		return native("ANY")
	}
	switch affinity(base) {
	case integerAffinity:
		return catalog.Type{Kind: catalog.Int64}
	case realAffinity:
		return catalog.Type{Kind: catalog.Float64}
	case blobAffinity:
		return catalog.Type{Kind: catalog.Blob}
	case textAffinity:
		if strings.Contains(base, "CHAR") || len(args) > 0 && !strings.Contains(base, "CLOB") {
			return catalog.Type{Kind: catalog.String, Length: first(args)}
		}
		return catalog.Type{Kind: catalog.Text}
	}
	return native(declared)
}

// native is the form that carries any value of SQLite as it is.
func native(declared string) catalog.Type {
	return catalog.Type{Kind: catalog.Native, Engine: engine, Name: declared}
}

func numeric(args []int) catalog.Type {
	precision, scale := first(args), 0
	if len(args) > 1 {
		scale = args[1]
	}
	if precision < 1 || precision > 76 || scale < 0 || scale > precision {
		return catalog.Type{Kind: catalog.Number}
	}
	return catalog.Type{Kind: catalog.Decimal, Precision: precision, Scale: scale}
}

func first(args []int) int {
	if len(args) == 0 || args[0] < 0 {
		return 0
	}
	return args[0]
}

// digits returns the fractional digits of a second; most where none are declared.
func digits(args []int, most int) int {
	if len(args) == 0 {
		return min(most, 6)
	}
	return min(first(args), most)
}

// splitDeclared returns the upper-case name of a declared type and its arguments.
func splitDeclared(declared string) (base string, args []int) {
	head, tail, ok := strings.Cut(declared, "(")
	list, rest, _ := strings.Cut(tail, ")")
	base = strings.ToUpper(strings.Join(strings.Fields(head+" "+rest), " "))
	if !ok {
		return base, nil
	}
	for _, a := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(a))
		if err != nil {
			return base, nil
		}
		args = append(args, n)
	}
	return base, args
}

type affinityKind int

const (
	numericAffinity affinityKind = iota
	integerAffinity
	textAffinity
	blobAffinity
	realAffinity
)

// affinity applies SQLite's own rules, in their order, to an upper-case name.
func affinity(base string) affinityKind {
	has := func(names ...string) bool {
		for _, n := range names {
			if strings.Contains(base, n) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return integerAffinity
	case has("CHAR", "CLOB", "TEXT"):
		return textAffinity
	case base == "" || has("BLOB"):
		return blobAffinity
	case has("REAL", "FLOA", "DOUB"):
		return realAffinity
	}
	return numericAffinity
}
