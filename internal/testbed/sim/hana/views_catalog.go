package hana

import "github.com/dmoctl/dmoctl/internal/testbed/sim/store"

// systemViews are those of SYS that this server has, with the columns that are used;
// names and types are those of the "System Views Reference".
var systemViews = map[string]systemView{
	"DUMMY":                   {"DUMMY:n", func(v *viewRows) { v.add("X") }},
	"SCHEMAS":                 {"SCHEMA_NAME:n SCHEMA_OWNER:n HAS_PRIVILEGES:n", viewSchemas},
	"TABLES":                  {"SCHEMA_NAME:n TABLE_NAME:n TABLE_OID:b COMMENTS:n IS_COLUMN_TABLE:n TABLE_TYPE:n IS_TEMPORARY:n IS_USER_DEFINED_TYPE:n HAS_PRIMARY_KEY:n AUTO_MERGE_ON:n IS_REPLICA:n IS_SYSTEM_TABLE:n CREATE_TIME:t", viewTables},
	"TABLE_COLUMNS":           {"SCHEMA_NAME:n TABLE_NAME:n TABLE_OID:b COLUMN_NAME:n POSITION:i DATA_TYPE_NAME:n LENGTH:i SCALE:i IS_NULLABLE:n DEFAULT_VALUE:n COMMENTS:n COLUMN_ID:b GENERATED_ALWAYS_AS:n MEMORY_THRESHOLD:i GENERATION_TYPE:n IS_HIDDEN:n", viewColumns},
	"CONSTRAINTS":             {"SCHEMA_NAME:n TABLE_NAME:n COLUMN_NAME:n POSITION:s CONSTRAINT_NAME:n IS_PRIMARY_KEY:n IS_UNIQUE_KEY:n CHECK_CONDITION:n", viewConstraints},
	"REFERENTIAL_CONSTRAINTS": {"SCHEMA_NAME:n TABLE_NAME:n COLUMN_NAME:n POSITION:s CONSTRAINT_NAME:n REFERENCED_SCHEMA_NAME:n REFERENCED_TABLE_NAME:n REFERENCED_COLUMN_NAME:n REFERENCED_CONSTRAINT_NAME:n UPDATE_RULE:n DELETE_RULE:n CHECK_TIME:n", viewReferences},
	"INDEXES":                 {"SCHEMA_NAME:n TABLE_NAME:n TABLE_OID:b INDEX_NAME:n INDEX_OID:b INDEX_TYPE:n CONSTRAINT:n", viewIndexes},
	"INDEX_COLUMNS":           {"SCHEMA_NAME:n TABLE_NAME:n TABLE_OID:b INDEX_NAME:n INDEX_OID:b COLUMN_NAME:n POSITION:s ASCENDING_ORDER:n CONSTRAINT:n", viewIndexColumns},
	"PARTITIONED_TABLES":      {"SCHEMA_NAME:n TABLE_NAME:n TABLE_OID:b LEVEL_1_TYPE:n LEVEL_1_EXPRESSION:n LEVEL_1_COUNT:i LEVEL_2_TYPE:n LEVEL_2_EXPRESSION:n LEVEL_2_COUNT:i PARTITION_DEFINITION:c", viewPartitioned},
	"TABLE_PARTITIONS":        {"SCHEMA_NAME:n TABLE_NAME:n PART_ID:i LEVEL_1_PARTITION:i LEVEL_1_RANGE_MIN_VALUE:n LEVEL_1_RANGE_MAX_VALUE:n", viewPartitions},
	"TABLE_GROUPS":            {"SCHEMA_NAME:n TABLE_NAME:n GROUP_NAME:n GROUP_TYPE:n SUBTYPE:n", viewGroups},
	"VIEWS":                   {"SCHEMA_NAME:n VIEW_NAME:n VIEW_OID:b DEFINITION:c", viewViews},
	"TRIGGERS":                {"SCHEMA_NAME:n TRIGGER_NAME:n TRIGGER_OID:b SUBJECT_TABLE_SCHEMA:n SUBJECT_TABLE_NAME:n TRIGGER_EVENT:n IS_ENABLED:n", viewTriggers},
	"SEQUENCES":               {"SCHEMA_NAME:n SEQUENCE_NAME:n SEQUENCE_OID:b START_NUMBER:b MIN_VALUE:b MAX_VALUE:b INCREMENT_BY:b IS_CYCLED:n RESET_BY_QUERY:n CACHE_SIZE:b", viewSequences},
	"M_SEQUENCES":             {"SCHEMA_NAME:n SEQUENCE_NAME:n SEQUENCE_OID:b CURRENT_VALUE:b", viewSequenceValues},
	"EFFECTIVE_PRIVILEGES":    {"USER_NAME:n GRANTOR:n GRANTEE:n OBJECT_TYPE:n SCHEMA_NAME:n OBJECT_NAME:n PRIVILEGE:n IS_GRANTABLE:n IS_VALID:n", viewPrivileges},
	"USERS":                   {"USER_NAME:n USER_ID:b", viewUsers},
	"M_DATABASE":              {"SYSTEM_ID:n DATABASE_NAME:n HOST:n START_TIME:t VERSION:n USAGE:n", viewDatabase},
	"M_TABLES":                {"SCHEMA_NAME:n TABLE_NAME:n RECORD_COUNT:b TABLE_SIZE:b IS_COLUMN_TABLE:n TABLE_TYPE:n IS_PARTITIONED:n IS_REPLICATED:n", viewTableSizes},
	"M_CS_TABLES":             {"HOST:n PORT:i SCHEMA_NAME:n TABLE_NAME:n PART_ID:i RECORD_COUNT:b MEMORY_SIZE_IN_TOTAL:b MEMORY_SIZE_IN_MAIN:b MEMORY_SIZE_IN_DELTA:b RAW_RECORD_COUNT_IN_MAIN:b RAW_RECORD_COUNT_IN_DELTA:b LAST_MERGE_TIME:t LOADED:n", viewColumnStore},
	"M_CONNECTIONS":           {"HOST:n PORT:i CONNECTION_ID:i TRANSACTION_ID:i START_TIME:t CONNECTION_STATUS:n CLIENT_HOST:n CLIENT_IP:n CLIENT_PID:b USER_NAME:n OWN:n AUTO_COMMIT:n IS_ENCRYPTED:n", viewConnections},
	"M_TRANSACTIONS":          {"HOST:n PORT:i CONNECTION_ID:i TRANSACTION_ID:i UPDATE_TRANSACTION_ID:b TRANSACTION_STATUS:n TRANSACTION_TYPE:n START_TIME:t ISOLATION_LEVEL:n", viewTransactions},
	"M_SESSION_CONTEXT":       {"HOST:n PORT:i CONNECTION_ID:i KEY:n VALUE:n SECTION:n", viewContext},
	"M_BLOCKED_TRANSACTIONS":  {"HOST:n PORT:i BLOCKED_CONNECTION_ID:i LOCK_OWNER_CONNECTION_ID:i BLOCKED_TIME:t", viewBlocked},
	"M_HOST_RESOURCE_UTILIZATION": {"HOST:n FREE_PHYSICAL_MEMORY:b USED_PHYSICAL_MEMORY:b INSTANCE_TOTAL_MEMORY_USED_SIZE:b ALLOCATION_LIMIT:b INSTANCE_TOTAL_MEMORY_ALLOCATED_SIZE:b", func(v *viewRows) {
		v.add("hanasim", int64(256)<<30, int64(64)<<30, int64(48)<<30, int64(300)<<30, int64(64)<<30)
	}},
	"M_DISKS": {"HOST:n DISK_ID:b PATH:n USAGE_TYPE:n TOTAL_SIZE:b USED_SIZE:b", func(v *viewRows) {
		for i, u := range []string{"DATA", "LOG", "TRACE"} {
			v.add("hanasim", i+1, "/hana/"+u, u, int64(1)<<42, int64(1)<<38)
		}
	}},
	"M_LICENSE": {"HARDWARE_KEY:n SYSTEM_ID:n PERMANENT:n VALID:n LOCKED_DOWN:n EXPIRATION_DATE:t", func(v *viewRows) {
		v.add("X1234567890", "H00", true, true, false, nil)
	}},
	"M_SYSTEM_LIMITS": {"CATEGORY:n NAME:n VALUE:n UNIT:n COMMENT:n", func(v *viewRows) {
		v.add("SCHEMA", "MAXIMUM_NUMBER_OF_RECORDS_IN_EACH_TABLE", store.FormatNumber(store.IntValue(v.s.db.rowLimit.Load())), nil, "non-partitioned table or partition")
		v.add("SCHEMA", "MAXIMUM_NUMBER_OF_COLUMNS_IN_A_TABLE", "64000", nil, "column table")
	}},
}

