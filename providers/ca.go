package providers

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
)

// CACertificates reads the certificates of the PEM file that the argument tls_ca names; a
// relative path starts in dir, the spec's directory. Errors are of kind Config.
func CACertificates(file, dir string) (*x509.CertPool, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	refuse := func(what, fix string) error {
		return &Error{Kind: Config, Op: "read arguments", Err: errors.New(what), Fix: fix}
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, refuse("the file of tls_ca cannot be read: "+err.Error(), "Check the path; a relative path starts at the spec's directory.")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, refuse("the file of tls_ca contains no certificate", "Use a file in PEM format.")
	}
	return pool, nil
}
