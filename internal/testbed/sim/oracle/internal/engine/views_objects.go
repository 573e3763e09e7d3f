package engine

import (
	"fmt"
	"sort"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

func (db *DB) sortedTriggers() []*trigger {
	var out []*trigger
	for _, t := range db.triggers {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].owner < out[j].owner || out[i].owner == out[j].owner && out[i].name < out[j].name
	})
	return out
}

func objectViews() []family {
	return []family{
		{"OBJECTS", "", "OWNER OBJECT_NAME SUBOBJECT_NAME #OBJECT_ID #DATA_OBJECT_ID OBJECT_TYPE @CREATED @LAST_DDL_TIME STATUS TEMPORARY GENERATED", func(v *viewRows) {
			for _, o := range v.db.sorted() {
				if v.shows(o) {
					v.object(o)
				}
			}
			for _, x := range v.indexes() {
				v.add(x.owner, x.name, "", int(x.id), int(x.id), "INDEX", x.table.created, x.table.ddl, "VALID", "N", "N")
			}
			for _, tr := range v.db.sortedTriggers() {
				if o := v.db.objects[tr.table]; o != nil && v.shows(o) {
					v.add(tr.owner, tr.name, "", int(tr.id), nil, "TRIGGER", o.created, o.ddl, "VALID", "N", "N")
				}
			}
		}},
		{"SEQUENCES", "", "SEQUENCE_OWNER SEQUENCE_NAME #MIN_VALUE #MAX_VALUE #INCREMENT_BY CYCLE_FLAG ORDER_FLAG #CACHE_SIZE #LAST_NUMBER", func(v *viewRows) {
			for _, o := range v.db.sorted("SEQUENCE") {
				if q := o.seq; v.shows(o) {
					v.add(o.owner, o.name, q.min, q.max, q.step, yesNo(q.cycle, "Y", "N"), "N", q.cache, q.last)
				}
			}
		}},
		{"VIEWS", "", "OWNER VIEW_NAME #TEXT_LENGTH ~TEXT", func(v *viewRows) {
			for _, o := range v.db.sorted("VIEW") {
				if v.shows(o) {
					v.add(o.owner, o.name, len(o.view.text), o.view.text)
				}
			}
		}},
		{"ERRORS", "", "OWNER NAME TYPE #LINE ^TEXT", func(*viewRows) {}},
		{"USERS", "", "USERNAME #USER_ID ACCOUNT_STATUS", func(v *viewRows) {
			for _, u := range v.db.sortedUsers() {
				if v.reach != mine || u == v.user {
					v.add(u.name, u.id, yesNo(u.locked, "LOCKED", "OPEN"))
				}
			}
		}},
		{"FREE_SPACE", "DBA_ USER_", "TABLESPACE_NAME #BYTES", func(v *viewRows) { v.add("USERS", 1<<40) }},
		{"2PC_PENDING", "DBA_", "LOCAL_TRAN_ID STATE", func(*viewRows) {}},
	}
}

