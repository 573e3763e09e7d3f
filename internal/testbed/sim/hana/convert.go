package hana

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/store"
)

// convert brings a value to a kind, as comparisons and CAST do (SQL reference,
// "Data Type Conversion"). A type with a name bounds the value too.
func convert(v store.Value, to store.Type) (store.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	out, err := toKind(v, to)
	if err != nil || to.Name == "" {
		return out, err
	}
	return fit(out, to, "")
}

func toKind(v store.Value, to store.Type) (store.Value, error) {
	if v.K == to.Kind {
		return v, nil
	}
	switch {
	case to.Kind == store.Text:
		return store.TextValue(textOf(v)), nil
	case v.K == store.Text:
		return parseText(v.S, to)
	case v.Numeric() && to.Kind == store.Float:
		return store.FloatValue(store.ToFloat(v)), nil
	case v.K == store.Float && (to.Kind == store.Dec || to.Kind == store.Int):
		d, ok := store.ParseNumber(strconv.FormatFloat(v.Float(), 'f', -1, 64), false)
		if !ok {
			return v, &Error{Code: 339, Text: "invalid number: " + store.FormatNumber(v)}
		}
		return toKind(d, to)
	case v.K == store.Int && to.Kind == store.Dec:
		v.K, v.N = store.Dec, 0
		return v, nil
	case v.K == store.Dec && to.Kind == store.Int:
		v, _ = store.Rescale(v, 0, false)
		if v.S != "" {
			return v, overflow(to, "")
		}
		return store.IntValue(v.I), nil
	case v.K == store.Day && to.Kind == store.Stamp:
		return store.Value{K: store.Stamp, I: v.I * daySeconds}, nil
	case v.K == store.Stamp && to.Kind == store.Day:
		return store.Value{K: store.Day, I: v.I / daySeconds}, nil
	case v.K == store.Stamp && to.Kind == store.Clock:
		return store.Value{K: store.Clock, I: v.I % daySeconds}, nil
	case v.K == store.Bool && to.Kind == store.Int:
		return store.IntValue(v.I), nil
	case v.K == store.Int && to.Kind == store.Bool && (v.I == 0 || v.I == 1):
		return store.BoolValue(v.I == 1), nil
	}
	return v, &Error{Code: 266, Text: "inconsistent datatype: cannot convert to " + to.Name}
}

func parseText(s string, to store.Type) (store.Value, error) {
	switch to.Kind {
	case store.Int, store.Dec, store.Float:
		n, ok := store.ParseNumber(s, to.Kind == store.Float)
		if !ok {
			return n, &Error{Code: 339, Text: fmt.Sprintf("invalid number: not a valid number string '%.60s'", s)}
		}
		return toKind(n, to)
	case store.Day, store.Stamp, store.Clock:
		return parseCalendar(s, to.Kind)
	case store.Bytes:
		return store.Value{K: store.Bytes, S: s}, nil // the text's UTF-8 (SQL reference, "TO_BINARY Function")
	case store.Bool:
		switch strings.ToUpper(s) {
		case "TRUE", "1":
			return store.BoolValue(true), nil
		case "FALSE", "0":
			return store.BoolValue(false), nil
		}
	}
	return store.Value{}, &Error{Code: 266, Text: "inconsistent datatype"}
}

// parseCalendar reads YYYY-MM-DD, HH:MI:SS and both with up to 7 digits of a
// second; the year has 4 digits and is 1 to 9999.
func parseCalendar(s string, kind store.Kind) (store.Value, error) {
	bad := &Error{Code: 303, Text: fmt.Sprintf("invalid DATE, TIME or TIMESTAMP value: '%.60s'", s)}
	s = strings.TrimSpace(s)
	date, clock, both := strings.Cut(strings.Replace(s, "T", " ", 1), " ")
	if kind == store.Clock && !both {
		date, clock = "", date
	}
	var day int64
	if date != "" {
		var y, m, d int
		if n, err := fmt.Sscanf(date, "%04d-%02d-%02d", &y, &m, &d); err != nil || n != 3 || len(date) != 10 {
			return store.Value{}, bad
		}
		var ok bool
		if day, ok = store.CivilDay(y, m, d); !ok || day < 1 || day > lastDay {
			return store.Value{}, bad
		}
	}
	secs, nanos := int64(0), int32(0)
	if clock != "" {
		whole, fraction, _ := strings.Cut(clock, ".")
		var h, m, sec int
		if n, err := fmt.Sscanf(whole, "%02d:%02d:%02d", &h, &m, &sec); err != nil || n != 3 || h > 23 || m > 59 || sec > 59 || len(fraction) > 9 {
			return store.Value{}, bad
		}
		secs = int64(h*3600 + m*60 + sec)
		n, err := strconv.Atoi((fraction + "000000000")[:9])
		if err != nil {
			return store.Value{}, bad
		}
		nanos = int32(n / 100 * 100)
	}
	switch kind {
	case store.Day:
		return store.Value{K: store.Day, I: day}, nil
	case store.Clock:
		return store.Value{K: store.Clock, I: secs}, nil
	}
	return store.Value{K: store.Stamp, I: day*daySeconds + secs, N: nanos}, nil
}

