package sqlite

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"zombiezen.com/go/sqlite"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

// instant is a parsed ISO 8601 text.
type instant struct {
	days     int64 // since 1970-01-01
	nanos    int64 // of the day, before the offset is applied
	offset   int64 // seconds east of UTC
	zoned    bool
	fraction int // digits of the fraction that are not trailing zeros
}

// parsedCell keeps values that are stored as text.
type parsedCell struct {
	b     array.Builder
	parse func(s []byte) error // and append
}

// newCalendarCell makes the appender of a date, time or UUID.
func newCalendarCell(t catalog.Type, b array.Builder) (cell, error) {
	c := &parsedCell{b: b}
	switch b := b.(type) {
	case *array.Date32Builder:
		c.parse = func(s []byte) error {
			d, rest, err := parseDate(s)
			if err == nil && len(rest) > 0 {
				err = errors.New("unexpected time of day")
			}
			if err == nil {
				b.Append(arrow.Date32(d))
			}
			return err
		}
	case *array.Time64Builder:
		c.parse = func(s []byte) error {
			var v instant
			rest, err := v.clock(s)
			if err == nil && len(rest) > 0 {
				err = errors.New("unexpected text after the time")
			}
			if err = v.precise(err, t.Precision); err == nil {
				b.Append(arrow.Time64(v.nanos / 1000))
			}
			return err
		}
	case *array.TimestampBuilder:
		c.parse = func(s []byte) error {
			v, err := parseInstant(s, t)
			if err == nil {
				b.Append(arrow.Timestamp((v.days*86400-v.offset)*1_000_000 + v.nanos/1000))
			}
			return err
		}
	case *array.Decimal128Builder: // timestamp9
		c.parse = func(s []byte) error {
			v, err := parseInstant(s, t)
			if err == nil {
				n := new(big.Int).Mul(big.NewInt(v.days*86400), big.NewInt(1e9))
				b.Append(decimal128.FromBigInt(n.Add(n, big.NewInt(v.nanos))))
			}
			return err
		}
	case *array.FixedSizeBinaryBuilder:
		return &uuidCell{b}, nil
	default:
		return nil, fmt.Errorf("%s is not supported", t)
	}
	return c, nil
}

func (c *parsedCell) sized() bool { return false }

func (c *parsedCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
		return nil
	case sqlite.TypeText:
	default:
		return mixed(k, "text")
	}
	s, err := r.utf8Text(i)
	if err == nil {
		err = c.parse(s)
	}
	if err != nil {
		return fmt.Errorf("%q is not a valid date or time: %w", shorten(string(r.bytes(i))), err)
	}
	return nil
}

// number reads exactly n digits.
func digitsAt(s []byte, at, n int) (int, bool) {
	if at+n > len(s) {
		return 0, false
	}
	v := 0
	for _, b := range s[at : at+n] {
		if b < '0' || b > '9' {
			return 0, false
		}
		v = v*10 + int(b-'0')
	}
	return v, true
}

