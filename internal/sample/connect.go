package sample

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ConnectError says why a server cannot be written to, once, however many ways the
// driver tried: it tries each address with and without TLS. It holds no password.
type ConnectError struct {
	Address string // host and port, database, user
	Err     error
	Advice  string // what to check, a full sentence
	Refused bool   // the server answered, and refused
}

func (e *ConnectError) Error() string { return "connect to " + e.Address + ": " + e.Err.Error() }
func (e *ConnectError) Unwrap() error { return e.Err }

// connectError leaves out of a failed connect what the driver repeats for every try.
func connectError(config *pgx.ConnConfig, err error) error {
	e := &ConnectError{Address: address(config)}
	var refused *pgconn.PgError
	var name *net.DNSError
	var dial *net.OpError
	switch {
	case errors.As(err, &refused):
		e.Refused = true
		e.Err = fmt.Errorf("%s (%s)", refused.Message, refused.Code)
		e.Advice = "Check user, database and sslmode in the URL, the password in PGPASSWORD, and the server's pg_hba.conf."
	case errors.As(err, &name):
		e.Err, e.Advice = fmt.Errorf("host %s is unknown", name.Name), "Check the host in the URL."
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Err, e.Advice = dial.Err, "Check host and port in the URL, that the server is running, and that no firewall blocks the connection."
	default:
		e.Err = errors.New("the connection was closed before it could be used")
		e.Advice = "Check sslmode, and that host and port in the URL belong to a PostgreSQL server."
	}
	return e
}

func address(config *pgx.ConnConfig) string {
	host := config.Host
	if !strings.HasPrefix(host, "/") {
		host = net.JoinHostPort(host, fmt.Sprint(config.Port))
	}
	return fmt.Sprintf("%s, database %s, as %s", host, config.Database, config.User)
}
