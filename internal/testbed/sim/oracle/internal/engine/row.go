package engine

import "encoding/binary"

// A stored row is its values one after the other, each behind its length + 1; 0 is NULL. A length
// of more than 249 has five bytes. Columns that were added later are missing.
const longLength = 251

func appendValue(row, v []byte) []byte {
	switch {
	case v == nil:
		return append(row, 0)
	case len(v) < longLength-1:
		row = append(row, byte(len(v)+1))
	default:
		row = append(row, longLength)
		row = binary.BigEndian.AppendUint32(row, uint32(len(v)))
	}
	return append(row, v...)
}

// encodeRow writes a row's values; the result shares no memory with them.
func encodeRow(values [][]byte) []byte {
	n := 0
	for _, v := range values {
		n += len(v) + 1
		if len(v) >= longLength-1 {
			n += 4
		}
	}
	row := make([]byte, 0, n)
	for _, v := range values {
		row = appendValue(row, v)
	}
	return row
}

// decodeRow cuts a row into out; the values share the row's memory.
func decodeRow(row []byte, out [][]byte) {
	for i := range out {
		if len(row) == 0 {
			out[i] = nil
			continue
		}
		n := int(row[0])
		row = row[1:]
		switch {
		case n == 0:
			out[i] = nil
			continue
		case n == longLength:
			n = int(binary.BigEndian.Uint32(row))
			row = row[4:]
		default:
			n--
		}
		out[i] = row[:n:n]
		row = row[n:]
	}
}
