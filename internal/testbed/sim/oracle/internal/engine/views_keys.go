package engine

func keyViews() []family {
	return []family{
		{"CONSTRAINTS", "", `OWNER CONSTRAINT_NAME TABLE_NAME CONSTRAINT_TYPE STATUS VALIDATED INDEX_OWNER INDEX_NAME R_OWNER R_CONSTRAINT_NAME
			DELETE_RULE DEFERRABLE DEFERRED ~SEARCH_CONDITION ^SEARCH_CONDITION_VC GENERATED RELY`, func(v *viewRows) {
			for _, t := range v.tables() {
				for _, c := range t.constraintsSorted() {
					v.constraint(t, c)
				}
			}
		}},
		{"CONS_COLUMNS", "", "OWNER CONSTRAINT_NAME TABLE_NAME COLUMN_NAME #POSITION", func(v *viewRows) {
			for _, t := range v.tables() {
				for _, c := range t.constraintsSorted() {
					for k, i := range c.cols {
						v.add(c.owner, c.name, t.name, t.cols[i].name, number1(c.kind != "C", k+1))
					}
				}
			}
		}},
		{"INDEXES", "", `OWNER INDEX_NAME INDEX_TYPE TABLE_OWNER TABLE_NAME TABLE_TYPE UNIQUENESS STATUS PARTITIONED TEMPORARY GENERATED
			VISIBILITY #NUM_ROWS`, func(v *viewRows) {
			for _, x := range v.indexes() {
				v.add(x.owner, x.name, x.kind, x.table.owner, x.table.name, "TABLE", yesNo(x.unique, "UNIQUE", "NONUNIQUE"),
					x.status, "NO", "N", "N", "VISIBLE", nil)
			}
			for _, t := range v.tables() {
				for i, c := range t.cols {
					if c.typ.lob() {
						v.add(t.owner, "SYS_IL"+t.lobSegment(i)[7:], "LOB", t.owner, t.name, "TABLE", "UNIQUE", "VALID", "NO", "N", "Y", "VISIBLE", nil)
					}
				}
			}
		}},
		{"IND_COLUMNS", "", "INDEX_OWNER INDEX_NAME TABLE_OWNER TABLE_NAME COLUMN_NAME #COLUMN_POSITION DESCEND", func(v *viewRows) {
			for _, x := range v.indexes() {
				for k, i := range x.cols {
					v.add(x.owner, x.name, x.table.owner, x.table.name, x.table.cols[i].name, k+1, yesNo(x.desc[k], "DESC", "ASC"))
				}
			}
		}},
		{"IND_EXPRESSIONS", "", "INDEX_OWNER INDEX_NAME TABLE_OWNER TABLE_NAME ~COLUMN_EXPRESSION #COLUMN_POSITION", func(v *viewRows) {
			for _, x := range v.indexes() {
				for k, i := range x.cols {
					if c := x.table.cols[i]; c.system {
						v.add(x.owner, x.name, x.table.owner, x.table.name, c.dflt, k+1)
					}
				}
			}
		}},
		{"TRIGGERS", "", "OWNER TRIGGER_NAME TRIGGER_TYPE TABLE_OWNER TABLE_NAME BASE_OBJECT_TYPE STATUS", func(v *viewRows) {
			for _, tr := range v.db.sortedTriggers() {
				if o := v.db.objects[tr.table]; o != nil && v.shows(o) {
					v.add(tr.owner, tr.name, "AFTER EACH ROW", o.owner, o.name, o.kind, tr.status)
				}
			}
		}},
	}
}

func (v *viewRows) constraint(t *Table, c *constraint) {
	var indexOwner, index, refOwner, ref string
	if c.index != nil {
		indexOwner, index = c.index.owner, c.index.name
	}
	if c.ref != nil {
		refOwner, ref = c.ref.owner, c.ref.name
	}
	v.add(c.owner, c.name, t.name, c.kind, yesNo(c.disabled, "DISABLED", "ENABLED"), yesNo(c.novalidate, "NOT VALIDATED", "VALIDATED"),
		indexOwner, index, refOwner, ref, c.rule, yesNo(c.deferrable, "DEFERRABLE", "NOT DEFERRABLE"), yesNo(c.deferred, "DEFERRED", "IMMEDIATE"),
		c.text, c.text, yesNo(c.generated, "GENERATED NAME", "USER NAME"), "")
}

func (v *viewRows) indexes() []*Index {
	var out []*Index
	for _, x := range v.db.sortedIndexes() {
		if v.shows(x.table.object) {
			out = append(out, x)
		}
	}
	return out
}

