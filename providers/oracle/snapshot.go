package oracle

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opSnapshot = "take snapshot"
	opView     = "open view"
	opCount    = "count"
	again      = "Run the same command again to copy the table from a new snapshot."
)

// snapshot is a system change number that every statement names. Nothing on the server keeps
// it: undo does, for as long as it lasts. A quiet one has no number.
type snapshot struct {
	db    *database
	scn   string
	id    string
	taken time.Time
}

// Snapshot implements providers.Database.
func (db *database) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	sn := &snapshot{db: db, id: providers.QuietID}
	err := db.with(ctx, func(s *session) error {
		if how.Quiet {
			r, err := s.one(ctx, opSnapshot, "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL")
			if err == nil && r != nil {
				sn.taken = r.time(0)
			}
			return err
		}
		r, err := s.one(ctx, opSnapshot, "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER, SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM DUAL")
		if noPackage(err) {
			r, err = s.one(ctx, opSnapshot, "SELECT CURRENT_SCN, SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM V$DATABASE")
		}
		if hidden(err) {
			return &providers.Error{Kind: providers.Permission, Op: opSnapshot, Err: errors.New("the user is not allowed to read the system change number"),
				Fix: "GRANT EXECUTE ON SYS.DBMS_FLASHBACK to the user, or SELECT on V_$DATABASE."}
		}
		if err != nil {
			return err
		}
		if r == nil || r.text(0) == "" || strings.Trim(r.text(0), "0123456789") != "" {
			return &providers.Error{Kind: providers.Internal, Op: opSnapshot, Err: errForm}
		}
		sn.scn, sn.taken = r.text(0), r.time(1)
		// The time tells snapshots apart between which nothing was committed, and databases that were reset.
		sn.id = "scn " + sn.scn + "@" + sn.taken.Format(time.RFC3339Nano)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sn, nil
}

func (sn *snapshot) ID() string      { return sn.id }
func (sn *snapshot) Time() time.Time { return sn.taken }

// Close implements providers.Snapshot. There is nothing to give back.
func (sn *snapshot) Close() error { return nil }

// asOf is the clause that makes a statement see the snapshot.
func (sn *snapshot) asOf() string {
	if sn.scn == "" {
		return ""
	}
	return " AS OF SCN " + sn.scn
}

// Begin implements providers.Snapshot.
func (sn *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	fetch := fetchClass(sn.db.cfg.fetchRows, 0)
	for _, t := range tables {
		fetch = min(fetch, fetchClass(sn.db.cfg.fetchRows, rowWidth(t)))
	}
	s, err := sn.db.pool.Get(ctx, fetch)
	if err != nil {
		return nil, err
	}
	if err := sn.checkFiles(ctx, s, tables); err != nil {
		sn.db.put(s)
		return nil, err
	}
	return &view{sn: sn, s: s, tables: tables}, nil
}

// rowWidth estimates the memory that the driver takes for a row, in bytes: every cell is an
// object of its own. Large objects do not arrive with their rows.
func rowWidth(t *catalog.Table) int64 {
	const cell = 60
	var declared, cells int64
	lobs := false
	for _, c := range t.CopiedColumns() {
		cells++
		lobs = lobs || c.Type.Kind == catalog.Text || c.Type.Kind == catalog.Blob || c.Type.Kind == catalog.JSON
		declared += int64(max(c.Type.Length, 8))
	}
	width := declared / 4 // as a rule of thumb, where statistics are missing
	if t.Rows > 0 && t.Bytes > 0 && !lobs {
		width = min(t.Bytes/t.Rows, declared)
	}
	return cells*cell + width
}

// checkFiles compares the stored identity of tables and their partitions with that in t: a
// table that was truncated, moved, or dropped and made again, has another one. The dictionary shows the
// present; what has changed its definition since the SCN fails with ORA-01466 besides.
func (sn *snapshot) checkFiles(ctx context.Context, s *session, tables []*catalog.Table) error {
	type part struct {
		table catalog.Name
		sub   string
	}
	now := make(map[part]string)
	names := make([]catalog.Name, len(tables))
	for i, t := range tables {
		names[i] = t.Name
	}
	for _, f := range filters(names, "OWNER", "OBJECT_NAME") {
		err := s.query(ctx, opView, filesSQL(sn.db, f), nil, func(v row) error {
			now[part{nameAt(v, 0, 1), v.text(2)}] = fileOf(v)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, t := range tables {
		changed := func(what string) error {
			return &providers.Error{Kind: providers.Changed, Op: opView, Table: t.Name, Err: errors.New(what), Fix: again}
		}
		is, ok := now[part{t.Name, ""}]
		if !ok {
			return changed("the table was dropped")
		}
		if t.File != "" && is != t.File {
			return changed("the table was truncated, moved, or dropped and recreated")
		}
		for _, p := range t.Partitions {
			is, ok := now[part{t.Name, p.Name.Name}]
			if !ok {
				return changed("partition " + p.Name.Name + " was dropped")
			}
			if p.File != "" && is != p.File {
				return changed("partition " + p.Name.Name + " was truncated, moved or exchanged")
			}
		}
	}
	return nil
}

// view is one session that reads in the snapshot.
type view struct {
	sn     *snapshot
	s      *session
	tables []*catalog.Table
	closed bool
}

// Read implements providers.View.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	rd, err := openReader(ctx, v, t, r, how)
	if err != nil {
		return nil, v.failed(opRead, t.Name, err)
	}
	return rd, nil
}

// failed makes an error of the contract. A quiet source has no snapshot to lose: a long
// statement without undo is tried again.
func (v *view) failed(op string, table catalog.Name, err error) error {
	err = providers.Gone(wrapTable(op, table, err)) // it was there when the catalog was read
	var e *providers.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Kind == providers.SnapshotLost && v.sn.scn == "":
		e.Kind = providers.Transient
	case e.Kind == providers.Changed && e.Fix == "":
		e.Fix = again
	}
	return err
}

// Count implements providers.View. Of a quiet source's tables Changes is MAX(ORA_ROWSCN), an
// upper bound of when a row was changed last. Whatever commits later has a higher number. The
// counters of ALL_TAB_MODIFICATIONS need a privilege, start over when statistics are gathered,
// and do not count every direct load.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	out := make([]providers.Counted, len(tables))
	what := "COUNT(*)"
	if v.sn.scn == "" {
		what = "COUNT(*) || ' ' || MAX(ORA_ROWSCN)"
	}
	const most = 100 // columns of one result
	for start := 0; start < len(tables); start += most {
		part := tables[start:min(start+most, len(tables))]
		list := make([]string, len(part))
		for i, t := range part {
			list[i] = "(SELECT " + what + " FROM " + relation(t, nil) + v.sn.asOf() + ")"
		}
		r, err := v.s.one(ctx, opCount, "SELECT "+strings.Join(list, ", ")+" FROM DUAL")
		if err != nil {
			return nil, v.failed(opCount, oneName(part), err)
		}
		if len(r) != len(part) {
			return nil, &providers.Error{Kind: providers.Internal, Op: opCount, Err: errForm}
		}
		for i, t := range part {
			if out[start+i], err = counted(r.text(i)); err != nil {
				return nil, wrapTable(opCount, t.Name, err)
			}
			if c := out[start+i]; v.sn.scn == "" && c.Rows > 0 && c.Changes == "" {
				return nil, &providers.Error{Kind: providers.Unsupported, Op: opCount, Table: t.Name,
					Err: errors.New(
						"the table has no ORA_ROWSCN, so there is no proof that nobody writes to it",
					), Fix: "Set consistency = \"snapshot\" in the source."}
			}
		}
	}
	return out, nil
}

// counted reads "ROWS", or "ROWS SCN", where the second is missing of no rows.
func counted(text string) (c providers.Counted, err error) {
	rows, scn, quiet := strings.Cut(text, " ")
	if c.Rows, err = strconv.ParseInt(rows, 10, 64); err != nil {
		return c, errForm
	}
	if c.Rows == 0 && quiet {
		scn = "0"
	}
	if scn != "" {
		c.Changes = scnPrefix + scn
	}
	return c, nil
}

const scnPrefix = "scn "

// Compare implements providers.View. The highest number can fall, where blocks have been
// cleaned out since; it never falls below that of a change.
func (v *view) Compare(ctx context.Context, tables []*catalog.Table, before []providers.Counted) ([]string, error) {
	now, err := v.Count(ctx, tables)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(tables))
	for i, n := range now {
		was, ok := scnOf(before[i].Changes)
		is, _ := scnOf(n.Changes)
		switch {
		case before[i].Rows != n.Rows:
			out[i] = fmt.Sprintf("it had %d rows before the first package, now it has %d", before[i].Rows, n.Rows)
		case !ok:
			out[i] = "no proof of it was recorded"
		case is > was:
			out[i] = fmt.Sprintf("rows were inserted or updated since the first package, up to system change number %d", is)
		}
	}
	return out, v.Confirm(ctx)
}

func scnOf(changes string) (int64, bool) {
	text, ok := strings.CutPrefix(changes, scnPrefix)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

// oneName names the table of an error about one; empty about several.
func oneName(tables []*catalog.Table) catalog.Name {
	if len(tables) == 1 {
		return tables[0].Name
	}
	return catalog.Name{}
}

// Confirm implements providers.View. Nothing locks what is read: what a name means is compared again.
func (v *view) Confirm(ctx context.Context) error { return v.sn.checkFiles(ctx, v.s, v.tables) }

// Close implements providers.View.
func (v *view) Close() error {
	if !v.closed {
		v.closed = true
		v.sn.db.put(v.s)
	}
	return nil
}
