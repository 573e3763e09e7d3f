package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strconv"
	"time"

	hdb "github.com/SAP/go-hdb/driver"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/hashicorp/go-hclog"
	ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/erp"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
	"github.com/dmoctl/dmoctl/providers/oracle"
)

// The clients of the suite oracle_hana are processes of their own, so that what is measured is the
// client alone. Each reads where to connect from ORACLE_ADDR and HANA_ADDR.

// clientPage is how many rows go out in one call.
const clientPage = 2000

const benchSelect = `SELECT t."MANDT", t."VBELN", t."POSNR", t."NETWR", t."KURSK", t."ERDAT", t."WAERK", t."GUID" FROM "SAPSR3"."VBAP" t`

// runClient is one client's work: so many rows.
func runClient(ctx context.Context, name, count string) error {
	rows, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	clients := map[string]func(context.Context, int64) error{
		"read-driver": readByDriver, "read-dmoctl": readByProvider, "write-driver": writeByDriver, "write-dmoctl": writeByProvider,
	}
	run, ok := clients[name]
	if !ok {
		return fmt.Errorf("no client %q", name)
	}
	return run(ctx, rows)
}

func wantRows(got, want int64) error {
	if got != want {
		return fmt.Errorf("%d rows of %d", got, want)
	}
	return nil
}

