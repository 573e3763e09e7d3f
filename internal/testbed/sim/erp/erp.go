// Package erp starts a simulated Oracle that holds the SAP-like sample, in the schema that SAP's
// installations have it in.
//
// [Start] makes and fills it; structures are made over the wire, as an administrator would make
// them, and rows are loaded past it, which is a hundred times faster.
package erp

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"

	_ "github.com/sijms/go-ora/v2" // the driver "oracle"

	"github.com/dmoctl/dmoctl/internal/sample"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

// Who owns the sample, and the service that its database is known by.
const (
	Owner    = "SAPSR3"
	Password = "Sap-Sr3-2002"
	Service  = "ERP"
)

// Watcher is told every table that is made, by its CREATE TABLE with no rows, and then its rows, as
// the sample hands them out. They are its only until it returns. Nil is allowed.
type Watcher func(into sample.OracleTable, statement string, rows [][]any)

// Start gives a server with the sample in it. The caller closes it.
func Start(ctx context.Context, o sample.Options, watch Watcher) (*oracle.Server, error) {
	server := oracle.Options{User: Owner, Password: Password, Service: Service}
	if o.Oracle.Refused {
		server.Version = "23.4.0.0.0" // older ones know no VECTOR
	}
	srv, err := oracle.Start(server)
	if err != nil {
		return nil, err
	}
	if err := Fill(ctx, srv, o, watch); err != nil {
		return nil, errors.Join(err, srv.Close())
	}
	return srv, nil
}

// Fill writes the sample into a server that Start's user and service are known to.
func Fill(ctx context.Context, srv *oracle.Server, o sample.Options, watch Watcher) (err error) {
	db, err := sql.Open("oracle", URL(srv))
	if err != nil {
		return fmt.Errorf("fill the source: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("fill the source: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if watch == nil {
		watch = func(sample.OracleTable, string, [][]any) {}
	}
	return sample.WriteOracle(ctx, o, sample.OracleSink{
		Exec: func(ctx context.Context, statement string) error {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%.200s: %w", statement, err)
			}
			watch(sample.OracleTable{}, statement, nil)
			return nil
		},
		Insert: func(_ context.Context, into sample.OracleTable, rows [][]any) error {
			owner := into.Schema
			if owner == "" {
				owner = Owner
			}
			if _, err := srv.Load(owner, into.Name, slices.Values(rows)); err != nil {
				return err
			}
			watch(into, "", rows)
			return nil
		},
	}, nil)
}

// URL is how sijms/go-ora reaches a server of Start.
func URL(srv *oracle.Server) string {
	u := url.URL{Scheme: "oracle", User: url.UserPassword(Owner, Password), Host: srv.Addr(), Path: "/" + Service, RawQuery: "SERVER+LOCATION=UTC"}
	return u.String()
}
