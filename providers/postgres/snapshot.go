package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opSnapshot  = "take snapshot"
	opView      = "open view"
	beginReader = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
)

// snapshot is an exported snapshot that a keeper session holds open. A quiet one has no keeper.
type snapshot struct {
	db       *database
	keeper   *session
	exported string // name for SET TRANSACTION SNAPSHOT
	id       string
	taken    time.Time

	mu    sync.Mutex
	now   *session              // for what is asked outside of the views; nil before
	trees map[catalog.Name]bool // partitioned tables whose partitions the snapshot shows as the catalog did
}

// Snapshot implements providers.Database.
func (db *database) Snapshot(ctx context.Context, how providers.SnapshotOptions) (providers.Snapshot, error) {
	s, err := db.dial(ctx)
	if err != nil {
		return nil, err
	}
	sn := &snapshot{db: db, id: providers.QuietID, trees: make(map[catalog.Name]bool)}
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

// Close ends the keeper's session; views that are open continue.
func (sn *snapshot) Close() error {
	if sn.keeper != nil {
		sn.keeper.close()
		sn.keeper = nil
	}
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if sn.now != nil {
		sn.db.put(sn.now)
		sn.now = nil
	}
	return nil
}

// Begin implements providers.Snapshot.
func (sn *snapshot) Begin(ctx context.Context, tables []*catalog.Table) (providers.View, error) {
	s, err := sn.db.get(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{sn: sn, s: s, tables: tables, taken: make(map[catalog.Name]string)}
	if err := sn.begin(ctx, v, tables); err != nil {
		sn.end(s)
		return nil, err
	}
	return v, nil
}

func (sn *snapshot) begin(ctx context.Context, v *view, tables []*catalog.Table) error {
	sql := beginReader
	if sn.exported != "" {
		sql += "; SET TRANSACTION SNAPSHOT " + quoteLiteral(sn.exported)
	}
	if _, err := v.s.exec(ctx, opView, sql); err != nil {
		return snapshotError(err)
	}
	if len(tables) == 0 {
		return nil
	}
	err := v.take(ctx, rootsOf(tables))
	if isNoName(err) {
		return sn.missing(ctx, v.s, tables, err)
	}
	if err != nil {
		return err
	}
	return v.sameTree(ctx, tables)
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

// missing finds which of the tables is gone. Where all are there again, one was gone a moment
// ago: somebody changes the catalog while it is read.
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
			return &providers.Error{
				Kind:  providers.Changed,
				Op:    opView,
				Table: t.Name,
				Err:   errors.New("the table was dropped, or it or its schema was renamed"),
				Code:  "42P01",
			}
		}
	}
	return providers.Gone(cause)
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
	tables []*catalog.Table        // that Begin was given
	taken  map[catalog.Name]string // object ids of what is locked and was compared
	closed bool
}

// Read implements providers.View.
func (v *view) Read(ctx context.Context, t *catalog.Table, r catalog.Range, how providers.ReadOptions) (providers.Reader, error) {
	if err := v.take(ctx, v.parts(t, r)); err != nil {
		return nil, err
	}
	rd, err := openReader(ctx, v, t, r, how)
	if err != nil {
		return nil, err
	}
	return rd, nil
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
