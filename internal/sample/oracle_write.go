package sample

import (
	"context"
	"fmt"
	"strings"
)

// Rows of one Insert: bounded by number, and by bytes where large objects are among them.
const (
	oracleBatchRows  = 1000
	oracleBatchBytes = 4 << 20
)

// WriteOracle hands the sample to a sink: statements that make and index tables, and their rows
// in between. It looks for nothing that is there already: the first CREATE TABLE of a name
// that is taken fails with the server's own error. Nothing is committed by it but what DDL
// commits: a sink that writes to a server commits its inserts.
func WriteOracle(ctx context.Context, opts Options, to OracleSink, progress Progress) error {
	if err := opts.validate(); err != nil {
		return err
	}
	w := &oracleWriter{sink: to, row: newRow(), seed: opts.Seed, progress: progress,
		dialect: oracleDialect{schema: opts.Schema, characters: opts.Oracle.Characters}}
	if err := w.exec(ctx, "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'"); err != nil {
		return err
	}
	for _, t := range opts.tables(w.dialect) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.table(ctx, inOracle(t)); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	if err := w.fixtures(ctx, opts.Oracle); err != nil {
		return err
	}
	return w.exec(ctx, createView(w.dialect),
		"CREATE TRIGGER "+w.dialect.name(triggerName)+" BEFORE UPDATE ON "+w.dialect.name("MARA")+
			` FOR EACH ROW BEGIN :NEW."VERSION" := :OLD."VERSION" + 1; END;`)
}

type oracleWriter struct {
	sink     OracleSink
	dialect  oracleDialect
	row      *row
	seed     uint64
	progress Progress
}

func (w *oracleWriter) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if err := w.sink.Exec(ctx, sql); err != nil {
			return fmt.Errorf("write sample: %w", err)
		}
	}
	return nil
}

func (w *oracleWriter) table(ctx context.Context, t *table) error {
	d := w.dialect
	d.highest = t.rows * 3 // as documentTable numbers
	if err := w.exec(ctx, d.create(t)); err != nil {
		return err
	}
	into := OracleTable{Schema: d.schema, Name: t.name}
	for _, c := range t.columns {
		name, _, _ := strings.Cut(d.typeName(c), " GENERATED")
		into.Columns = append(into.Columns, OracleColumn{Name: c.name, Type: name})
	}
	if err := w.rows(ctx, t, into); err != nil {
		return err
	}
	return w.exec(ctx, d.finish(t)...)
}

func (w *oracleWriter) rows(ctx context.Context, t *table, into OracleTable) error {
	w.row.seed(w.seed, t.name)
	var rows [][]any
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := w.sink.Insert(ctx, into, rows)
		rows, size = rows[:0], 0
		return err
	}
	for i := range t.rows {
		w.row.reset()
		t.fill(w.row, i)
		values := make([]any, len(t.columns))
		for j, c := range w.row.cells {
			v, err := w.dialect.value(t.columns[j], w.row, c)
			if err != nil {
				return fmt.Errorf("row %d: column %s: %w", i, t.columns[j].name, err)
			}
			if b, ok := v.([]byte); ok {
				v = append([]byte{}, b...) // the row's buffer is reused
			}
			values[j] = v
		}
		rows, size = append(rows, values), size+len(w.row.buf)
		if len(rows) == oracleBatchRows || size >= oracleBatchBytes {
			if err := flush(); err != nil {
				return fmt.Errorf("insert rows up to %d: %w", i, err)
			}
		}
		if done := i + 1; done%progressEvery == 0 && done < t.rows {
			w.progress.report(t.name, done)
		}
	}
	if err := flush(); err != nil {
		return fmt.Errorf("insert rows up to %d: %w", t.rows, err)
	}
	w.progress.report(t.name, t.rows)
	return nil
}

// inOracle is a table whose names Oracle takes: a quoted name holds no quote. The table of
// extremes is another one: Oracle has other extremes.
func inOracle(t *table) *table {
	out := *t
	if t.name == matrixName {
		out = *oracleMatrixTable()
	}
	fit := func(s string) string { return strings.ReplaceAll(s, `"`, "'") }
	out.name = fit(out.name)
	out.columns = append([]column{}, out.columns...)
	for i := range out.columns {
		out.columns[i].name = fit(out.columns[i].name)
	}
	out.key = fitAll(out.key, fit)
	out.indexes = append([]index{}, out.indexes...)
	for i := range out.indexes {
		out.indexes[i].name, out.indexes[i].columns = fit(out.indexes[i].name), fitAll(out.indexes[i].columns, fit)
	}
	return &out
}

func fitAll(names []string, fit func(string) string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fit(n)
	}
	return out
}
