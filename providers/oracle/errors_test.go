package oracle

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/sijms/go-ora/v2/network"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

func TestErrorKinds(t *testing.T) {
	coded := func(code int, text string) error { return &network.OracleError{ErrCode: code, ErrMsg: text} }
	for _, c := range []struct {
		err  error
		kind providers.Kind
		code string
	}{
		{coded(1555, "ORA-01555: snapshot too old: rollback segment number 7\n"), providers.SnapshotLost, "ORA-01555"},
		{coded(8103, "ORA-08103: object no longer exists"), providers.Changed, "ORA-08103"},
		{coded(1410, "ORA-01410: invalid ROWID"), providers.Changed, "ORA-01410"},
		{coded(1466, ""), providers.Changed, "ORA-01466"},
		{coded(60, ""), providers.Transient, "ORA-00060"},
		{coded(12516, ""), providers.Disconnected, "ORA-12516"},
		{coded(1652, ""), providers.Exhausted, "ORA-01652"},
		{coded(1, ""), providers.Constraint, "ORA-00001"},
		{coded(1031, ""), providers.Permission, "ORA-01031"},
		{coded(942, ""), providers.NotFound, "ORA-00942"},
		{coded(1017, ""), providers.Auth, "ORA-01017"},
		{coded(600, "ORA-00600: internal error code"), providers.Internal, "ORA-00600"},
		{coded(12801, "ORA-12801: error signaled in parallel query server P003\nORA-01555: snapshot too old"), providers.SnapshotLost, "ORA-01555"},
		{coded(604, "ORA-00604: error occurred at recursive SQL level 1\nORA-12801: ...\nORA-01652: unable to extend"), providers.Exhausted, "ORA-01652"},
		{coded(12801, "ORA-12801: error signaled in parallel query server P003"), providers.Internal, "ORA-12801"},
		{driver.ErrBadConn, providers.Disconnected, ""},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), providers.Disconnected, ""},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, providers.Disconnected, ""},
		{context.Canceled, providers.Disconnected, ""},
		{errors.New("TTC error: received code 0 during response reading"), providers.Internal, ""},
	} {
		err := wrapTable("read", catalog.Name{Schema: "S", Name: "T"}, c.err)
		var e *providers.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Code != c.code || e.Table.Name != "T" || !errors.Is(err, c.err) {
			t.Errorf("%v: %q %s, want %q %s", c.err, e.Kind, e.Code, c.kind, c.code)
		}
		if strings.Count(err.Error(), "ORA-") > 1 {
			t.Errorf("a code comes twice: %v", err)
		}
	}
	if wrap("read", nil) != nil {
		t.Error("no error becomes one")
	}
}

func TestSnapshotTooOldOnQuietSource(t *testing.T) {
	lost := &network.OracleError{ErrCode: 1555}
	for scn, want := range map[string]providers.Kind{"": providers.Transient, "7": providers.SnapshotLost} {
		v := &view{sn: &snapshot{scn: scn}}
		if got := providers.KindOf(v.failed("read", catalog.Name{}, lost)); got != want {
			t.Errorf("SCN %q: %q, want %q", scn, got, want)
		}
	}
	v := &view{sn: &snapshot{scn: "7"}}
	if got := providers.KindOf(v.failed("read", catalog.Name{}, &network.OracleError{ErrCode: 942})); got != providers.Changed {
		t.Errorf("a table that is gone: %q", got)
	}
}

func TestArguments(t *testing.T) {
	good := func() schema.Values {
		return schema.Values{"host": "h", "port": int64(1521), "service": "s", "user": "sapsr3", "password": "p@:/?#%ü", "tls": "disable", "fetch_rows": int64(25)}
	}
	env := providers.Env{Application: "dmoctl erp, 7f3a", Dir: t.TempDir()}
	cfg, err := parseConfig(good(), env)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.schema != "SAPSR3" || cfg.fetchRows != 25 {
		t.Errorf("schema %s, %d rows", cfg.schema, cfg.fetchRows)
	}
	// Trap: prefetch bounds: 25 makes the driver choose, and more than 65,535 break its protocol.
	if url := cfg.url(cfg.fetchRows); !strings.Contains(url, "PREFETCH_ROWS=24") || !strings.Contains(url, "TIMEOUT=0") {
		t.Errorf("url is %s", url)
	}
	if rows := sourceBlock(); rows.Attr("fetch_rows").Max > 65535 {
		t.Errorf("fetch_rows goes up to %d", rows.Attr("fetch_rows").Max)
	}
	for name, change := range map[string]func(schema.Values){
		"service and sid":    func(v schema.Values) { v["sid"] = "X" },
		"neither":            func(v schema.Values) { delete(v, "service") },
		"no password":        func(v schema.Values) { delete(v, "password") },
		"tls_ca without tls": func(v schema.Values) { v["tls_ca"] = "ca.pem" },
		"tls_ca not there":   func(v schema.Values) { v["tls"], v["tls_ca"] = "verify", "ca.pem" },
		"tls_ca not checked": func(v schema.Values) { v["tls"], v["tls_ca"] = "insecure", "ca.pem" },
		"a name without tls": func(v schema.Values) { v["tls_server_name"] = "db.example" },
		"a name not checked": func(v schema.Values) { v["tls"], v["tls_server_name"] = "insecure", "db.example" },
	} {
		v := good()
		change(v)
		_, err := parseConfig(v, env)
		var e *providers.Error
		if !errors.As(err, &e) || e.Kind != providers.Config || e.Fix == "" || strings.Contains(err.Error(), "p@:/") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFetchSizeByRowWidth(t *testing.T) {
	for width, want := range map[int64]int{0: 2000, 500: 2000, 2100: 250, 20_000: 31, 200_000: 3, 10 << 20: 3} {
		if got := fetchClass(2000, width); got != want {
			t.Errorf("rows of %d bytes: %d at a time, want %d", width, got, want)
		}
	}
}
