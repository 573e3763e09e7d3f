package hana

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/pool"
)

// minVersion is the oldest server whose manual this package was written by.
const minVersion = 2

// database is one database with pools of sessions. It is safe for concurrent use.
type database struct {
	access  *access
	env     providers.Env
	schema  string
	version string
	system  string // system id and database name
	user    string // as the server spells it

	pool *pool.Pool[settings, *session]
}

func open(ctx context.Context, v schema.Values, env providers.Env) (*database, error) {
	a, err := parseAccess(v, env.Dir)
	if err != nil {
		return nil, err
	}
	db := &database{access: a, env: env, schema: v.String("schema")}
	db.pool = pool.New(pool.Hooks[settings, *session]{
		Open: func(ctx context.Context, how settings) (*session, error) { return dial(ctx, a, how) },
		Kind: func(s *session) settings { return s.how },
		Idle: (*session).idle,
		Dead: func(s *session) bool { return s.dead },
		End:  func(s *session) error { s.close(); return nil },
	})
	s, err := dial(ctx, a, db.plain())
	if err != nil {
		return nil, err
	}
	if err := db.check(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	db.put(s)
	return db, nil
}

// plain are the settings of sessions that ask and alter.
func (db *database) plain() settings {
	return settings{application: db.env.Application, fetch: fetchRows}
}

// check refuses servers that this package does not know.
func (db *database) check(ctx context.Context, s *session) error {
	const op = "check the server"
	r, err := s.one(ctx, op, `SELECT "VERSION", "SYSTEM_ID", "DATABASE_NAME" FROM "SYS"."M_DATABASE"`)
	if err != nil {
		return err
	}
	if r == nil {
		return &providers.Error{
			Kind: providers.Unsupported,
			Op:   op,
			Err:  errors.New("SYS.M_DATABASE is empty"),
			Fix:  "Check that host and port belong to SAP HANA.",
		}
	}
	db.version, db.system = r.text(0), r.text(1)+"/"+r.text(2)
	major, _, _ := strings.Cut(db.version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < minVersion {
		return &providers.Error{Kind: providers.Unsupported, Op: op, Err: fmt.Errorf("SAP HANA %s is older than 2.0", db.version),
			Fix: "Upgrade the server to SAP HANA 2.0 or later."}
	}
	if r, err = s.one(ctx, op, `SELECT CURRENT_USER FROM "SYS"."DUMMY"`); err != nil {
		return err
	}
	db.user = r.text(0)
	return nil
}

// dial opens a session beside the pool.
func (db *database) dial(ctx context.Context, how settings) (*session, error) {
	s, err := dial(ctx, db.access, how)
	return s, pool.WentAway(err)
}

// put takes a session back.
func (db *database) put(s *session) { _ = db.pool.Put(s) }

// with runs f on a session that asks and alters.
func (db *database) with(ctx context.Context, f func(*session) error) error {
	return db.pool.With(ctx, db.plain(), f)
}

// Close ends all idle sessions; those in use end when they are put back.
func (db *database) Close() error { return db.pool.Close() }

// Identity is made of the system id, the tenant database and the schema. A copy of
// the system that keeps its id has the same one.
func (db *database) Identity(context.Context) (string, error) {
	return engine + ":" + db.system + "/" + db.schema, nil
}

// Catalog reads structures and sizes with a fixed number of statements a schema.
func (db *database) Catalog(ctx context.Context, sel providers.Selector) (*catalog.Catalog, error) {
	schemas := sel.Schemas
	if len(schemas) == 0 {
		schemas = []string{db.schema}
	}
	out := &catalog.Catalog{Engine: engine}
	if sel.Tables == nil || len(sel.Tables) > 0 {
		err := db.with(ctx, func(s *session) (err error) {
			out, err = readCatalog(ctx, s, schemas, sel)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out.Version, out.Schema = "SAP HANA "+db.version, db.schema
	out.Identity, _ = db.Identity(ctx)
	return out, nil
}