func viewSchemas(v *viewRows) {
	v.s.db.mu.RLock()
	var list []*schema
	for _, sc := range v.s.db.schemas {
		if sc.visible(v.tx) {
			list = append(list, sc)
		}
	}
	v.s.db.mu.RUnlock()
	for _, sc := range list {
		may := sc.owner == v.s.user.name || sc.name == "SYS"
		for _, p := range objectPrivileges {
			may = may || v.s.user.has(grant{p, sc.name, ""})
		}
		if may || v.s.shown(v.tx, sc.name) {
			v.add(sc.name, sc.owner, may)
		}
	}
}

func storeOf(d *tableDef) string {
	if d.columnStore {
		return "COLUMN"
	}
	return "ROW"
}

func viewTables(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		v.add(t.name.Schema, t.name.Name, t.oid, orNull(d.comment), d.columnStore, storeOf(d), false, false, len(d.primary) > 0, d.autoMerge && d.columnStore, false, false, stampOf(t.created))
	})
}

func viewColumns(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		for i, c := range d.columns {
			length, scale := c.typ.Length, any(nil)
			if c.typ.Kind == store.Text && families[c.typ.Name].lob || c.typ.Name == "BLOB" {
				length = 2147483647
			}
			if c.typ.Length == 0 {
				length, _ = wireSizes(c.typ)
				if families[c.typ.Name].lob {
					length = 2147483647
				}
			}
			switch {
			case c.typ.Name == "TIMESTAMP":
				scale = 7
			case c.typ.Name == "DECIMAL" && !c.typ.Floating:
				scale = c.typ.Scale
			case c.typ.Kind == store.Int:
				scale = 0
			}
			var kind, def any
			switch {
			case c.generated != nil:
				kind = "ALWAYS AS"
			case c.identity != nil && c.always:
				kind = "ALWAYS AS IDENTITY"
			case c.identity != nil:
				kind = "BY DEFAULT AS IDENTITY"
			}
			if c.hasDef {
				def = c.defText
			}
			v.add(t.name.Schema, t.name.Name, t.oid, c.name, i+1, c.typ.Name, length, scale, !c.typ.NotNull, def, orNull(c.comment), c.id, orNull(c.genText), nil, kind, false)
		}
	})
}

