package oracle

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Values of large objects up to these lengths travel with their rows as VARCHAR2 or RAW,
// whose limits in SQL are 4,000 and 2,000 bytes. A CLOB's length counts UTF-16 units, of
// which 1,000 never take more than 4,000 bytes.
const (
	nearText = 1000
	nearData = 2000
)

// field is one copied column in the select list.
type field struct {
	column catalog.Column
	shape  shape
	at     int // position of the value; -1 where it never comes with its row
	length int // position of the large object's length, else -1
	group  int // of the spelled dates, else -1
	part   int // within the group
}

// statement reads one range of a table, all but what is far: large objects and LONGs.
type statement struct {
	sql    string
	params []string
	fields []field
	groups []int // positions of spelled dates
	place  []int // positions of what finds a row again: its ROWID, or the texts of its key
	keyed  bool  // place is a key
}

// relation names what rows are read from.
func relation(t *catalog.Table, leaf *catalog.Name) string {
	if leaf == nil {
		return quoteName(t.Name)
	}
	kind := "PARTITION"
	if leafOf(t, *leaf).Parent != t.Name {
		kind = "SUBPARTITION"
	}
	return quoteName(t.Name) + " " + kind + " (" + quoteIdent(leaf.Name) + ")"
}

// expression spells a column so that the driver hands it out without loss. It decodes
// intervals to microseconds only, time zones by tables of its own, and logical ROWIDs wrongly.
func expression(c catalog.Column) string {
	name := "t." + quoteIdent(c.Name)
	switch shapeOf(c.Declared) {
	case zoned:
		return "SYS_EXTRACT_UTC(" + name + ")"
	case local: // the session's time zone is UTC
		digits, _, _ := timestamp(c.Declared)
		return "CAST(" + name + " AS TIMESTAMP(" + formatInt(int64(digits)) + "))"
	case interval:
		return "TO_CHAR(" + name + ")"
	case rowid:
		return "ROWIDTOCHAR(" + name + ")"
	case urowid:
		return "CAST(" + name + " AS VARCHAR2(4000))"
	case xml:
		return "XMLSERIALIZE(CONTENT " + name + " AS CLOB)"
	case json:
		return "JSON_SERIALIZE(" + name + " RETURNING CLOB)"
	}
	return name
}

// dateParts is how many spelled dates stand in one value, 24 bytes each.
const dateParts = 40

func newStatement(t *catalog.Table, r catalog.Range, asOf string) (*statement, error) {
	st := &statement{}
	var list []string
	add := func(e string) int {
		list = append(list, e)
		return len(list) - 1
	}
	far := false
	var dates []int // fields whose old values are spelled
	for i, c := range t.CopiedColumns() {
		f := field{column: c, shape: shapeOf(c.Declared), at: -1, length: -1, group: -1}
		e := expression(c)
		switch f.shape {
		case long:
			far = true
		case textLOB, dataLOB, xml, json:
			far = true
			length, most := "DBMS_LOB.GETLENGTH("+e+")", formatInt(nearText)
			if f.shape == dataLOB {
				most = formatInt(nearData)
			}
			f.length = add(length)
			f.at = add("CASE WHEN " + length + " <= " + most + " THEN DBMS_LOB.SUBSTR(" + e + ", " + most + ", 1) END")
		default:
			f.at = add(e)
			if k := c.Type.Kind; k == catalog.Timestamp || k == catalog.Timestamp9 || k == catalog.TimestampTZ {
				dates = append(dates, i)
			}
		}
		st.fields = append(st.fields, f)
	}
	if len(st.fields) == 0 { // only generated columns: rows still count
		add("1")
	}
	if far {
		st.findAgain(t, add)
	}
	st.spellDates(dates, add)
	w := condition{t: t}
	where, err := w.of(r)
	if err != nil {
		return nil, err
	}
	hint := ""
	if r.By == catalog.ByRowID {
		hint = "/*+ ROWID(t) */ "
	}
	st.params = w.params
	st.sql = "SELECT " + hint + strings.Join(list, ", ") + " FROM " + relation(t, r.Partition) + asOf + " t" + where
	return st, nil
}

// findAgain selects what a second statement finds the row by. Rows of an index-organized table
// have no ROWID that stays.
func (st *statement) findAgain(t *catalog.Table, add func(string) int) {
	if !strings.Contains(t.Options, organizationIndex) {
		st.place = []int{add("ROWIDTOCHAR(t.ROWID)")}
		return
	}
	st.keyed = true
	if !keyed(t) {
		return
	}
	for _, name := range t.Key.Columns {
		st.place = append(st.place, add(keySelected(t.Column(name))))
	}
}

// spellDates selects the dates of rows that hold one from before the Gregorian calendar, as
// text; NULL, one byte, for all other rows.
func (st *statement) spellDates(dates []int, add func(string) int) {
	for len(dates) > 0 {
		n := min(len(dates), dateParts)
		var old, spelled []string
		for part, i := range dates[:n] {
			f := &st.fields[i]
			e, form, start := expression(f.column), timeForm, gregorianTime
			if f.column.Declared == "DATE" {
				form, start = dateForm, gregorianDate
			}
			old = append(old, e+" < "+start)
			spelled = append(spelled, "TO_CHAR("+e+", '"+form+"')")
			f.group, f.part = len(st.groups), part
		}
		st.groups = append(st.groups, add("CASE WHEN "+strings.Join(old, " OR ")+" THEN "+strings.Join(spelled, " || '/' || ")+" END"))
		dates = dates[n:]
	}
}