// textOf is a value in the default format.
func textOf(v store.Value) string {
	clock := func(s int64) string { return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60) }
	date := func(day int64) string {
		y, m, d := store.DayCivil(day)
		return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
	}
	switch v.K {
	case store.Text, store.Bytes:
		return v.S
	case store.Bool:
		return strings.ToUpper(strconv.FormatBool(v.I != 0))
	case store.Day:
		return date(v.I)
	case store.Clock:
		return clock(v.I)
	case store.Stamp:
		return fmt.Sprintf("%s %s.%07d", date(v.I/daySeconds), clock(v.I%daySeconds), v.N/100)
	}
	return store.FormatNumber(v)
}

func overflow(t store.Type, column string) error {
	return &Error{Code: codeOverflow, Text: "numeric overflow: search table error: value does not fit " + t.Name + inColumn(column)}
}

func inColumn(column string) string {
	if column == "" {
		return ""
	}
	return fmt.Sprintf(": Failed in %q column", column)
}

// fit checks a value of the right kind against a column's type and brings it to the
// form in which it is stored. Column is for the message.
func fit(v store.Value, t store.Type, column string) (store.Value, error) {
	switch v.K {
	case store.Null, store.Bool, store.Clock:
		return v, nil
	case store.Int:
		low, high := integerRange(t.Name)
		if v.I < low || v.I > high {
			return v, overflow(t, column)
		}
		return v, nil
	case store.Dec:
		return fitDecimal(v, t, column)
	case store.Float:
		return fitFloat(v, t, column)
	case store.Text, store.Bytes:
		return v, fitLength(v, t, column)
	case store.Day:
		if v.I < 1 || v.I > lastDay {
			return v, &Error{Code: 303, Text: "invalid DATE, TIME or TIMESTAMP value" + inColumn(column)}
		}
	case store.Stamp:
		if v.I < daySeconds || v.I >= (lastDay+1)*daySeconds {
			return v, &Error{Code: 303, Text: "invalid DATE, TIME or TIMESTAMP value" + inColumn(column)}
		}
		if t.Name == "SECONDDATE" {
			v.N = 0
		}
		v.N = v.N / 100 * 100
	}
	return v, nil
}

func integerRange(name string) (low, high int64) {
	switch name {
	case "TINYINT":
		return 0, math.MaxUint8
	case "SMALLINT":
		return math.MinInt16, math.MaxInt16
	case "INTEGER":
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

func fitDecimal(v store.Value, t store.Type, column string) (store.Value, error) {
	if t.Floating {
		v = store.Normalize(v)
		if store.Digits(v) > t.Precision || v.N > 6176 || v.N < -6111 {
			return v, overflow(t, column)
		}
		return v, nil
	}
	if int(v.N) != t.Scale {
		// Digits beyond the scale are cut off, not rounded (SQL reference, "Data Types").
		v, _ = store.Rescale(v, t.Scale, false)
	}
	if store.Digits(v) > t.Precision && (v.I != 0 || v.S != "") {
		return v, overflow(t, column)
	}
	return v, nil
}

func fitFloat(v store.Value, t store.Type, column string) (store.Value, error) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return v, &Error{Code: 339, Text: "invalid number: not a finite number" + inColumn(column)}
	}
	if t.Name == "REAL" {
		if f = float64(float32(f)); math.IsInf(f, 0) {
			return v, overflow(t, column)
		}
	}
	return store.FloatValue(f + 0), nil // -0.0 is stored as 0.0
}

// maxLOB is the highest size of a LOB in bytes ("Data Types": on disk 4 GiB - 1).
const maxLOB = 4294967295

func fitLength(v store.Value, t store.Type, column string) error {
	f := families[t.Name]
	n := len(v.S)
	if f.lob {
		if n > maxLOB {
			return &Error{Code: 606, Text: "exceed maximum LOB size" + inColumn(column)}
		}
		return nil
	}
	if f.text && n > t.Length {
		n = units(v.S)
	}
	if n <= t.Length {
		return nil
	}
	shown := v.S
	if v.K == store.Bytes {
		shown = hex.EncodeToString([]byte(shown[:min(20, len(shown))]))
	}
	return &Error{Code: codeTooLarge, Text: fmt.Sprintf("inserted value too large for column: Failed in %q column with the value '%.60s'", column, shown)}
}
