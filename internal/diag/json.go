package diag

import (
	"encoding/json"
	"io"

	"github.com/hashicorp/hcl/v2"
)

// formatVersion is that of the shape below, which Terraform's validate command
// prints too; "id" is the one addition.
const formatVersion = "1.0"

type jsonReport struct {
	FormatVersion string           `json:"format_version"`
	Valid         bool             `json:"valid"`
	ErrorCount    int              `json:"error_count"`
	WarningCount  int              `json:"warning_count"`
	Diagnostics   []jsonDiagnostic `json:"diagnostics"`
}

type jsonDiagnostic struct {
	Severity Severity     `json:"severity"`
	ID       string       `json:"id,omitempty"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Range    *jsonRange   `json:"range,omitempty"`
	Snippet  *jsonSnippet `json:"snippet,omitempty"`
}

type jsonRange struct {
	Filename string  `json:"filename"`
	Start    jsonPos `json:"start"`
	End      jsonPos `json:"end"`
}

type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

type jsonSnippet struct {
	Context        *string    `json:"context"`
	Code           string     `json:"code"`
	StartLine      int        `json:"start_line"`
	HighlightStart int        `json:"highlight_start_offset"`
	HighlightEnd   int        `json:"highlight_end_offset"`
	Values         []struct{} `json:"values"` // always empty: values may be secret
}

// WriteJSON prints diagnostics as one JSON object in the shape of Terraform's
// "validate -json", for editors and CI.
func WriteJSON(w io.Writer, ds Diagnostics) error {
	report := jsonReport{
		FormatVersion: formatVersion,
		Valid:         !ds.HasErrors(),
		ErrorCount:    ds.Count(SeverityError),
		WarningCount:  ds.Count(SeverityWarning),
		Diagnostics:   make([]jsonDiagnostic, 0, len(ds)),
	}
	for _, d := range ds {
		report.Diagnostics = append(report.Diagnostics, toJSON(d))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}

// MarshalJSON prints one diagnostic in the shape of Terraform's.
func (d Diagnostic) MarshalJSON() ([]byte, error) { return json.Marshal(toJSON(d)) }

func toJSON(d Diagnostic) jsonDiagnostic {
	j := jsonDiagnostic{Severity: d.Severity, ID: string(d.ID), Summary: d.Summary, Detail: d.Detail}
	if d.Subject != nil {
		j.Range = &jsonRange{d.Subject.Filename, toPos(d.Subject.Start), toPos(d.Subject.End)}
	}
	if s := d.Snippet; s != nil {
		j.Snippet = &jsonSnippet{Code: s.Code, StartLine: s.StartLine,
			HighlightStart: s.HighlightStart, HighlightEnd: s.HighlightEnd, Values: []struct{}{}}
		if s.Context != "" {
			j.Snippet.Context = &s.Context
		}
	}
	return j
}

func toPos(p hcl.Pos) jsonPos { return jsonPos{p.Line, p.Column, max(p.Byte, 0)} }
