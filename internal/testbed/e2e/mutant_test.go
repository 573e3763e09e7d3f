package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// withoutClaim makes a build whose transactions of packages neither compare the token nor claim
// their packages in the ledger.
func withoutClaim(t *testing.T) dmoctl {
	t.Helper()
	dir := t.TempDir()
	overlay := map[string]string{}
	for _, edit := range []struct{ file, old, now string }{
		{"session.go", "	if token != s.run.Token {\n		err := superseded(", "	if token != s.run.Token && how != Load {\n		err := superseded("},
		{"tx.go", "	present, err := t.txn.Claim(", "	t.claimed = make(map[string]bool, len(packages))\n	for _, p := range packages {\n		t.claimed[p.ID] = true\n	}\n" +
			"	if len(packages) > 0 {\n		return nil, nil\n	}\n	present, err := t.txn.Claim("},
		{"tx.go", "n != int64(len(rows))", "n > int64(len(rows))"},
	} {
		path, err := filepath.Abs(filepath.Join("../../../providers/fenced", edit.file))
		if err != nil {
			t.Fatal(err)
		}
		from := path
		if overlay[path] != "" {
			from = overlay[path] // edited already
		}
		source, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(source), edit.old) != 1 {
			t.Fatalf("%s no longer holds %q once: say here what leaves the claim out", edit.file, edit.old)
		}
		overlay[path] = filepath.Join(dir, edit.file)
		if err := os.WriteFile(overlay[path], []byte(strings.Replace(string(source), edit.old, edit.now, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), replace, 0o600); err != nil {
		t.Fatal(err)
	}
	d := binary()
	d.path = filepath.Join(dir, "dmoctl")
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", d.path, "../../../cmd/dmoctl").CombinedOutput()
	if err != nil {
		t.Fatalf("build without the claim: %v\n%s", err, out)
	}
	return d
}

func TestBuildWithoutClaimDetected(t *testing.T) {
	// Failure scenario: SIGKILL of dmoctl: the comparison that the kill tests make fails for a build that leaves the claim out.
	for name, d := range map[string]dmoctl{"with the claim": binary(), "without": withoutClaim(t)} {
		t.Run(name, func(t *testing.T) {
			b, p, _ := throughProxy(t, specOptions{consistency: "quiet", parts: 4, verify: "none"})
			b.dmoctl = d
			b.fill(t, 2, 20000)
			want := contents(t, b.source, b.sourceDB)
			p.slow(20 * time.Millisecond)
			run := b.startApply(t)
			run.waitFor(t, "package.done", 3)
			run.signal(t, syscall.SIGKILL)
			<-run.done
			p.slow(0)
			second := b.run(t, b.dir, "apply", "--auto-approve", "--json")
			whole := second.exit == 0 && contents(t, b.target, b.targetDB) == want
			if whole != (name == "with the claim") {
				t.Errorf("exit %d, content equal to the source's: %v\n%s", second.exit, whole, tail(second.stderr))
			}
		})
	}
}
