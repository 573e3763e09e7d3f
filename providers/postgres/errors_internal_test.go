package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dmoctl/dmoctl/providers"
)

func TestErrorKindsBySQLState(t *testing.T) {
	// Done: settings: 08P01 is not a lost connection, nor are other codes taken for what they are not.
	for kind, codes := range map[providers.Kind][]string{
		providers.Transient:    {"40001", "40P01", "40000", "55P03", "53300", "57014"},
		providers.Disconnected: {"08000", "08001", "08003", "08004", "08006", "08007", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "40003"},
		providers.Internal:     {"08P01", "XX000", "25P02", "42601", "55000", "58030"},
		providers.SnapshotLost: {"72000"},
		providers.Full:         {"53100", "53000"},
		providers.Exhausted:    {"53200", "53400"},
		providers.Value:        {"22001", "22P02", "22P03", "22021", "54000"},
		providers.Constraint:   {"23502", "23503", "23505", "23514", "23P01", "44000", "P0001"},
		providers.Permission:   {"42501", "25006"},
		providers.NotFound:     {"42P01", "42703", "42704", "42883", "3D000", "3F000", "57P04"},
		providers.Exists:       {"42P07", "42710", "42P06", "42701", "42723"},
		providers.Unsupported:  {"0A000", "54011", "54023"},
		providers.Corrupt:      {"XX001", "XX002", "58P01"},
		providers.Auth:         {"28000", "28P01"},
	} {
		for _, code := range codes {
			if got := kindOfState(code); got != kind {
				t.Errorf("%s is %q, want %q", code, got, kind)
			}
			if e := connectError(&pgconn.Config{}, &pgconn.PgError{Code: code, Message: "m"}); code == "08P01" && providers.KindOf(e) != providers.Unsupported {
				t.Errorf("%s at connect: %v", code, e)
			}
		}
	}
}
