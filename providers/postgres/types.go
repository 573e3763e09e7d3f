package postgres

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// engine is the driver's type, and whose form this package's Native types have.
const engine = "postgres"

// typeInfo is one row of pg_type.
type typeInfo struct {
	oid          uint32
	name         catalog.Name
	kind         byte // 'b' base, 'd' domain, 'e' enum, 'c' composite, 'r' range, 'm' multirange
	base         uint32
	baseModifier int32
	elem         uint32 // of an array, else 0
	binary       bool   // has send and receive functions
	spelled      string // as format_type prints it
	spelledBase  string // of a domain, with its modifier
	labels       []string
	domain       domainRest
	digits       int // of money, behind the point
}

// domainRest is what stands in CREATE DOMAIN after the base type.
type domainRest struct {
	collation, byDefault string
	notNull              bool
	checks               []domainCheck
	code                 []catalog.Code // of it
}

type domainCheck struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

// sql prints it, without what is code where that is wanted.
func (d domainRest) sql(plain bool) string {
	out := d.collation
	if !plain || !isCode(d.code, catalog.CodeDefault, "") {
		out += d.byDefault
	}
	if d.notNull {
		out += " NOT NULL"
	}
	for _, c := range d.checks {
		if !plain || !isCode(d.code, catalog.CodeCheck, c.Name) {
			out += c.SQL
		}
	}
	return out
}

const systemSchema = "pg_catalog"

type typeTable map[uint32]*typeInfo

// firstNormalObject is the first oid that the server gives to what it does not bring along (FirstNormalObjectId).
const firstNormalObject = 16384

// builtin says whether the server brings the type along, so that its bytes mean the same to another
// server. One that an extension has put beside them may have another form there.
func (t *typeInfo) builtin() bool {
	return t.name.Schema == systemSchema && t.oid < firstNormalObject
}

// neutral returns what a value of the type is on its way. A type that only
// another PostgreSQL can take is Refused and names this engine.
func (tt typeTable) neutral(oid uint32, modifier int32, spelled string) catalog.Type {
	t := tt[oid]
	switch {
	case t == nil:
		return refused(spelled)
	case t.kind == 'd':
		return tt.neutral(t.base, t.baseModifier, t.spelledBase)
	case t.kind == 'e':
		return catalog.Type{Kind: catalog.String, Length: maxIdentifier}
	case t.elem != 0:
		if tt.migratesElement(t.elem) {
			out := native(catalog.Refused, spelled)
			out.Scale = tt[t.elem].digits
			return out
		}
		return refused(spelled)
	case !t.builtin():
		return refused(spelled)
	}
	return builtin(t, modifier, spelled)
}

// migratesElement says whether an array of the type can travel between two servers.
func (tt typeTable) migratesElement(oid uint32) bool {
	t := tt[oid]
	switch {
	case t == nil:
		return false
	case t.kind == 'e':
		return true
	case t.kind == 'd': // an array inside would hold an object id that nobody maps
		return tt[t.base] != nil && tt[t.base].elem == 0 && tt.migratesElement(t.base)
	case !t.builtin():
		return false
	}
	got := builtin(t, -1, t.spelled)
	return got.Kind != catalog.Refused || got.Engine == engine
}

func refused(name string) catalog.Type { return catalog.Type{Kind: catalog.Refused, Name: name} }

// native is a type whose own bytes can be handed to another PostgreSQL.
func native(kind catalog.Kind, name string) catalog.Type {
	return catalog.Type{Kind: kind, Engine: engine, Name: name}
}

