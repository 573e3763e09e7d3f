package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// wrap makes an error of the contract from one of the driver's. It is nil for nil.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var done *providers.Error
	if errors.As(err, &done) {
		return err
	}
	e := &providers.Error{Kind: providers.Internal, Op: op, Err: err}
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		e.Kind, e.Code, e.Fix = kindOfState(pg.Code), pg.Code, fixOfState(pg)
		e.Err = serverError(pg)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), broken(err):
		e.Kind = providers.Disconnected
	}
	return e
}

// wrapTable is wrap for an error about one table.
func wrapTable(op string, table catalog.Name, err error) error {
	err = wrap(op, err)
	var e *providers.Error
	if errors.As(err, &e) && e.Table == (catalog.Name{}) {
		e.Table = table
	}
	return err
}

// broken says whether err leaves a session that cannot be used again.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.ErrClosedPipe) ||
		pgconn.Timeout(err) || strings.Contains(err.Error(), "conn closed") // the driver has no type for a closed session
}

// serverError keeps what the server said, without its query text and position.
func serverError(pg *pgconn.PgError) error {
	text := pg.Message
	if pg.Detail != "" {
		text += " (" + pg.Detail + ")"
	}
	return &stated{text: text, cause: pg}
}

type stated struct {
	text  string
	cause *pgconn.PgError
}

func (s *stated) Error() string { return s.text }
func (s *stated) Unwrap() error { return s.cause }

// kindOfState decides by SQLSTATE what the executor does. Appendix A of the manual lists the codes.
func kindOfState(code string) providers.Kind {
	switch code {
	case "40001", "40P01", "55P03", "53300", "57P05": // serialization, deadlock, lock timeout, too many clients, idle session
		return providers.Transient
	case "57P01", "57P02", "57P03", "57014": // shutdown, crash, starting up, cancelled
		return providers.Disconnected
	case "72000": // snapshot too old
		return providers.SnapshotLost
	case "53100", "53200", "54000": // disk, memory, limits
		return providers.Full
	case "42501", "25006":
		return providers.Permission
	case "42P01", "42703", "42704", "3D000", "3F000", "42883":
		return providers.NotFound
	case "42P07", "42710", "42P06", "42701":
		return providers.Exists
	case "0A000":
		return providers.Unsupported
	case "XX001", "XX002":
		return providers.Corrupt
	}
	if len(code) != 5 {
		return providers.Internal
	}
	switch code[:2] {
	case "08":
		return providers.Disconnected
	case "53":
		return providers.Full
	case "28":
		return providers.Auth
	case "22":
		return providers.Value
	case "23":
		return providers.Constraint
	}
	return providers.Internal
}

func fixOfState(pg *pgconn.PgError) string {
	switch pg.Code {
	case "42501":
		return "Grant the role what docs/providers/postgres.md lists."
	case "25006":
		return "The session may not write: default_transaction_read_only is on, or the server is a standby. Set default_transaction_read_only = off for the role in the database, or name the primary."
	case "53100":
		return "Make room on the server's disk, then run the same command again."
	case "53300":
		return "Raise max_connections on the server, or lower processes."
	case "53200":
		if strings.Contains(pg.Hint, "max_locks_per_transaction") {
			return "Raise max_locks_per_transaction on the server."
		}
		return "Give the server more memory, or lower processes."
	case "28P01":
		return "Check user and password."
	case "28000":
		return "Check user, pg_hba.conf and sslmode."
	case "3D000":
		return "Check the name of the database."
	}
	return ""
}

// connectError makes an error of a failed connect that holds neither password nor connection string.
func connectError(cfg *pgconn.Config, err error) error {
	e := &providers.Error{Kind: providers.Unreachable, Op: "connect to " + address(cfg)}
	var pg *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &pg):
		e.Kind, e.Code, e.Fix = kindOfState(pg.Code), pg.Code, fixOfState(pg)
		if e.Kind == providers.Permission { // CONNECT on the database
			e.Fix = "Grant the role CONNECT on the database."
		}
		e.Err = errors.New(pg.Message)
	case errors.Is(err, context.Canceled):
		e.Kind, e.Err = providers.Disconnected, context.Canceled
	case errors.As(err, &dns):
		e.Err, e.Fix = fmt.Errorf("host %s is not known", dns.Name), "Check host."
	case errors.As(err, &op) && op.Op == "dial":
		e.Err, e.Fix = op.Err, "Check host and port, that the server runs, and that no firewall is in between."
	case strings.Contains(err.Error(), "refused TLS"):
		e.Err, e.Fix = errors.New("the server refused TLS"), "Set sslmode, or turn on ssl on the server."
	case strings.Contains(err.Error(), "tls"):
		e.Err, e.Fix = errors.New("the TLS handshake failed"), "Check sslmode and sslrootcert."
	default:
		e.Err, e.Fix = errors.New("the connection ended before it was usable"), "Check that host and port belong to a PostgreSQL server."
	}
	return e
}

func address(cfg *pgconn.Config) string {
	host := cfg.Host
	if !strings.HasPrefix(host, "/") {
		host = net.JoinHostPort(host, fmt.Sprint(cfg.Port))
	}
	return fmt.Sprintf("%s, database %s, as %s", host, cfg.Database, cfg.User)
}