// parseDate reads YYYY-MM-DD of the proleptic Gregorian calendar, years 1 to 9999.
func parseDate(s []byte) (days int64, rest []byte, err error) {
	y, ok1 := digitsAt(s, 0, 4)
	m, ok2 := digitsAt(s, 5, 2)
	d, ok3 := digitsAt(s, 8, 2)
	if !ok1 || !ok2 || !ok3 || s[4] != '-' || s[7] != '-' {
		return 0, nil, errors.New("expected YYYY-MM-DD")
	}
	if y == 0 {
		return 0, nil, errors.New("there is no year 0")
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if m < 1 || m > 12 || d < 1 || t.Day() != d {
		return 0, nil, errors.New("the day does not exist")
	}
	return t.Unix() / 86400, s[10:], nil
}

// clock reads HH:MM, HH:MM:SS or HH:MM:SS.fffffffff.
func (v *instant) clock(s []byte) (rest []byte, err error) {
	h, ok1 := digitsAt(s, 0, 2)
	m, ok2 := digitsAt(s, 3, 2)
	if !ok1 || !ok2 || s[2] != ':' || h > 23 || m > 59 {
		return nil, errors.New("expected HH:MM:SS")
	}
	rest = s[5:]
	seconds := 0
	if len(rest) > 0 && rest[0] == ':' {
		var ok bool
		if seconds, ok = digitsAt(rest, 1, 2); !ok || seconds > 59 {
			return nil, errors.New("expected HH:MM:SS")
		}
		rest = rest[3:]
	}
	v.nanos = int64(h*3600+m*60+seconds) * 1e9
	if len(rest) == 0 || rest[0] != '.' {
		return rest, nil
	}
	n := 1
	for scale := int64(1e8); n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
		if rest[n] != '0' {
			v.fraction = n
		}
		v.nanos += int64(rest[n]-'0') * scale
		scale /= 10
	}
	if n == 1 {
		return nil, errors.New("expected digits after the decimal point")
	}
	return rest[n:], nil
}

// precise refuses digits that the type does not hold.
func (v *instant) precise(err error, precision int) error {
	if err == nil && v.fraction > precision {
		return fmt.Errorf("it has %d fractional digits of a second, the type holds %d", v.fraction, precision)
	}
	return err
}

func parseInstant(s []byte, t catalog.Type) (v instant, err error) {
	days, rest, err := parseDate(s)
	if err != nil {
		return v, err
	}
	v.days = days
	if len(rest) > 0 {
		if rest[0] != ' ' && rest[0] != 'T' {
			return v, errors.New("expected a blank or T after the date")
		}
		if rest, err = v.clock(rest[1:]); err != nil {
			return v, err
		}
		if rest, err = v.zone(rest); err != nil {
			return v, err
		}
	}
	if len(rest) > 0 {
		return v, errors.New("unexpected text after the time")
	}
	switch wants := t.Kind == catalog.TimestampTZ; {
	case wants && !v.zoned:
		return v, errors.New("expected a time zone: Z or +HH:MM")
	case !wants && v.zoned:
		return v, errors.New("unexpected time zone")
	}
	return v, v.precise(nil, t.Precision)
}

// zone reads Z or +HH:MM, where one is there.
func (v *instant) zone(s []byte) (rest []byte, err error) {
	if len(s) == 0 {
		return s, nil
	}
	if s[0] == 'Z' || s[0] == 'z' {
		v.zoned = true
		return s[1:], nil
	}
	h, ok1 := digitsAt(s, 1, 2)
	m, ok2 := digitsAt(s, 4, 2)
	if !ok1 || !ok2 || s[3] != ':' || m > 59 || s[0] != '+' && s[0] != '-' {
		return nil, errors.New("expected a time zone after the time: Z or +HH:MM")
	}
	v.zoned = true
	if v.offset = int64(h*3600 + m*60); s[0] == '-' {
		v.offset = -v.offset
	}
	return s[6:], nil
}

// uuidCell keeps UUIDs, stored as text of 36 or 32 characters or as 16 bytes.
type uuidCell struct{ b *array.FixedSizeBinaryBuilder }

func (c *uuidCell) sized() bool { return false }

func (c *uuidCell) append(r *reader, i int) error {
	switch k := r.stmt.ColumnType(i); k {
	case sqlite.TypeNull:
		c.b.AppendNull()
		return nil
	case sqlite.TypeBlob:
		if b := r.bytes(i); len(b) == 16 {
			c.b.Append(b)
			return nil
		}
		return errors.New("a UUID has 16 bytes")
	case sqlite.TypeText:
	default:
		return mixed(k, "text")
	}
	s, err := r.utf8Text(i)
	if err != nil {
		return err
	}
	text := string(s)
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		text = strings.ReplaceAll(text, "-", "")
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 {
		return fmt.Errorf("%q is not a UUID", shorten(string(s)))
	}
	c.b.Append(b)
	return nil
}
