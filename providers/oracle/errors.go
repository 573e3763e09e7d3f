package oracle

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sijms/go-ora/v2/network"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	opArguments = "read arguments"
	opCheck     = "check the server"
	opCatalog   = "read catalog"
)

var (
	errSurrogate = errors.New("the text holds half a surrogate pair, which is not a character")
	errNoUnicode = errors.New("the text holds bytes that are not valid in the database's character set")
	errForm      = errors.New("the driver returned a value in an unexpected format")
)

// wrap makes an error of the contract from one of the driver's. It is nil for nil.
func wrap(op string, err error) error {
	return providers.Wrap(op, err, func(e *providers.Error) bool {
		var ora *network.OracleError
		switch {
		case errors.As(err, &ora):
			answer(e, ora)
		case errors.Is(err, network.ErrConnReset), errors.Is(err, errCut):
			e.Kind = providers.Disconnected
		default:
			return false
		}
		return true
	})
}

// answer fills in what the server said.
func answer(e *providers.Error, ora *network.OracleError) {
	code := innermost(ora)
	e.Kind, e.Code, e.Fix, e.Err = kindOf(code), oraCode(code), fixOf(code), providers.Said(firstLine(ora), ora)
}

// wrapTable is wrap for an error about one table.
func wrapTable(op string, table catalog.Name, err error) error {
	return providers.OnTable(table, wrap(op, err))
}

// fromServer says whether err is an answer of the server's, ORA-nnnnn. After any other error
// nobody knows where the messages stand: a late answer would be taken for the next one.
func fromServer(err error) bool {
	var ora *network.OracleError
	return errors.As(err, &ora)
}

// oraCode prints a code as Oracle does.
func oraCode(code int) string { return fmt.Sprintf("ORA-%05d", code) }

// isCode says whether err is the server's error of one of these codes.
func isCode(err error, codes ...int) bool {
	var ora *network.OracleError
	var e *providers.Error
	switch {
	case errors.As(err, &e) && e.Code != "":
		return slices.ContainsFunc(codes, func(c int) bool { return e.Code == oraCode(c) })
	case errors.As(err, &ora):
		return slices.Contains(codes, ora.ErrCode)
	}
	return false
}

// innermost returns the code that says what happened. ORA-12801 (a parallel server failed),
// ORA-00604 (at a recursive level) and ORA-06512 (in a procedure) only wrap another one, which
// the server adds to its error stack.
func innermost(ora *network.OracleError) int {
	switch ora.ErrCode {
	case 12801, 604, 6512:
	default:
		return ora.ErrCode
	}
	for _, m := range regexp.MustCompile(`ORA-(\d{5})`).FindAllStringSubmatch(ora.ErrMsg, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && n != 12801 && n != 604 && n != 6512 {
			return n
		}
	}
	return ora.ErrCode
}

// firstLine leaves out the code, which stands behind the message, and the rest of the stack.
func firstLine(ora *network.OracleError) string {
	text, _, _ := strings.Cut(strings.TrimSpace(ora.ErrMsg), "\n")
	if rest, ok := strings.CutPrefix(text, oraCode(ora.ErrCode)); ok {
		text = strings.TrimLeft(rest, ": ")
	}
	if text == "" {
		text = "the server refused the statement"
	}
	return text
}

