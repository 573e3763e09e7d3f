package oracle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opSnapshot = "take snapshot"
	opView     = "open view"
	opCount    = "count"
	opChanges  = "read change counters"
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
	sn := &snapshot{db: db, id: quiet}
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
			return &providers.Error{Kind: providers.Permission, Op: opSnapshot, Err: errors.New("the user may not ask for the system change number"),
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
	s, err := sn.db.get(ctx, fetch)
	if err != nil {
		return nil, err
	}
	if err := sn.checkFiles(ctx, s, tables); err != nil {
		sn.db.put(s)
		return nil, err
	}
	return &view{sn: sn, s: s}, nil
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
// table that was truncated, moved or made anew has another one. The dictionary shows the
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
			return changed("the table was truncated, moved or made anew")
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

// Count implements providers.View.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	out := make([]providers.Counted, len(tables))
	const most = 100 // columns of one result
	for start := 0; start < len(tables); start += most {
		part := tables[start:min(start+most, len(tables))]
		list := make([]string, len(part))
		for i, t := range part {
			list[i] = "(SELECT COUNT(*) FROM " + relation(t, nil) + v.sn.asOf() + ")"
		}
		r, err := v.s.one(ctx, opCount, "SELECT "+strings.Join(list, ", ")+" FROM DUAL")
		if err != nil {
			return nil, v.failed(opCount, oneName(part), err)
		}
		if len(r) != len(part) {
			return nil, &providers.Error{Kind: providers.Internal, Op: opCount, Err: errForm}
		}
		for i := range part {
			out[start+i].Rows = r.int(i)
		}
	}
	return out, v.changes(ctx, tables, out)
}

// oneName names the table of an error about one; empty about several.
func oneName(tables []*catalog.Table) catalog.Name {
	if len(tables) == 1 {
		return tables[0].Name
	}
	return catalog.Name{}
}

// changes reads what ALL_TAB_MODIFICATIONS counts of inserted, updated and deleted rows since
// statistics were gathered last. The counters of the instance are flushed before; where the
// user may not do that they lag by hours and would prove nothing, so that none are reported.
// They start anew with the instance, after a crash without the last ones, and whenever
// statistics are gathered: both times stand before them.
//
// MAX(ORA_ROWSCN) is the alternative that needs no privilege. It costs a full scan twice a
// table, and on blocks whose commit was not cleaned out it is an upper bound that rises by itself.
func (v *view) changes(ctx context.Context, tables []*catalog.Table, out []providers.Counted) error {
	db := v.sn.db
	if v.sn.scn != "" || db.parameters["statistics_level"] == "" || strings.EqualFold(db.parameters["statistics_level"], "BASIC") {
		return nil // a snapshot needs no proof; BASIC counts nothing
	}
	flush := v.s.exec(ctx, opChanges, "BEGIN DBMS_STATS.FLUSH_DATABASE_MONITORING_INFO; END;")
	if flush != nil {
		if providers.KindOf(flush) == providers.Disconnected {
			return flush
		}
		return nil // ORA-20000 or PLS-00201: the user lacks ANALYZE ANY; Preflight says so
	}
	r, err := v.s.one(ctx, opChanges, "SELECT TO_CHAR(STARTUP_TIME, 'YYYYMMDDHH24MISS') FROM V$INSTANCE")
	if hidden(err) {
		return nil
	}
	if err != nil || r == nil {
		return err
	}
	names := make([]catalog.Name, len(tables))
	at := make(map[catalog.Name][]int)
	for i, t := range tables {
		names[i] = t.Name
		at[t.Name] = append(at[t.Name], i)
	}
	analyzed, counted := make(map[catalog.Name]string), make(map[catalog.Name]string)
	for _, f := range filters(names, "OWNER", "TABLE_NAME") {
		err = v.s.query(ctx, opChanges, "SELECT OWNER, TABLE_NAME, TO_CHAR(LAST_ANALYZED, 'YYYYMMDDHH24MISS') FROM "+db.view("TABLES")+" WHERE "+f, nil, func(r row) error {
			analyzed[nameAt(r, 0, 1)] = r.text(2)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, f := range filters(names, "TABLE_OWNER", "TABLE_NAME") {
		err = v.s.query(ctx, opChanges, "SELECT TABLE_OWNER, TABLE_NAME, INSERTS, UPDATES, DELETES, TRUNCATED, DROP_SEGMENTS FROM "+db.view("TAB_MODIFICATIONS")+
			" WHERE "+f+" AND PARTITION_NAME IS NULL", nil, func(r row) error {
			counted[nameAt(r, 0, 1)] = fmt.Sprintf("%d/%d/%d/%s/%d", r.int(2), r.int(3), r.int(4), r.text(5), r.int(6))
			return nil
		})
		if err != nil {
			return err
		}
	}
	for n, places := range at {
		changes := counted[n]
		if changes == "" {
			changes = "0/0/0/NO/0"
		}
		for _, i := range places {
			out[i].Changes = r.text(0) + "/" + analyzed[n] + ":" + changes
		}
	}
	return nil
}

// Close implements providers.View.
func (v *view) Close() error {
	if !v.closed {
		v.closed = true
		v.sn.db.put(v.s)
	}
	return nil
}
