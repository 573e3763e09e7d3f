package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opSnapshot  = "take snapshot"
	opView      = "open view"
	quietID     = "quiet"
	beginReader = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
)

// snapshot is an exported snapshot that a keeper session holds open. A quiet one has no keeper.
type snapshot struct {
	db       *database
	keeper   *session
	exported string // name for SET TRANSACTION SNAPSHOT
	id       string
	taken    time.Time
}

// Snapshot implements providers.Database.
func (db *database) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	s, err := db.dial(ctx)
	if err != nil {
		return nil, err
	}
	sn := &snapshot{db: db, id: quietID}
	if _, err = s.exec(ctx, opSnapshot, beginReader); err != nil {
		s.close()
		return nil, err
	}
	export := "pg_export_snapshot()"
	if how.Quiet {
		export = "''"
	}
	r, err := s.one(ctx, opSnapshot, "SELECT "+export+", extract(epoch FROM clock_timestamp())::text")
	if err != nil {
		s.close()
		return nil, err
	}
	var seconds float64
	if _, err := fmt.Sscan(r.text(1), &seconds); err != nil {
		s.close()
		return nil, wrap(opSnapshot, err)
	}
	sn.taken = time.UnixMicro(int64(seconds * 1e6)).UTC()
	if how.Quiet {
		_, err = s.exec(ctx, opSnapshot, "COMMIT")
		db.put(s)
		return sn, err
	}
	// The server uses names again after a restart; the time makes the ID unique.
	sn.keeper, sn.exported = s, r.text(0)
	sn.id = sn.exported + "@" + sn.taken.Format(time.RFC3339Nano)
	return sn, nil
}

func (sn *snapshot) ID() string      { return sn.id }
func (sn *snapshot) Time() time.Time { return sn.taken }

// Close ends the keeper's session; views that are open go on.
func (sn *snapshot) Close() error {
	if sn.keeper != nil {
		sn.keeper.close()
		sn.keeper = nil
	}
	return nil
}

// Begin implements providers.Snapshot.
func (sn *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	s, err := sn.db.get(ctx)
	if err != nil {
		return nil, err
	}
	if err := sn.begin(ctx, s, tables); err != nil {
		sn.end(s)
		return nil, err
	}
	return &view{sn: sn, s: s}, nil
}

func (sn *snapshot) begin(ctx context.Context, s *session, tables []*catalog.Table) error {
	sql := beginReader
	if sn.exported != "" {
		sql += "; SET TRANSACTION SNAPSHOT " + quoteLiteral(sn.exported)
	}
	if _, err := s.exec(ctx, opView, sql); err != nil {
		return snapshotError(err)
	}
	if len(tables) == 0 {
		return nil
	}
	locks := make([]string, len(tables))
	for i, t := range tables {
		locks[i] = from(t, catalog.Range{})
	}
	// The lock comes first: a rewrite that is under way ends before the files are compared.
	if _, err := s.exec(ctx, opView, "LOCK TABLE "+strings.Join(locks, ", ")+" IN ACCESS SHARE MODE"); err != nil {
		var e *providers.Error
		if errors.As(err, &e) && e.Code == "42P01" {
			return sn.missing(ctx, s, tables, err)
		}
		return err
	}
	return sn.checkFiles(ctx, s, tables)
}

// snapshotError tells a snapshot that is gone from other errors: its file is
// missing (22023), its transaction has ended (55000), or a standby has cancelled it (40001,
// which reading alone never meets otherwise).
func snapshotError(err error) error {
	var e *providers.Error
	if errors.As(err, &e) && (e.Code == "22023" || e.Code == "55000" || e.Code == "42704" || e.Code == "40001") {
		e.Kind = providers.SnapshotLost
	}
	return err
}

// missing finds which of the tables is gone.
func (sn *snapshot) missing(ctx context.Context, s *session, tables []*catalog.Table, cause error) error {
	if _, err := s.exec(ctx, opView, "ROLLBACK"); err != nil {
		return err
	}
	for _, t := range tables {
		r, err := s.one(ctx, opView, "SELECT to_regclass($1) IS NULL", quoteName(t.Name))
		if err != nil {
			return err
		}
		if r.bool(0) {
			return &providers.Error{Kind: providers.Changed, Op: opView, Table: t.Name, Err: errors.New("the table was dropped"), Code: "42P01"}
		}
	}
	return cause
}

