package postgres

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// wrap makes an error of the contract from one of the driver's. It is nil for nil.
func wrap(op string, err error) error {
	return providers.Wrap(op, err, func(e *providers.Error) bool {
		var pg *pgconn.PgError
		switch {
		case errors.As(err, &pg):
			e.Kind, e.Code, e.Fix = kindOfState(pg.Code), pg.Code, fixOfState(pg)
			e.Err = serverError(pg)
		case broken(err):
			e.Kind = providers.Disconnected
		default:
			return false
		}
		return true
	})
}

// wrapTable is wrap for an error about one table.
func wrapTable(op string, table catalog.Name, err error) error {
	return providers.OnTable(table, wrap(op, err))
}

// broken says whether err leaves a session that cannot be used again.
func broken(err error) bool {
	return providers.Broken(err) || pgconn.Timeout(err) ||
		errors.Is(err, pgconn.ErrConnClosed)
}

// serverError keeps what the server said, without its query text and position.
func serverError(pg *pgconn.PgError) error {
	text := pg.Message
	if pg.Detail != "" {
		text += " (" + pg.Detail + ")"
	}
	return providers.Said(text, pg)
}

// kindOfState decides by SQLSTATE what the executor does. Appendix A of the manual lists the codes.
func kindOfState(code string) providers.Kind {
	switch code {
	// serialization, other rollbacks, deadlock, lock not available, too many clients, cancelled by somebody
	case "40000", "40001", "40P01", "55P03", "53300", "57014":
		return providers.Transient
	// shutdown, crash, starting up; timeouts that end the session; whether a statement was done is not known
	case "57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "40003":
		return providers.Disconnected
	case "08P01": // what was sent breaks the protocol, as do data of COPY that are too short: trying again sends it again
		return providers.Internal
	case "72000": // snapshot too old
		return providers.SnapshotLost
	case "53200", "53400": // locks or memory of one statement; a configured limit such as temp_file_limit
		return providers.Exhausted
	case "54000": // such as a value that is too long for an index
		return providers.Value
	case "42501", "25006":
		return providers.Permission
	case "42P01", "42703", "42704", "3D000", "3F000", "42883", "57P04":
		return providers.NotFound
	case "42P07", "42710", "42P06", "42701", "42723":
		return providers.Exists
	case "2BP01": // dependent objects still exist
		return providers.InUse
	case "0A000":
		return providers.Unsupported
	case "XX001", "XX002", "58P01": // damaged row or index, a file of the database that is missing
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
	case "54": // more columns or arguments than there may be
		return providers.Unsupported
	case "28":
		return providers.Auth
	case "22":
		return providers.Value
	case "23", "44", "P0": // constraints, views' check options, what a trigger raises
		return providers.Constraint
	}
	return providers.Internal
}

func fixOfState(pg *pgconn.PgError) string {
	switch pg.Code {
	case "42501":
		return "Grant the role what docs/providers/postgres.md lists."
	case "25006":
		return "The session cannot write: default_transaction_read_only is on, or the server is a standby. Set " +
			"default_transaction_read_only = off for the role in the database, or name the primary."
	case "53100":
		return "Free space on the server's disk, then run the same command again."
	case "53300":
		return "Raise max_connections on the server, or lower processes."
	case "53200": // the server has one code for both
		return "If the server says \"out of shared memory\", its lock table is full: raise " +
			"max_locks_per_transaction above twice the table's partitions and indexes, and restart it. Otherwise " +
			"give it more memory, or lower processes. Then run the same command again."
	case "53400":
		return "Raise the limit that the server names, such as temp_file_limit, then run the same command again."
	case "54000":
		return "Shorten the value on the source, or leave out the index for which it is too long."
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
	switch {
	case errors.As(err, &pg):
		e.Kind, e.Code, e.Fix = kindOfState(pg.Code), pg.Code, fixOfState(pg)
		if e.Kind == providers.Permission { // CONNECT on the database
			e.Fix = "Grant the role CONNECT on the database."
		}
		if pg.Code == "08P01" {
			e.Kind, e.Fix = providers.Unsupported, "The other end does not accept settings in the connection "+
				"request; it may be a connection pooler. Connect to the PostgreSQL server itself."
		}
		e.Err = errors.New(pg.Message)
	case providers.Unreached(e, err):
	case strings.Contains(err.Error(), "refused TLS"):
		e.Err, e.Fix = errors.New("the server refused TLS"), "Set sslmode, or enable ssl on the server."
	case strings.Contains(err.Error(), "tls"):
		e.Err, e.Fix = errors.New("the TLS handshake failed"), "Check sslmode and sslrootcert."
	default:
		e.Err, e.Fix = errors.New("the connection was closed before it could be used"), "Check that host and port belong to a PostgreSQL server."
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
