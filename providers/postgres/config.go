package postgres

import (
	"cmp"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/internal/desired"
	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// minVersion is the oldest server that reads a ctid range without scanning the whole table.
const minVersion = 140000

func connectionAttrs() []schema.Attr {
	return []schema.Attr{
		{
			Name:       "url",
			Kind:       schema.String,
			Connection: true,
			Sensitive:  true,
			Doc:        "Connection URL (postgres://user@host:5432/database), instead of host, port, database and user.",
		},
		{Name: "host", Kind: schema.String, Connection: true, Doc: "Host name, address, or directory of the Unix socket."},
		{Name: "port", Kind: schema.Int, Connection: true, Min: 1, Max: 65535, Doc: "Port; 5432 unless url or PGPORT says otherwise."},
		{Name: "database", Kind: schema.String, Connection: true, Doc: "Name of the database."},
		{Name: "user", Kind: schema.String, Connection: true, Doc: "Role to connect as."},
		{Name: "password", Kind: schema.String, Connection: true, Sensitive: true, Doc: "Password of the role."},
		{
			Name:       "sslmode",
			Kind:       schema.String,
			Connection: true,
			Choices:    []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
			Doc:        "When and how strictly to use TLS, as in libpq.",
		},
		{Name: "sslrootcert", Kind: schema.String, Connection: true, Doc: "File with the CA certificates that the server's certificate is checked against."},
		{Name: "schema", Kind: schema.String, Default: "public", Doc: "Schema of unqualified table names."},
	}
}

func sourceBlock() schema.Block {
	return schema.Block{Type: "postgres", Doc: "PostgreSQL 14 or later, read in binary COPY.", Attrs: append(connectionAttrs(),
		schema.Attr{Name: "consistency", Kind: schema.String, Default: string(desired.Snapshot), Choices: schema.Words(desired.Consistencies()),
			Doc: "\"snapshot\": all tables are read from one exported snapshot. \"quiet\": nobody writes, which is " +
				"checked; a resumed run then copies only what is missing."},
	)}
}

func targetBlock() schema.Block {
	return schema.Block{Type: "postgres", Doc: "PostgreSQL 14 or later, loaded by binary COPY.", Attrs: append(
		connectionAttrs(),
		schema.Attr{Name: "existing", Kind: schema.String, Default: string(plan.ExistingRefuse), Choices: schema.Words(plan.Existings()),
			Doc: "What to do with tables of the plan that already exist: refuse, load into them, or drop them first."},
		schema.Attr{
			Name: "maintenance_work_mem",
			Kind: schema.Size,
			Min:  1 << 20,
			Doc:  "Memory of one index build on the server; by default the server's own setting.",
		},
	)}
}

// parseConfig reads the connection arguments. Errors hold no argument's value.
func parseConfig(v schema.Values, application string, as role) (*pgconn.Config, error) {
	if err := v.Check(); err != nil {
		return nil, &providers.Error{Kind: providers.Config, Op: "read arguments", Err: err}
	}
	url := v.String("url")
	if url != "" && (v.Has("host") || v.Has("port") || v.Has("database") || v.Has("user")) {
		return nil, configError("url cannot be combined with host, port, database or user", "Set either url or the individual arguments.")
	}
	text := url
	if url == "" {
		text = keywords(v)
	}
	cfg, err := pgconn.ParseConfig(text)
	if err != nil {
		if url != "" {
			return nil, configError(
				"url is not a PostgreSQL connection URL",
				"Write it as postgres://user@host:5432/database; percent-encode special characters.",
			)
		}
		return nil, configError("the connection arguments do not match each other", "Check host, port, sslmode and that sslrootcert can be read.")
	}
	if url != "" {
		if mode := v.String("sslmode"); mode != "" {
			return nil, configError("sslmode cannot be combined with url", "Put sslmode into the url.")
		}
	}
	if p := v.String("password"); p != "" {
		cfg.Password = p
	}
	cfg.Database = cmp.Or(cfg.Database, cfg.User)
	for name, value := range startSettings(application, as) {
		cfg.RuntimeParams[name] = value
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 15 * time.Second
	}
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}
	cfg.DialFunc = dialer.DialContext
	return cfg, nil
}

func configError(what, fix string) error {
	return &providers.Error{Kind: providers.Config, Op: "read arguments", Err: errors.New(what), Fix: fix}
}

// keywords writes the single arguments as a libpq connection string, all but the password.
func keywords(v schema.Values) string {
	var b strings.Builder
	add := func(key, value string) {
		if value != "" {
			b.WriteString(key + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "' ")
		}
	}
	add("host", v.String("host"))
	if port := v.Int("port"); port != 0 {
		add("port", formatInt(port))
	}
	add("dbname", v.String("database"))
	add("user", v.String("user"))
	add("sslmode", v.String("sslmode"))
	add("sslrootcert", v.String("sslrootcert"))
	return b.String()
}
