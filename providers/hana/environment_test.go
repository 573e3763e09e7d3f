package hana_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
	"github.com/dmoctl/dmoctl/providers/providertest"
)

const (
	testSchema = "DMO_CONFORMANCE"
	// realServer names a server that tests may empty: schemas DMO and DMO_CONFORMANCE are dropped.
	realServer = "DMO_TEST_HANA_URL" // hdb://user:password@host:port
)

// environment is one database: a simulator of its own or the real server.
type environment struct {
	sim      *simulator.Server // nil of a real server
	addr     string
	user     string
	password string
	tls      string

	mu     sync.Mutex
	client *sql.DB // knows nothing of the provider
}

// newBed starts a simulator with an empty schema.
func newBed(t testing.TB) *environment {
	t.Helper()
	srv, err := simulator.Start(simulator.Options{Prefetch: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close the simulator: %v", err)
		}
	})
	b := &environment{sim: srv, addr: srv.Addr(), user: "SYSTEM", password: "Manager1", tls: "disable"}
	b.fresh(t)
	return b
}

// realBed takes the real server that the environment names, and empties what tests use of it.
func realBed(t testing.TB, text string) *environment {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		t.Fatalf("%s is no URL such as hdb://user:password@host:port", realServer)
	}
	b := &environment{addr: u.Host, user: u.User.Username(), tls: "insecure"}
	b.password, _ = u.User.Password()
	b.client = sql.OpenDB(b.connector())
	for _, s := range []string{"DMO", testSchema} {
		_ = b.TryExec(`DROP SCHEMA "` + s + `" CASCADE`) // not there the first time
	}
	b.client.Close()
	b.fresh(t)
	return b
}

func (b *environment) fresh(t testing.TB) {
	t.Helper()
	b.client = sql.OpenDB(b.connector())
	t.Cleanup(func() { b.client.Close() })
	if err := b.TryExec(`CREATE SCHEMA "` + testSchema + `"`); err != nil {
		t.Fatal(err)
	}
}

// beds makes the databases of a suite. The real server is one database only, so that a test's
// second one is a simulator.
type beds struct {
	mu    sync.Mutex
	taken map[string]bool // by test
}

func (s *beds) next(t testing.TB) *environment {
	text := os.Getenv(realServer)
	s.mu.Lock()
	first := !s.taken[t.Name()]
	s.taken[t.Name()] = true
	s.mu.Unlock()
	if text != "" && first {
		return realBed(t, text)
	}
	return newBed(t)
}

func (b *environment) connector() *hdb.Connector {
	c := hdb.NewBasicAuthConnector(b.addr, b.user, b.password)
	c.SetFetchSize(1000)
	c.SetLogger(slog.New(slog.DiscardHandler))
	if b.tls != "disable" {
		if err := c.SetTLS("", true); err != nil {
			panic(err)
		}
	}
	return c
}

// Values implements providertest.Database.
func (b *environment) Values() schema.Values {
	host, port, err := net.SplitHostPort(b.addr)
	if err != nil {
		panic(err)
	}
	n, err := strconv.ParseInt(port, 10, 64)
	if err != nil {
		panic(err)
	}
	return schema.Values{"host": host, "port": n, "user": b.user, "password": b.password, "tls": b.tls, "schema": testSchema, "existing": "require-empty"}
}

// TryExec implements providertest.Database. All statements between BEGIN and COMMIT are one transaction.
func (b *environment) TryExec(text string) error {
	_, err := b.run(text)
	return err
}

// TryQuery implements providertest.Database.
func (b *environment) TryQuery(text string) (string, error) { return b.run(text) }

func (b *environment) run(text string) (out string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ctx := context.Background()
	conn, err := b.client.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if !strings.Contains(text, " SCHEMA ") { // which makes or drops it
		if _, err := conn.ExecContext(ctx, `SET SCHEMA "`+testSchema+`"`); err != nil {
			return "", err
		}
	}
	var tx *sql.Tx
	for _, s := range statements(text) {
		switch {
		case s == "BEGIN":
			tx, err = conn.BeginTx(ctx, nil)
		case s == "COMMIT":
			err, tx = tx.Commit(), nil
		case strings.HasPrefix(s, "SELECT"):
			out, err = query(ctx, conn, spelled(s))
		case tx != nil:
			_, err = tx.ExecContext(ctx, spelled(s))
		default:
			_, err = conn.ExecContext(ctx, spelled(s))
		}
		if err != nil {
			return "", fmt.Errorf("%.300s: %w", spelled(s), err)
		}
	}
	return out, nil
}

// statements splits a script at semicolons outside of quotes.
func statements(text string) (out []string) {
	var quote byte
	start := 0
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ';':
			out = append(out, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	out = append(out, strings.TrimSpace(text[start:]))
	kept := out[:0]
	for _, s := range out {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

var (
	tokens = regexp.MustCompile(`"(?:[^"]|"")*"|'(?:[^']|'')*'|[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?|[A-Za-z_][A-Za-z0-9_]*\(?|.|\n`)
	lower  = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
)

// spelled turns the suites' portable SQL into HANA's: names in lower case are quoted, because it
// folds to upper case, and tables are column tables.
func spelled(sql string) string {
	var b strings.Builder
	for _, t := range tokens.FindAllString(sql, -1) {
		if lower.MatchString(t) {
			t = `"` + t + `"`
		}
		b.WriteString(t)
	}
	return strings.Replace(b.String(), "CREATE TABLE", "CREATE COLUMN TABLE", 1)
}

func query(ctx context.Context, conn *sql.Conn, text string) (string, error) {
	tx, err := conn.BeginTx(ctx, nil) // large objects are read in a transaction
	if err != nil {
		return "", err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	rows, err := tx.QueryContext(ctx, text)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		cells := make([]any, len(types))
		for i := range cells {
			cells[i] = new(any)
			if strings.HasSuffix(types[i].DatabaseTypeName(), "LOB") {
				cells[i] = &hdb.NullLob{Lob: hdb.NewLob(nil, new(strings.Builder))}
			}
		}
		if err := rows.Scan(cells...); err != nil {
			return "", err
		}
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = printed(c, types[i])
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	return strings.Join(lines, "\n"), errors.Join(rows.Err(), rows.Close())
}

// printed prints a value as the driver hands it out.
func printed(cell any, t *sql.ColumnType) string {
	if lob, ok := cell.(*hdb.NullLob); ok {
		if !lob.Valid {
			return providertest.Null
		}
		return lob.Lob.Writer().(*strings.Builder).String()
	}
	switch v := (*cell.(*any)).(type) {
	case nil:
		return providertest.Null
	case []byte:
		return string(v)
	case float64:
		if t.DatabaseTypeName() == "REAL" {
			return fmt.Sprintf("%08x", math.Float32bits(float32(v)))
		}
		return fmt.Sprintf("%016x", math.Float64bits(v))
	case *big.Rat:
		if _, scale, ok := t.DecimalSize(); ok && t.DatabaseTypeName() != "DECIMAL" {
			return v.FloatString(int(scale))
		}
		n, _ := v.FloatPrec()
		return v.FloatString(n)
	case time.Time:
		return v.Format("2006-01-02 15:04:05.0000000")
	default:
		return fmt.Sprint(v)
	}
}

// exec runs statements by the independent client.
func (b *environment) exec(t testing.TB, sql string) {
	t.Helper()
	if err := b.TryExec(sql); err != nil {
		t.Fatal(err)
	}
}

func (b *environment) query(t testing.TB, sql string) string {
	t.Helper()
	out, err := b.TryQuery(sql)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var _ driver.Connector = (*hdb.Connector)(nil)
