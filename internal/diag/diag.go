// Package diag holds what dmoctl tells a user about a mistake.
//
// An engine makes values with [Error] and [Warning], puts them on a source range
// with On where it has one, and returns them; cmd prints them with [WriteText] or
// [WriteJSON]. A Diagnostic is data, not an error, so that several can be
// reported in one run.
package diag

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Severity says whether a Diagnostic stops the run.
type Severity string

// Severities, with Terraform's spelling.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Diagnostic is one message. No field ever holds a secret.
type Diagnostic struct {
	Severity Severity
	ID       ID     // kebab-case: "unknown-table"
	Summary  string // fixed for an ID, without user data
	Detail   string // full sentences: what, why, how to fix; commands on indented lines
	// Subject is what the message is about; nil where it is about no source text.
	Subject *hcl.Range
	Snippet *Snippet // excerpt of Subject's lines; nil without one
}

// Error returns a Diagnostic that stops the run.
func Error(id ID, summary, detail string) Diagnostic {
	return Diagnostic{Severity: SeverityError, ID: id, Summary: summary, Detail: detail}
}

// Warning returns a Diagnostic that does not stop the run.
func Warning(id ID, summary, detail string) Diagnostic {
	return Diagnostic{Severity: SeverityWarning, ID: id, Summary: summary, Detail: detail}
}

// On returns d with its subject set.
func (d Diagnostic) On(subject hcl.Range) Diagnostic {
	d.Subject = &subject
	return d
}

// OnPlace returns d on a file, line and column, for engines that keep no range.
// A place without a file leaves d as it is.
func (d Diagnostic) OnPlace(file string, line, column int) Diagnostic {
	if file == "" {
		return d
	}
	pos := hcl.Pos{Line: line, Column: column, Byte: -1}
	return d.On(hcl.Range{Filename: file, Start: pos, End: pos})
}

// Diagnostics are the messages of one run.
type Diagnostics []Diagnostic

// HasErrors says whether any of them stops the run.
func (ds Diagnostics) HasErrors() bool { return ds.Count(SeverityError) > 0 }

// Count returns how many have that severity.
func (ds Diagnostics) Count(s Severity) int {
	n := 0
	for _, d := range ds {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Sorted returns the diagnostics by place, those without a place first, each only
// once. The receiver is not changed.
func (ds Diagnostics) Sorted() Diagnostics {
	out := slices.Clone(ds)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return comparePlaces(a.Subject, b.Subject)
	})
	return slices.CompactFunc(out, func(a, b Diagnostic) bool {
		return a.ID == b.ID && a.Detail == b.Detail && comparePlaces(a.Subject, b.Subject) == 0
	})
}

func comparePlaces(a, b *hcl.Range) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Or(strings.Compare(a.Filename, b.Filename),
		cmp.Compare(a.Start.Line, b.Start.Line), cmp.Compare(a.Start.Column, b.Start.Column))
}

// FromHCL converts the messages of HCL. It has no ids: those of mistakes that dmoctl finds too are
// told by HCL's summary, which is a fixed text, and all others have the id that is given. Values of
// expressions, which HCL attaches, are dropped.
func FromHCL(in hcl.Diagnostics, other ID) Diagnostics {
	out := make(Diagnostics, 0, len(in))
	for _, d := range in {
		id := cmp.Or(hclID(d.Summary), other)
		c := Diagnostic{Severity: SeverityError, ID: id, Summary: d.Summary, Detail: d.Detail, Subject: d.Subject}
		if d.Severity == hcl.DiagWarning {
			c.Severity = SeverityWarning
		}
		out = append(out, c)
	}
	return out
}

// hclID returns the id of a mistake that HCL's summary tells, "" where it has none of its own.
func hclID(summary string) ID {
	switch summary {
	case "Missing required argument":
		return MissingArgument
	case "Unsupported argument":
		return UnsupportedArgument
	case "Unsupported block type":
		return UnsupportedBlock
	case "Attribute redefined":
		return Duplicate
	case "Duplicate object key":
		return DuplicateObjectKey
	case "Call to unknown function":
		return UnknownFunction
	case "Unsupported attribute":
		return UnsupportedAttribute
	case "Invalid function argument":
		return InvalidFunctionArgument
	case "Error in function call":
		return ErrorInFunctionCall
	}
	return ""
}
