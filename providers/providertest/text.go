package providertest

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dmoctl/dmoctl/internal/batch"
	"github.com/dmoctl/dmoctl/internal/catalog"
)

// Null is how NULL is printed.
const Null = "<NULL>"

// Text prints one cell in a form that every engine's own client can produce:
//
//	bool                   true, false
//	int16, int32, int64    decimal digits
//	float32, float64       the IEEE 754 bits in lower-case hex, 8 or 16 digits
//	decimal                digits with exactly the type's scale
//	number                 canonical digits, no trailing zeros of the fraction
//	string, char, text     the UTF-8 bytes in lower-case hex; the same for json
//	binary, blob, native   the bytes in lower-case hex
//	date                   2006-01-02, infinity, -infinity
//	time                   15:04:05.000000
//	timestamp, timestamptz 2006-01-02 15:04:05.000000 (in UTC), infinity, -infinity
//	timestamp9             2006-01-02 15:04:05.000000000
//	uuid                   lower-case with dashes
func Text(a arrow.Array, i int, t catalog.Type) string {
	if a.IsNull(i) {
		return Null
	}
	switch a := a.(type) {
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	case *array.Int16:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Int32:
		return strconv.FormatInt(int64(a.Value(i)), 10)
	case *array.Int64:
		return strconv.FormatInt(a.Value(i), 10)
	case *array.Float32:
		return fmt.Sprintf("%08x", math.Float32bits(a.Value(i)))
	case *array.Float64:
		return fmt.Sprintf("%016x", math.Float64bits(a.Value(i)))
	case *array.Decimal128:
		return decimalText(a.Value(i).BigInt(), t)
	case *array.Decimal256:
		return decimalText(a.Value(i).BigInt(), t)
	case *array.String:
		if t.Kind == catalog.Number {
			return a.Value(i)
		}
		return hex.EncodeToString([]byte(a.Value(i)))
	case *array.LargeString:
		return hex.EncodeToString([]byte(a.Value(i)))
	case *array.Binary:
		return hex.EncodeToString(a.Value(i))
	case *array.LargeBinary:
		return hex.EncodeToString(a.Value(i))
	case *array.FixedSizeBinary:
		return uuidText(a.Value(i))
	case *array.Date32:
		return dayText(int32(a.Value(i)))
	case *array.Time64:
		return time.UnixMicro(int64(a.Value(i))).UTC().Format("15:04:05.000000")
	case *array.Timestamp:
		return microsText(int64(a.Value(i)))
	}
	return fmt.Sprintf("no text for %s", a.DataType())
}

func decimalText(n *big.Int, t catalog.Type) string {
	if t.Kind == catalog.Timestamp9 {
		nanos := new(big.Int)
		seconds, _ := new(big.Int).DivMod(n, big.NewInt(1e9), nanos)
		return time.Unix(seconds.Int64(), nanos.Int64()).UTC().Format("2006-01-02 15:04:05.000000000")
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	digits := new(big.Int).Abs(n).String()
	if len(digits) <= t.Scale {
		digits = strings.Repeat("0", t.Scale-len(digits)+1) + digits
	}
	if t.Scale == 0 {
		return sign + digits
	}
	point := len(digits) - t.Scale
	return sign + digits[:point] + "." + digits[point:]
}

func uuidText(b []byte) string {
	s := hex.EncodeToString(b)
	if len(s) != 32 {
		return s
	}
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

func dayText(day int32) string {
	switch day {
	case batch.InfinityDay:
		return "infinity"
	case batch.NegInfinityDay:
		return "-infinity"
	}
	return time.Unix(int64(day)*86400, 0).UTC().Format("2006-01-02")
}

func microsText(us int64) string {
	switch us {
	case batch.InfinityUS:
		return "infinity"
	case batch.NegInfinityUS:
		return "-infinity"
	}
	return time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.000000")
}
