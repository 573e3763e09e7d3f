package engine

import (
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/value"
)

func inconsistent(want, got Type) error {
	return ora.Errorf(932, "inconsistent datatypes: expected %s got %s", want.Kind, got.Kind)
}

// toText writes a value as its implicit conversion to VARCHAR2 does.
func (s *Session) toText(t Type, v []byte) (string, error) {
	if v == nil {
		return "", nil
	}
	switch t.Kind {
	case Varchar, Char, NVarchar, NChar, Clob, NClob, Long, XML, JSON:
		return s.text(t, v), nil
	case Number:
		d, err := value.DecodeNumber(v)
		return strings.Replace(d.String(), ".", s.nls["NLS_NUMERIC_CHARACTERS"][:1], 1), err
	case BinaryFloat, BinaryDouble:
		return floatText(t, v)
	case Date, Timestamp, TimestampTZ, TimestampLTZ:
		c, err := value.DecodeDate(v)
		if err != nil {
			return "", err
		}
		if t.Kind == TimestampLTZ {
			if c, err = c.In(s.zone); err != nil {
				return "", err
			}
		}
		return c.Format(s.dateFormat(t.Kind), fraction(t))
	case IntervalYM:
		m, err := value.DecodeYM(v)
		return value.YMText(m, t.Precision), err
	case IntervalDS:
		d, err := value.DecodeDS(v)
		return d.Text(t.Precision, t.Scale), err
	case Raw, LongRaw:
		return strings.ToUpper(hex.EncodeToString(v)), nil
	case RowID, URowID:
		if len(v) == 12 {
			return value.RowIDText(v), nil
		}
		return string(v), nil
	}
	return "", inconsistent(varchar(1), t)
}

func fraction(t Type) int {
	if t.Kind == Date {
		return 0
	}
	return t.Scale
}

func (s *Session) dateFormat(k Kind) string {
	switch k {
	case Date:
		return s.nls["NLS_DATE_FORMAT"]
	case TimestampTZ:
		return s.nls["NLS_TIMESTAMP_TZ_FORMAT"]
	}
	return s.nls["NLS_TIMESTAMP_FORMAT"]
}