// builtin maps the server's own types. Modifiers are as pg_attribute.atttypmod has them.
func builtin(t *typeInfo, modifier int32, spelled string) catalog.Type {
	simple := map[string]catalog.Kind{
		"bool": catalog.Bool, "int2": catalog.Int16, "int4": catalog.Int32, "int8": catalog.Int64, "oid": catalog.Int64,
		"float4": catalog.Float32, "float8": catalog.Float64, "text": catalog.Text, "xml": catalog.Text, "bytea": catalog.Blob,
		"date": catalog.Date, "uuid": catalog.UUID, "json": catalog.JSON, "jsonb": catalog.JSON,
	}
	if k, ok := simple[t.name.Name]; ok {
		return catalog.Type{Kind: k}
	}
	length, digits := 0, 6
	if modifier >= 4 {
		length = int(modifier) - 4
	}
	if modifier >= 0 {
		digits = int(modifier)
	}
	switch t.name.Name {
	case "varchar":
		return catalog.Type{Kind: catalog.String, Length: length}
	case "name":
		return catalog.Type{Kind: catalog.String, Length: maxIdentifier}
	case "bpchar":
		if length == 0 {
			return catalog.Type{Kind: catalog.String}
		}
		return catalog.Type{Kind: catalog.Char, Length: length}
	case "numeric":
		return numericType(modifier)
	case "time":
		return catalog.Type{Kind: catalog.Time, Precision: digits}
	case "timestamp":
		return catalog.Type{Kind: catalog.Timestamp, Precision: digits}
	case "timestamptz":
		return catalog.Type{Kind: catalog.TimestampTZ, Precision: digits}
	}
	if t.binary && !strings.HasPrefix(t.name.Name, "reg") && t.kind != 'c' && t.kind != 'p' && !serverLocal(t.name.Name) {
		out := native(catalog.Refused, spelled)
		out.Scale = t.digits
		return out
	}
	return refused(spelled)
}

// serverLocal names types whose values mean something on one server only, or
// that a client cannot write.
func serverLocal(name string) bool {
	switch name {
	case "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "aclitem", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary":
		return true
	}
	return false
}

const maxDecimal = 76 // digits of Arrow's widest decimal

func numericType(modifier int32) catalog.Type {
	if modifier < 4 {
		return catalog.Type{Kind: catalog.Number}
	}
	precision := int(modifier-4) >> 16 & 0xffff
	scale := int(modifier-4) & 0x7ff
	if scale >= 1024 {
		scale -= 2048 // negative: digits before the point that are always zero
	}
	switch {
	case scale < 0:
		precision, scale = precision-scale, 0
	case scale > precision:
		precision = scale
	}
	if precision > maxDecimal {
		return catalog.Type{Kind: catalog.Number}
	}
	return catalog.Type{Kind: catalog.Decimal, Precision: precision, Scale: scale}
}

// isArray says whether a Native type is an array, whose bytes name the element's object id.
func isArray(t catalog.Type) bool { return strings.HasSuffix(t.Name, "[]") }

// arraySuffix returns the brackets at the end of a spelled type.
func arraySuffix(spelled string) string {
	return regexp.MustCompile(`(\[\])*$`).FindString(spelled)
}

// declared spells a neutral type as a column of this engine, exactly as format_type prints it.
func declared(t catalog.Type) (string, bool) {
	with := func(name string, n int) string {
		if n > 0 {
			return name + "(" + strconv.Itoa(n) + ")"
		}
		return name
	}
	times := func(name, zone string) string {
		if t.Precision < 6 {
			return name + "(" + strconv.Itoa(t.Precision) + ") " + zone + " time zone"
		}
		return name + " " + zone + " time zone"
	}
	simple := map[catalog.Kind]string{
		catalog.Bool: "boolean", catalog.Int16: "smallint", catalog.Int32: "integer", catalog.Int64: "bigint",
		catalog.Float32: "real", catalog.Float64: "double precision", catalog.Number: "numeric", catalog.Text: "text",
		catalog.Binary: "bytea", catalog.Blob: "bytea", catalog.Date: "date", catalog.UUID: "uuid", catalog.JSON: "json",
	}
	if s, ok := simple[t.Kind]; ok {
		return s, true
	}
	switch t.Kind {
	case catalog.Decimal:
		return "numeric(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ")", true
	case catalog.String:
		return with("character varying", t.Length), true
	case catalog.Char:
		return with("character", t.Length), true
	case catalog.Time:
		return times("time", "without"), true
	case catalog.Timestamp:
		return times("timestamp", "without"), true
	case catalog.TimestampTZ:
		return times("timestamp", "with"), true
	}
	return "", false
}
