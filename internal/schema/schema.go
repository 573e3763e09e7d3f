// Package schema describes configuration blocks as data, so that validation,
// documentation and "did you mean" come from one place.
package schema

// Kind is the type of an argument as users write it.
type Kind string

// Argument kinds. Sizes, durations, rates and percentages are strings with units.
const (
	String   Kind = "string"
	Int      Kind = "number"
	Bool     Kind = "bool"
	Strings  Kind = "list of strings"
	Size     Kind = "size"     // "256MiB", decoded to int64 bytes
	Duration Kind = "duration" // "90s", decoded to time.Duration
	Rate     Kind = "rate"     // "800Mbps", decoded to int64 bits a second
	Percent  Kind = "percent"  // "20%", decoded to float64 0..1
	// Reference names another block of the spec, e.g. source.postgres.erp. It is
	// decoded to that text. Arguments of providers never have it.
	Reference Kind = "reference"
	// Expression is evaluated by the language itself; for its own blocks only.
	Expression Kind = "expression"
)

// Attr is one argument of a Block.
type Attr struct {
	Name      string
	Kind      Kind
	Doc       string
	Required  bool
	Sensitive bool     // takes only a sensitive value; never printed, never stored
	Default   string   // as a user would write it, a String without its quotes; "" is none
	Choices   []string // allowed values of a String
	Unready   []string // known values, refused as not available in this version
	Min, Max  int64    // bounds of an Int or Size, in its unit; Max 0 is no bound
	Example   string   // as Default is written, for docs and starter specs
	Planned   bool     // known, refused as not available in this version
	// Connection marks arguments that say where a database is, not which migration
	// this is: the spec's digest leaves them out.
	Connection bool
}

// Words returns words of a type of their own as the Choices of an Attr.
func Words[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// Block is one kind of configuration block.
type Block struct {
	Type    string
	Labels  []string // names of the labels, e.g. "type", "name"
	Doc     string
	Attrs   []Attr
	Blocks  []Block
	Single  bool // at most one in its parent
	Planned bool // known, refused as not available in this version
}

// Attr returns the argument of that name, or nil.
func (b *Block) Attr(name string) *Attr {
	for i := range b.Attrs {
		if b.Attrs[i].Name == name {
			return &b.Attrs[i]
		}
	}
	return nil
}

// Block returns the nested block of that type, or nil.
func (b *Block) Block(name string) *Block {
	for i := range b.Blocks {
		if b.Blocks[i].Type == name {
			return &b.Blocks[i]
		}
	}
	return nil
}
