package oracle_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"math/big"
	"net"
	"testing"
	"time"

	go_ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
)

// certificate makes one for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
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

func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	srv := start(t, oracle.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	for _, c := range []struct {
		pool *x509.CertPool
		ok   bool
	}{{pool, true}, {x509.NewCertPool(), false}} {
		connector := go_ora.NewConnector(dsn(srv, "DMO", "secret", "&SSL=true")).(*go_ora.OracleConnector)
		connector.WithTLSConfig(&tls.Config{RootCAs: c.pool})
		db := sql.OpenDB(connector)
		var got string
		err := db.QueryRow("SELECT 'over TLS' FROM dual").Scan(&got)
		if (err == nil) != c.ok || c.ok && got != "over TLS" {
			t.Errorf("trusted %v: %q, %v", c.ok, got, err)
		}
		db.Close()
	}
}
