package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is one measured run of one program.
type outcome struct {
	wall  float64 // seconds
	cpu   float64 // seconds of user and system time, of the program and what it started and waited for
	audit float64 // seconds of a dmoctl run's last act, as its report says; 0 for others
	pss   float64 // MiB, the highest sample; 0 where it was not sampled

	source, target float64 // CPU seconds of the two servers meanwhile
}

// samplePeriod is how often the proportional set size is read.
const samplePeriod = 50 * time.Millisecond

// measure runs a program to its end. With sample set, its proportional set size is read meanwhile.
func measure(ctx context.Context, cmd *exec.Cmd, sample bool) (outcome, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return outcome{}, err
	}
	ended := make(chan struct{})
	peak := make(chan float64, 1)
	go func() { peak <- watch(ctx, cmd.Process.Pid, sample, ended) }()
	err := cmd.Wait()
	o := outcome{wall: time.Since(begin).Seconds()}
	close(ended)
	o.pss = <-peak
	if err != nil {
		return o, fmt.Errorf("%s: %w\n%s", cmd.Args[0], err, tail(output.String(), 2000))
	}
	o.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return o, nil
}

// watch samples until the program ends, and ends the program's group when ctx does.
func watch(ctx context.Context, pid int, sample bool, ended <-chan struct{}) (peak float64) {
	tick := time.NewTicker(samplePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return peak
		case <-ctx.Done():
			_ = syscall.Kill(-pid, syscall.SIGTERM) // it may have ended by itself
			<-ended
			return peak
		case <-tick.C:
			if sample {
				peak = max(peak, proportionalSetSize(pid))
			}
		}
	}
}

// proportionalSetSize reads a process's memory in MiB, shared pages divided by those who share them.
func proportionalSetSize(pid int) float64 {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0 // it has just ended
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "Pss:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}

// shell makes a command of a pipeline; one that fails anywhere fails as a whole.
func shell(script string) *exec.Cmd {
	return exec.Command("bash", "-c", "set -euo pipefail; "+script)
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

// contender is one way to do a job.
type contender struct {
	name  string
	setup func(context.Context) error // not measured
	run   func(context.Context) (outcome, error)
	check func(context.Context) error // not measured; nil is allowed
}

// result is what the runs of one contender gave.
type result struct {
	Suite string    `json:"suite"`
	Name  string    `json:"name"`
	Wall  []float64 `json:"wall_seconds"`
	CPU   []float64 `json:"client_cpu_seconds"`
	PSS   []float64 `json:"peak_pss_mib,omitempty"`
	Audit []float64 `json:"audit_share,omitempty"` // of each run's seconds

	Source []float64 `json:"source_cpu_seconds"`
	Target []float64 `json:"target_cpu_seconds"`
}

func (r *result) wall() float64 { return median(r.Wall) }
func (r *result) cpu() float64  { return median(r.CPU) }

// work is the CPU of client and servers together: other load on the machine hardly changes it.
func (r *result) work() float64 { return r.cpu() + median(r.Source) + median(r.Target) }

// peak is the highest of all runs, not their median.
func (r *result) peak() float64 {
	if len(r.PSS) == 0 {
		return 0
	}
	return slices.Max(r.PSS)
}

func (r *result) printedPeak() string {
	if len(r.PSS) == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", r.peak())
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// contest runs the contenders in turn, reps times, so that whatever else happens on the
// machine hits all of them alike.
func (b *bench) contest(ctx context.Context, name string, reps int, contenders []contender) (map[string]*result, error) {
	results := map[string]*result{}
	for _, c := range contenders {
		results[c.name] = &result{Suite: name, Name: c.name}
	}
	for rep := range reps {
		for _, c := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			o, err := b.turn(ctx, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Fprintf(os.Stderr, "%-14s %d/%d  %-28s %8.2f s  cpu %6.2f s + %6.2f s, %6.2f s  pss %4.0f MiB\n",
				name, rep+1, reps, c.name, o.wall, o.cpu, o.source, o.target, o.pss)
			r := results[c.name]
			r.Wall, r.CPU = append(r.Wall, o.wall), append(r.CPU, o.cpu)
			r.Source, r.Target = append(r.Source, o.source), append(r.Target, o.target)
			if o.audit > 0 {
				r.Audit = append(r.Audit, o.audit/o.wall)
			}
			if o.pss > 0 {
				r.PSS = append(r.PSS, o.pss)
			}
		}
	}
	for _, c := range contenders {
		b.sheet.Runs = append(b.sheet.Runs, results[c.name])
	}
	return results, nil
}

// turn is one run of one contender.
func (b *bench) turn(ctx context.Context, c contender) (outcome, error) {
	if err := c.setup(ctx); err != nil {
		return outcome{}, fmt.Errorf("prepare: %w", err)
	}
	syscall.Sync() // what others wrote before is not to be waited for now
	source, target := b.source.cpu(), b.target.cpu()
	o, err := c.run(ctx)
	o.source, o.target = b.source.cpu()-source, b.target.cpu()-target
	if err == nil && c.check != nil {
		err = c.check(ctx)
	}
	return o, err
}