// filesSQL compares, for every leaf, the file that the snapshot sees with the one
// the table has now. A rewritten table shows an older snapshot no rows, or half of them.
const filesSQL = `
SELECT w.ord, c.relfilenode IS NULL, c.relfilenode, pg_relation_filenode(c.oid)
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(nsp, rel, ord)
LEFT JOIN pg_namespace n ON n.nspname = w.nsp LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel
ORDER BY w.ord`

func (sn *snapshot) checkFiles(ctx context.Context, s *session, tables []*catalog.Table) error {
	var owners []*catalog.Table
	var schemas, names, files []string
	add := func(t *catalog.Table, n catalog.Name, file string) {
		owners, schemas, names, files = append(owners, t), append(schemas, n.Schema), append(names, n.Name), append(files, file)
	}
	for _, t := range tables {
		if t.PartitionBy == "" {
			add(t, t.Name, t.File)
		}
		for _, p := range t.Partitions {
			if p.Leaf() {
				add(t, p.Name, p.File)
			}
		}
	}
	return s.query(ctx, opView, filesSQL, []string{textArray(schemas), textArray(names)}, func(r row) error {
		i := r.int(0) - 1
		seen, now := r.text(2), r.text(3)
		if r.bool(1) || seen != now || files[i] != "" && files[i] != now {
			return &providers.Error{Kind: providers.Changed, Op: opView, Table: owners[i].Name,
				Err: errors.New("the table was rewritten (TRUNCATE, VACUUM FULL, CLUSTER or ALTER TABLE) or made anew"),
				Fix: "Run the same command again to copy the table from a new snapshot."}
		}
		return nil
	})
}

func (sn *snapshot) end(s *session) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if !s.dead && !s.idle() {
		if _, err := s.exec(ctx, opView, "ROLLBACK"); err != nil {
			s.dead = true
		}
	}
	sn.db.put(s)
}

// view is one transaction that has imported the snapshot.
type view struct {
	sn     *snapshot
	s      *session
	closed bool
}

// Read implements providers.View.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	rd, err := openReader(ctx, v, t, r, how)
	if err != nil {
		return nil, err
	}
	return rd, nil
}

// Count implements providers.View.
func (v *view) Count(ctx context.Context, tables []*catalog.Table) ([]providers.Counted, error) {
	out := make([]providers.Counted, len(tables))
	const most = 500 // columns of one result
	for start := 0; start < len(tables); start += most {
		part := tables[start:min(start+most, len(tables))]
		list := make([]string, len(part))
		for i, t := range part {
			list[i] = "(SELECT count(*) FROM " + v.sn.db.from(t, catalog.Range{}) + ")"
		}
		r, err := v.s.one(ctx, "count", "SELECT "+strings.Join(list, ", "))
		if err != nil {
			return nil, err
		}
		for i := range part {
			out[start+i].Rows = r.int(i)
		}
	}
	return out, v.changes(ctx, tables, out)
}

// changesSQL adds up the counters of inserted, updated and deleted rows, leaves
// included. Before it stands when they were last reset, by hand or by a crash.
const changesSQL = `
SELECT w.ord, concat((SELECT extract(epoch FROM stats_reset) FROM pg_stat_bgwriter), '/',
  (SELECT extract(epoch FROM stats_reset) FROM pg_stat_database WHERE datname = current_database())),
  sum(pg_stat_get_tuples_inserted(l.oid) + pg_stat_get_tuples_updated(l.oid) + pg_stat_get_tuples_deleted(l.oid))
FROM unnest($1::text[]) WITH ORDINALITY w(rel, ord),
  LATERAL (SELECT w.rel::regclass::oid UNION SELECT relid FROM pg_partition_tree(w.rel::regclass)) l(oid)
GROUP BY w.ord ORDER BY w.ord`

func (v *view) changes(ctx context.Context, tables []*catalog.Table, out []providers.Counted) error {
	quoted := make([]string, len(tables))
	for i, t := range tables {
		quoted[i] = quoteName(t.Name)
	}
	return v.s.query(ctx, "read change counters", changesSQL, []string{textArray(quoted)}, func(r row) error {
		out[r.int(0)-1].Changes = r.text(1) + ":" + r.text(2)
		return nil
	})
}

// Close implements providers.View.
func (v *view) Close() error {
	if !v.closed {
		v.closed = true
		v.sn.end(v.s)
	}
	return nil
}

// isState says whether err is the server's error of one of these codes.
func isState(err error, codes ...string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains(codes, pg.Code)
}
