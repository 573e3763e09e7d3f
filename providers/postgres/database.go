package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/pool"
)

type role string

const (
	source     role = "source"
	targetRole role = "target"
)

// database is one database with a pool of sessions. It is safe for concurrent use.
type database struct {
	cfg     *pgconn.Config // holds the password in the clear
	env     providers.Env
	role    role
	schema  string
	version string // server_version
	waits   *watcher

	pool *pool.Pool[struct{}, *session]
}

func open(ctx context.Context, v schema.Values, env providers.Env, as role) (*database, error) {
	cfg, err := parseConfig(v, env.Application, as)
	if err != nil {
		return nil, err
	}
	db := &database{cfg: cfg, env: env, role: as, schema: cmp.Or(v.String("schema"), "public")}
	db.waits = watchWaits(db, env.Waiting)
	db.pool = pool.New(pool.Hooks[struct{}, *session]{
		Open: func(ctx context.Context, _ struct{}) (*session, error) { return db.dial(ctx) },
		Idle: (*session).idle,
		Dead: func(s *session) bool { return s.dead },
		End:  func(s *session) error { s.close(); return nil },
	})
	s, err := db.dial(ctx)
	if err != nil {
		db.waits.close()
		return nil, err
	}
	r, err := s.one(
		ctx,
		"check the server",
		"SELECT current_setting('server_version_num'), current_setting('server_version'), "+
			"pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()",
	)
	if err == nil {
		db.version = r.text(1)
		err = acceptable(r)
	}
	if err != nil {
		s.close()
		db.waits.close()
		return nil, err
	}
	db.put(s)
	return db, nil
}

// acceptable refuses servers whose data this package would misread.
func acceptable(r row) error {
	if r.int(0) < minVersion {
		return &providers.Error{Kind: providers.Unsupported, Op: "check the server",
			Err: fmt.Errorf("PostgreSQL %s is older than 14", r.text(1)), Fix: "Upgrade the server to PostgreSQL 14 or later."}
	}
	if e := r.text(2); e != "UTF8" {
		return &providers.Error{Kind: providers.Unsupported, Op: "check the server", Err: fmt.Errorf("the database's encoding is %s", e),
			Fix: "Dump and restore it into a database with ENCODING 'UTF8' first; only UTF8 is supported."}
	}
	return nil
}

func (db *database) dial(ctx context.Context) (*session, error) {
	s, err := dial(ctx, db.cfg)
	if err != nil {
		return nil, err
	}
	s.role = db.role
	db.waits.add(s)
	if err := db.pin(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// get returns a session outside any transaction.
func (db *database) get(ctx context.Context) (*session, error) {
	return db.pool.Get(ctx, struct{}{})
}

// put takes a session back.
func (db *database) put(s *session) { _ = db.pool.Put(s) }

// with runs f on a session.
func (db *database) with(ctx context.Context, f func(*session) error) error {
	return db.pool.With(ctx, struct{}{}, f)
}

// Close ends all idle sessions; those in use end when they are put back.
func (db *database) Close() error {
	defer db.waits.close()
	return db.pool.Close()
}

// Identity is made of the cluster's system identifier, the database and the
// schema. A physical copy of the cluster has the same one.
func (db *database) Identity(ctx context.Context) (string, error) {
	var id string
	err := db.with(ctx, func(s *session) (err error) {
		id, err = db.identity(ctx, s)
		return err
	})
	return id, err
}

func (db *database) identity(ctx context.Context, s *session) (string, error) {
	const op = "read identity"
	r, err := s.one(
		ctx,
		op,
		"SELECT oid, datname, has_function_privilege('pg_control_system()', 'EXECUTE') FROM pg_database WHERE datname = current_database()",
	)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s/%s/%s", r.text(0), r.text(1), db.schema)
	if !r.bool(2) { // an administrator took the privilege away
		return fmt.Sprintf("postgres:%s:%d/%s", db.cfg.Host, db.cfg.Port, name), nil
	}
	c, err := s.one(ctx, op, "SELECT system_identifier FROM pg_control_system()")
	if err != nil {
		return "", err
	}
	return "postgres:" + c.text(0) + "/" + name, nil
}

// Catalog reads structures and sizes with a fixed number of statements.
func (db *database) Catalog(ctx context.Context, sel providers.Selector) (*catalog.Catalog, error) {
	schemas := sel.Schemas
	if len(schemas) == 0 {
		schemas = []string{db.schema}
	}
	var out *catalog.Catalog
	err := db.with(ctx, func(s *session) (err error) {
		if sel.Tables != nil && len(sel.Tables) == 0 {
			out = &catalog.Catalog{Engine: engine}
		} else if out, err = readCatalog(ctx, s, schemas, sel); err != nil {
			return err
		}
		out.Identity, err = db.identity(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Version, out.Schema = "PostgreSQL "+db.version, db.schema
	return out, nil
}
