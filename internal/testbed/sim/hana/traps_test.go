package hana_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"iter"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
)

// The tests of this file show go-hdb 1.16.7 falling into its traps against this
// server, so that a program's own tests can show that it does not.

func TestTrapLostReplyInsertsTwice(t *testing.T) {
	// Trap: database/sql runs a statement again whose reply was lost.
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER)`)
	b.Faults().Add(hana.Fault{Match: "INSERT", Exec: true, DropAfter: true})
	if _, err := b.db.Exec(`INSERT INTO "T" VALUES (1)`); err != nil {
		t.Errorf("the caller sees %v", err)
	}
	if n, _ := b.Count("SYSTEM", "T"); n != 2 || b.Faults().Hits() != 1 {
		t.Errorf("%d rows, want the trap's 2", n)
	}
	// On a pinned connection it is an error, and one row.
	b.exec(b.db, `DELETE FROM "T"`)
	b.Faults().Add(hana.Fault{Match: "INSERT", Exec: true, DropAfter: true})
	if _, err := b.conn().ExecContext(context.Background(), `INSERT INTO "T" VALUES (1)`); err == nil {
		t.Error("a lost reply is not an error on a pinned connection")
	}
	if n, _ := b.Count("SYSTEM", "T"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestTrapSlowStatementRunsThreeTimes(t *testing.T) {
	// Trap: the driver's time-out is the deadline of each read; a slow statement is run again.
	b := start(t, hana.Options{}, func(c *driver.Connector) { c.SetTimeout(100 * time.Millisecond) })
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER)`)
	b.Faults().Add(hana.Fault{Match: "INSERT", Exec: true, Delay: 300 * time.Millisecond, Times: 9})
	if _, err := b.db.Exec(`INSERT INTO "T" VALUES (1)`); err == nil {
		t.Error("no error")
	}
	deadline := time.Now().Add(5 * time.Second)
	n := int64(0)
	for n != 3 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		n, _ = b.Count("SYSTEM", "T")
	}
	if n != 3 {
		t.Errorf("%d rows, want the trap's 3", n)
	}
}

