package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// claim is one line in which a test says what it proves.
type claim struct {
	pkg  string // directory, relative to the module
	test string // function, or script below TestScript
	text string // "Invariant 3: ...", "Failure scenario: ...", "Trap: ..." or "Must show 2: ..."
}

// proves says whether the claim is about p. The letter case does not matter.
func (c claim) proves(p promise) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(c.text), strings.ToLower(p.name))
	return ok && strings.HasPrefix(c.pkg, p.pkg) && (rest == "" || !isDigit(rest[0]))
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// collect finds the claims of all tests and scripts below root.
func collect(root string) ([]claim, error) {
	marker := regexp.MustCompile(`^(//|#)\s*((Invariant \d+|Failure scenario|Trap|Done|Must show \d+): .*)$`)
	var out []claim
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var found []claim
		switch {
		case strings.HasSuffix(path, ".go"):
			found, err = goClaims(path, filepath.Dir(rel), marker)
		case strings.HasSuffix(path, ".txtar"):
			found, err = scriptClaims(path, rel, marker)
		}
		out = append(out, found...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("collect claims: %w", err)
	}
	return out, nil
}

// goClaims finds the claims in the bodies of a file's functions.
func goClaims(path, pkg string, marker *regexp.Regexp) ([]claim, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var out []claim
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, group := range file.Comments {
			if group.Pos() < f.Body.Pos() || group.End() > f.Body.End() {
				continue
			}
			for _, line := range group.List {
				if m := marker.FindStringSubmatch(line.Text); m != nil {
					out = append(out, claim{pkg: pkg, test: f.Name.Name, text: m[2]})
				}
			}
		}
	}
	return out, nil
}

// scriptTest names the test that runs the scripts of a directory: TestScript those of testdata/script.
func scriptTest(directory string) string {
	if directory == "" {
		return "Test"
	}
	return "Test" + strings.ToUpper(directory[:1]) + directory[1:]
}

// scriptClaims finds the claims in the comments at the head of a script.
func scriptClaims(path, rel string, marker *regexp.Regexp) ([]claim, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	pkg, script, _ := strings.Cut(filepath.ToSlash(rel), "/testdata/")
	directory, name, _ := strings.Cut(strings.TrimSuffix(script, ".txtar"), "/")
	var out []claim
	lines := bufio.NewScanner(file)
	for lines.Scan() && strings.HasPrefix(lines.Text(), "#") {
		if m := marker.FindStringSubmatch(lines.Text()); m != nil {
			out = append(out, claim{pkg: pkg, test: scriptTest(directory) + "/" + name, text: m[2]})
		}
	}
	return out, lines.Err()
}
