package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// compression looks at the export files that the last run in file mode has left, and
// has zstd compress the same bytes.
func (b *bench) compression(ctx context.Context, name string, fileWall float64) error {
	files, packed, err := exportFiles(stagingDir(b.specDir("dmoctl file")))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("file mode has left no export files")
	}
	plain := filepath.Join(b.dir, "export.arrow")
	defer os.Remove(plain)
	if _, err := measure(ctx, shell("zstd -qdc '"+strings.Join(files, "' '")+"' >'"+plain+"'"), false); err != nil {
		return err
	}
	info, err := os.Stat(plain)
	if err != nil {
		return err
	}
	size := float64(info.Size())
	cli := "zstd -1 -T2"
	results, err := b.contest(ctx, name+" export", b.reps, []contender{{
		name:  cli,
		setup: func(context.Context) error { return nil },
		run: func(ctx context.Context) (outcome, error) {
			return measure(ctx, shell("zstd -q -1 -T2 -f '"+plain+"' -o '"+plain+".zst'"), false)
		},
	}})
	if err != nil {
		return err
	}
	cliInfo, err := os.Stat(plain + ".zst")
	if err != nil {
		return err
	}
	if err := os.Remove(plain + ".zst"); err != nil {
		return err
	}
	b.sheet.add(figure{What: name + ": compression of the export files", Value: size / float64(packed), Unit: "x", Note: fmt.Sprintf("of %.0f MB", size/1e6)})
	b.sheet.add(figure{What: name + ": compression by " + cli, Value: size / float64(cliInfo.Size()), Unit: "x", Note: "same bytes"})
	b.sheet.add(figure{What: name + ": file mode, export and import", Value: size / 1e6 / fileWall, Unit: "MB/s"})
	b.sheet.add(figure{What: name + ": " + cli + " alone", Value: size / 1e6 / results[cli].wall(), Unit: "MB/s", Note: "same bytes, compression only"})
	return nil
}

// exportFiles lists the zstd files below a directory, and how many bytes they have.
func exportFiles(dir string) (files []string, size int64, err error) {
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		head := make([]byte, len(magic))
		if n, err := f.Read(head); err != nil || !bytes.Equal(head[:n], magic) {
			return nil // a manifest or a journal entry
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		files, size = append(files, path), size+info.Size()
		return nil
	})
	return files, size, err
}
