package report

// Explanation says which rows of a table differ between source and target.
type Explanation struct {
	Table      string   `json:"table"`
	Keyed      bool     `json:"keyed"` // false: rows are named by all of their columns
	Key        []string `json:"key"`
	SourceRows int64    `json:"source_rows"`
	TargetRows int64    `json:"target_rows"`
	// Differing is how many of the 4,096 buckets differ, LookedAt in how many of
	// them rows were compared one by one: fewer where they hold too many rows.
	Differing int `json:"differing"`
	LookedAt  int `json:"looked_at"`
	// Counts of rows in the buckets that were looked at.
	Missing int64 `json:"missing"`
	Extra   int64 `json:"extra"`
	Changed int64 `json:"changed"`
	// Rows lists them, a bounded number, by kind and key.
	Rows []RowDifference `json:"rows,omitempty"`
}

// Kinds of a RowDifference.
const (
	RowMissing = "missing" // on the target
	RowExtra   = "extra"   // on the target
	RowChanged = "changed"
)

// RowDifference is one key whose rows differ.
type RowDifference struct {
	Kind   string `json:"kind"`
	Key    string `json:"key"` // printed for people; long values are cut
	Source int64  `json:"source"`
	Target int64  `json:"target"`
}
