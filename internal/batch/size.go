package batch

import "github.com/apache/arrow-go/v18/arrow"

// Bytes returns how many bytes of buffers a batch holds on to. A slice counts in
// full, because it keeps all of its parent alive.
func Bytes(rec arrow.RecordBatch) int64 {
	var n int64
	for i := range int(rec.NumCols()) {
		for _, b := range rec.Column(i).Data().Buffers() {
			if b != nil {
				n += int64(b.Cap())
			}
		}
	}
	return n
}