func TestTrapBulkIteratorLosesCount(t *testing.T) {
	// Trap: a bulk insert over an iterator that is run again reports fewer rows than it stored.
	b := start(t, hana.Options{}, func(c *driver.Connector) { c.SetBulkSize(100) })
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER)`)
	b.Faults().Add(hana.Fault{Match: "INSERT", Exec: true, DropAfter: true})
	i := 0
	var rows iter.Seq[[]any] = func(yield func([]any) bool) {
		for ; i < 1001; i++ {
			if !yield([]any{i}) {
				return
			}
		}
	}
	r, err := b.db.Exec(`INSERT INTO "T" VALUES (?)`, rows)
	if err != nil {
		t.Fatal(err)
	}
	reported, _ := r.RowsAffected()
	if stored, _ := b.Count("SYSTEM", "T"); reported >= stored {
		t.Errorf("reported %d, stored %d: want fewer reported than stored", reported, stored)
	}
}

func TestTrapLostCommitAcknowledgement(t *testing.T) {
	// Trap: a commit whose reply is lost is an error, and the row is there.
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER)`)
	tx := b.begin(0)
	b.exec(tx, `INSERT INTO "T" VALUES (1)`)
	b.Faults().Add(hana.Fault{Match: "COMMIT", DropAfter: true})
	if err := tx.Commit(); err == nil {
		t.Error("no error")
	}
	if n, _ := b.Count("SYSTEM", "T"); n != 1 {
		t.Errorf("%d rows", n)
	}
	// The same before the commit: an error, and no row.
	tx = b.begin(0)
	b.exec(tx, `INSERT INTO "T" VALUES (2)`)
	b.Faults().Add(hana.Fault{Match: "COMMIT", DropBefore: true})
	if err := tx.Commit(); err == nil {
		t.Error("no error")
	}
	if n, _ := b.Count("SYSTEM", "T"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestTrapNegativeDecimals(t *testing.T) {
	// Trap: a negative number of more than 34 digits into a plain DECIMAL is silently another one.
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("D" DECIMAL, "S" DECIMAL(9,2))`)
	n, _ := new(big.Int).SetString("-12345678901234567890123456789012345678", 10)
	if _, err := b.db.Exec(`INSERT INTO "T" ("D") VALUES (?)`, new(big.Rat).SetInt(n)); err != nil {
		t.Fatal(err)
	}
	stored, _ := b.Rows("SYSTEM", "T")
	got, _ := new(big.Int).SetString(stored[0][0].(string), 10)
	off := new(big.Rat).SetFrac(new(big.Int).Sub(got, n), n)
	if off.Abs(off).Cmp(big.NewRat(1, 1000000)) < 0 {
		t.Errorf("%v is stored as %v: the trap is gone", n, got)
	}
	// And digits beyond the scale: positive numbers are rounded, negative ones cut.
	b.exec(b.db, `DELETE FROM "T"`)
	for _, s := range []string{"1.005", "-1.005"} {
		r, _ := new(big.Rat).SetString(s)
		if _, err := b.db.Exec(`INSERT INTO "T" ("S") VALUES (?)`, r); err != nil {
			t.Fatal(err)
		}
	}
	if stored, _ := b.Rows("SYSTEM", "T"); stored[0][1] != "1.01" || stored[1][1] != "-1.00" {
		t.Errorf("1.005 and -1.005 are stored as %v and %v", stored[0][1], stored[1][1])
	}
}

func TestTrapDates(t *testing.T) {
	// Trap: the driver sends days that do not exist ten days off, and years out of range unchecked.
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("TS" TIMESTAMP)`)
	if _, err := b.db.Exec(`INSERT INTO "T" VALUES (?)`, time.Date(1582, 10, 10, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if stored, _ := b.Rows("SYSTEM", "T"); stored[0][0] == "1582-10-10 00:00:00.0000000" {
		t.Error("the gap's day was stored as it is")
	}
	b.refused(b.db, 303, `INSERT INTO "T" VALUES (?)`, time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC))
	b.refused(b.db, 303, `INSERT INTO "T" VALUES (?)`, time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC))
	// 150 ns are cut to 100, without a word.
	b.exec(b.db, `DELETE FROM "T"`)
	if _, err := b.db.Exec(`INSERT INTO "T" VALUES (?)`, time.Date(2000, 1, 1, 0, 0, 0, 150, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if stored, _ := b.Rows("SYSTEM", "T"); stored[0][0] != "2000-01-01 00:00:00.0000001" {
		t.Errorf("stored %v", stored[0][0])
	}
}

func TestTrapStatementNumberAfterLOBs(t *testing.T) {
	// Trap: a LOB above the chunk size ends the packet; the number of a failed row counts from there.
	b := start(t, hana.Options{}, func(c *driver.Connector) { c.SetLobChunkSize(128) })
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER PRIMARY KEY, "L" NCLOB)`, `INSERT INTO "T" VALUES (2, NULL)`)
	tx := b.begin(0)
	lob := func() any { return driver.NewLob(strings.NewReader(strings.Repeat("x", 1000)), nil) }
	_, err := tx.Exec(`INSERT INTO "T" VALUES (?, ?)`, 0, lob(), 1, "y", 2, "y")
	var e driver.Error
	if !asDriverError(err, &e) || e.Code() != 301 {
		t.Fatalf("error %v", err)
	}
	if e.StmtNo() == 2 {
		t.Error("the number is right: the trap is gone")
	}
}

func TestTrapCancelNotSentToServer(t *testing.T) {
	// Trap: canceling drops the connection and tells the server nothing; the statement runs on.
	b := start(t, hana.Options{})
	b.exec(b.db, `CREATE COLUMN TABLE "T" ("A" INTEGER)`)
	b.Faults().Add(hana.Fault{Match: "INSERT", Exec: true, Delay: 200 * time.Millisecond})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.conn().ExecContext(ctx, `INSERT INTO "T" VALUES (1)`); err == nil {
		t.Error("no error")
	}
	deadline := time.Now().Add(5 * time.Second)
	n := int64(0)
	for n == 0 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
		n, _ = b.Count("SYSTEM", "T")
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestTrapNestedTransactions(t *testing.T) {
	// Trap: BeginTx costs two more round trips.
	b := start(t, hana.Options{})
	c := b.conn()
	b.ForgetStatements()
	tx, err := c.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := b.Statements(); len(s) != 2 {
		t.Errorf("BeginTx sent %q", s)
	}
	_ = tx.Rollback()
}

// TestTLS holds that the server can be known by its certificate: the driver does not look at its proof.
func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	b := start(t, hana.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}},
		func(c *driver.Connector) { c.SetTLSConfig(&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}) })
	if v := b.one(b.db, `SELECT "IS_ENCRYPTED" FROM "SYS"."M_CONNECTIONS" WHERE "CONNECTION_ID" = CURRENT_CONNECTION`); v != "TRUE" {
		t.Errorf("IS_ENCRYPTED %v", v)
	}
	plain := b.connect("SYSTEM", "Manager1", func(c *driver.Connector) { c.SetTimeout(2 * time.Second) })
	if err := plain.PingContext(context.Background()); err == nil {
		t.Error("a plain connection was accepted")
	}
	unknown := b.connect("SYSTEM", "Manager1", func(c *driver.Connector) { c.SetTLSConfig(&tls.Config{ServerName: "127.0.0.1"}) })
	if err := unknown.PingContext(context.Background()); err == nil {
		t.Error("an unknown certificate was accepted")
	}
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hana"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
