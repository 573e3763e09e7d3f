package batch

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/google/uuid"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// maxKeyText bounds what FormatKey prints of one value, in bytes.
const maxKeyText = 64

// FormatKey prints the named columns of a row for people, as "100, TEXT, NULL".
// Long values are cut. It is for messages, not for hot loops.
func FormatKey(rec arrow.RecordBatch, row int, columns []string) string {
	var parts []string
	for _, name := range columns {
		for _, i := range rec.Schema().FieldIndices(name) {
			text := Format(rec.Column(i), row)
			if len(text) > maxKeyText {
				text = strings.ToValidUTF8(text[:maxKeyText], "") + "..."
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// Format prints one value the way people write it; control characters are escaped.
func Format(arr arrow.Array, row int) string {
	if arr.IsNull(row) {
		return "NULL"
	}
	text := plainText(arr, row)
	if quoted := strconv.Quote(text); len(quoted) != len(text)+2 {
		return quoted
	}
	return text
}

// plainText prints one value that is not NULL.
func plainText(arr arrow.Array, row int) string {
	switch a := arr.(type) {
	case *array.Boolean:
		return strconv.FormatBool(a.Value(row))
	case *array.Int16:
		return strconv.Itoa(int(a.Value(row)))
	case *array.Int32:
		return strconv.Itoa(int(a.Value(row)))
	case *array.Int64:
		return strconv.FormatInt(a.Value(row), 10)
	case *array.Float32:
		return strconv.FormatFloat(float64(a.Value(row)), 'g', -1, 32)
	case *array.Float64:
		return strconv.FormatFloat(a.Value(row), 'g', -1, 64)
	case *array.Decimal128:
		return decimalText(a.Value(row).BigInt(), int(a.DataType().(*arrow.Decimal128Type).Scale))
	case *array.Decimal256:
		return decimalText(a.Value(row).BigInt(), int(a.DataType().(*arrow.Decimal256Type).Scale))
	case *array.String:
		return a.Value(row)
	case *array.LargeString:
		return a.Value(row)
	case *array.Binary:
		return hexText(a.Value(row))
	case *array.LargeBinary:
		return hexText(a.Value(row))
	case *array.FixedSizeBinary:
		return uuidText(a.Value(row))
	case *array.Date32:
		return printDay(int64(a.Value(row)))
	case *array.Time64:
		return printTime(int64(a.Value(row)))
	case *array.Timestamp:
		text := printInstant(int64(a.Value(row)))
		if a.DataType().(*arrow.TimestampType).TimeZone != "" {
			text += "Z"
		}
		return text
	}
	return fmt.Sprintf("a value of type %s", arr.DataType())
}

// formatted converts values of other types to text.
func (r rules) formatted() (loop, passFunc, bool) {
	limited := r.text(r.dst.Length, 0)
	if r.dst.Kind == catalog.Char {
		limited = r.text(r.dst.Length, r.dst.Length)
	}
	switch r.src.Kind {
	case catalog.Int16:
		return cells(then(func(v int16) string { return strconv.Itoa(int(v)) }, limited)), nil, true
	case catalog.Int32:
		return cells(then(func(v int32) string { return strconv.Itoa(int(v)) }, limited)), nil, true
	case catalog.Int64:
		return cells(then(func(v int64) string { return strconv.FormatInt(v, 10) }, limited)), nil, true
	case catalog.Bool:
		return cells(then(strconv.FormatBool, limited)), nil, true
	case catalog.Number:
		return cells(limited), nil, true
	case catalog.Decimal:
		if r.src.Precision > 38 {
			return cells(then(func(v decimal256.Num) string { return decimalText(v.BigInt(), r.src.Scale) }, limited)), nil, true
		}
		return cells(then(func(v decimal128.Num) string { return decimalText(v.BigInt(), r.src.Scale) }, limited)), nil, true
	case catalog.UUID:
		return cells(then(uuidText, limited)), nil, true
	case catalog.Date:
		return cells(then(func(v arrow.Date32) string { return printDay(int64(v)) }, limited)), nil, true
	case catalog.Time:
		return cells(then(func(v arrow.Time64) string { return printTime(int64(v)) }, limited)), nil, true
	case catalog.Timestamp:
		return cells(then(func(v arrow.Timestamp) string { return printInstant(int64(v)) }, limited)), nil, true
	case catalog.TimestampTZ:
		return cells(then(func(v arrow.Timestamp) string { return printInstant(int64(v)) + "Z" }, limited)), nil, true
	}
	return nil, nil, false
}

func then[S any](print func(S) string, check func(string) (string, *fault)) func(S) (string, *fault) {
	return func(v S) (string, *fault) { return check(print(v)) }
}

func hexText(b []byte) string {
	if len(b) > maxKeyText {
		return hex.EncodeToString(b[:maxKeyText]) + "..."
	}
	return hex.EncodeToString(b)
}

func uuidText(b []byte) string {
	id, err := uuid.FromBytes(b)
	if err != nil {
		return hexText(b)
	}
	return id.String()
}

func printDay(day int64) string {
	switch day {
	case int64(InfinityDay), math.MaxInt64:
		return "infinity"
	case int64(NegInfinityDay), math.MinInt64:
		return "-infinity"
	}
	return time.Unix(day*86400, 0).UTC().Format("2006-01-02")
}

func printTime(us int64) string {
	return fmt.Sprintf("%02d:%02d:%02d", us/(3600*usSecond), us/(60*usSecond)%60, us/usSecond%60) + fractionText(us%usSecond)
}

func printInstant(us int64) string {
	switch us {
	case InfinityUS:
		return "infinity"
	case NegInfinityUS:
		return "-infinity"
	}
	return time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05") + fractionText(((us%usSecond)+usSecond)%usSecond)
}

func fractionText(us int64) string {
	if us == 0 {
		return ""
	}
	return "." + strings.TrimRight(fmt.Sprintf("%06d", us), "0")
}
