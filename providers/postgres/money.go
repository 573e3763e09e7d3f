package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/providers"
)

// moneyType is stored as a whole number of a currency's smallest units. How many of its
// digits stand behind the point, no value says: that is up to lc_monetary of who looks at it.
const moneyType = "money"

// moneyLocalesSQL lists what lc_monetary may be for applications: what the role, the database and the
// server say, before this package's own value.
const moneyLocalesSQL = `
SELECT reset_val FROM pg_settings WHERE name = 'lc_monetary'
UNION SELECT split_part(c, '=', 2) FROM pg_db_role_setting, unnest(setconfig) c
WHERE setrole = 0 AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND c LIKE 'lc_monetary=%'
ORDER BY 1`

// moneyDigits asks the server how many digits each of them puts behind the point.
func moneyDigits(ctx context.Context, s *session) (map[string]int, error) {
	const op = "read lc_monetary"
	var locales []string
	if err := s.query(ctx, op, moneyLocalesSQL, nil, func(r row) error { locales = append(locales, r.text(0)); return nil }); err != nil {
		return nil, err
	}
	out := make(map[string]int, len(locales))
	for _, l := range locales {
		// One message is one transaction, which the value does not outlive; within a transaction it is set back.
		results, err := s.exec(
			ctx,
			op,
			"SELECT set_config('lc_monetary', "+quoteLiteral(l)+", true); SELECT cash_send((1)::money); SELECT set_config('lc_monetary', 'C', true)",
		)
		if err != nil {
			return nil, err
		}
		unit, err := strconv.ParseInt(strings.TrimPrefix(string(results[1].Rows[0][0]), `\x`), 16, 64) // of one currency unit
		if err != nil {
			return nil, &providers.Error{Kind: providers.Internal, Op: op, Err: errors.New("one unit of money is not a number")}
		}
		for out[l] = 0; unit >= 10; unit /= 10 {
			out[l]++
		}
	}
	return out, nil
}

// isMoney says whether values of the type are money, or arrays of it.
func isMoney(t catalog.Type) bool {
	return t.Engine == engine && strings.TrimRight(t.Name, "[]") == moneyType
}

// comparableMoney finds columns of money that would show other amounts than on the source.
// Source's columns say in Type.Scale how many digits they have there.
func (db *database) comparableMoney(ctx context.Context, s *session, tables []*catalog.Table) ([]providers.Finding, error) {
	columns := make(map[int][]string) // by digits
	for _, t := range tables {
		for _, c := range t.Columns {
			if isMoney(c.Type) {
				columns[c.Type.Scale] = append(columns[c.Type.Scale], t.Name.String()+"."+c.Name)
			}
		}
	}
	if len(columns) == 0 {
		return nil, nil
	}
	have, err := moneyDigits(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []providers.Finding
	for wanted, names := range columns {
		for locale, digits := range have {
			if digits != wanted {
				out = append(out, providers.Finding{Stop: true, Summary: "Money has a different number of digits",
					Detail: fmt.Sprintf(
						"On the %s lc_monetary = %s shows %s with %d decimal places, the source has %d: the same stored value would be a different amount. "+
							"Set lc_monetary of database and role to one with %d digits on both sides, or make the columns numeric.",
						db.role,
						locale,
						listed(names),
						digits,
						wanted,
						wanted,
					)})
			}
		}
	}
	return out, nil
}