func partitionViews() []family {
	keys := func(sub bool) func(v *viewRows) {
		return func(v *viewRows) {
			for _, t := range v.tables() {
				columns := t.kind.columns
				if sub {
					columns = t.kind.subColum
				}
				for i, c := range columns {
					v.add(t.owner, t.name, "TABLE", c, i+1)
				}
			}
		}
	}
	return []family{
		{"PART_TABLES", "", "OWNER TABLE_NAME PARTITIONING_TYPE SUBPARTITIONING_TYPE #PARTITION_COUNT", func(v *viewRows) {
			for _, t := range v.tables() {
				if t.kind.method != "" {
					v.add(t.owner, t.name, t.kind.method, yesNo(t.kind.sub != "", t.kind.sub, "NONE"), len(t.parts))
				}
			}
		}},
		{"PART_KEY_COLUMNS", "", "OWNER NAME OBJECT_TYPE COLUMN_NAME #COLUMN_POSITION", keys(false)},
		{"SUBPART_KEY_COLUMNS", "", "OWNER NAME OBJECT_TYPE COLUMN_NAME #COLUMN_POSITION", keys(true)},
		{"TAB_PARTITIONS", "", "TABLE_OWNER TABLE_NAME PARTITION_NAME #PARTITION_POSITION #SUBPARTITION_COUNT #NUM_ROWS #BLOCKS ~HIGH_VALUE", func(v *viewRows) {
			for _, t := range v.tables() {
				for i, p := range t.parts {
					if t.kind.method != "" {
						v.add(t.owner, t.name, p.name, i+1, len(p.subs), nil, nil, p.high)
					}
				}
			}
		}},
		{"TAB_SUBPARTITIONS", "", "TABLE_OWNER TABLE_NAME PARTITION_NAME SUBPARTITION_NAME #SUBPARTITION_POSITION #NUM_ROWS #BLOCKS ~HIGH_VALUE", func(v *viewRows) {
			for _, t := range v.tables() {
				for _, p := range t.parts {
					for i, s := range p.subs {
						v.add(t.owner, t.name, p.name, s.name, i+1, nil, nil, s.high)
					}
				}
			}
		}},
	}
}

// segmentOf is a segment as the catalog names it.
type segmentOf struct {
	t    *Table
	part string
	kind string
	seg  *segment
}

func (v *viewRows) segments() []segmentOf {
	var out []segmentOf
	for _, t := range v.tables() {
		if t.temporary || t.external || t.iot {
			continue
		}
		for _, p := range t.parts {
			switch {
			case t.kind.method == "":
				out = append(out, segmentOf{t, "", "TABLE", p.seg})
			case len(p.subs) == 0:
				out = append(out, segmentOf{t, p.name, "TABLE PARTITION", p.seg})
			}
			for _, s := range p.subs {
				out = append(out, segmentOf{t, s.name, "TABLE SUBPARTITION", s.seg})
			}
		}
	}
	return out
}

func segmentViews() []family {
	return []family{
		{"SEGMENTS", "DBA_ USER_", "OWNER SEGMENT_NAME PARTITION_NAME SEGMENT_TYPE TABLESPACE_NAME #BYTES #BLOCKS #EXTENTS", func(v *viewRows) {
			for _, s := range v.segments() {
				if n := s.seg.bytes(); n > 0 { // deferred segment creation: an empty table has none
					v.add(s.t.owner, s.t.name, s.part, s.kind, "USERS", n, n/blockSize, len(s.seg.extents))
				}
			}
			for _, t := range v.tables() {
				for i, c := range t.cols {
					if n := t.lobBytes(i); c.typ.lob() && n > 0 {
						v.add(t.owner, t.lobSegment(i), "", "LOBSEGMENT", "USERS", n, n/blockSize, 1)
					}
				}
			}
		}},
		{"EXTENTS", "DBA_ USER_", "OWNER SEGMENT_NAME PARTITION_NAME SEGMENT_TYPE TABLESPACE_NAME #EXTENT_ID #FILE_ID #BLOCK_ID #BYTES #BLOCKS #RELATIVE_FNO", func(v *viewRows) {
			for _, s := range v.segments() {
				for i, e := range s.seg.extents {
					v.add(s.t.owner, s.t.name, s.part, s.kind, "USERS", i, int(e.file), int(e.first), int(e.size)*blockSize, int(e.size), int(e.file))
				}
			}
		}},
	}
}

// lobBytes is about what a column's large objects take: whole blocks.
func (t *Table) lobBytes(i int) int {
	if !t.cols[i].typ.lob() {
		return 0
	}
	row := make([][]byte, len(t.cols))
	n := 0
	for _, seg := range t.segments() {
		for _, e := range seg.extents {
			for _, b := range e.blocks {
				for k := range b.rows {
					if b.rows[k].deleted {
						continue
					}
					if t.decode(b.rows[k].data, row); len(row[i]) > 3964 { // kept in the row up to here
						n += (len(row[i]) + blockSize - 1) / blockSize * blockSize
					}
				}
			}
		}
	}
	return n
}
