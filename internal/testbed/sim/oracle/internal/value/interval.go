package value

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

const (
	intervalMid  = 0x80000000
	intervalBias = 60
)

// IntervalYM writes an INTERVAL YEAR TO MONTH of a number of months.
func IntervalYM(months int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(intervalMid+months/12))
	return append(b, byte(intervalBias+months%12))
}

// DecodeYM reads an INTERVAL YEAR TO MONTH.
func DecodeYM(b []byte) (months int, err error) {
	if len(b) != 5 {
		return 0, ora.Errorf(1867, "the interval is invalid")
	}
	return (int(binary.BigEndian.Uint32(b))-intervalMid)*12 + int(b[4]) - intervalBias, nil
}

// DaySecond is an INTERVAL DAY TO SECOND: Days and Nanos have the same sign.
type DaySecond struct {
	Days  int
	Nanos int64
}

// Encode writes the eleven bytes.
func (d DaySecond) Encode() []byte {
	s := int(d.Nanos / 1e9)
	b := binary.BigEndian.AppendUint32(nil, uint32(intervalMid+d.Days))
	b = append(b, byte(intervalBias+s/3600), byte(intervalBias+s/60%60), byte(intervalBias+s%60))
	return binary.BigEndian.AppendUint32(b, uint32(intervalMid+int(d.Nanos%1e9)))
}

// DecodeDS reads an INTERVAL DAY TO SECOND.
func DecodeDS(b []byte) (DaySecond, error) {
	if len(b) != 11 {
		return DaySecond{}, ora.Errorf(1867, "the interval is invalid")
	}
	s := (int64(b[4])-intervalBias)*3600 + (int64(b[5])-intervalBias)*60 + int64(b[6]) - intervalBias
	n := int64(binary.BigEndian.Uint32(b[7:])) - intervalMid
	return DaySecond{Days: int(binary.BigEndian.Uint32(b)) - intervalMid, Nanos: s*1e9 + n}, nil
}

// Normal carries whole days over and gives both parts one sign.
func (d DaySecond) Normal() DaySecond {
	d.Days += int(d.Nanos / dayNanos)
	d.Nanos %= dayNanos
	switch {
	case d.Days > 0 && d.Nanos < 0:
		d.Days, d.Nanos = d.Days-1, d.Nanos+dayNanos
	case d.Days < 0 && d.Nanos > 0:
		d.Days, d.Nanos = d.Days+1, d.Nanos-dayNanos
	}
	return d
}

// YMText writes an interval as TO_CHAR does, with a number of digits for the years.
func YMText(months, precision int) string {
	sign := '+'
	if months < 0 {
		sign, months = '-', -months
	}
	return fmt.Sprintf("%c%0*d-%02d", sign, precision, months/12, months%12)
}

// Text writes an interval as TO_CHAR does: digits of the days and of the fraction.
func (d DaySecond) Text(precision, fraction int) string {
	sign := '+'
	if d.Days < 0 || d.Nanos < 0 {
		sign, d.Days, d.Nanos = '-', -d.Days, -d.Nanos
	}
	s := d.Nanos / 1e9
	t := fmt.Sprintf("%c%0*d %02d:%02d:%02d", sign, precision, d.Days, s/3600, s/60%60, s%60)
	if fraction > 0 {
		t += "." + fmt.Sprintf("%09d", d.Nanos%1e9)[:fraction]
	}
	return t
}

// ParseYM reads 'y-m'.
func ParseYM(s string) (months int, err error) {
	bad := ora.Errorf(1867, "the interval is invalid")
	t := strings.TrimSpace(s)
	neg := strings.HasPrefix(t, "-")
	y, m, found := strings.Cut(strings.TrimLeft(t, "+-"), "-")
	if !found {
		m = "0"
	}
	years, ok := digits(y, 9)
	mm, ok2 := digits(m, 2)
	if !ok || !ok2 {
		return 0, bad
	}
	if mm > 11 {
		return 0, ora.Errorf(1843, "not a valid month")
	}
	months = years*12 + mm
	if neg {
		months = -months
	}
	return months, nil
}

// ParseDS reads 'd h:m:s.f'.
func ParseDS(s string) (DaySecond, error) {
	bad := ora.Errorf(1867, "the interval is invalid")
	t := strings.TrimSpace(s)
	neg := strings.HasPrefix(t, "-")
	day, clock, found := strings.Cut(strings.TrimLeft(t, "+-"), " ")
	if !found {
		clock = "0:0:0"
	}
	d, ok := digits(day, 9)
	parts := strings.Split(clock, ":")
	if !ok || len(parts) != 3 {
		return DaySecond{}, bad
	}
	sec, frac, _ := strings.Cut(parts[2], ".")
	h, ok1 := digits(parts[0], 2)
	m, ok2 := digits(parts[1], 2)
	ss, ok3 := digits(sec, 2)
	f, ok4 := digits((frac + "000000000")[:9], 9)
	switch {
	case !ok1 || !ok2 || !ok3 || !ok4 || len(frac) > 9:
		return DaySecond{}, bad
	case h > 23:
		return DaySecond{}, ora.Errorf(1850, "hour must be between 0 and 23")
	case m > 59:
		return DaySecond{}, ora.Errorf(1851, "minutes must be between 0 and 59")
	case ss > 59:
		return DaySecond{}, ora.Errorf(1852, "seconds must be between 0 and 59")
	}
	out := DaySecond{Days: d, Nanos: int64(h*3600+m*60+ss)*1e9 + int64(f)}
	if neg {
		out.Days, out.Nanos = -out.Days, -out.Nanos
	}
	return out, nil
}

func digits(s string, most int) (int, bool) {
	if s == "" || len(s) > most {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
