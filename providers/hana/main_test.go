package hana_test

import (
	"context"
	"testing"

	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// TestMain connects once: the driver starts a goroutine with its first connection and keeps it, which
// the suites would take for a leak.
func TestMain(m *testing.M) {
	warmUp()
	m.Run()
}

func warmUp() {
	srv, err := simulator.Start(simulator.Options{})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	b := &environment{addr: srv.Addr(), user: "SYSTEM", password: "Manager1", tls: "disable"}
	c, err := b.connector().Connect(context.Background())
	if err != nil {
		panic(err)
	}
	if err := c.Close(); err != nil {
		panic(err)
	}
}
