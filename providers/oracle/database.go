package oracle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/pool"
)

// database is one database with a pool of sessions. It is safe for concurrent use.
type database struct {
	cfg  *config
	env  providers.Env
	text *serverText
	server
	pool *pool.Pool[int, *session] // by the rows of a fetch
}

// server is what the database says about itself once, when it is opened.
type server struct {
	version    string // e.g. "19.0.0.0.0"
	release    [2]int // major and minor
	dba        bool   // the DBA_ views may be read; else the ALL_ views are
	user       string
	container  string
	unique     string // DB_UNIQUE_NAME
	id         string // DBID; empty without privilege
	parameters map[string]string
}

// view names a view of the dictionary in the family that may be read.
func (s *server) view(name string) string {
	if s.dba {
		return "DBA_" + name
	}
	return "ALL_" + name
}

func open(ctx context.Context, v schema.Values, env providers.Env) (*database, error) {
	cfg, err := parseConfig(v, env)
	if err != nil {
		return nil, err
	}
	db := &database{cfg: cfg, env: env, text: newServerText()}
	db.pool = pool.New(pool.Hooks[int, *session]{
		Open: func(ctx context.Context, fetch int) (*session, error) { return dial(ctx, cfg, db.text, fetch) },
		Kind: func(s *session) int { return s.fetch },
		Idle: func(s *session) bool { return !s.dead },
		Dead: func(s *session) bool { return s.dead },
		End:  func(s *session) error { s.close(); return nil },
		Most: env.Readers,
	})
	s, err := dial(ctx, cfg, db.text, fetchClass(cfg.fetchRows, 0))
	if err != nil {
		return nil, err
	}
	if err := db.inspect(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	db.put(s)
	return db, nil
}

// inspect asks what later statements depend on, and refuses servers that would be misread.
func (db *database) inspect(ctx context.Context, s *session) error {
	for _, ask := range []func(context.Context, *session) error{db.askVersion, db.askCharsets, db.askNames, db.askPrivileged} {
		if err := ask(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (db *database) askVersion(ctx context.Context, s *session) error {
	err := s.query(ctx, opCheck, "SELECT PRODUCT, VERSION FROM PRODUCT_COMPONENT_VERSION", nil, func(r row) error {
		if strings.HasPrefix(r.text(0), "Oracle Database") || strings.HasPrefix(r.text(0), "Oracle AI Database") {
			db.version = r.text(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(db.version, "%d.%d", &db.release[0], &db.release[1]); err != nil {
		return &providers.Error{Kind: providers.Unsupported, Op: opCheck, Err: errors.New("the server does not report its version"),
			Fix: "Connect to Oracle Database 12.1 or later."}
	}
	if !db.since(12, 1) {
		return &providers.Error{Kind: providers.Unsupported, Op: opCheck, Err: fmt.Errorf("server version %s is older than 12.1", db.version),
			Fix: "Upgrade the server to 12.1 or later."}
	}
	return nil
}

// since says whether the server is of that release or a later one.
func (s *server) since(major, minor int) bool {
	return s.release[0] > major || s.release[0] == major && s.release[1] >= minor
}

func (db *database) askCharsets(ctx context.Context, s *session) error {
	sets := make(map[string]string)
	err := s.query(
		ctx,
		opCheck,
		"SELECT PARAMETER, VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER IN ('NLS_CHARACTERSET', 'NLS_NCHAR_CHARACTERSET')",
		nil,
		func(r row) error {
			sets[r.text(0)] = r.text(1)
			return nil
		},
	)
	if err != nil {
		return err
	}
	set, national := sets["NLS_CHARACTERSET"], sets["NLS_NCHAR_CHARACTERSET"]
	if set != "AL32UTF8" && set != "UTF8" {
		return &providers.Error{Kind: providers.Unsupported, Op: opCheck, Err: fmt.Errorf("the database's character set is %s", set),
			Fix: "Migrate the database to AL32UTF8 first (DMU); only AL32UTF8 and UTF8 are supported."}
	}
	if national != "AL16UTF16" && national != "UTF8" {
		return &providers.Error{Kind: providers.Unsupported, Op: opCheck, Err: fmt.Errorf("the database's national character set is %s", national),
			Fix: "Only AL16UTF16 and UTF8 are supported as national character sets."}
	}
	db.text.cesu.Store(set == "UTF8")
	return nil
}

func (db *database) askNames(ctx context.Context, s *session) error {
	r, err := s.one(
		ctx,
		opCheck,
		"SELECT SYS_CONTEXT('USERENV', 'SESSION_USER'), SYS_CONTEXT('USERENV', 'CON_NAME'), SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME') FROM DUAL",
	)
	if err != nil {
		return err
	}
	if r == nil {
		return &providers.Error{Kind: providers.Internal, Op: opCheck, Err: errForm}
	}
	db.user, db.container, db.unique = r.text(0), r.text(1), r.text(2)
	return nil
}

// askPrivileged asks what only some users may see; without it there is less to go by.
func (db *database) askPrivileged(ctx context.Context, s *session) error {
	_, err := s.one(ctx, opCheck, "SELECT COUNT(*) FROM DBA_TABLES WHERE 1 = 0")
	if db.dba = err == nil; err != nil && !hidden(err) {
		return err
	}
	r, err := s.one(ctx, opCheck, "SELECT DBID, OPEN_MODE, DATABASE_ROLE FROM V$DATABASE")
	if err != nil && !hidden(err) {
		return err
	}
	if err == nil && r != nil {
		db.id = r.text(0)
	}
	db.parameters = make(map[string]string)
	err = s.query(
		ctx,
		opCheck,
		"SELECT NAME, VALUE FROM V$PARAMETER WHERE NAME IN ('undo_retention', 'processes', 'sessions', 'db_block_size')",
		nil,
		func(r row) error {
			db.parameters[r.text(0)] = r.text(1)
			return nil
		},
	)
	if err != nil && !hidden(err) {
		return err
	}
	return nil
}

// hidden says whether err means that the user may not see a view, or that it is not there.
func hidden(err error) bool { return isCode(err, 942, 1031, 4043) }

// noPackage says whether err means that the user may not call a package: to a query it does
// not exist (ORA-00904).
func noPackage(err error) bool { return isCode(err, 904) || hidden(err) }

// fetchClasses is how many sizes of a fetch there are: each an eighth of the one before.
const fetchClasses = 5

// fetchClass is the size of a fetch for rows of that many bytes, so that a page, which the
// driver holds in objects of its own, stays at about 4 MiB.
func fetchClass(most int, width int64) int {
	const page = 4 << 20
	for range fetchClasses - 1 {
		if int64(most)*width <= page || most <= 8 {
			break
		}
		most /= 8
	}
	return max(most, 1)
}

// put takes a session back.
func (db *database) put(s *session) { _ = db.pool.Put(s) }

// with runs f on a session.
func (db *database) with(ctx context.Context, f func(*session) error) error {
	return db.pool.With(ctx, fetchClass(db.cfg.fetchRows, 0), f)
}

// Close ends all idle sessions; those in use end when they are put back.
func (db *database) Close() error { return db.pool.Close() }

// Identity is made of the database's DBID, the container and the schema. A physical copy has
// the same one. Without the privilege to see the DBID, the unique name stands for it.
func (db *database) Identity(context.Context) (string, error) {
	if db.id == "" {
		return fmt.Sprintf("oracle:%s@%s/%s/%s", db.unique, db.cfg.address(), db.container, db.cfg.schema), nil
	}
	return fmt.Sprintf("oracle:%s/%s/%s", db.id, db.container, db.cfg.schema), nil
}

// Catalog reads structures and sizes with a fixed number of statements.
func (db *database) Catalog(ctx context.Context, sel providers.Selector) (*catalog.Catalog, error) {
	schemas := sel.Schemas
	if len(schemas) == 0 {
		schemas = []string{db.cfg.schema}
	}
	out := &catalog.Catalog{Engine: engine}
	if sel.Tables == nil || len(sel.Tables) > 0 {
		err := db.with(ctx, func(s *session) (err error) {
			out, err = readCatalog(ctx, db, s, catalogQuestion{schemas: schemas, wanted: sel.Tables, structureOnly: sel.StructureOnly})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var err error
	out.Identity, err = db.Identity(ctx)
	out.Version, out.Schema = "Oracle Database "+db.version, db.cfg.schema
	return out, err
}
