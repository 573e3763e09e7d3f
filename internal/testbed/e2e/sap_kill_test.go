package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/dmoctl/dmoctl/internal/sample"
)

// Each route is killed so often, and so many rows are in progress.
const (
	sapKills = 20
	killRows = 6000
)

func killSample() sample.Options { return sample.Options{Rows: killRows, Seed: 1, Small: 12, Empty: 3} }

func TestKillsFromOracleToHANAByPipe(t *testing.T) {
	// Must show 2: SIGKILL of Oracle to SAP HANA by pipe, 20 times at random moments, each with the same end.
	killed(t, oracleToHANA(t, "pipe", killSample()))
}

func TestKillsFromOracleToHANAByFiles(t *testing.T) {
	// Must show 2: SIGKILL of Oracle to SAP HANA by files, 20 times at random moments, each with the same end.
	killed(t, oracleToHANA(t, "file", killSample()))
}

func TestKillsFromOracleToPostgres(t *testing.T) {
	// Must show 2: SIGKILL of Oracle to PostgreSQL, 20 times at random moments, each with the same end.
	killed(t, oracleToPostgres(t, killSample()))
}

func TestKillsFromPostgresToHANA(t *testing.T) {
	// Must show 2: SIGKILL of PostgreSQL to SAP HANA, 20 times at random moments, each with the same end.
	killed(t, postgresToHANA(t, killSample()))
}

// killed kills runs at random moments of a measured one. The servers continue; the next apply begins at once
// and has to end with the content of the source.
func killed(t *testing.T, r *route) {
	began := time.Now()
	r.ok(t, 0, r.dir, "apply", "--auto-approve")
	whole := time.Since(began)
	r.want.same(t, r.got(t))

	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("DMO_CRASH_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("DMO_CRASH_SEED is %q, want a number", s)
		}
	}
	moments := rand.New(rand.NewPCG(seed, 0))
	finished, inside := 0, 0
	for kills := 0; kills < sapKills; {
		r.fresh(t)
		began := time.Now()
		p := r.start(t, r.dir, "apply", "--auto-approve", "--json")
		at := time.Duration(moments.Int64N(int64(whole)))
		select {
		case <-p.done: // faster than those before: the moments are drawn from a shorter time
			whole = min(whole, time.Since(began))
			if finished++; finished > 3*sapKills {
				t.Fatalf("%d runs were over before they could be killed, the last after %s", finished, whole)
			}
		case <-time.After(at):
			kills++
			p.signal(t, syscall.SIGSTOP)
			if r.busy(t) {
				inside++
			}
			p.signal(t, syscall.SIGKILL)
			<-p.done
		}
		r.ok(t, 0, r.dir, "apply", "--auto-approve")
		r.want.same(t, r.got(t))
		if t.Failed() {
			t.Fatalf("kill %d of %d, after %s of %s; DMO_CRASH_SEED=%d repeats the moments", kills, sapKills, at, whole, seed)
		}
	}
	t.Logf("%d kills over %s, %d of them while rows were being written, %d runs were over before, %d times equal; seed %d",
		sapKills, whole, inside, finished, sapKills, seed)
}
