package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/digest"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/providers"
)

// exportAttempt is one reading of some packages into objects of its own. Small
// packages share an object.
type exportAttempt struct {
	files    *store
	id       string
	pkg      string // which the objects are named after
	packages []exportfile.Package
	object   providers.ObjectWriter
	name     string
	written  int64 // into object
	names    []string
	kept     bool
}

func (a *exportAttempt) manifest() exportfile.Manifest {
	return exportfile.Manifest{
		Format: exportfile.ManifestFormat, Owner: a.files.journal.Owner(), Attempt: a.id, Packages: a.packages,
	}
}

// abort removes what no manifest will name.
func (a *exportAttempt) abort(ctx context.Context) {
	if a.kept {
		return
	}
	if a.object != nil {
		_ = a.object.Abort() // what it leaves is invisible
	}
	back, cancel := control.Cleanup(ctx)
	defer cancel()
	for _, name := range a.names {
		// What stays is garbage that no manifest names; the end of the migration removes it.
		_ = a.files.staging.Remove(back, name)
	}
}

// export reads one package into files of at most the wanted size.
func (a *exportAttempt) export(ctx context.Context, source rowSource, u *work.Unit) error {
	rows, err := source.open(ctx, u)
	if err != nil {
		return err
	}
	defer rows.Close()
	schema, err := batch.Schema(u.Table.Target.Columns)
	if err != nil {
		return err
	}
	hasher, err := digest.New(u.Table.Target.Columns, nil)
	if err != nil {
		return err
	}
	l := a.files.set.Entry(u)
	started(a.files.ctl, u)
	p := exportfile.Package{
		ID: l.ID, Table: l.Source, Generation: l.Generation, Schema: exportfile.Fingerprint(schema), ReadAt: l.ReadAt,
		Epoch: l.Snapshot,
	}
	w := &packageWriter{attempt: a, schema: schema, pkg: &p}
	defer w.abort()
	var sum digest.Sum
	for {
		rec, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		part, err := hasher.Sum(rec)
		if err == nil {
			sum = sum.Add(part)
			p.Bytes += batch.Bytes(rec)
			err = w.write(ctx, rec)
		}
		rec.Release()
		if err != nil {
			return err
		}
	}
	if err := w.closeFile(); err != nil {
		return err
	}
	p.Rows, p.Digest = sum.Rows, sum.String()
	a.packages = append(a.packages, p)
	return nil
}

// packageWriter writes the files of one package.
type packageWriter struct {
	attempt *exportAttempt
	schema  *arrow.Schema
	pkg     *exportfile.Package
	file    *exportfile.Writer
	offset  int64
}

func (w *packageWriter) write(ctx context.Context, rec arrow.RecordBatch) error {
	a := w.attempt
	if w.file != nil && w.file.Size() >= a.files.fileSize() {
		if err := w.closeFile(); err != nil {
			return err
		}
		if err := a.commitObject(ctx); err != nil {
			return err
		}
	}
	if w.file == nil {
		if err := a.openObject(ctx); err != nil {
			return err
		}
		var err error
		w.offset = a.written
		what := content(w.schema, *w.pkg, a.files.journal.Owner(), a.id)
		what.Part = len(w.pkg.Files) + 1
		if w.file, err = exportfile.NewWriter(a, what, a.files.codec); err != nil {
			return err
		}
	}
	return w.file.Write(rec)
}

// content is what the files of a package say that they are, but for their number.
func content(schema *arrow.Schema, p exportfile.Package, owner int64, attempt string) exportfile.Content {
	return exportfile.Content{Schema: schema, Package: p.ID, Generation: p.Generation, Owner: owner, Attempt: attempt}
}

// fileSize is in bytes of batches.
func (f *store) fileSize() int64 {
	if n := f.plan.Transfer.FileSize; n > 0 {
		return n
	}
	return fileBytes
}

func (w *packageWriter) closeFile() error {
	if w.file == nil {
		return nil
	}
	file, err := w.file.Close()
	if err != nil {
		return err
	}
	w.file = nil
	file.Object, file.Offset = w.attempt.name, w.offset
	w.pkg.Files = append(w.pkg.Files, file)
	return nil
}

func (w *packageWriter) abort() {
	if w.file != nil {
		w.file.Abort()
	}
}

func (a *exportAttempt) openObject(ctx context.Context) error {
	if a.object != nil {
		return nil
	}
	name := exportfile.ObjectName(a.pkg, a.files.journal.Owner(), a.id, len(a.names)+1)
	object, err := a.files.staging.Create(ctx, name)
	if err != nil {
		return err
	}
	a.object, a.name, a.written = object, name, 0
	return nil
}

// Write implements io.Writer for the export files in the object.
func (a *exportAttempt) Write(p []byte) (int, error) {
	if a.object == nil {
		return 0, fmt.Errorf("write export file: no object is open")
	}
	n, err := a.object.Write(p)
	a.written += int64(n)
	return n, err
}

func (a *exportAttempt) commitObject(ctx context.Context) error {
	if a.object == nil {
		return nil
	}
	a.files.ctl.Before(control.PointExport)
	if err := a.object.Commit(ctx); err != nil {
		return err
	}
	a.names = append(a.names, a.name)
	a.object = nil
	return nil
}
