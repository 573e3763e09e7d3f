package hana

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

func targetBlock() schema.Block {
	return schema.Block{Type: engine, Doc: "SAP HANA 2.0 or later, loaded by bulk INSERT into column tables.",
		Attrs: []schema.Attr{
			{Name: "host", Kind: schema.String, Required: true, Connection: true, Doc: "Host name or address of the SQL port.", Example: "hana01"},
			{
				Name:       "port",
				Kind:       schema.Int,
				Required:   true,
				Connection: true,
				Min:        1,
				Max:        65535,
				Doc:        "SQL port: 30015 or 30013 with the instance number in the middle, 443 in the cloud.",
				Example:    "30015",
			},
			{
				Name:       "database",
				Kind:       schema.String,
				Connection: true,
				Doc:        "Name of the tenant database, if port is that of the system database, which says where the tenant listens.",
			},
			{Name: "user", Kind: schema.String, Required: true, Connection: true, Doc: "Database user."},
			{Name: "password", Kind: schema.String, Required: true, Connection: true, Sensitive: true, Doc: "Password of the user."},
			{Name: "tls", Kind: schema.String, Default: "verify", Connection: true, Choices: []string{"verify", "insecure", "disable"},
				Doc: "\"verify\": encrypted, and the server's certificate is checked. \"insecure\": encrypted, not " +
					"checked. \"disable\": neither; the driver does not even check that the server knows the " +
					"password."},
			{
				Name:       "tls_ca",
				Kind:       schema.String,
				Connection: true,
				Doc:        "File with the CA certificates that the server's certificate is checked against; by default the system's.",
			},
			{Name: "tls_server_name", Kind: schema.String, Connection: true, Doc: "Name in the server's certificate, if it is not host."},
			{Name: "schema", Kind: schema.String, Required: true, Doc: "Schema of unqualified table names; created if it is missing.", Example: "SAPHANADB"},
			{Name: "existing", Kind: schema.String, Default: string(plan.ExistingRefuse), Choices: schema.Words(plan.Existings()),
				Doc: "What to do with tables of the plan that already exist: refuse, load into them, or drop them first."},
		},
		Blocks: []schema.Block{partitionBlock(), groupBlock()},
	}
}

func partitionBlock() schema.Block {
	return schema.Block{
		Type: "partition",
		Doc: "How tables are partitioned. The first block that names a table applies. A table that no block names " +
			"is partitioned by hash of its key if it may exceed 1.0e9 rows.",
		Attrs: []schema.Attr{
			{Name: "tables", Kind: schema.Strings, Required: true, Doc: "Target tables: names, or globs with * and ?.", Example: `["CDPOS", "EDI*"]`},
			{
				Name:    "by",
				Kind:    schema.String,
				Default: "hash",
				Choices: []string{"hash", "range"},
				Doc:     "\"hash\" spreads rows over parts; \"range\" splits at the values in ranges.",
			},
			{
				Name: "columns",
				Kind: schema.Strings,
				Doc:  "Columns to partition by, of the primary key if there is one; by default the whole key. Exactly one for range.",
			},
			{Name: "parts", Kind: schema.Int, Min: 1, Max: 16000, Doc: "Number of parts of a hash."},
			{
				Name: "ranges",
				Kind: schema.Strings,
				Doc:  "Two or more values, ascending: each pair of neighbors bounds a part; all other rows share one more part.",
			},
		},
	}
}

func groupBlock() schema.Block {
	return schema.Block{Type: "group", Doc: "Table group, by which HANA places tables on hosts. The first block that names a table applies.",
		Attrs: []schema.Attr{
			{Name: "tables", Kind: schema.Strings, Required: true, Doc: "Target tables: names, or globs with * and ?."},
			{Name: "type", Kind: schema.String, Doc: "Group type."},
			{Name: "subtype", Kind: schema.String, Doc: "Group subtype."},
			{Name: "name", Kind: schema.String, Doc: "Group name."},
		}}
}

func configError(what, fix string) error {
	return &providers.Error{Kind: providers.Config, Op: "read arguments", Err: errors.New(what), Fix: fix}
}

// access is where and how to connect. It holds the password in the clear.
type access struct {
	address, database, user, password string
	tls                               *tls.Config // nil is none
}

func (a *access) String() string {
	if a.database != "" {
		return fmt.Sprintf("%s, database %s, as %s", a.address, a.database, a.user)
	}
	return fmt.Sprintf("%s, as %s", a.address, a.user)
}

// parseAccess reads the connection arguments. Errors hold no argument's value.
func parseAccess(v schema.Values, dir string) (*access, error) {
	if err := v.Check(); err != nil {
		return nil, &providers.Error{Kind: providers.Config, Op: "read arguments", Err: err}
	}
	for _, name := range []string{"host", "user", "password", "schema"} {
		if v.String(name) == "" {
			return nil, configError(name+" is empty", "Set it in the target block.")
		}
	}
	port := v.Int("port")
	if port < 1 || port > 65535 {
		return nil, configError("port is missing", "Set the SQL port, e.g. 30015.")
	}
	a := &access{address: net.JoinHostPort(v.String("host"), strconv.FormatInt(port, 10)), database: v.String("database"),
		user: v.String("user"), password: v.String("password")}
	mode := v.String("tls")
	if mode == "disable" {
		if v.Has("tls_ca") || v.Has("tls_server_name") {
			return nil, configError("tls_ca and tls_server_name cannot be combined with tls = \"disable\"", "Remove one of them.")
		}
		return a, nil
	}
	a.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: v.String("host"), InsecureSkipVerify: mode == "insecure"} //nolint:gosec // the user's word
	if name := v.String("tls_server_name"); name != "" {
		a.tls.ServerName = name
	}
	if file := v.String("tls_ca"); file != "" {
		pool, err := providers.CACertificates(file, dir)
		if err != nil {
			return nil, err
		}
		a.tls.RootCAs = pool
	}
	return a, nil
}

