package lang

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// FormatDir formats the spec files and files of variable values in dir, and returns
// the paths of those that were not in the canonical form. With check it changes none.
// A file that does not parse is a diagnostic and stays as it is.
func FormatDir(dir string, check bool) ([]string, diag.Diagnostics) {
	l := newLoader(dir, Options{})
	var changed []string
	var ds diag.Diagnostics
	if d := l.bounded(func() { changed, ds = l.formatDir(dir, check) }); d != nil {
		return nil, diag.Diagnostics{*d}
	}
	return changed, ds
}

func (l *loader) formatDir(dir string, check bool) ([]string, diag.Diagnostics) {
	names, ok := l.specFiles()
	if !ok {
		return nil, l.finished()
	}
	if entries, err := os.ReadDir(dir); err == nil {
		names = append(names, matching(entries, valuesSuffix)...)
	}
	var changed []string
	for _, name := range names {
		path := filepath.Join(dir, name)
		if l.parseFile(path, false) == nil {
			continue
		}
		src := l.sources.files[path].text
		out := hclwrite.Format(src)
		if bytes.Equal(src, out) {
			continue
		}
		changed = append(changed, path)
		if check || l.progress.givenUp.Load() {
			continue
		}
		if err := replaceFile(path, out); err != nil {
			l.add(diag.Error(diag.UnwritableFile, "File cannot be written", fmt.Sprintf("%v.", err)).OnPlace(path, 0, 0))
		}
	}
	return changed, l.sources.Locate(l.finished())
}

// replaceFile writes a file so that a crash leaves the old text or the new one. It
// follows a symbolic link and keeps the file's mode.
func replaceFile(path string, text []byte) (err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".dmoctl-fmt-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(text); err != nil {
		return err
	}
	if err = f.Chmod(old.Mode().Perm()); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
