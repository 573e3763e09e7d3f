package oracle_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/oracle"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/oracle"
)

// signed makes a certificate that signs itself, for a name or an address, and its PEM file.
func signed(t *testing.T, host string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestTLS(t *testing.T) {
	// Trap: TLS: a server that cannot be proven to be the right one is refused before it gets the user's name.
	byAddress, address := signed(t, "127.0.0.1")
	byName, name := signed(t, "db.example")
	for _, c := range []struct {
		name  string
		shows tls.Certificate
		with  schema.Values
		fails string // part of the error; empty is none
	}{
		{"verified by its address", byAddress, schema.Values{"tls": "verify", "tls_ca": address}, ""},
		{"verified by default", byAddress, schema.Values{"tls_ca": address}, ""},
		{"another authority", byAddress, schema.Values{"tls": "verify", "tls_ca": name}, "TLS handshake failed"},
		{"the system's authorities", byAddress, schema.Values{"tls": "verify"}, "TLS handshake failed"},
		{"another name", byName, schema.Values{"tls": "verify", "tls_ca": name}, "TLS handshake failed"},
		{"verified by its name", byName, schema.Values{"tls": "verify", "tls_ca": name, "tls_server_name": "db.example"}, ""},
		{"the wrong name given", byName, schema.Values{"tls": "verify", "tls_ca": name, "tls_server_name": "other.example"}, "TLS handshake failed"},
		{"the name, another authority", byName, schema.Values{"tls": "verify", "tls_ca": address, "tls_server_name": "db.example"}, "TLS handshake failed"},
		{"not checked", byName, schema.Values{"tls": "insecure"}, ""},
		{"not encrypted", byAddress, schema.Values{"tls": "disable"}, "listener without TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, err := simulator.Start(simulator.Options{User: testUser, Password: "secret", TLS: &tls.Config{Certificates: []tls.Certificate{c.shows}}})
			if err != nil {
				t.Fatal(err)
			}
			defer srv.Close()
			host, port, err := net.SplitHostPort(srv.Addr())
			if err != nil {
				t.Fatal(err)
			}
			number, err := strconv.ParseInt(port, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			v := schema.Values{"host": host, "port": number, "service": "ORCL", "user": testUser, "password": "secret"}
			for k, x := range c.with {
				v[k] = x
			}
			db, err := oracle.Driver().OpenSource(t.Context(), v, providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test", Readers: 1})
			if err == nil {
				defer db.Close()
			}
			switch {
			case c.fails == "" && err != nil:
				t.Fatalf("%v", err)
			case c.fails != "" && err == nil:
				t.Fatal("the server was trusted")
			case c.fails != "" && (providers.KindOf(err) != providers.Unreachable || !strings.Contains(said(err), c.fails)):
				t.Fatalf("the error is %v", err)
			}
			if c.fails == "" {
				if _, err := db.Catalog(t.Context(), providers.Selector{}); err != nil {
					t.Errorf("catalog: %v", err)
				}
			}
		})
	}
}

// said is an error with what to do about it.
func said(err error) string {
	var e *providers.Error
	if errors.As(err, &e) {
		return err.Error() + ". " + e.Fix
	}
	return err.Error()
}