func viewConstraints(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		for i, at := range d.primary {
			v.add(t.name.Schema, t.name.Name, d.columns[at].name, i+1, d.primaryName, true, true, nil)
		}
		for _, u := range d.uniques {
			for i, at := range u.columns {
				v.add(t.name.Schema, t.name.Name, d.columns[at].name, i+1, u.name, false, true, nil)
			}
		}
		for _, c := range d.checks {
			v.add(t.name.Schema, t.name.Name, nil, nil, c.name, false, false, c.text)
		}
	})
}

func viewTriggers(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		for _, x := range d.triggers {
			v.add(x.name.Schema, x.name.Name, x.oid, t.name.Schema, t.name.Name, x.event, "TRUE")
		}
	})
}

func viewReferences(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		for _, fk := range d.foreign {
			when := "IMMEDIATE"
			if fk.deferred {
				when = "DEFERRED"
			}
			for i, at := range fk.columns {
				v.add(t.name.Schema, t.name.Name, d.columns[at].name, i+1, fk.name, fk.parent.Schema, fk.parent.Name, fk.refs[i], nil, fk.onUpdate, fk.onDelete, when)
			}
		}
	})
}

// shownIndex is an index as the catalog shows it: of a key, or made alone.
type shownIndex struct {
	name, kind string
	constraint any
	oid        int64
	columns    []indexColumn
}

func (d *tableDef) shownIndexes(t *table) []shownIndex {
	kind := "CPBTREE"
	if d.columnStore {
		kind = "INVERTED VALUE"
	}
	plain := func(columns []int) (out []indexColumn) {
		for _, at := range columns {
			out = append(out, indexColumn{position: at})
		}
		return out
	}
	var out []shownIndex
	if len(d.primary) > 0 {
		out = append(out, shownIndex{"_SYS_TREE_CS_#" + store.FormatNumber(store.IntValue(t.oid)) + "_#0_#P0", kind, "PRIMARY KEY", t.oid, plain(d.primary)})
	}
	for _, u := range d.uniques {
		constraint := "NOT NULL UNIQUE"
		for _, at := range u.columns {
			if !d.columns[at].typ.NotNull {
				constraint = "UNIQUE"
			}
		}
		out = append(out, shownIndex{u.name, kind, constraint, t.oid, plain(u.columns)})
	}
	for _, x := range d.indexes {
		s := shownIndex{x.name.Name, kind, nil, x.oid, x.cols}
		if x.unique {
			s.constraint = "UNIQUE"
		}
		out = append(out, s)
	}
	return out
}

func viewIndexes(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		for _, x := range d.shownIndexes(t) {
			v.add(t.name.Schema, t.name.Name, t.oid, x.name, x.oid, x.kind, x.constraint)
		}
	})
}

func viewIndexColumns(v *viewRows) {
	v.tables(func(t *table, d *tableDef) {
		for _, x := range d.shownIndexes(t) {
			for i, c := range x.columns {
				v.add(t.name.Schema, t.name.Name, t.oid, x.name, x.oid, d.columns[c.position].name, i+1, !c.desc, x.constraint)
			}
		}
	})
}
