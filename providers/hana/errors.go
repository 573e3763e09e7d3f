package hana

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strconv"

	hdb "github.com/SAP/go-hdb/driver"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// wrap makes an error of the contract from one of the driver's. It is nil for nil.
func wrap(op string, err error) error {
	return providers.Wrap(op, err, func(e *providers.Error) bool {
		var server hdb.Error
		if !errors.As(err, &server) {
			return false
		}
		code, text := worst(server)
		e.Kind, e.Code, e.Fix = kindOfCode(code), strconv.Itoa(code), fixOfCode(code)
		e.Err = providers.Said(text, err)
		return true
	})
}

// wrapTable is wrap for an error about one table.
func wrapTable(op string, table catalog.Name, err error) error {
	return providers.OnTable(table, wrap(op, err))
}

// worst returns code and text of the first error that is not a warning.
func worst(e hdb.Error) (int, string) {
	for i := range e.NumError() {
		e.SetIdx(i)
		if !e.IsWarning() {
			break
		}
	}
	return e.Code(), e.Text()
}

func hasCode(err error, codes ...int) bool {
	var e *providers.Error
	return errors.As(err, &e) && slices.ContainsFunc(codes, func(c int) bool { return e.Code == strconv.Itoa(c) })
}

// Codes of the SQL reference, page SQL Error Codes, that are asked for by name.
const (
	codeBusy         = 146 // NOWAIT, and somebody has the lock
	codeNoPrivilege  = 258
	codeNoTable      = 259
	codeExistsTable  = 288
	codeUnique       = 301
	codeRestricted   = 419 // DROP ... RESTRICT, and others depend on it
	codeNoSession    = 729
	codeNoSchema     = 362
	codeExistsSchema = 386
)

// kindOfCode decides what the executor does.
func kindOfCode(code int) providers.Kind {
	switch code {
	// An error of the transaction, or a lock that another one has: 142 and 1034 are too many
	// transactions or connections, 1038 is an overloaded server.
	case 16, 129, 131, 132, 133, 138, 139, 142, 143, 145, codeBusy, 149, 150, 154, 1034, 1038, 1343:
		return providers.Transient
	case 597, 613, 1029, 1033, 1036, 1888, 1890, 1892, 3587:
		return providers.Disconnected
	case 4, 14:
		return providers.Full
	case 2055: // rows of one table or partition
		return providers.Exhausted
	case codeUnique, 287, 349, 433, 461, 462, 677:
		return providers.Constraint
	case 274, 295, 302, 303, 307, 314, 339, 341, 348, 359, 609:
		return providers.Value
	case codeNoPrivilege:
		return providers.Permission
	case 10, 19, 414, 415, 416:
		return providers.Auth
	case codeNoTable, 260, 261, 313, 328, 362, 397:
		return providers.NotFound
	case codeExistsTable, 289, 324, 329, codeExistsSchema, 457:
		return providers.Exists
	case codeRestricted:
		return providers.InUse
	case 7:
		return providers.Unsupported
	}
	return providers.Internal
}

func fixOfCode(code int) string {
	switch code {
	case codeNoPrivilege:
		return "Grant the user what docs/providers/hana.md lists."
	case 4:
		return "Free memory on the server or raise its allocation limit, or lower processes; then run the same command again."
	case 14:
		return "Free space on the server's data or log volume, then run the same command again."
	case 2055:
		return "Partition the table: name it in a partition block of the target, and copy it again with plan --reload."
	case 10:
		return "Check user and password."
	case 414:
		return "Log in as the user once and change its password, or ALTER USER ... DISABLE PASSWORD LIFETIME."
	case 415, 416:
		return "Unlock the user: ALTER USER ... RESET CONNECT ATTEMPTS, or ... ACTIVATE."
	case 19:
		return "Install a valid licence on the server."
	case 131, codeBusy:
		return "SYS.M_BLOCKED_TRANSACTIONS shows who holds the lock."
	}
	return ""
}

// connectError makes an error of a failed connect that holds no password.
func connectError(a *access, err error) error {
	e := &providers.Error{Kind: providers.Unreachable, Op: "connect to " + a.String()}
	var server hdb.Error
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &server):
		code, text := worst(server)
		e.Kind, e.Code, e.Fix, e.Err = kindOfCode(code), strconv.Itoa(code), fixOfCode(code), errors.New(text)
	case providers.Unreached(e, err):
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &verify):
		e.Err, e.Fix = errors.New("the server's certificate is not trusted"), "Check tls_ca and tls_server_name."
	case errors.As(err, &record):
		e.Err, e.Fix = errors.New(
			"the server does not speak TLS on this port",
		), "Check port, or enable TLS on the server; tls = \"disable\" sends data unencrypted."
	case a.tls != nil:
		e.Err, e.Fix = errors.New(
			"the connection was closed before it could be used",
		), "Check that host and port belong to SAP HANA, and whether it speaks TLS there (tls)."
	default:
		e.Err, e.Fix = errors.New(
			"the connection was closed before it could be used",
		), "Check that host and port belong to SAP HANA, and whether it demands TLS (tls)."
	}
	return e
}