// placement says where and in which parts tables are stored.
type placement struct {
	tables           []string // globs
	by               string   // "hash", "range", or "" of a group
	columns, ranges  []string
	parts            int64
	typ, sub, nameOf string
}

// placements are the partition and group blocks, in order.
type placements struct{ partitions, groups []placement }

func parsePlacements(v schema.Values) (placements, error) {
	var out placements
	for _, b := range v.Blocks("partition") {
		p := placement{tables: b.Strings("tables"), by: b.String("by"), columns: b.Strings("columns"), ranges: b.Strings("ranges"), parts: b.Int("parts")}
		p.by = cmp.Or(p.by, "hash")
		switch {
		case p.by == "hash" && p.parts < 1:
			return out, configError("a partition block by hash has no parts", "Set parts, e.g. parts = 4.")
		case p.by == "hash" && len(p.ranges) > 0:
			return out, configError("a partition block by hash has ranges", "Set by = \"range\", or remove ranges.")
		case p.by == "range" && len(p.ranges) < 2:
			return out, configError(
				"a partition block by range has fewer than two ranges",
				"Set where parts begin and where the last one ends, e.g. ranges = [\"2010\", \"2015\", \"2020\"].",
			)
		case p.by == "range" && p.parts > 0:
			return out, configError("a partition block by range has parts", "The number of parts follows from ranges; remove parts.")
		case p.by == "range" && len(p.columns) != 1:
			return out, configError("a partition block by range needs exactly one column", "Set one, e.g. columns = [\"GJAHR\"].")
		}
		out.partitions = append(out.partitions, p)
	}
	for _, b := range v.Blocks("group") {
		g := placement{tables: b.Strings("tables"), typ: b.String("type"), sub: b.String("subtype"), nameOf: b.String("name")}
		if g.typ == "" && g.sub == "" && g.nameOf == "" {
			return out, configError("a group block has neither type, subtype nor name", "Set at least one of them.")
		}
		out.groups = append(out.groups, g)
	}
	return out, nil
}

// find returns the first placement that names a table, or nil.
func find(in []placement, table string) *placement {
	for i := range in {
		for _, pattern := range in[i].tables {
			if matches(pattern, table) {
				return &in[i]
			}
		}
	}
	return nil
}

// matches compares with a glob: * is any characters, ? one.
func matches(pattern, name string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := 0; i <= len(name); i++ {
				if matches(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		case '?':
			r := []rune(name)
			if len(r) == 0 {
				return false
			}
			pattern, name = pattern[1:], string(r[1:])
			continue
		}
		if name == "" || name[0] != pattern[0] {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return name == ""
}

// partitionClause spells how a table is partitioned: as the spec says, else as the
// mapping chose; empty is not at all.
func (p *placements) partitionClause(t *catalog.Table) (string, error) {
	how := find(p.partitions, t.Name.Name)
	if how == nil {
		return t.PartitionBy, nil
	}
	columns := how.columns
	if len(columns) == 0 {
		if t.Key == nil {
			return "", placementError(t, "it has no key to partition by", "Name columns in the partition block.")
		}
		columns = t.Key.Columns
	}
	for _, c := range columns {
		if t.Column(c) == nil {
			return "", placementError(t, "it has no column "+c, "Correct columns in the partition block.")
		}
		if k := t.Key; k != nil && k.Primary && !slices.Contains(k.Columns, c) {
			return "", placementError(
				t,
				"column "+c+" is not in its primary key, and HANA partitions only by key columns",
				"Name columns of the key in the partition block.",
			)
		}
	}
	if how.by == "hash" {
		return hashClause(columns, how.parts), nil
	}
	return rangeClause(columns[0], how.ranges), nil
}

func hashClause(columns []string, parts int64) string {
	return "HASH (" + quoteIdents(columns) + ") PARTITIONS " + strconv.FormatInt(parts, 10)
}

// rangeClause cuts at the values. What is below the first or not below the last goes to OTHERS.
func rangeClause(column string, at []string) string {
	var parts []string
	for i := 1; i < len(at); i++ {
		parts = append(parts, "PARTITION "+quoteLiteral(at[i-1])+" <= VALUES < "+quoteLiteral(at[i]))
	}
	parts = append(parts, "PARTITION OTHERS")
	return "RANGE (" + quoteIdent(column) + ") (" + strings.Join(parts, ", ") + ")"
}

func placementError(t *catalog.Table, what, fix string) error {
	return &providers.Error{Kind: providers.Config, Op: opAlter, Table: t.Name, Err: errors.New("the table cannot be partitioned: " + what), Fix: fix}
}

// groupClause spells a table's group; empty is none.
func (p *placements) groupClause(table string) string {
	g := find(p.groups, table)
	if g == nil {
		return ""
	}
	out := ""
	for _, part := range []struct{ keyword, value string }{{"TYPE", g.typ}, {"SUBTYPE", g.sub}, {"NAME", g.nameOf}} {
		if part.value != "" {
			out += " GROUP " + part.keyword + " " + quoteIdent(part.value)
		}
	}
	return out
}
