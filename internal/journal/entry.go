// Package journal keeps the numbered hand-over between the sites of a system move.
//
// A journal is a directory of a staging that holds entries 00000001.json,
// 00000002.json and so on. Each is created by one conditional request and never
// changes. Whoever writes reads to the end, then creates an entry with an Owner
// record; the next number being taken by somebody else means that the ownership
// is lost. Whoever reads asks for the next number and lists nothing. Take starts
// a Writer, Read follows one. docs/export-format.md describes the entries.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dmoctl/dmoctl/internal/catalog"
	"github.com/dmoctl/dmoctl/internal/exportfile"
	"github.com/dmoctl/dmoctl/internal/ledger"
)

// Format is the version of an Entry's JSON form.
const Format = 2

// Source is the journal that the source's site writes.
const Source = "source"

// Entry is one file of a journal. It holds every record that was ready.
type Entry struct {
	Format  int       `json:"format"`
	Number  int64     `json:"number"` // its name, from 1
	Writer  string    `json:"writer"` // id of the Writer that made it
	Owner   int64     `json:"owner"`  // number of that Writer's entry with the Owner record
	At      time.Time `json:"at"`     // by the writer's clock
	Records []Record  `json:"records"`
}

// Record is one thing that happened. Exactly one field is set.
type Record struct {
	Owner    *Owner               `json:"owner,omitempty"`
	Plan     *Plan                `json:"plan,omitempty"`
	Epoch    *Epoch               `json:"epoch,omitempty"`
	Begun    *Table               `json:"begun,omitempty"`
	Manifest *exportfile.Manifest `json:"manifest,omitempty"`
	Table    *Table               `json:"table,omitempty"`
	Restart  *Restart             `json:"restart,omitempty"`
	Done     *Done                `json:"done,omitempty"`
}

// Owner is who takes the journal, and for which hand-over.
type Owner struct {
	By  ledger.Owner `json:"by"`
	For HandOver     `json:"for"`
}

// HandOver is what a journal is bound to. Between other ends, or of another migration, it is
// another's and stays untouched; within another lineage everything before counts no more.
type HandOver struct {
	Migration string `json:"migration"`
	Source    string `json:"source"`  // identity of the database
	Target    string `json:"target"`  // identity of the database
	Lineage   string `json:"lineage"` // of the target's ledger
}

// Epoch is one view of the source, or one period in which nobody writes to it. Rows count
// together only within one epoch, and each has an id of its own that never comes again.
type Epoch struct {
	ID       string    `json:"id"`
	Quiet    bool      `json:"quiet,omitempty"` // a period, by the user's word; counters prove it
	Snapshot string    `json:"snapshot"`        // what the source calls the view
	At       time.Time `json:"at"`              // by the source's clock
}

// Plan says what is going to be exported. A revised one keeps what has travelled.
type Plan struct {
	ID       string    `json:"id"`
	Spec     string    `json:"spec"` // digest of the spec and structures
	Packages []Planned `json:"packages"`
}

// Planned is one package of a Plan.
type Planned struct {
	ID         string       `json:"id"`
	Table      catalog.Name `json:"table"` // of the source
	Generation string       `json:"generation"`
}

// Table is what a table of the source was in an epoch. As Begun it is what was there before
// the first row that counts was read; it stands before the table's first manifest of the
// epoch, or beside it. As Table it says that all packages were read and that nothing had
// changed after the last one.
type Table struct {
	Table     catalog.Name `json:"table"` // of the source
	Epoch     string       `json:"epoch"`
	Structure string       `json:"structure"` // digest
	File      string       `json:"file"`      // file identity
	Count     int64        `json:"count"`     // COUNT(*) in the epoch; -1 not taken
	Changes   string       `json:"changes"`   // change counters at the count, opaque
}

// Restart voids all manifests and other records of a table before it: their
// epoch is over, and the target empties the table.
type Restart struct {
	Table  catalog.Name `json:"table"` // of the source
	Reason string       `json:"reason"`
}

// Done says that everything of a plan was exported.
type Done struct {
	Plan string `json:"plan"` // its id
}

// Name returns the object name of an entry of a journal.
func Name(journal string, number int64) string { return fmt.Sprintf("%s/%08d.json", journal, number) }

// Encode returns the entry as JSON, with the format version filled in.
func (e Entry) Encode() ([]byte, error) {
	e.Format = Format
	e.Records = slices.Clone(e.Records)
	for i := range e.Records {
		if m := e.Records[i].Manifest; m != nil {
			versioned := *m
			versioned.Format = exportfile.ManifestFormat
			e.Records[i].Manifest = &versioned
		}
	}
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("encode journal entry %d: %w", e.Number, err)
	}
	return json.Marshal(e)
}

// Decode reads an entry. Unknown fields, other format versions and anything that
// contradicts itself are errors.
func Decode(b []byte) (Entry, error) {
	var e Entry
	if err := exportfile.Decode(b, Format, &e); err != nil {
		return Entry{}, fmt.Errorf("decode journal entry: %w", err)
	}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("decode journal entry %d: %w", e.Number, err)
	}
	return e, nil
}

func (e *Entry) check() error {
	if e.Number <= 0 || e.Owner <= 0 || e.Owner > e.Number || e.Writer == "" {
		return errors.New("it has no number, owner or writer")
	}
	if len(e.Records) == 0 {
		return errors.New("it has no record")
	}
	for i := range e.Records {
		if err := e.Records[i].check(); err != nil {
			return fmt.Errorf("record %d: %w", i+1, err)
		}
		if m := e.Records[i].Manifest; m != nil && m.Owner != e.Owner {
			return fmt.Errorf("record %d: a manifest of owner %d", i+1, m.Owner)
		}
	}
	if first := e.Records[0].Owner != nil; first != (e.Owner == e.Number) {
		return errors.New("its owner's number does not match its records")
	}
	return nil
}

func (r *Record) check() error {
	set := 0
	for _, is := range []bool{r.Owner != nil, r.Plan != nil, r.Epoch != nil, r.Begun != nil, r.Manifest != nil, r.Table != nil,
		r.Restart != nil, r.Done != nil} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("it has %d records, not one", set)
	case r.Owner != nil && r.Owner.For.Migration == "":
		return errors.New("an owner names no migration")
	case r.Epoch != nil && r.Epoch.ID == "":
		return errors.New("an epoch has no id")
	case r.Manifest != nil:
		return r.Manifest.Check()
	case r.Plan != nil && r.Plan.ID == "", r.Done != nil && r.Done.Plan == "":
		return errors.New("a plan has no id")
	case r.Table != nil && (r.Table.Table.Name == "" || r.Table.Epoch == ""), r.Begun != nil && (r.Begun.Table.Name == "" || r.Begun.Epoch == ""):
		return errors.New("a table has no name or epoch")
	case r.Restart != nil && r.Restart.Table.Name == "":
		return errors.New("a table has no name")
	}
	return nil
}
