package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// exactDigits is how many decimal digits a SQLite REAL keeps: a decimal with more is declared TEXT.
const exactDigits = 15

type sqliteDialect struct{}

func (sqliteDialect) engine() string           { return sqliteEngine }
func (sqliteDialect) name(table string) string { return quote(table) }
func (sqliteDialect) inlineKeys() bool         { return true }

func (sqliteDialect) tableOptions(t *table) string {
	if t.withoutRowID {
		return " WITHOUT ROWID"
	}
	return ""
}

func (sqliteDialect) typeName(c column) string {
	switch c.kind {
	case varchar, char:
		return fmt.Sprintf("VARCHAR(%d)", c.size)
	case decimal:
		if c.size <= exactDigits {
			return fmt.Sprintf("DECIMAL(%d,%d)", c.size, c.scale)
		}
	case smallint:
		return "SMALLINT"
	case integer:
		return "INTEGER"
	case bigint:
		return "BIGINT"
	case double:
		return "DOUBLE"
	case boolean:
		return "BOOLEAN"
	case date:
		return "DATE"
	case timeOfDay:
		return "TIME"
	case timestamp:
		return "DATETIME"
	case blob:
		return "BLOB"
	case identity:
		return "INTEGER PRIMARY KEY AUTOINCREMENT"
	}
	return "TEXT" // also what SQLite has no type for: UUID, JSON, instants, long decimals
}

// WriteSQLite makes the database file path and fills it. A file that is there
// already is an [ErrExists]; one that could not be finished is removed.
func WriteSQLite(ctx context.Context, path string, opts Options, progress Progress) (err error) {
	if err := opts.validate(); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create sample: file %s: %w", path, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("create sample: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create sample: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return fmt.Errorf("open sample: %w", err)
	}
	conn.SetInterrupt(ctx.Done())
	w := &sqliteWriter{conn: conn, row: newRow(), seed: opts.Seed, progress: progress}
	if err := w.write(ctx, opts.tables(sqliteDialect{})); err != nil {
		return errors.Join(err, conn.Close())
	}
	if err := conn.Close(); err != nil {
		return fmt.Errorf("close sample: %w", err)
	}
	return nil
}

type sqliteWriter struct {
	conn     *sqlite.Conn
	row      *row
	seed     uint64
	progress Progress
}

func (w *sqliteWriter) exec(sql string) error {
	if err := sqlitex.ExecuteTransient(w.conn, sql, nil); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	return nil
}

// write needs no journal: an unfinished file is removed.
func (w *sqliteWriter) write(ctx context.Context, tables []*table) error {
	for _, sql := range []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -32768", "PRAGMA temp_store = MEMORY", "BEGIN"} {
		if err := w.exec(sql); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.table(t); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	last := []string{createView(sqliteDialect{}), "CREATE TRIGGER " + quote(triggerName) + ` AFTER UPDATE ON "MARA" BEGIN ` +
		`UPDATE "MARA" SET "VERSION" = OLD."VERSION" + 1 WHERE "MANDT" = NEW."MANDT" AND "MATNR" = NEW."MATNR"; END`, "COMMIT"}
	for _, sql := range last {
		if err := w.exec(sql); err != nil {
			return err
		}
	}
	return nil
}

func (w *sqliteWriter) table(t *table) error {
	d := sqliteDialect{}
	if err := w.exec(createTable(d, t)); err != nil {
		return err
	}
	if err := w.insert(t); err != nil {
		return err
	}
	for _, sql := range createIndexes(d, t) {
		if err := w.exec(sql); err != nil {
			return err
		}
	}
	if identityOf(t) != "" { // numbers above the highest were given out once, and their rows deleted
		return w.exec("UPDATE sqlite_sequence SET seq = seq + 7 WHERE name = '" + t.name + "'")
	}
	return nil
}

func (w *sqliteWriter) insert(t *table) error {
	w.row.seed(w.seed, t.name)
	done := int64(0)
	for _, each := range []int64{rowsPerStatement, 1} {
		if t.rows-done < each {
			continue
		}
		stmt, _, err := w.conn.PrepareTransient(insertInto(t, int(each)))
		if err != nil {
			return fmt.Errorf("write sample: %w", err)
		}
		for ; t.rows-done >= each && err == nil; done += each {
			if done%progressEvery == 0 && done > 0 {
				w.progress.report(t.name, done)
			}
			err = w.step(stmt, t, done, done+each)
		}
		finalizeErr := stmt.Finalize() // repeats the error of the last step, if there was one
		if err = cmp.Or(err, finalizeErr); err != nil {
			return fmt.Errorf("write row %d: %w", done, err)
		}
	}
	w.progress.report(t.name, t.rows)
	return nil
}

// rowsPerStatement divides progressEvery. One row a statement is a third slower.
const rowsPerStatement = 8

func insertInto(t *table, rows int) string {
	marks := "(" + strings.Repeat("?, ", len(t.columns)-1) + "?)"
	return "INSERT INTO " + quote(t.name) + " VALUES " + strings.Repeat(marks+", ", rows-1) + marks
}

// step inserts the rows from one to the other, the latter not included.
func (w *sqliteWriter) step(stmt *sqlite.Stmt, t *table, from, to int64) error {
	for i := from; i < to; i++ {
		w.row.reset()
		t.fill(w.row, i)
		w.bind(stmt, t, int(i-from)*len(t.columns))
	}
	if _, err := stmt.Step(); err != nil {
		return err
	}
	return stmt.Reset()
}

// bind binds the row to the parameters after the first skip ones.
func (w *sqliteWriter) bind(stmt *sqlite.Stmt, t *table, skip int) {
	whole := string(w.row.buf) // one copy a row, cut into values
	for i, c := range w.row.cells {
		p := skip + i + 1
		switch c.form {
		case formNull:
			stmt.BindNull(p)
		case formInt, formBool:
			stmt.BindInt64(p, c.num)
		case formDecimal:
			if k := t.columns[i]; k.kind != decimal || k.size > exactDigits {
				stmt.BindText(p, string(appendDecimal(nil, c.num, c.scale)))
			} else {
				stmt.BindFloat(p, float64(c.num)/math.Pow10(int(c.scale))) // both exact, so the quotient is the nearest
			}
		case formFloat:
			stmt.BindFloat(p, math.Float64frombits(uint64(c.num)))
		case formText:
			stmt.BindText(p, whole[c.off:c.end])
		case formBytes:
			stmt.BindBytes(p, w.row.buf[c.off:c.end])
		}
	}
}

// appendDecimal prints unscaled / 10^scale with all its digits.
func appendDecimal(b []byte, unscaled int64, scale uint8) []byte {
	if scale == 0 {
		return strconv.AppendInt(b, unscaled, 10)
	}
	magnitude := uint64(unscaled)
	if unscaled < 0 {
		b = append(b, '-')
		magnitude = -magnitude
	}
	power := uint64(1)
	for range scale {
		power *= 10
	}
	b = strconv.AppendUint(b, magnitude/power, 10)
	b = append(b, '.')
	fraction := strconv.AppendUint(nil, magnitude%power, 10)
	for range int(scale) - len(fraction) {
		b = append(b, '0')
	}
	return append(b, fraction...)
}
