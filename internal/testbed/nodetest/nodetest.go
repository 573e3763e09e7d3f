// Package nodetest runs scripts of Node.js in tests, for clients that are not ours.
package nodetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Require skips the test where node or npm is not installed, or fails it where DMO_TEST_REQUIRE=all.
func Require(t testing.TB) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("DMO_TEST_REQUIRE") == "all" {
				t.Fatalf("%s is missing", tool)
			}
			t.Skipf("%s is missing", tool)
		}
	}
}

// Run runs the script check.mjs of a directory, in UTC, with the packages that its package-lock.json
// names, and returns the JSON object that it prints. The packages are kept in the directory that
// DMO_CACHE names, or in one for temporary files.
func Run(t testing.TB, from string, args ...string) map[string]any {
	t.Helper()
	dir := install(t, from)
	script := filepath.Join(dir, "check.mjs")
	copyFile(t, filepath.Join(from, "check.mjs"), script)
	cmd := exec.Command("node", append([]string{"--no-deprecation", script}, args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC") // clients show dates in the process's zone
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	out := make(map[string]any)
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return out
}

// install returns a directory with the packages of the lock file in from.
func install(t testing.TB, from string) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(from, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	cache := os.Getenv("DMO_CACHE")
	if cache == "" {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "npm-"+hex.EncodeToString(sum[:8]))
	done := filepath.Join(dir, "done")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		copyFile(t, filepath.Join(from, name), filepath.Join(dir, name))
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	if text, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, text)
	}
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