// kindOf decides by code what the executor does. The Database Error Messages manual lists the codes.
func kindOf(code int) providers.Kind {
	switch code {
	case 60, 54, 8177, 30006, 4021, 4068, 1013: // deadlock, busy, serialization, lock timeouts, state of packages, cancelled
		return providers.Transient
	case 18, 20: // too many sessions or processes, until one ends
		return providers.Transient
	case 3113,
		3114,
		3135,
		12170,
		12514,
		12516,
		12518,
		12519,
		12520,
		12528,
		12537,
		12541,
		12547,
		12560,
		12570,
		12571,
		1012,
		1033,
		1034,
		1041,
		1089,
		28,
		2396,
		2399,
		1092,
		3136,
		25402,
		25408:
		return providers.Disconnected
	case 1555, 22924, 8180, 8181: // undo is gone, of rows or of large objects; no such SCN
		return providers.SnapshotLost
	case 8103, 1410, 1466: // the object is another one now, or its definition
		return providers.Changed
	case 257, 1653, 1654, 1536, 30036: // archiver, tablespace, quota, undo
		return providers.Full
	case 1652, 4030, 4031, 1000: // temporary space, memory and cursors of one statement
		return providers.Exhausted
	case 1, 2290, 2291, 2292, 1400:
		return providers.Constraint
	case 1722, 1840, 1841, 1843, 1847, 1426, 1438, 1476, 12899, 29275, 3120:
		return providers.Value
	case 1578, 1115, 1110, 26040: // corrupt block, file that cannot be read
		return providers.Corrupt
	case 1031, 1950, 28113, 28115, 1720, 12526, 1035: // privileges, policies, restricted session
		return providers.Permission
	case 1017, 1005, 28000, 28001, 28002, 1045, 28040:
		return providers.Auth
	case 942, 904, 4043, 2289, 2149, 12154, 12505:
		return providers.NotFound
	case 955:
		return providers.Exists
	case 900, 922, 933, 439, 3001:
		return providers.Unsupported
	}
	return providers.Internal
}

func fixOf(code int) string {
	switch code {
	case 1017, 1005:
		return "Check user and password."
	case 28000:
		return "Unlock the account: ALTER USER ... ACCOUNT UNLOCK."
	case 28001, 28002:
		return "Change the user's password."
	case 28040:
		return "Set the user's password again, to get a newer password version (SQLNET.ALLOWED_LOGON_VERSION_SERVER), then try again."
	case 1045, 1031, 942:
		return "Grant the user what docs/providers/oracle.md lists."
	case 12514:
		return "Check service: lsnrctl services lists the names that the listener knows."
	case 12505:
		return "Check sid: lsnrctl services lists the instances that the listener knows."
	case 12526, 1035:
		return "The instance is in restricted mode: grant RESTRICTED SESSION, or disable the mode."
	case 18, 20, 12516, 12519, 12520:
		return "Raise processes and sessions on the server, or lower the run's processes."
	case 1555, 22924:
		return "Raise UNDO_RETENTION and the undo tablespace above the time that the copy takes (LOBs: RETENTION " +
			"or PCTVERSION), or stop all writers and copy with consistency = \"quiet\"."
	case 257, 1652, 1653, 1654, 30036:
		return "Free space on the server, then run the same command again."
	case 4030, 4031:
		return "Give the instance more memory (pga_aggregate_limit, shared_pool_size), or lower the run's processes; then run the same command again."
	case 1000:
		return "Raise open_cursors on the server."
	case 3120:
		return "Set lob_fetch = \"stream\"."
	}
	return ""
}

// connectError makes an error of a failed connect that holds no password.
func connectError(cfg *config, err error) error {
	e := &providers.Error{Kind: providers.Unreachable, Op: "connect to " + cfg.place()}
	var ora *network.OracleError
	switch {
	case errors.As(err, &ora):
		answer(e, ora)
		switch {
		case ora.ErrCode == 12514 || ora.ErrCode == 12505:
			e.Kind = providers.NotFound
		case e.Kind == providers.Disconnected || e.Kind == providers.Internal:
			e.Kind = providers.Unreachable
		}
	case errors.Is(err, context.DeadlineExceeded):
		e.Err, e.Fix = errors.New("the logon timed out"), "Check that the listener and the instance respond, and that tls matches the listener."
	case tlsFailed(err):
		e.Err, e.Fix = fmt.Errorf("the TLS handshake failed: %w", err), "Check tls, tls_ca and tls_server_name, and that port is that of a TCPS listener."
	case providers.Unreached(e, err):
	default:
		e.Err = errors.New("the connection was closed before it could be used")
		e.Fix = "Check that host and port belong to an Oracle listener, and that tls matches it: a listener without TLS closes the connection."
	}
	return e
}

func tlsFailed(err error) bool {
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &record) || errors.As(err, &verification) || errors.As(err, &alert) || errors.As(err, &authority) || errors.As(err, &host)
}
