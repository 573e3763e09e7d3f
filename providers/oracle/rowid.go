package oracle

// rowidDigits are those of a ROWID in text form (Database SQL Language Reference, "ROWID Data Type").
const rowidDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// rowidAt spells the first ROWID that a block may hold: six digits of the data object, three
// of the relative file, six of the block, three of the row. In a bigfile tablespace the
// relative file is 1024, which ten bits do not hold, and stands as zero.
func rowidAt(object, file, block int64) string {
	b := make([]byte, 0, 18)
	b = appendDigits(b, object, 6)
	b = appendDigits(b, file&1023, 3)
	b = appendDigits(b, block, 6)
	return string(appendDigits(b, 0, 3))
}

func appendDigits(b []byte, n int64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, rowidDigits[n>>(6*i)&63])
	}
	return b
}

// isRowid says whether s is a ROWID in text form, so that nothing else gets into a statement.
func isRowid(s string) bool {
	if len(s) != 18 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}
