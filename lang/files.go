package lang

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// Suffixes of the files that are read.
const (
	specSuffix   = ".dmo.hcl"
	valuesSuffix = ".dmovars"
)

// Limits that keep time and memory bounded whatever a file holds.
const (
	maxFileBytes = 1 << 20
	maxFiles     = 1000
)

// readDir reads and parses all spec files of the directory, by name.
func (l *loader) readDir() []*hclsyntax.Body {
	names, ok := l.specFiles()
	if !ok {
		return nil
	}
	var bodies []*hclsyntax.Body
	for _, name := range names {
		if body := l.parseFile(filepath.Join(l.dir, name), false); body != nil {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

func (l *loader) specFiles() ([]string, bool) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		l.add(diag.Error(diag.UnreadableDirectory, "Spec directory cannot be read", fmt.Sprintf(
			"%s. Change into the directory that holds the *%s files, or name it:\n  dmoctl --chdir DIR validate", reason(err, l.dir), specSuffix)))
		return nil, false
	}
	names := matching(entries, specSuffix)
	switch {
	case len(names) == 0:
		l.add(diag.Error(diag.EmptyDirectory, "No spec files", fmt.Sprintf(
			"The directory %s holds no file whose name ends in %s. Write a first spec with\n  dmoctl init", shown(l.dir), specSuffix)))
		return nil, false
	case len(names) > maxFiles:
		l.add(diag.Error(diag.TooManyFiles, "Too many spec files", fmt.Sprintf(
			"The directory %s holds %d spec files; at most %d are read.", shown(l.dir), len(names), maxFiles)))
		return nil, false
	}
	return names, true
}

// matching returns the names that end in suffix, sorted; hidden ones are editors' files.
func matching(entries []fs.DirEntry, suffix string) []string {
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names
}

// parseFile reads one file into the sources; nil where it cannot be used.
func (l *loader) parseFile(path string, values bool) *hclsyntax.Body {
	l.progress.at.Store(&hcl.Range{Filename: path})
	text, err := readBounded(path, maxFileBytes)
	if err != nil {
		l.add(diag.Error(diag.UnreadableFile, "File cannot be read", reason(err, path)+".").OnPlace(path, 0, 0))
		return nil
	}
	src := &source{text: text, values: values}
	l.sources.files[path] = src
	return l.parse(src, path)
}

func (l *loader) parse(src *source, path string) *hclsyntax.Body {
	if d := checkText(src.text, path); d != nil {
		l.sources.hideTails(path)
		l.add(*d)
		return nil
	}
	file, diags := hclsyntax.ParseConfig(src.text, path, hcl.InitialPos)
	if diags.HasErrors() {
		l.sources.hideTails(path)
	}
	l.fromHCL = append(l.fromHCL, l.convertHCL(diags, diag.InvalidSyntax)...)
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	src.body = body
	if diags.HasErrors() {
		// What HCL recovered of a broken file would give mistakes that are none.
		return nil
	}
	return body
}

var errTooLarge = errors.New("too large")

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	// A pipe that nobody writes to would keep the process from opening it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	at, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !at.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, errTooLarge
	}
	return text, nil
}

// reason says in words of a user why a path cannot be read.
func reason(err error, path string) string {
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s does not exist", shown(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("This user may not read %s", shown(path))
	case errors.Is(err, errTooLarge):
		return fmt.Sprintf(
			"%s is larger than %d bytes. Move long lists into a text file and read it with compact(split(\"\\n\", file(\"tables.txt\")))",
			shown(path),
			maxFileBytes,
		)
	case errors.As(err, &pathErr):
		return fmt.Sprintf("%s: %v", shown(path), pathErr.Err)
	}
	return fmt.Sprintf("%s: %v", shown(path), err)
}

func shown(path string) string {
	if path == "" || path == "." {
		return "\".\""
	}
	return fmt.Sprintf("%q", path)
}

// checkText refuses what the parser must not see: no UTF-8, or nesting that
// recursion could not survive.
func checkText(text []byte, path string) *diag.Diagnostic {
	if !utf8.Valid(text) {
		at := 0
		for at < len(text) {
			r, size := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		d := diag.Error(diag.InvalidEncoding, "File is not UTF-8",
			fmt.Sprintf("Byte %d of the file is not valid UTF-8. Save the file as UTF-8.", at+1))
		d = d.On(rangeAt(text, path, at, 1))
		return &d
	}
	return checkNesting(text, path)
}

// rangeAt makes a range of n bytes on one line.
func rangeAt(text []byte, path string, at, n int) hcl.Range {
	line := 1 + strings.Count(string(text[:at]), "\n")
	column := 1 + utf8.RuneCount(text[strings.LastIndexByte(string(text[:at]), '\n')+1:at])
	start := hcl.Pos{Line: line, Column: column, Byte: at}
	end := hcl.Pos{Line: line, Column: column + n, Byte: at + n}
	return hcl.Range{Filename: path, Start: start, End: end}
}
