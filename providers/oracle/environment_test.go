package oracle_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/oracle"
)

// environment is a simulator with the provider and an independent client on it.
type environment struct {
	*served
	srv *simulator.Server
}

// newBed starts a simulator. A nil Options is one user who may do everything.
func newBed(t testing.TB, o *simulator.Options) *environment {
	t.Helper()
	if o == nil {
		o = &simulator.Options{}
	}
	o.User, o.Password = testUser, "secret"
	srv, err := simulator.Start(*o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close the simulator: %v", err)
		}
	})
	host, port, err := net.SplitHostPort(srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	d := connected(t, printedURL(srv.Addr(), testUser, "secret", "ORCL"), schema.Values{"host": host, "port": number, "service": "ORCL",
		"user": testUser, "password": "secret", "tls": "disable"})
	return &environment{d, srv}
}

func simulated(t testing.TB) *served { return newBed(t, nil).served }

// source opens the provider, with arguments that differ from the environment's.
func (b *environment) source(t testing.TB, other schema.Values) providers.Database {
	t.Helper()
	db, err := b.open(t.Context(), other)
	if err != nil {
		t.Fatalf("open source: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func (b *environment) open(ctx context.Context, other schema.Values) (providers.Database, error) {
	v := b.Values()
	for name, value := range other {
		v[name] = value
	}
	return oracle.Driver().OpenSource(ctx, v, providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test", Readers: 2, Writers: 1})
}

// exec runs Oracle's own SQL.
func (b *environment) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := b.db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%v\n%.500s", err, s)
		}
	}
}

// table reads one table of the catalog.
func (b *environment) table(t testing.TB, db providers.Database, name string) *catalog.Table {
	t.Helper()
	n := catalog.Name{Schema: testUser, Name: name}
	c, err := db.Catalog(t.Context(), providers.Selector{Tables: []catalog.Name{n}})
	if err != nil {
		t.Fatalf("catalog: %v", err)
	}
	found := c.Find(n)
	if found == nil {
		t.Fatalf("no table %s", n)
	}
	return found
}

// seen says how many statements held a text.
func (b *environment) seen(part string) int {
	n := 0
	for _, s := range b.srv.Statements() {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}