// readByDriver throws the driver's rows away: its own ceiling.
func readByDriver(ctx context.Context, rows int64) error {
	c, err := ora.NewConnection(
		fmt.Sprintf("oracle://%s:%s@%s/%s?SERVER+LOCATION=UTC&PREFETCH_ROWS=2000", erp.Owner, erp.Password, os.Getenv("ORACLE_ADDR"), erp.Service),
		nil,
	)
	if err != nil {
		return err
	}
	if err := c.OpenWithContext(ctx); err != nil {
		return err
	}
	defer c.Close()
	rs, err := c.QueryContext(ctx, benchSelect, nil)
	if err != nil {
		return err
	}
	n, dest := int64(0), make([]driver.Value, len(rs.Columns()))
	for ; ; n++ {
		if err := rs.Next(dest); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	return errors.Join(wantRows(n, rows), rs.Close())
}

// source opens dmoctl's reader and the table.
func benchSource(ctx context.Context) (providers.Database, *catalog.Table, error) {
	host, port, err := hostPort(os.Getenv("ORACLE_ADDR"))
	if err != nil {
		return nil, nil, err
	}
	db, err := oracle.Driver().OpenSource(ctx, schema.Values{"host": host, "port": port, "service": erp.Service, "user": erp.Owner, "password": erp.Password,
		"tls": "disable", "fetch_rows": int64(clientPage), "consistency": "snapshot", "lob_fetch": "inline"},
		providers.Env{Log: hclog.NewNullLogger(), Readers: 1, Writers: 1})
	if err != nil {
		return nil, nil, err
	}
	name := catalog.Name{Schema: erp.Owner, Name: "VBAP"}
	c, err := db.Catalog(ctx, providers.Selector{Tables: []catalog.Name{name}})
	if err == nil && c.Find(name) == nil {
		err = fmt.Errorf("no table %s", name)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, c.Find(name), nil
}

func hostPort(address string) (string, int64, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseInt(port, 10, 64)
	return host, n, err
}

func readByProvider(ctx context.Context, rows int64) error {
	n := int64(0)
	err := batches(ctx, func(rec arrow.RecordBatch) bool {
		n += rec.NumRows()
		return true
	})
	return errors.Join(err, wantRows(n, rows))
}

// batches calls each for batches of the source until it says false. A batch is each's until it returns.
func batches(ctx context.Context, each func(arrow.RecordBatch) bool) error {
	db, tb, err := benchSource(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := db.Snapshot(ctx, providers.SnapshotOptions{Readers: 1})
	if err != nil {
		return err
	}
	defer s.Close()
	v, err := s.Begin(ctx, []*catalog.Table{tb})
	if err != nil {
		return err
	}
	defer v.Close()
	rd, err := v.Read(ctx, tb, catalog.WholeTable(), providers.ReadOptions{})
	if err != nil {
		return err
	}
	defer rd.Close()
	for {
		rec, err := rd.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		more := each(rec)
		rec.Release()
		if !more {
			return nil
		}
	}
}

// writeByDriver sends one page of boxed values again and again.
func writeByDriver(ctx context.Context, rows int64) error {
	c := hdb.NewBasicAuthConnector(os.Getenv("HANA_ADDR"), hanaUser, hanaPassword)
	c.SetBufferSize(1 << 20)
	c.SetBulkSize(1 << 20)
	conn, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	st, err := conn.(driver.ConnPrepareContext).PrepareContext(ctx, `INSERT INTO "SAPHANADB"."VBAP" VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer st.Close()
	args := make([]driver.NamedValue, 0, 8*clientPage)
	for i := range int64(clientPage) {
		for _, v := range []any{"100", fmt.Sprintf("00800%05d", i), big.NewRat(i, 1), big.NewRat(i*100/7-10000, 100), big.NewRat(123457+i, 100000),
			time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC).Add(-time.Duration(i) * time.Hour), "EUR", []byte(fmt.Sprintf("0123456789%06d", i))} {
			args = append(args, driver.NamedValue{Ordinal: len(args) + 1, Value: v})
		}
	}
	for n := int64(0); n < rows; n += clientPage {
		if _, err := st.(driver.StmtExecContext).ExecContext(ctx, args); err != nil {
			return err
		}
	}
	return nil
}

// writeByProvider sends batches of the source's first rows again and again, in one package's transaction.
func writeByProvider(ctx context.Context, rows int64) (err error) {
	var page arrow.RecordBatch
	if err := batches(ctx, func(rec arrow.RecordBatch) bool { rec.Retain(); page = rec; return false }); err != nil {
		return err
	}
	defer page.Release()
	host, port, err := hostPort(os.Getenv("HANA_ADDR"))
	if err != nil {
		return err
	}
	db, err := hana.Driver().OpenTarget(ctx, schema.Values{"host": host, "port": port, "user": hanaUser, "password": hanaPassword, "tls": "disable",
		"schema": "SAPHANADB", "existing": "load"}, providers.Env{Log: hclog.NewNullLogger(), Readers: 1, Writers: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	name := catalog.Name{Schema: "SAPHANADB", Name: "VBAP"}
	c, err := db.Catalog(ctx, providers.Selector{Schemas: []string{name.Schema}, Tables: []catalog.Name{name}})
	if err != nil {
		return err
	}
	id := strconv.FormatInt(time.Now().UnixNano(), 36)
	s, err := db.Lock(
		ctx,
		ledger.Run{
			Migration: "bench",
			Lineage:   "l",
			Serial:    1,
			Plan:      "p",
			Token:     id,
			Owner:     ledger.Owner{ID: id, User: "bench", Host: "localhost", PID: os.Getpid()},
		},
		nil,
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tx, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Rollback(context.WithoutCancel(ctx))) }()
	pack := []ledger.Loaded{
		{
			Migration:  "bench",
			ID:         "VBAP/" + id,
			Source:     catalog.Name{Schema: erp.Owner, Name: "VBAP"},
			Generation: "g",
			Digest:     "d",
			ReadAt:     time.Now().UTC(),
			Run:        id,
		},
	}
	if _, err := tx.Claim(ctx, pack); err != nil {
		return err
	}
	w, err := tx.Writer(ctx, c.Find(name), catalog.WholeTable())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for n := int64(0); n < rows; n += page.NumRows() {
		if err := w.Write(ctx, page); err != nil {
			return err
		}
	}
	_, err = w.Finish(ctx)
	return err
}
