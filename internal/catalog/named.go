package catalog

// Kinds of names that a table takes.
const (
	NamedTable      = "table"
	NamedPartition  = "partition"
	NamedKey        = "key"
	NamedIndex      = "index"
	NamedForeignKey = "foreign key"
	NamedSequence   = "sequence"
	NamedCheck      = "check"
)

// Named is one name that something takes on a target.
type Named struct {
	Kind string `json:"kind"` // of a table's: as above
	Name
	// Table is the one that it belongs to, zero for what stands alone.
	Table Name `json:"table,omitzero"`
	// Spaces are the sets of names that it is one of; two names of one set must differ.
	Spaces []string `json:"spaces"`
	// At says which of a table's it is: of KeysOf, Indexes, ForeignKeys, Partitions, Checks or Columns.
	At int `json:"-"`
	// Chosen: users did not choose the name, or do not address rows by it, so that another one will do.
	Chosen bool `json:"-"`
	// Server: the server itself would choose it where the plan does not.
	Server bool `json:"-"`
}

// String prints kind and name, and the table that it belongs to.
func (n Named) String() string {
	if n.Table == (Name{}) || n.Table == n.Name {
		return n.Kind + " " + n.Name.String()
	}
	return n.Kind + " " + n.Name.String() + " of table " + n.Table.String()
}
