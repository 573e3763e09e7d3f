// Package pgtest starts real PostgreSQL servers for tests.
//
// A test that only needs databases takes the test binary's one server from
// Shared and makes a database of its own with NewDatabase. A test that stops or
// breaks its server takes a private one from Start. Servers listen on a free
// loopback port, keep their data below the machine's directory for temporary files, run as an
// unprivileged user where the caller is root, and do not outlive the test binary.
//
// Role postgres connects without a password; every other role needs one.
package pgtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Server is one PostgreSQL cluster. Its methods are safe for concurrent use, except
// Stop and Restart.
type Server struct {
	Port int    // on 127.0.0.1; the same after Restart
	Bin  string // directory of the server's programs

	dir      string // the cluster's directory; removed when the server closes
	settings []string
	user     *account
	process  *process // nil for a handle on the shared server
}

// Option changes how Start runs a server.
type Option func(*Server)

// Setting sets a line of postgresql.conf, e.g. Setting("fsync", "on"). The
// default is a small server that never syncs.
func Setting(name, value string) Option {
	return func(s *Server) { s.settings = append(s.settings, name+" = '"+value+"'") }
}

// Start starts a server that ends with the test. Where PostgreSQL is not installed the test is
// skipped, or fails where DMO_TEST_REQUIRE=all.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s, err := start(opts)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	return s
}

// Shared returns the server that all tests of this binary use together. It is
// stopped by the kernel when the binary ends; do not Stop it.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		unavailable(t, err)
	}
	return s
}

// shared keeps what it knows about the server in a file of this process, so
// that tests need no variable between them.
func shared() (*Server, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	unlock, err := lockFolder(dir, fmt.Sprintf("run-%d-shared", os.Getpid()))
	if err != nil {
		return nil, err
	}
	defer unlock()
	note := filepath.Join(dir, fmt.Sprintf("run-%d-shared.json", os.Getpid()))
	if b, err := os.ReadFile(note); err == nil {
		s := new(Server)
		return s, json.Unmarshal(b, s)
	}
	s, err := start([]Option{Setting("max_connections", "200")})
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(note, b, 0o600)
}

func unavailable(t testing.TB, err error) {
	t.Helper()
	if missing(err) && os.Getenv("DMO_TEST_REQUIRE") != "all" {
		t.Skipf("PostgreSQL is not installed: %v", err)
	}
	t.Fatalf("start PostgreSQL: %v", err)
}

func start(opts []Option) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	user, err := unprivileged()
	if err != nil {
		return nil, err
	}
	s := &Server{Bin: bin, user: user}
	for _, o := range opts {
		o(s)
	}
	template, err := cachedTemplate(bin, user)
	if err != nil {
		return nil, err
	}
	if s.dir, err = newClusterDir(user); err != nil {
		return nil, err
	}
	if err := copyTree(template, filepath.Join(s.dir, "data"), user); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ { // another process may take the port first
		if s.Port, err = freePort(); err != nil {
			return nil, err
		}
		if err = s.Restart(); err == nil {
			return s, nil
		}
		if attempt == 3 {
			_ = os.RemoveAll(s.dir)
			return nil, err
		}
	}
}

// URL returns the connection URL of a database for role postgres.
func (s *Server) URL(database string) string { return s.URLAs("postgres", "", database) }

// URLAs returns the connection URL of a database for another role.
func (s *Server) URLAs(role, password, database string) string {
	u := url.URL{Scheme: "postgres", Host: s.Address(), Path: "/" + database, RawQuery: "sslmode=disable"}
	u.User = url.User(role)
	if password != "" {
		u.User = url.UserPassword(role, password)
	}
	return u.String()
}

// Address returns host and port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// NewDatabase makes an empty UTF8 database with the C collation, drops it when
// the test ends, and returns its URL.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text()[:10])
	s.Exec(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	t.Cleanup(func() {
		_ = s.TryExec("postgres", "DROP DATABASE "+name+" WITH (FORCE)") // a stopped server takes it along
	})
	return s.URL(name)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
