package hana_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/dmoctl/dmoctl/internal/schema"
	simulator "github.com/dmoctl/dmoctl/internal/testbed/sim/hana"
	"github.com/dmoctl/dmoctl/providers"
	"github.com/dmoctl/dmoctl/providers/hana"
)

func open(v schema.Values) (providers.Target, error) {
	return hana.Driver().OpenTarget(context.Background(), v, providers.Env{Log: hclog.NewNullLogger(), Application: "dmoctl test"})
}

func TestConnectErrorFixes(t *testing.T) {
	b := newBed(t)
	closedPort := func() int64 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return int64(l.Addr().(*net.TCPAddr).Port)
	}()
	for name, c := range map[string]struct {
		change func(schema.Values)
		kind   providers.Kind
		fix    string
	}{
		"password":  {func(v schema.Values) { v["password"] = "Wrong-Pa55word" }, providers.Auth, "Check user and password"},
		"user":      {func(v schema.Values) { v["user"] = "NOBODY" }, providers.Auth, "Check user and password"},
		"port":      {func(v schema.Values) { v["port"] = closedPort }, providers.Unreachable, "Check host and port"},
		"no TLS":    {func(v schema.Values) { v["tls"] = "verify" }, providers.Unreachable, "TLS"},
		"no schema": {func(v schema.Values) { v["schema"] = "" }, providers.Config, "target block"},
		"no file":   {func(v schema.Values) { v["tls"], v["tls_ca"] = "verify", "absent.pem" }, providers.Config, "Check the path"},
		"parts": {func(v schema.Values) { v["partition"] = []schema.Values{{"tables": []string{"T"}, "by": "hash"}} },
			providers.Config, "parts = 4"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.Values()
			c.change(v)
			db, err := open(v)
			if err == nil {
				db.Close()
			}
			e := failure(t, err, c.kind)
			if !strings.Contains(e.Fix, c.fix) {
				t.Errorf("fix %q, want %q", e.Fix, c.fix)
			}
			for _, secret := range []string{"Wrong-Pa55word", "Manager1"} {
				if strings.Contains(err.Error()+e.Fix, secret) {
					t.Errorf("the error holds the password: %v", err)
				}
			}
		})
	}
}

// certificate makes one for 127.0.0.1 that signs itself, and returns its file.
func certificate(t testing.TB) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hana"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"hana.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

func TestServerCertificateVerified(t *testing.T) {
	cfg, file := certificate(t)
	srv, err := simulator.Start(simulator.Options{TLS: cfg})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	b := &environment{sim: srv, addr: srv.Addr(), user: "SYSTEM", password: "Manager1"}
	for name, c := range map[string]struct {
		values schema.Values
		fails  string // in the error
	}{
		"verified":     {schema.Values{"tls": "verify", "tls_ca": file}, ""},
		"by name":      {schema.Values{"tls": "verify", "tls_ca": file, "tls_server_name": "hana.example"}, ""},
		"unknown":      {schema.Values{"tls": "verify"}, "not trusted"},
		"another name": {schema.Values{"tls": "verify", "tls_ca": file, "tls_server_name": "other.example"}, "not trusted"},
		"insecure":     {schema.Values{"tls": "insecure"}, ""},
		"unencrypted":  {schema.Values{"tls": "disable"}, "before it could be used"},
		"default":      {schema.Values{"tls": ""}, "not trusted"}, // absent means verify
	} {
		t.Run(name, func(t *testing.T) {
			v := b.Values()
			for k, x := range c.values {
				v[k] = x
			}
			db, err := open(v)
			if err == nil {
				defer db.Close()
			}
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("%v, want %q", err, c.fails)
			}
		})
	}
}

func TestOldServerVersionRefused(t *testing.T) {
	srv, err := simulator.Start(simulator.Options{Version: "1.00.122.00.1478575636"})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	_, err = open((&environment{sim: srv, addr: srv.Addr(), user: "SYSTEM", password: "Manager1", tls: "disable"}).Values())
	wantKind(t, err, providers.Unsupported)
}
