package oracle

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

const (
	insecure     = "insecure"
	maxFetchRows = 10_000 // the driver writes the number of rows of a fetch into 16 bits

	dialTimeout  = 15 * time.Second
	logonTimeout = 45 * time.Second // a busy listener hands over slowly
)

func sourceBlock() schema.Block {
	return schema.Block{Type: engine, Doc: "Oracle Database 12.1 or later, characters in AL32UTF8 or UTF8.", Attrs: []schema.Attr{
		{Name: "host", Kind: schema.String, Connection: true, Required: true, Doc: "Host name or address of the listener."},
		{Name: "port", Kind: schema.Int, Connection: true, Default: "1521", Min: 1, Max: 65535, Doc: "Port of the listener."},
		{Name: "service", Kind: schema.String, Connection: true, Doc: "Service name. Either this or sid."},
		{Name: "sid", Kind: schema.String, Connection: true, Doc: "System identifier of the instance. Either this or service."},
		{Name: "user", Kind: schema.String, Connection: true, Required: true, Doc: "User to connect as."},
		{Name: "password", Kind: schema.String, Connection: true, Required: true, Sensitive: true, Doc: "Password of the user."},
		{
			Name: "schema",
			Kind: schema.String,
			Doc:  "Schema of unqualified table names, as the catalog spells it (mostly upper case). By default the user's own.",
		},
		{Name: "tls", Kind: schema.String, Connection: true, Default: "verify", Choices: []string{"verify", insecure, "disable"},
			Doc: "\"verify\": encrypted, and the server's certificate is checked. \"insecure\": encrypted, not " +
				"checked. \"disable\": neither; only \"verify\" proves that the server is the right one."},
		{
			Name:       "tls_ca",
			Kind:       schema.String,
			Connection: true,
			Doc:        "File with the CA certificates that the server's certificate is checked against; by default the system's.",
		},
		{Name: "tls_server_name", Kind: schema.String, Connection: true, Doc: "Name in the server's certificate, if it is not host."},
		{Name: "fetch_rows", Kind: schema.Int, Default: "2000", Min: 1, Max: maxFetchRows, Doc: "Rows per round trip. Tables with wide rows use fewer."},
		{Name: "lob_fetch", Kind: schema.String, Default: "inline", Choices: []string{"inline", "stream"},
			Doc: "How large objects beyond 2,000 bytes arrive: \"inline\" with their rows, many per round trip; " +
				"\"stream\" one by one through locators, for servers that fail inline (ORA-03120)."},
		{Name: "consistency", Kind: schema.String, Default: string(desired.Snapshot), Choices: schema.Words(desired.Consistencies()),
			Doc: "\"snapshot\": all tables are read AS OF one SCN, which needs undo for the whole run. \"quiet\": " +
				"nobody writes, which is checked; a resumed run then copies only what is missing."},
	}}
}

// config says how to connect. It holds the password in the clear.
type config struct {
	host, service, sid string
	port               int64
	user, password     string
	schema             string
	secure             bool
	tls                *tls.Config // nil without TLS; cloned for each connection
	fetchRows          int
	lobFetch           string
	quiet              bool
	application        string
}

