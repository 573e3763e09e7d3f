package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dmoctl/dmoctl/executor/control"
	"github.com/dmoctl/dmoctl/executor/reading"
	"github.com/dmoctl/dmoctl/executor/work"
	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/internal/ledger"
	"github.com/dmoctl/dmoctl/providers"
)

// importer loads packages from the staging into the target. It knows no source.
type importer struct {
	*store
	in     *intake
	budget providers.Budget
}

// load imports packages from the staging, in one transaction.
func (f *importer) load(ctx context.Context, units []*work.Unit) error {
	a := &attempt{in: f.in, units: units}
	err := f.ctl.Retry(ctx, "import "+units[0].Package.ID, func(ctx context.Context) error {
		return f.in.target.Write(ctx, func(ctx context.Context) error {
			f.ctl.Before(control.PointBegin)
			return a.transact(ctx, func(ctx context.Context, tx providers.Tx, units []*work.Unit) ([]ledger.Loaded, error) {
				p := &pump{in: f.in, units: units, source: f, tx: tx}
				loaded, err := p.run(ctx)
				if err != nil {
					return nil, err
				}
				return loaded, f.confirm(loaded)
			})
		})
	})
	if err != nil {
		return err
	}
	return f.received(ctx, units)
}

// confirm compares what was loaded with the manifests, before it is committed.
func (f *importer) confirm(loaded []ledger.Loaded) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range loaded {
		l := &loaded[i]
		m := f.manifests[l.ID]
		if m.Digest != l.Digest || m.Rows != l.Rows {
			return corrupt(l.ID, fmt.Errorf("package %s does not match its manifest", l.ID))
		}
		l.ReadAt, l.Snapshot = m.ReadAt, m.Epoch
	}
	return nil
}

func corrupt(id string, err error) error {
	return &providers.Error{Kind: providers.Corrupt, Op: "import " + id, Err: err,
		Fix: "The package is exported again if the source is still available; find out what changed the files in the staging."}
}

// open implements rowSource with the package's export files.
func (f *importer) open(_ context.Context, u *work.Unit) (reading.Stream, error) {
	m, ok := f.usable(u)
	if !ok {
		return nil, corrupt(u.Package.ID, errors.New("no manifest names it"))
	}
	schema, err := batch.Schema(u.Table.Target.Columns)
	if err != nil {
		return nil, err
	}
	if m.Schema != exportfile.Fingerprint(schema) {
		return nil, corrupt(u.Package.ID, errors.New("its columns do not match the table"))
	}
	return &fileStream{
		files: f, pkg: m.Package, what: content(schema, m.Package, m.owner, m.attempt), left: slices.Clone(m.Files),
	}, nil
}

// fileStream reads the files of one package, one after the other.
type fileStream struct {
	files  *importer
	pkg    exportfile.Package
	what   exportfile.Content // of the file at hand
	left   []exportfile.File
	object io.ReadCloser
	reader *exportfile.Reader
	share  func() // releases what the last batch took of the budget; nil where that was nothing
}

func (s *fileStream) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for {
		if s.reader == nil {
			if len(s.left) == 0 {
				return nil, io.EOF
			}
			if err := s.openFile(ctx, s.left[0]); err != nil {
				return nil, err
			}
			s.left = s.left[1:]
		}
		if err := s.ask(ctx); err != nil {
			return nil, err
		}
		rec, err := s.reader.Next()
		if err == nil {
			return rec, nil
		}
		if !errors.Is(err, io.EOF) {
			return nil, s.classify(err)
		}
		s.Close()
	}
}

// ask asks the run's budget for a wide batch, as readers of a database do for a wide row.
func (s *fileStream) ask(ctx context.Context) error {
	s.giveBack()
	n := s.reader.Ahead()
	if n <= s.files.in.wide {
		return nil
	}
	share, err := s.files.budget.Acquire(ctx, n)
	var e *providers.Error
	if errors.As(err, &e) {
		e.Table = s.pkg.Table
	}
	s.share = share
	return err
}

func (s *fileStream) giveBack() {
	if s.share != nil {
		s.share()
		s.share = nil
	}
}

func (s *fileStream) openFile(ctx context.Context, file exportfile.File) error {
	object, err := s.files.staging.Open(ctx, file.Object, file.Offset, file.Length)
	if err != nil {
		return s.classify(err)
	}
	s.object = object
	s.what.Part++
	s.reader, err = exportfile.NewReader(object, file, s.what, s.files.codec)
	if err != nil {
		return s.classify(err)
	}
	return nil
}

// classify makes missing and damaged files one kind: the package can only be read again.
func (s *fileStream) classify(err error) error {
	var bad *exportfile.CorruptError
	if errors.As(err, &bad) || providers.KindOf(err) == providers.NotFound {
		return corrupt(s.pkg.ID, err)
	}
	return err
}

func (s *fileStream) Close() error {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
	if s.object != nil {
		s.object.Close()
		s.object = nil
	}
	s.giveBack()
	return nil
}
