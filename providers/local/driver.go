// Package local is the provider for a staging in a local directory.
//
// An object is a file below the directory. It is written as a temporary file and
// linked under its name once it is whole and on disk, so that nobody sees half of
// one and nobody's object is replaced. The directory is dmoctl's own, which a marker in it
// says; nothing outside of it is reached, and no link inside of it is followed.
package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/schema"
	"github.com/dmoctl/dmoctl/providers"
)

// Driver describes the provider.
func Driver() providers.Driver {
	return providers.Driver{
		Type: "local",
		Doc:  "A directory on a local or mounted file system, as staging.",
		Staging: schema.Block{Attrs: []schema.Attr{
			{
				Name: "path", Kind: schema.String, Required: true, Connection: true, Example: "staging",
				Doc: "Directory of the objects, created if it is missing; a directory that holds anything else is " +
					"refused. A relative path starts at the spec's directory. Its file system must have hard links.",
			},
			{
				Name: "quota", Kind: schema.Size, Example: "200GiB", Min: 1,
				Doc: "Maximum total size of the directory's objects. Without it the file system is the limit.",
			},
			{
				Name: "retain", Kind: schema.String, Default: string(plan.RetainImported), Choices: schema.Words(plan.Retains()),
				Doc: "How long export files are kept. \"until_imported\" needs the least space; \"always\" leaves them for later use.",
			},
		}},
		OpenStaging: open,
	}
}

func open(ctx context.Context, v schema.Values, env providers.Env) (providers.Staging, error) {
	if err := v.Check(); err != nil {
		return nil, &providers.Error{Kind: providers.Config, Op: "open staging", Err: err}
	}
	root := v.String("path")
	if !filepath.IsAbs(root) {
		root = filepath.Join(env.Dir, root)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, dirMode); err != nil {
		return nil, failure("open staging", err)
	}
	directory, err := os.OpenRoot(root)
	if err != nil {
		return nil, failure("open staging", err)
	}
	s := &staging{root: directory, quota: v.Int("quota")}
	if err := s.occupy(); err != nil {
		directory.Close()
		return nil, err
	}
	if s.quota > 0 {
		if err := s.measure(); err != nil {
			directory.Close()
			return nil, failure("measure staging", err)
		}
	}
	return s, nil
}

// failure gives an error of the file system its kind.
func failure(op string, err error) error {
	if own := (*providers.Error)(nil); errors.As(err, &own) {
		return err
	}
	e := &providers.Error{Kind: providers.Internal, Op: op, Err: err}
	var code syscall.Errno
	if errors.As(err, &code) {
		e.Code = errorName(code)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Kind, e.Fix = providers.Full, "Free space in the staging's directory, then run the same command again: it continues where it stopped."
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e.Kind, e.Fix = providers.Permission, "Allow this user to create directories and files in the staging's directory."
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		e.Kind = providers.NotFound
	case errors.Is(err, fs.ErrExist):
		e.Kind = providers.Exists
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.EMLINK):
		e.Kind, e.Fix = providers.Unsupported, "Use a staging directory on a file system that has hard links."
	}
	return e
}

// errorName spells the codes that operators look up.
func errorName(code syscall.Errno) string {
	names := map[syscall.Errno]string{
		syscall.ENOSPC: "ENOSPC", syscall.EDQUOT: "EDQUOT", syscall.EACCES: "EACCES", syscall.EPERM: "EPERM",
		syscall.EROFS: "EROFS", syscall.ENOENT: "ENOENT", syscall.EEXIST: "EEXIST", syscall.EIO: "EIO",
	}
	return names[code]
}
