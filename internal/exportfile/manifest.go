package exportfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/digest"
)

// ManifestFormat is the version of a Manifest's JSON form.
const ManifestFormat = 2

// Manifest says what one attempt consists of: the package, or the packages of a
// bundle, that it read. It is written after their files and is what makes them
// exist: a file that no manifest names is garbage.
type Manifest struct {
	Format   int       `json:"format"`
	Owner    int64     `json:"owner"`   // number of the exporter's owner entry in the journal
	Attempt  string    `json:"attempt"` // unique among an owner's attempts; 12 hexadecimal digits
	Packages []Package `json:"packages"`
}

// Package is one package as an attempt read it. Files are in the order of rows; a
// package without rows has none.
type Package struct {
	ID         string       `json:"id"`
	Table      catalog.Name `json:"table"` // of the source
	Generation string       `json:"generation"`
	Rows       int64        `json:"rows"`
	Bytes      int64        `json:"bytes"`   // of batches, before compression
	Digest     string       `json:"digest"`  // of internal/digest, in the target's form
	Schema     string       `json:"schema"`  // Fingerprint of the files' schema
	ReadAt     time.Time    `json:"read_at"` // by the source's clock
	Epoch      string       `json:"epoch"`   // id of the journal's, under which it was read
	Files      []File       `json:"files,omitempty"`
}

// Decode reads one JSON value that says its format version in a field "format".
// Another version, an unknown field and anything behind the value are errors.
func Decode(b []byte, format int, into any) error {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	switch {
	case head.Format == 0:
		return errors.New("it names no format version")
	case head.Format != format:
		return fmt.Errorf("format version %d is not supported by this dmoctl, which supports version %d", head.Format, format)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into) // that nothing follows was found above
}

// Check says what contradicts itself.
func (m *Manifest) Check() error {
	switch {
	case m.Format != ManifestFormat:
		return fmt.Errorf("format version %d is unknown", m.Format)
	case m.Owner <= 0 || m.Attempt == "":
		return errors.New("it names no owner or attempt")
	case len(m.Packages) == 0:
		return errors.New("it names no package")
	}
	seen := make(map[string]bool, len(m.Packages))
	for i := range m.Packages {
		p := &m.Packages[i]
		if p.ID == "" || p.Table.Name == "" || p.Generation == "" || seen[p.ID] {
			return fmt.Errorf("package %.80q appears twice, or has no name, table or generation", p.ID)
		}
		seen[p.ID] = true
		err := p.check()
		for n := 0; err == nil && n < len(p.Files); n++ {
			// Objects of another attempt may go, or hold another reading.
			if owner, attempt, ok := ParseObjectName(p.Files[n].Object); !ok || owner != m.Owner || attempt != m.Attempt {
				err = fmt.Errorf("object %s does not belong to this attempt", p.Files[n].Object)
			}
		}
		if err != nil {
			return fmt.Errorf("package %.80q: %w", p.ID, err)
		}
	}
	return nil
}

func (p *Package) check() error {
	sum, err := digest.Parse(p.Digest)
	if err != nil {
		return err
	}
	var rows int64
	for i := range p.Files {
		if err := p.Files[i].check(); err != nil {
			return err
		}
		rows += p.Files[i].Rows
	}
	switch {
	case p.Bytes < 0 || rows != p.Rows || sum.Rows != p.Rows:
		return fmt.Errorf("%d rows, but %d in its files and %d in its digest", p.Rows, rows, sum.Rows)
	case p.Epoch == "" || p.Schema == "":
		return errors.New("it names no epoch or schema")
	}
	return nil
}