// parseConfig reads the arguments. Errors hold no argument's value but file names.
func parseConfig(v schema.Values, env providers.Env) (*config, error) {
	if err := v.Check(); err != nil {
		return nil, &providers.Error{Kind: providers.Config, Op: opArguments, Err: err}
	}
	c := &config{host: v.String("host"), port: v.Int("port"), service: v.String("service"), sid: v.String("sid"), user: v.String("user"),
		password: v.String("password"), schema: v.String("schema"), fetchRows: int(v.Int("fetch_rows")), lobFetch: v.String("lob_fetch"),
		quiet: desired.Consistency(v.String("consistency")) == desired.Quiet, application: env.Application}
	switch {
	case c.host == "":
		return nil, configError("host is missing", "Set the host of the listener.")
	case (c.service == "") == (c.sid == ""):
		return nil, configError("exactly one of service and sid is needed", "Set service, as lsnrctl services lists it, or sid.")
	case c.user == "" || c.password == "":
		return nil, configError("user or password is missing", "Set both; other ways to log on are not supported.")
	}
	if c.fetchRows > maxFetchRows { // the language says so before
		return nil, configError(fmt.Sprintf("fetch_rows is more than %d", maxFetchRows), "Set a lower number; the driver counts them in 16 bits.")
	}
	if c.port == 0 {
		c.port = 1521
	}
	if c.fetchRows <= 0 {
		c.fetchRows = 2000
	}
	if c.schema == "" {
		c.schema = strings.ToUpper(c.user) // an unquoted name is folded; a quoted one is given as schema
		if name, ok := strings.CutPrefix(c.user, `"`); ok {
			c.schema = strings.TrimSuffix(name, `"`)
		}
	}
	return c, c.trust(v, env.Dir)
}

// trust makes the TLS configuration.
func (c *config) trust(v schema.Values, dir string) error {
	mode, name, file := v.String("tls"), v.String("tls_server_name"), v.String("tls_ca")
	switch {
	case mode == "disable" && (file != "" || name != ""):
		return configError("tls_ca and tls_server_name cannot be combined with tls = \"disable\"", "Remove one of them.")
	case mode == insecure && (file != "" || name != ""):
		return configError(
			"tls_ca and tls_server_name cannot be combined with tls = \"insecure\", which checks neither",
			"Set tls = \"verify\", or remove them.",
		)
	case mode == "disable":
		return nil
	}
	c.secure, c.tls = true, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: mode == insecure} //nolint:gosec // the user's word
	if file != "" {
		pool, err := providers.CACertificates(file, dir)
		if err != nil {
			return err
		}
		c.tls.RootCAs = pool
	}
	if name != "" {
		// The driver overwrites ServerName by the host (network/session.go, negotiate), so the name is compared here.
		c.tls.InsecureSkipVerify = true
		c.tls.VerifyConnection = named(name, c.tls.RootCAs)
	}
	return nil
}

// named verifies a server's certificate as crypto/tls does, for a name of its own.
func named(name string, roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		how := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] { // crypto/tls calls this only with one at least
			how.Intermediates.AddCert(c)
		}
		if _, err := state.PeerCertificates[0].Verify(how); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}

func configError(what, fix string) error {
	return &providers.Error{Kind: providers.Config, Op: opArguments, Err: errors.New(what), Fix: fix}
}

// url spells the arguments as the driver takes them, for sessions that fetch so many rows at a time.
func (c *config) url(fetch int) string {
	if fetch == 25 {
		fetch = 24 // 25 makes the driver choose by the declared width (command.go, fetch)
	}
	q := url.Values{
		"PREFETCH_ROWS":   {strconv.Itoa(fetch)},
		"LOB FETCH":       {strings.ToUpper(c.lobFetch)},
		"TIMEOUT":         {"0"}, // a read that timed out leaves its answer to the next statement
		"CONNECT TIMEOUT": {strconv.Itoa(int(dialTimeout.Seconds()))},
		"SERVER LOCATION": {"UTC"}, // dates as they stand, without a zone of the server's
		"SSL":             {strconv.FormatBool(c.secure)},
	}
	if c.lobFetch == "" {
		q.Set("LOB FETCH", "INLINE")
	}
	if c.application != "" {
		q.Set("PROGRAM", c.application)
	}
	if c.sid != "" {
		q.Set("SID", c.sid)
	}
	u := url.URL{Scheme: engine, User: url.UserPassword(c.user, c.password), Host: c.address(), Path: "/" + c.service, RawQuery: q.Encode()}
	return u.String()
}

func (c *config) address() string { return net.JoinHostPort(c.host, formatInt(c.port)) }

// place names the database for people.
func (c *config) place() string {
	name := "service " + c.service
	if c.sid != "" {
		name = "sid " + c.sid
	}
	return fmt.Sprintf("%s, %s, as %s", c.address(), name, c.user)
}
