package view

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dmoctl/dmoctl/internal/plan"
	"github.com/dmoctl/dmoctl/internal/printable"
)

// DOT prints the plan's graph for Graphviz, one cluster a phase.
func DOT(w io.Writer, p *plan.Plan) error {
	v := Of(p, time.Time{})
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "digraph %s {\n\trankdir=LR;\n\tnode [shape=box];\n", dotQuote(p.Migration))
	numbers := stepNumbers(p)
	for _, phase := range plan.Phases() {
		steps := stepsOf(p, phase)
		if len(steps) == 0 {
			continue
		}
		fmt.Fprintf(out, "\tsubgraph cluster_%s {\n\t\tlabel=%s;\n", phase, dotQuote(string(phase)))
		for _, s := range steps {
			fmt.Fprintf(out, "\t\ts%d [label=%s];\n", numbers[s.ID], dotQuote(v.stepTitle(s)))
		}
		out.WriteString("\t}\n")
	}
	for _, s := range p.Steps {
		for _, need := range s.Needs {
			if n, ok := numbers[need]; ok {
				fmt.Fprintf(out, "\ts%d -> s%d;\n", n, numbers[s.ID])
			}
		}
	}
	out.WriteString("}\n")
	return out.Flush()
}

// Mermaid prints the plan's graph for Markdown, one subgraph a phase.
func Mermaid(w io.Writer, p *plan.Plan) error {
	v := Of(p, time.Time{})
	out := bufio.NewWriter(w)
	out.WriteString("flowchart LR\n")
	numbers := stepNumbers(p)
	for _, phase := range plan.Phases() {
		steps := stepsOf(p, phase)
		if len(steps) == 0 {
			continue
		}
		fmt.Fprintf(out, "  subgraph %s\n", phase)
		for _, s := range steps {
			fmt.Fprintf(out, "    s%d[\"%s\"]\n", numbers[s.ID], mermaidText(v.stepTitle(s)))
		}
		out.WriteString("  end\n")
	}
	for _, s := range p.Steps {
		for _, need := range s.Needs {
			if n, ok := numbers[need]; ok {
				fmt.Fprintf(out, "  s%d --> s%d\n", n, numbers[s.ID])
			}
		}
	}
	return out.Flush()
}

// stepNumbers gives steps names that need no quoting.
func stepNumbers(p *plan.Plan) map[string]int {
	numbers := make(map[string]int, len(p.Steps))
	for i, s := range p.Steps {
		numbers[s.ID] = i + 1
	}
	return numbers
}

func stepsOf(p *plan.Plan, phase plan.Phase) []*plan.Step {
	var out []*plan.Step
	for _, s := range p.Steps {
		if s.Phase == phase {
			out = append(out, s)
		}
	}
	return out
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(printable.Line(s)) + `"`
}

// mermaidText spells all that Mermaid could read as its own: quotes, entities, and
// directives, which it looks for in labels too.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range printable.Line(s) {
		if r < utf8.RuneSelf && !letterOrDigit(r) && !strings.ContainsRune(" _.,-/", r) {
			fmt.Fprintf(&b, "#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