func floatText(t Type, v []byte) (string, error) {
	f, err := value.DecodeFloat(v)
	if err != nil {
		return "", err
	}
	switch {
	case math.IsNaN(f):
		return "Nan", nil
	case math.IsInf(f, 1):
		return "Inf", nil
	case math.IsInf(f, -1):
		return "-Inf", nil
	}
	bits := 64
	if t.Kind == BinaryFloat {
		bits = 32
	}
	text := strconv.FormatFloat(f, 'E', -1, bits)
	mantissa, exp, _ := strings.Cut(text, "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	e, _ := strconv.Atoi(exp)
	sign := "+"
	if e < 0 {
		sign, e = "-", -e
	}
	return mantissa + "E" + sign + strings.Repeat("0", max(0, 3-len(strconv.Itoa(e)))) + strconv.Itoa(e), nil
}

// toNumber converts implicitly to NUMBER.
func (s *Session) toNumber(t Type, v []byte) (value.Dec, error) {
	switch {
	case t.Kind == Number:
		return value.DecodeNumber(v)
	case t.Kind == BinaryFloat || t.Kind == BinaryDouble:
		f, err := value.DecodeFloat(v)
		if err != nil {
			return value.Dec{}, err
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return value.Dec{}, ora.Errorf(1426, "numeric overflow")
		}
		return value.ParseDec(strconv.FormatFloat(f, 'e', -1, 64))
	case t.text() || t.Kind == Long:
		text := s.text(t, v)
		if marks := s.nls["NLS_NUMERIC_CHARACTERS"]; marks[0] != '.' {
			text = strings.Replace(text, marks[:1], ".", 1)
		}
		return value.ParseDec(text)
	}
	return value.Dec{}, inconsistent(number(), t)
}

// toCivil converts implicitly to a date or a timestamp; of a zoned one it gives civil time in its zone.
func (s *Session) toCivil(t Type, v []byte, like Kind) (value.Civil, error) {
	switch {
	case t.datetime():
		c, err := value.DecodeDate(v)
		if err == nil && t.Kind == TimestampLTZ {
			return c.In(s.zone)
		}
		if err == nil && (t.Kind == Date || t.Kind == Timestamp) {
			c.Offset = s.zone
		}
		return c, err
	case t.text():
		return value.ParseDate(s.text(t, v), s.dateFormat(like), now(), s.zone)
	}
	return value.Civil{}, inconsistent(Type{Kind: like}, t)
}

// assign brings a value into a column's type, as INSERT and CAST do. Text that is too long is a
// tooLong, which the caller names the column in.
func (s *Session) assign(to, from Type, v []byte) ([]byte, error) {
	if v == nil || from.Kind == Null {
		return nil, nil
	}
	switch to.Kind {
	case Varchar, Char, NVarchar, NChar:
		return s.assignText(to, from, v)
	case Number:
		return s.assignNumber(to, from, v)
	case BinaryFloat, BinaryDouble:
		return s.assignFloat(to, from, v)
	case Date, Timestamp, TimestampTZ, TimestampLTZ:
		return s.assignDate(to, from, v)
	case IntervalYM, IntervalDS:
		return s.assignInterval(to, from, v)
	case Raw, LongRaw, Blob:
		return s.assignBinary(to, from, v)
	case Clob, NClob, Long, XML, JSON:
		return s.assignLarge(to, from, v)
	case RowID, URowID:
		if from.Kind == RowID || from.Kind == URowID {
			return v, nil
		}
		text, err := s.toText(from, v)
		if err != nil {
			return nil, err
		}
		if id, err := value.ParseRowID(text); err == nil || to.Kind == RowID {
			return id, err
		}
		return []byte(text), nil
	}
	return nil, inconsistent(to, from)
}

// tooLong is a value that does not fit: ORA-12899 once the column is known.
type tooLong struct{ actual, most int }

func (e *tooLong) Error() string { return "value too large" }

func (s *Session) assignText(to, from Type, v []byte) ([]byte, error) {
	text, err := s.toText(from, v)
	if err != nil {
		return nil, err
	}
	cs := to.charset(s.db.Charset)
	b := cs.Encode(text)
	if len(b) == 0 {
		return nil, nil
	}
	if to.ByChar || to.national() {
		if n := cs.Length(b); n > to.Chars {
			return nil, &tooLong{n, to.Chars}
		}
	}
	if len(b) > to.Length {
		return nil, &tooLong{len(b), to.Length}
	}
	if to.Kind == Char || to.Kind == NChar {
		blank := cs.Encode(" ")
		for missing := padding(to, cs, b); missing > 0; missing-- {
			b = append(b, blank...)
		}
	}
	return b, nil
}

// padding is how many blanks a CHAR value gets.
func padding(to Type, cs value.Charset, b []byte) int {
	if to.ByChar || to.national() {
		return to.Chars - cs.Length(b)
	}
	return to.Length - len(b)
}

func (s *Session) assignNumber(to, from Type, v []byte) ([]byte, error) {
	d, err := s.toNumber(from, v)
	if err != nil {
		return nil, err
	}
	switch {
	case to.Float:
		d = d.Significant(int(math.Ceil(float64(to.Precision) * 0.30103)))
	case to.HasPrec:
		d, err = d.Fit(to.Precision, to.Scale)
	case to.HasScale: // NUMBER(*,s)
		d, err = d.Fit(38, to.Scale)
	}
	if err != nil {
		return nil, err
	}
	return d.Encode()
}

func (s *Session) assignFloat(to, from Type, v []byte) ([]byte, error) {
	var f float64
	switch from.Kind {
	case BinaryFloat, BinaryDouble:
		var err error
		if f, err = value.DecodeFloat(v); err != nil {
			return nil, err
		}
	default:
		if word := strings.ToUpper(strings.TrimSpace(s.text(from, v))); from.text() && (word == "NAN" || word == "INF" || word == "-INF") {
			f, _ = strconv.ParseFloat(word, 64)
			break
		}
		d, err := s.toNumber(from, v)
		if err != nil {
			return nil, err
		}
		f = d.Float64()
	}
	if to.Kind == BinaryFloat {
		return value.Float32(float32(f)), nil
	}
	return value.Float64(f), nil
}

func (s *Session) assignDate(to, from Type, v []byte) ([]byte, error) {
	c, err := s.toCivil(from, v, to.Kind)
	if err != nil {
		return nil, err
	}
	if to.Kind == Date {
		return c.Date(), nil
	}
	if c, err = c.RoundNano(to.Scale); err != nil {
		return nil, err
	}
	switch to.Kind {
	case TimestampTZ:
		return c.TimestampTZ()
	case TimestampLTZ:
		if c, err = c.UTC(); err != nil {
			return nil, err
		}
	}
	return c.Timestamp(), nil
}

func (s *Session) assignInterval(to, from Type, v []byte) ([]byte, error) {
	text := ""
	if from.text() {
		text = s.text(from, v)
	} else if from.Kind != to.Kind {
		return nil, inconsistent(to, from)
	}
	limit := math.Pow10(to.Precision)
	if to.Kind == IntervalYM {
		months, err := value.DecodeYM(v)
		if text != "" {
			months, err = value.ParseYM(text)
		}
		if err != nil {
			return nil, err
		}
		if math.Abs(float64(months/12)) >= limit {
			return nil, ora.Errorf(1873, "the leading precision of the interval is too small")
		}
		return value.IntervalYM(months), nil
	}
	d, err := value.DecodeDS(v)
	if text != "" {
		d, err = value.ParseDS(text)
	}
	if err != nil {
		return nil, err
	}
	unit := int64(math.Pow10(9 - to.Scale))
	half := unit / 2
	if d.Nanos < 0 {
		half = -half
	}
	d.Nanos = (d.Nanos + half) / unit * unit
	if d = d.Normal(); math.Abs(float64(d.Days)) >= limit {
		return nil, ora.Errorf(1873, "the leading precision of the interval is too small")
	}
	return d.Encode(), nil
}

func (s *Session) assignBinary(to, from Type, v []byte) ([]byte, error) {
	switch {
	case from.Kind == Raw || from.Kind == LongRaw || from.Kind == Blob:
	case from.text():
		b, err := hex.DecodeString(s.text(from, v))
		if err != nil {
			return nil, ora.Errorf(1465, "invalid hex number")
		}
		v = b
	default:
		return nil, inconsistent(to, from)
	}
	if to.Kind == Raw && len(v) > to.Length {
		return nil, &tooLong{len(v), to.Length}
	}
	return v, nil
}

func (s *Session) assignLarge(to, from Type, v []byte) ([]byte, error) {
	text, err := s.toText(from, v)
	if err != nil || !from.text() && !from.lob() && from.Kind != Long && from.Kind != XML && from.Kind != JSON || from.Kind == Blob {
		return nil, inconsistent(to, from)
	}
	switch to.Kind {
	case XML:
		if !wellFormed(text) {
			return nil, ora.Errorf(31011, "XML parsing failed")
		}
	case JSON:
		if !json.Valid([]byte(text)) {
			return nil, ora.Errorf(40441, "JSON syntax error")
		}
	}
	return to.charset(s.db.Charset).Encode(text), nil
}

func wellFormed(text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	elements := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements > 0
		}
		if err != nil {
			return false
		}
		if _, ok := t.(xml.StartElement); ok {
			elements++
		}
	}
}
