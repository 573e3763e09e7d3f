package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/dmoctl/dmoctl/internal/desired"
)

// digestFormat is part of what is hashed: raise it when the shape below changes.
const digestFormat = 1

// digest identifies what the spec asks for. Connection arguments, sensitive values,
// places in files and the directory are no part of it, so that the same spec has the
// same digest on another host, with and without secrets.
func (m *migration) digest() string {
	spec := *m.spec
	spec.Dir, spec.StatePath, spec.Digest = "", "", ""
	open := map[string]map[string]any{}
	for side, e := range map[string]*endpoint{roleSource: m.source, roleTarget: m.target, roleStaging: m.staging} {
		if e != nil {
			open[side+" "+e.Address()] = e.open
		}
	}
	spec.Source, spec.Target, spec.Staging = desired.Endpoint{}, desired.Endpoint{}, nil
	spec.Groups = append([]desired.Group(nil), spec.Groups...)
	for i := range spec.Groups {
		spec.Groups[i].Tables = withoutPlaces(spec.Groups[i].Tables)
	}
	spec.Excludes = append([]desired.Exclude(nil), spec.Excludes...)
	for i := range spec.Excludes {
		spec.Excludes[i].Tables = withoutPlaces(spec.Excludes[i].Tables)
	}
	spec.Renames = append([]desired.Rename(nil), spec.Renames...)
	for i := range spec.Renames {
		r := &spec.Renames[i]
		r.At, r.Table.At, r.To.At = desired.Position{}, desired.Position{}, desired.Position{}
	}
	spec.Verify.Exceptions = append([]desired.Exception(nil), spec.Verify.Exceptions...)
	for i := range spec.Verify.Exceptions {
		e := &spec.Verify.Exceptions[i]
		e.At, e.Table.At = desired.Position{}, desired.Position{}
	}
	text, err := json.Marshal(struct {
		Format int
		Spec   desired.Spec
		Open   map[string]map[string]any
	}{digestFormat, spec, open})
	if err != nil {
		panic("lang: marshal spec: " + err.Error()) // plain data always marshals
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

func withoutPlaces(in []desired.Pattern) []desired.Pattern {
	out := append([]desired.Pattern(nil), in...)
	for i := range out {
		out[i].At = desired.Position{}
	}
	return out
}
