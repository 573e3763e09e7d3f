package oracle

import "iter"

// Load adds rows to a table without the wire, in one transaction, and checks them like those of INSERT. Values
// are nil, string, []byte, int, int64, float64 and time.Time (whose UTC fields count), one for each column.
func (s *Server) Load(schema, table string, rows iter.Seq[[]any]) (int, error) {
	return s.db.Load(schema, table, rows)
}

// Rows reads a table's committed rows without the wire: nil, text, or []byte of what is binary.
func (s *Server) Rows(schema, table string) ([][]any, error) {
	return s.db.Rows(schema, table)
}
