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

// withoutClaim makes a build of the PostgreSQL provider whose transactions neither take the
// token's lock nor claim their packages in the ledger.
func withoutClaim(t *testing.T) dmoctl {
	t.Helper()
	const file = "../../../providers/postgres/tx.go"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutant := string(source)
	for old, now := range map[string]string{
		`if err := t.w.guard(ctx, t.s, opClaim); err != nil {`: `if _, err := t.s.exec(ctx, opClaim, "BEGIN"); err != nil {`,
		"	sorted := append([]ledger.Loaded{}, packages...)\n":  "	for _, p := range packages {\n		t.claimed[p.ID] = true\n	}\n	if len(packages) > 0 {\n		return nil, nil\n	}\n	sorted := append([]ledger.Loaded{}, packages...)\n",
		"if filled != len(packages) {":                         "if filled > len(packages) {",
	} {
		if strings.Count(mutant, old) != 1 {
			t.Fatalf("%s no longer holds %q once: say here what leaves the claim out", file, old)
		}
		mutant = strings.Replace(mutant, old, now, 1)
	}
	dir := t.TempDir()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: filepath.Join(dir, "tx.go")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"tx.go": []byte(mutant), "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := binary()
	d.path = filepath.Join(dir, "dmoctl")
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", d.path, "../../../cmd/dmoctl").CombinedOutput()
	if err != nil {
		t.Fatalf("build without the claim: %v\n%s", err, out)
	}
	return d
}

func TestABuildWithoutTheClaimIsCaught(t *testing.T) {
	// Bad day: SIGKILL of dmoctl: the comparison that the kill tests make fails for a build that leaves the claim out.
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
