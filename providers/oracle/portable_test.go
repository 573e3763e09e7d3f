package oracle_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	ora "github.com/sijms/go-ora/v2"

	"github.com/dmoctl/dmoctl/internal/schema"
)

// served is one schema of a server, reached by database/sql beside the provider.
type served struct {
	db     *sql.DB
	values schema.Values
}

func (d *served) Values() schema.Values {
	out := schema.Values{}
	for k, v := range d.values {
		out[k] = v
	}
	return out
}

// asHex marks an expression whose bytes are to be printed in hexadecimal, which not every
// type has a function for.
const asHex = "/*hex*/"

// TryExec implements providertest.Database for the suites' portable SQL.
func (d *served) TryExec(text string) error {
	ctx := context.Background()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var tx *sql.Tx
	for _, statement := range split(text) {
		switch statement {
		case "BEGIN":
			if tx, err = conn.BeginTx(ctx, nil); err != nil {
				return err
			}
			continue
		case "COMMIT":
			if err := tx.Commit(); err != nil {
				return err
			}
			tx = nil
			continue
		}
		for _, one := range translated(statement) {
			do := conn.ExecContext
			if tx != nil {
				do = tx.ExecContext
			}
			if _, err := do(ctx, one.text, one.params...); err != nil {
				if tx != nil {
					err = errors.Join(err, tx.Rollback())
				}
				return fmt.Errorf("%w\n%.500s", err, one.text)
			}
		}
	}
	return nil
}

// TryQuery implements providertest.Database.
func (d *served) TryQuery(text string) (string, error) {
	one := translated(text)[0]
	rows, err := d.db.Query(one.text, one.params...)
	if err != nil {
		return "", fmt.Errorf("%w\n%.500s", err, one.text)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		parts := make([]string, len(values))
		for i, v := range values {
			parts[i] = printed(v, strings.Contains(text, asHex))
		}
		lines = append(lines, strings.Join(parts, "|"))
	}
	return strings.Join(lines, "\n"), rows.Err()
}

func printed(v any, inHex bool) string {
	switch v := v.(type) {
	case nil:
		return "<NULL>"
	case []byte:
		return hex.EncodeToString(v)
	case string:
		if inHex {
			return hex.EncodeToString([]byte(v))
		}
		return v
	case float32:
		return fmt.Sprintf("%08x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("%016x", math.Float64bits(v))
	case time.Time:
		return v.Format("2006-01-02 15:04:05.000000")
	}
	return fmt.Sprint(v)
}

// statement is one that Oracle takes, with what is too long for a literal as parameters.
type statement struct {
	text   string
	params []any
}

// split cuts at semicolons outside quotes.
func split(text string) []string {
	var out []string
	start := 0
	for i := 0; i <= len(text); {
		if i < len(text) && text[i] != ';' {
			i += len(token(text[i:]))
			continue
		}
		if s := strings.TrimSpace(text[start:i]); s != "" {
			out = append(out, s)
		}
		i++
		start = i
	}
	return out
}

// token returns a quoted thing, a comment, a word or one byte.
func token(s string) string {
	if strings.HasPrefix(s, "/*") {
		return s[:strings.Index(s, "*/")+2]
	}
	if q := s[0]; q == '\'' || q == '"' {
		for i := 1; i < len(s); i++ {
			if s[i] != q {
				continue
			}
			if i+1 < len(s) && s[i+1] == q {
				i++
				continue
			}
			return s[:i+1]
		}
		return s
	}
	n := strings.IndexFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	switch {
	case n < 0:
		return s
	case n > 0:
		return s[:n]
	}
	return s[:1]
}

// translated turns the suites' SQL into Oracle's. Names without quotes are lower-case there, and
// mean themselves; keywords, functions and types are upper-case. Oracle before 23ai has no INSERT of
// several rows, and no literal beyond 4,000 bytes.
func translated(text string) []statement {
	text = strings.Replace(text, " ADD COLUMN ", " ADD ", 1)
	var heads []string
	var out []statement
	var b strings.Builder
	var params []any
	depth, values := 0, false
	emit := func() {
		out = append(out, statement{b.String(), params})
		b.Reset()
		params = nil
	}
	for i := 0; i < len(text); {
		t := token(text[i:])
		i += len(t)
		switch {
		case t == "(":
			depth++
		case t == ")":
			depth--
		case t == "VALUES" && depth == 0:
			values = true
			heads = []string{b.String()}
		case t == "," && depth == 0 && values:
			emit()
			b.WriteString(heads[0] + "VALUES")
			continue
		case t[0] == '\'' && len(t) > 1000:
			params = append(params, ora.Clob{String: strings.ReplaceAll(t[1:len(t)-1], "''", "'"), Valid: true})
			t = fmt.Sprintf(":%d", len(params))
		case t == "count":
			t = "COUNT"
		case isName(t):
			t = `"` + t + `"`
		}
		b.WriteString(t)
	}
	emit()
	return out
}

func isName(t string) bool {
	letters := false
	for i, r := range t {
		if i == 0 && unicode.IsDigit(r) { // 1e40
			return false
		}
		if unicode.IsUpper(r) || r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
		letters = letters || unicode.IsLetter(r)
	}
	return letters
}
