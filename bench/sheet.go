package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
)

// figure is one measured value, beside the bar that it is held against where there is one.
type figure struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"` // "x" is a ratio
	Bar   float64 `json:"bar,omitempty"`
	Pass  *bool   `json:"pass,omitempty"` // nil without a bar
	Note  string  `json:"note,omitempty"`
}

func (f figure) verdict() (bar, verdict string) {
	switch {
	case f.Pass == nil:
		return "", ""
	case *f.Pass:
		return fmt.Sprintf("<= %g", f.Bar), "reached"
	}
	return fmt.Sprintf("<= %g", f.Bar), "missed"
}

// sheet collects what a run measured.
type sheet struct {
	Machine map[string]string `json:"machine"`
	Scale   float64           `json:"scale"`
	Reps    int               `json:"reps"`
	Figures []figure          `json:"figures"`
	Runs    []*result         `json:"runs"`
}

func newSheet(c config) *sheet {
	machine := map[string]string{"cpus": fmt.Sprint(runtime.NumCPU()), "go": runtime.Version()}
	for name, line := range map[string]string{
		"cpu":      "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2",
		"load":     "cut -d' ' -f1 /proc/loadavg",
		"memory":   "grep MemTotal /proc/meminfo | tr -s ' ' | cut -d' ' -f2-",
		"system":   ". /etc/os-release && echo $PRETTY_NAME",
		"pgcopydb": "pgcopydb --version 2>&1 | grep -o 'version [^ ]*' | head -n 1 | cut -d' ' -f2",
		"sqlite3":  "sqlite3 --version | cut -d' ' -f1",
		"zstd":     "zstd --version | grep -o 'v[0-9.]*' | head -n 1",
		"postgres": "$(ls /usr/lib/postgresql/*/bin/postgres | tail -n 1) --version",
	} {
		out, err := exec.Command("bash", "-c", line).Output()
		if err == nil {
			machine[name] = strings.TrimSpace(string(out))
		}
	}
	return &sheet{Machine: machine, Scale: c.scale, Reps: c.reps}
}

// ratio adds a quotient that may be at most bar; a bar of 0 is none.
func (s *sheet) ratio(what string, quotient, bar float64, note string) {
	s.add(figure{What: what, Value: quotient, Unit: "x", Bar: bar, Note: note})
}

func (s *sheet) add(f figure) {
	if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
		return // one of the two was not measured
	}
	if f.Bar > 0 {
		pass := f.Value <= f.Bar
		f.Pass = &pass
	}
	s.Figures = append(s.Figures, f)
}

// barMemory is in MiB.
const barMemory = 256

// memory adds the peak of every run of dmoctl so far, but for those of a hundred thousand tables,
// which have a bar of their own.
func (s *sheet) memory() {
	peak, where := 0.0, ""
	for _, r := range s.Runs {
		if p := r.peak(); strings.HasPrefix(r.Name, "dmoctl") && !strings.HasPrefix(r.Suite, manySuite) && p > peak {
			peak, where = p, r.Suite+", "+r.Name
		}
	}
	if peak > 0 {
		s.add(figure{What: "peak memory of dmoctl in any run", Value: peak, Unit: "MiB", Bar: barMemory, Note: "highest in " + where})
	}
}

func (s *sheet) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s, %s CPUs, %s, %s, %s\nscale %g, medians of %d, load before the run %s\n\n", s.Machine["cpu"], s.Machine["cpus"],
		s.Machine["memory"], s.Machine["postgres"], s.Machine["go"], s.Scale, s.Reps, s.Machine["load"])
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tmeasured\tbar\t\tnote")
	for _, f := range s.Figures {
		bar, verdict := f.verdict()
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\n", f.What, digits(f.Value), f.Unit, bar, verdict, f.Note)
	}
	fmt.Fprintln(t, "\nmedian of runs\twall s\tclient CPU s\tsource CPU s\ttarget CPU s\tpeak PSS MiB\t")
	for _, r := range s.Runs {
		fmt.Fprintf(t, "%s: %s\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t\n", r.Suite, r.Name, r.wall(), r.cpu(), median(r.Source), median(r.Target), r.printedPeak())
	}
	_ = t.Flush() // to a terminal or a pipe; whoever closed it does not read on
}

// digits prints three significant ones, and all before the point.
func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (s *sheet) save(path string) error {
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(out, '\n'), 0o644)
}
