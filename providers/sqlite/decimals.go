package sqlite

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// appendDecimal128 writes a decimal with all its decimals. Most fit 64 bits.
func appendDecimal128(b []byte, n decimal128.Num, scale int) []byte {
	low := int64(n.LowBits())
	if high := n.HighBits(); high == 0 && low >= 0 || high == -1 && low < 0 {
		return point(strconv.AppendInt(b, low, 10), len(b), scale)
	}
	return appendDecimal(b, n.BigInt(), scale)
}

func appendDecimal(b []byte, n *big.Int, scale int) []byte {
	return point(n.Append(b, 10), len(b), scale)
}

// point puts a decimal point before the last scale digits of the number that starts at from.
func point(b []byte, from, scale int) []byte {
	if scale == 0 {
		return b
	}
	if b[from] == '-' {
		from++
	}
	for len(b)-from <= scale {
		b = append(b, 0)
		copy(b[from+1:], b[from:])
		b[from] = '0'
	}
	b = append(b, 0)
	at := len(b) - 1 - scale
	copy(b[at+1:], b[at:])
	b[at] = '.'
	return b
}

// appendUUID writes 16 bytes in lower case with dashes.
func appendUUID(b, id []byte) []byte {
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}