func (db *DB) sortedUsers() []*user {
	var out []*user
	for _, u := range db.users {
		out = append(out, u)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

// object shows an object and its partitions.
func (v *viewRows) object(o *object) {
	row := func(sub string, id uint32, data any, kind string) {
		v.add(o.owner, o.name, sub, int(id), data, kind, o.created, o.ddl, "VALID",
			yesNo(o.table != nil && o.table.temporary, "Y", "N"), "N")
	}
	t := o.table
	switch {
	case t == nil:
		row("", o.id, nil, o.kind)
		return
	case t.external || t.temporary || t.iot:
		row("", o.id, nil, o.kind)
	case t.kind.method == "":
		row("", o.id, int(t.parts[0].seg.object), o.kind)
		if t.mview {
			row("", o.id+1_000_000, int(t.parts[0].seg.object), "TABLE")
		}
	default:
		row("", o.id, nil, o.kind)
	}
	for _, p := range t.parts {
		if t.kind.method == "" {
			break
		}
		var data any
		if p.seg != nil {
			data = int(p.seg.object)
		}
		row(p.name, p.id, data, "TABLE PARTITION")
		for _, s := range p.subs {
			row(s.name, s.id, int(s.seg.object), "TABLE SUBPARTITION")
		}
	}
}

func rightViews() []family {
	rows := func(v *viewRows) {
		for _, u := range v.db.sortedUsers() {
			for _, o := range v.db.sorted() {
				var rights []string
				for r := range u.grants[o.qname] {
					rights = append(rights, r)
				}
				sort.Strings(rights)
				for _, r := range rights {
					if v.reach == everything || u == v.user || o.owner == v.user.name {
						v.add(u.name, o.owner, o.name, o.owner, r, "NO")
					}
				}
			}
		}
	}
	return []family{
		{"TAB_PRIVS", "DBA_", "GRANTEE OWNER TABLE_NAME GRANTOR PRIVILEGE GRANTABLE", rows},
		{"TAB_PRIVS", "ALL_", "GRANTEE TABLE_SCHEMA TABLE_NAME GRANTOR PRIVILEGE GRANTABLE", rows},
	}
}

// serverViews are those without a prefix, and the dynamic performance views.
func serverViews() []*catalogView {
	view := func(name string, r reach, columns string, rows func(v *viewRows)) *catalogView {
		return &catalogView{name: name, columns: columnsOf(columns), reach: r, rows: rows}
	}
	transactions := func(v *viewRows) {
		for t := range v.db.open {
			if len(t.changes) > 0 {
				v.add(1, int(t.id%65536), t.began.Format("01/02/06 15:04:05"), value.IntDec(int64(t.start)), "ACTIVE", "", t.began)
			}
		}
	}
	nls := func(v *viewRows, list map[string]string) {
		var names []string
		for n := range list {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			v.add(n, list[n])
		}
	}
	return []*catalogView{
		view("DUAL", public, "DUMMY", func(v *viewRows) { v.add("X") }),
		view("PRODUCT_COMPONENT_VERSION", public, "PRODUCT VERSION STATUS", func(v *viewRows) {
			v.add("Oracle Database 19c Enterprise Edition ", v.db.Version, "Production")
		}),
		view("V$VERSION", public, "BANNER", func(v *viewRows) {
			v.add("Oracle Database 19c Enterprise Edition Release " + v.db.Version + " - Production")
		}),
		view("NLS_DATABASE_PARAMETERS", public, "PARAMETER VALUE", func(v *viewRows) {
			nls(v, map[string]string{"NLS_CHARACTERSET": yesNo(v.db.Charset == value.CESU8, "UTF8", "AL32UTF8"),
				"NLS_NCHAR_CHARACTERSET": "AL16UTF16", "NLS_LENGTH_SEMANTICS": "BYTE", "NLS_RDBMS_VERSION": v.db.Version,
				"NLS_LANGUAGE": "AMERICAN", "NLS_TERRITORY": "AMERICA"})
		}),
		view("NLS_SESSION_PARAMETERS", public, "PARAMETER VALUE", func(v *viewRows) { nls(v, v.session.nls) }),
		view("SESSION_PRIVS", public, "PRIVILEGE", func(v *viewRows) { v.privileges(false) }),
		view("SESSION_ROLES", public, "ROLE", func(v *viewRows) { v.privileges(true) }),
		view("REDACTION_POLICIES", everything, "OBJECT_OWNER OBJECT_NAME POLICY_NAME EXPRESSION ENABLE", func(v *viewRows) { v.redactions(false) }),
		view("REDACTION_COLUMNS", everything, "OBJECT_OWNER OBJECT_NAME COLUMN_NAME FUNCTION_TYPE", func(v *viewRows) { v.redactions(true) }),
		view("V$DATABASE", everything, "#DBID NAME DB_UNIQUE_NAME LOG_MODE OPEN_MODE DATABASE_ROLE #CURRENT_SCN @CREATED", func(v *viewRows) {
			v.add(1583478021, v.db.Name, v.db.Name, "ARCHIVELOG", "READ WRITE", "PRIMARY", int(v.db.scn), v.db.started)
		}),
		view("V$INSTANCE", everything, "INSTANCE_NAME HOST_NAME VERSION @STARTUP_TIME STATUS LOGINS", func(v *viewRows) {
			v.add(v.db.Name, "localhost", v.db.Version, v.db.started, "OPEN", "ALLOWED")
		}),
		view("V$PARAMETER", everything, "NAME ^VALUE", func(v *viewRows) {
			for _, p := range [][2]string{{"compatible", "19.0.0"}, {"db_block_size", "8192"}, {"processes", "300"}, {"sessions", "472"},
				{"statistics_level", "TYPICAL"}, {"undo_retention", "900"}} {
				v.add(p[0], p[1])
			}
			v.add("max_string_size", yesNo(v.db.ExtendedStrings, "EXTENDED", "STANDARD"))
		}),
		view("V$UNDOSTAT", everything, "@BEGIN_TIME #MAXQUERYLEN #TUNED_UNDORETENTION #SSOLDERRCNT", func(v *viewRows) {
			v.add(v.db.started, 120, 1800, 0)
		}),
		view("V$TRANSACTION", everything, "#XIDUSN #XIDSLOT START_TIME #START_SCN STATUS NAME @START_DATE", transactions),
		view("GV$TRANSACTION", everything, "#XIDUSN #XIDSLOT START_TIME #START_SCN STATUS NAME @START_DATE", transactions),
		view("V$SESSION", everything, "#SID #SERIAL# USERNAME PROGRAM STATUS TYPE", func(v *viewRows) {
			for s := range v.db.sessions {
				v.add(s.id, s.serial, s.user.name, s.program, "INACTIVE", "USER")
			}
		}),
	}
}

// privileges shows system privileges or roles of the session's user.
func (v *viewRows) privileges(roles bool) {
	var out []string
	for p := range v.user.privileges {
		role := strings.HasSuffix(p, "_ROLE") || p == "DBA" || p == "CONNECT" || p == "RESOURCE"
		if role == roles && !strings.Contains(p, " ON ") {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	for _, p := range out {
		v.add(fmt.Sprint(p))
	}
}
