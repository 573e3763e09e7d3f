package engine

import (
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

// catalogView is a view of the data dictionary, or a dynamic performance view.
type catalogView struct {
	name    string
	columns []viewColumn
	reach   reach
	rows    func(v *viewRows)
}

type viewColumn struct {
	name string
	typ  Type
}

// reach is which objects a view shows, and to whom it is there.
type reach uint8

const (
	public     reach = iota // it shows the same to everybody
	everything              // DBA_ and V$: only with rights on the dictionary
	accessible              // ALL_
	mine                    // USER_
)

// viewRows collects a view's rows.
type viewRows struct {
	db      *DB
	session *Session
	user    *user
	width   int
	reach   reach
	skip    bool // the first value, OWNER, is not in the view
	rows    [][][]byte
	err     error
}

// columnsOf reads a list of columns: a name is VARCHAR2(128), #name NUMBER, @name DATE, ~name LONG,
// ^name VARCHAR2(4000).
func columnsOf(list string) []viewColumn {
	var out []viewColumn
	for _, f := range strings.Fields(list) {
		switch f[0] {
		case '#':
			out = append(out, viewColumn{f[1:], number()})
		case '@':
			out = append(out, viewColumn{f[1:], Type{Kind: Date}})
		case '~':
			out = append(out, viewColumn{f[1:], Type{Kind: Long}})
		case '^':
			out = append(out, viewColumn{f[1:], varchar(4000)})
		default:
			out = append(out, viewColumn{f, varchar(128)})
		}
	}
	return out
}

// family is a view that is there as DBA_, ALL_ and USER_.
type family struct {
	name    string
	only    string // prefixes; "" is all three
	columns string
	rows    func(v *viewRows)
}

// catalogViews are all that are known, by name.
func catalogViews() map[string]*catalogView {
	out := make(map[string]*catalogView)
	for _, list := range [][]family{tableViews(), columnViews(), keyViews(), partitionViews(), segmentViews(), objectViews(), policyViews(), rightViews()} {
		for _, f := range list {
			for prefix, reach := range map[string]reach{"DBA_": everything, "ALL_": accessible, "USER_": mine} {
				if f.only == "" || strings.Contains(f.only, prefix) {
					out[prefix+f.name] = f.view(prefix, reach)
				}
			}
		}
	}
	for _, v := range serverViews() {
		out[v.name] = v
	}
	return out
}

func (f family) view(prefix string, r reach) *catalogView {
	cols := columnsOf(f.columns)
	skip := r == mine && cols[0].name == "OWNER"
	if skip {
		cols = cols[1:]
	}
	return &catalogView{name: prefix + f.name, columns: cols, reach: r, rows: func(v *viewRows) {
		v.reach, v.skip = r, skip
		f.rows(v)
	}}
}

// catalogView finds a view that is there for a user.
func (db *DB) catalogView(name string, u *user) *catalogView {
	v := db.views[name]
	if v == nil || v.reach == everything && !u.dictionary() {
		return nil
	}
	return v
}

// shows says whether the view shows an object.
func (v *viewRows) shows(o *object) bool {
	switch v.reach {
	case accessible:
		return v.user.sees(o)
	case mine:
		return o.owner == v.user.name
	}
	return true
}

// tables are those that the view shows.
func (v *viewRows) tables() []*Table {
	var out []*Table
	for _, t := range v.db.tables() {
		if v.shows(t.object) {
			out = append(out, t)
		}
	}
	return out
}

// add writes a row: strings, numbers, times; nil and "" are NULL.
func (v *viewRows) add(values ...any) {
	if v.skip {
		values = values[1:]
	}
	if len(values) != v.width {
		panic("a view's row has another number of values than it has columns")
	}
	row := make([][]byte, len(values))
	for i, x := range values {
		var err error
		switch x := x.(type) {
		case string:
			if x != "" {
				row[i] = v.db.Charset.Encode(x)
			}
		case int:
			row[i], err = intValue(x)
		case value.Dec:
			row[i], err = x.Encode()
		case time.Time:
			row[i] = civilOf(x).Date()
		case nil:
		default:
			panic("a view's value has no type of the catalog")
		}
		if err != nil {
			v.err = err
		}
	}
	v.rows = append(v.rows, row)
}

func yesNo(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// number1 is a number, or NULL where it is not known.
func number1(known bool, n int) any {
	if !known {
		return nil
	}
	return n
}

func (t *Table) statistic(of func(*statistics) int) any {
	if t.stats == nil {
		return nil
	}
	return of(t.stats)
}

func tableViews() []family {
	return []family{
		{"TABLES", "", `OWNER TABLE_NAME TABLESPACE_NAME CLUSTER_NAME IOT_NAME STATUS #NUM_ROWS #BLOCKS #AVG_ROW_LEN PARTITIONED IOT_TYPE
			TEMPORARY SECONDARY NESTED ROW_MOVEMENT @LAST_ANALYZED DROPPED READ_ONLY`, func(v *viewRows) {
			for _, t := range v.tables() {
				iot := yesNo(t.iot, "IOT", "")
				v.add(t.owner, t.name, yesNo(t.kind.method != "" || t.iot, "", "USERS"), t.cluster, "", "VALID",
					t.statistic(func(s *statistics) int { return s.rows }), t.statistic(func(s *statistics) int { return s.blocks }),
					t.statistic(func(s *statistics) int { return s.length }), yesNo(t.kind.method != "", "YES", "NO"), iot,
					yesNo(t.temporary, "Y", "N"), "N", yesNo(t.nested, "YES", "NO"), yesNo(t.rowMovement, "ENABLED", "DISABLED"),
					v.analyzed(t), "NO", yesNo(t.readOnly, "YES", "NO"))
			}
		}},
		{"TAB_STATISTICS", "", "OWNER TABLE_NAME #NUM_ROWS #BLOCKS @LAST_ANALYZED STALE_STATS", func(v *viewRows) {
			for _, t := range v.tables() {
				v.add(t.owner, t.name, t.statistic(func(s *statistics) int { return s.rows }),
					t.statistic(func(s *statistics) int { return s.blocks }), v.analyzed(t), yesNo(t.stats == nil, "", "NO"))
			}
		}},
		{"TAB_COMMENTS", "", "OWNER TABLE_NAME TABLE_TYPE ^COMMENTS", func(v *viewRows) {
			for _, o := range v.db.sorted("TABLE", "VIEW") {
				if v.shows(o) {
					text := ""
					if o.table != nil {
						text = o.table.comment
					}
					v.add(o.owner, o.name, o.kind, text)
				}
			}
		}},
		{"TAB_MODIFICATIONS", "", "TABLE_OWNER TABLE_NAME PARTITION_NAME SUBPARTITION_NAME #INSERTS #UPDATES #DELETES @TIMESTAMP TRUNCATED #DROP_SEGMENTS", func(v *viewRows) {
			for _, t := range v.tables() {
				if m := t.flushed; m != (modifications{}) {
					v.add(t.owner, t.name, "", "", m.inserts, m.updates, m.deletes, now(), yesNo(m.truncated, "YES", "NO"), 0)
				}
			}
		}},
		{"MVIEWS", "", "OWNER MVIEW_NAME CONTAINER_NAME", func(v *viewRows) {
			for _, t := range v.tables() {
				if t.mview {
					v.add(t.owner, t.name, t.name)
				}
			}
		}},
		{"MVIEW_LOGS", "", "LOG_OWNER MASTER LOG_TABLE", func(v *viewRows) {
			for _, t := range v.tables() {
				if strings.HasPrefix(t.name, "MLOG$_") {
					v.add(t.owner, t.text, t.name)
				}
			}
		}},
		{"EXTERNAL_TABLES", "", "OWNER TABLE_NAME TYPE_NAME", func(v *viewRows) {
			for _, t := range v.tables() {
				if t.external {
					v.add(t.owner, t.name, "ORACLE_LOADER")
				}
			}
		}},
	}
}

func (v *viewRows) analyzed(t *Table) any {
	if t.stats == nil {
		return nil
	}
	return t.ddl
}

func columnViews() []family {
	list := `OWNER TABLE_NAME COLUMN_NAME DATA_TYPE DATA_TYPE_OWNER #DATA_LENGTH #DATA_PRECISION #DATA_SCALE NULLABLE #COLUMN_ID
		#DEFAULT_LENGTH ~DATA_DEFAULT #CHAR_LENGTH CHAR_USED VIRTUAL_COLUMN HIDDEN_COLUMN IDENTITY_COLUMN USER_GENERATED COLLATION
		#INTERNAL_COLUMN_ID CHARACTER_SET_NAME`
	return []family{
		{"TAB_COLS", "", list, func(v *viewRows) { v.columns(true) }},
		{"TAB_COLUMNS", "", list, func(v *viewRows) { v.columns(false) }},
		{"COL_COMMENTS", "", "OWNER TABLE_NAME COLUMN_NAME ^COMMENTS", func(v *viewRows) {
			for _, t := range v.tables() {
				for _, c := range t.cols {
					if !c.system {
						v.add(t.owner, t.name, c.name, c.comment)
					}
				}
			}
		}},
		{"TAB_IDENTITY_COLS", "", "OWNER TABLE_NAME COLUMN_NAME GENERATION_TYPE SEQUENCE_NAME", func(v *viewRows) {
			for _, t := range v.tables() {
				for _, c := range t.cols {
					if c.identity != "" {
						v.add(t.owner, t.name, c.name, c.identity, c.sequence.name)
					}
				}
			}
		}},
		{"LOBS", "", "OWNER TABLE_NAME COLUMN_NAME SEGMENT_NAME IN_ROW SECUREFILE RETENTION_TYPE", func(v *viewRows) {
			for _, t := range v.tables() {
				for i, c := range t.cols {
					if c.typ.lob() || c.typ.Kind == XML || c.typ.Kind == JSON {
						v.add(t.owner, t.name, c.name, t.lobSegment(i), "YES", "YES", "DEFAULT")
					}
				}
			}
		}},
	}
}

func (t *Table) lobSegment(i int) string {
	id := itoa(int(t.id))
	return "SYS_LOB" + strings.Repeat("0", max(0, 10-len(id))) + id + "C" + pad5(i+1) + "$$"
}

// columns shows the columns of tables and views.
func (v *viewRows) columns(hidden bool) {
	for _, t := range v.tables() {
		for i, c := range t.cols {
			if c.hidden && !hidden {
				continue
			}
			v.column(t.owner, t.name, i, c)
		}
	}
	for _, o := range v.db.sorted("VIEW") {
		if !v.shows(o) {
			continue
		}
		q, err := v.session.viewQuery(o)
		if err != nil {
			continue
		}
		for i, col := range q.cols {
			name := col.Name
			if i < len(o.view.cols) {
				name = o.view.cols[i]
			}
			v.column(o.owner, o.name, i, &column{name: name, typ: col.Type, id: i + 1, notNull: col.NotNull})
		}
	}
}

func (v *viewRows) column(owner, table string, i int, c *column) {
	t := c.typ
	charset := ""
	var chars any = 0
	used := ""
	if t.text() {
		chars, used, charset = t.Chars, yesNo(t.ByChar || t.national(), "C", "B"), yesNo(t.national(), "NCHAR_CS", "CHAR_CS")
		if used == "B" {
			chars = t.Length
		}
	}
	scale := number1(t.HasScale || t.HasPrec && !t.Float, t.Scale)
	if t.Kind >= Timestamp && t.Kind <= IntervalDS && t.Kind != IntervalYM {
		scale = t.Scale
	}
	precision := number1(t.HasPrec || t.Kind == IntervalDS || t.Kind == IntervalYM, t.Precision)
	typeOwner := t.Owner
	if t.Kind == XML {
		typeOwner = "SYS"
	}
	collation := ""
	if t.text() || t.Kind == Clob || t.Kind == NClob {
		collation = c.collation
	}
	var id any = c.id
	if c.hidden {
		id = nil
	}
	v.add(owner, table, c.name, t.DataType(), typeOwner, t.dataLength(), precision, scale, yesNo(c.notNull, "N", "Y"), id,
		number1(c.dflt != "", len(c.dflt)), c.dflt, chars, used, yesNo(c.virtual, "YES", "NO"), yesNo(c.hidden, "YES", "NO"),
		yesNo(c.identity != "", "YES", "NO"), yesNo(c.system, "NO", "YES"), collation, i+1, charset)
}
