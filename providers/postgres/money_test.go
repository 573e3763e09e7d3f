package postgres_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/testbed/pgtest"
	"github.com/dmoctl/dmoctl/providers"
)

// yen describes money without digits behind the point, as ja_JP has it.
const yen = `comment_char %
escape_char /
LC_MONETARY
int_curr_symbol "JPY "
currency_symbol "Y"
mon_decimal_point "."
mon_thousands_sep ","
mon_grouping 3;3
positive_sign ""
negative_sign "-"
int_frac_digits 0
frac_digits 0
p_cs_precedes 1
p_sep_by_space 0
n_cs_precedes 1
n_sep_by_space 0
p_sign_posn 4
n_sign_posn 4
END LC_MONETARY
`

// yenServer starts a server that knows the locale yen.utf8.
func yenServer(t *testing.T) *pgtest.Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "dmo-locale") // the server's account has to reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	definition := filepath.Join(dir, "yen")
	if err := os.WriteFile(definition, []byte(yen), 0o600); err != nil {
		t.Fatal(err)
	}
	// It ends with 1 for the categories that are missing; whether the locale is there, the server says.
	out, _ := exec.Command("localedef", "-c", "-i", definition, "-f", "UTF-8", filepath.Join(dir, "yen.utf8")).CombinedOutput()
	if _, err := os.Stat(filepath.Join(dir, "yen.utf8", "LC_MONETARY")); err != nil {
		t.Fatalf("localedef: %s", out)
	}
	t.Setenv("LOCPATH", dir)
	return pgtest.Start(t)
}

func setMoney(t *testing.T, s *pgtest.Server, url, locale string) {
	t.Helper()
	s.Exec(t, url, fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET lc_monetary = %%L', current_database(), '%s'); END $$`, locale))
}

func TestMoneyOfOtherLocaleRefused(t *testing.T) {
	// Done: settings: lc_monetary: money whose digits differ between the sides is refused; with the same digits it is the same amount.
	s := yenServer(t)
	src, dst := s.NewDatabase(t), s.NewDatabase(t)
	s.Exec(t, src, "CREATE TABLE price (id int PRIMARY KEY, m money DEFAULT '9.99', a money[]); INSERT INTO price VALUES (1, '1234.56', '{1.00}')")
	stops := func() string {
		source, target := openSource(t, src), openTarget(t, dst)
		c, err := source.Catalog(t.Context(), providers.Selector{})
		if err != nil {
			t.Fatal(err)
		}
		var tables []*catalog.Table
		for _, p := range mapAll(t, c) {
			tables = append(tables, p.target)
		}
		at, err := source.Preflight(t.Context(), c.Tables)
		if err != nil {
			t.Fatal(err)
		}
		to, err := target.Preflight(t.Context(), tables)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range append(at, to...) {
			if f.Stop {
				out = append(out, f.Detail)
			}
		}
		return strings.Join(out, "\n")
	}
	if got := stops(); got != "" {
		t.Errorf("equal locales: %s", got)
	}
	setMoney(t, s, dst, "yen.utf8")
	if got := s.Query(t, dst, "SELECT 1234.56::money"); got != "Y1,235" {
		t.Fatalf("the locale has no effect: %s", got)
	}
	if got := stops(); !strings.Contains(got, "target lc_monetary = yen.utf8") || !strings.Contains(got, "public.price.m, public.price.a") || !strings.Contains(got, "0 decimal places") {
		t.Errorf("yen on the target: %q", got)
	}
	setMoney(t, s, src, "yen.utf8")
	if got := stops(); got != "" {
		t.Errorf("yen on both sides: %s", got)
	}
	move(t, src, dst, catalog.SplitSpec{By: "auto"})
	const rows = "INSERT INTO price (id) VALUES (2); TABLE price"
	if want, got := s.Query(t, src, rows), s.Query(t, dst, rows); want != got || !strings.Contains(got, "Y123,456") {
		t.Errorf("source %s, target %s", want, got)
	}
	s.Exec(t, "postgres", "ALTER ROLE postgres SET lc_monetary = 'C'")
	if got := stops(); !strings.Contains(got, "source lc_monetary") {
		t.Errorf("the role sees other amounts than the database: %q", got)
	}
}
