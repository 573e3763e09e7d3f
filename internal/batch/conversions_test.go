package batch

import (
	"strings"
	"testing"

	"github.com/dmoctl/dmoctl/internal/catalog"
)

func TestNumberConversions(t *testing.T) {
	most38 := strings.Repeat("9", 38)
	runConversions(t, []conversionCase{
		{name: "int widens", from: typ(catalog.Int16), to: typ(catalog.Int64), in: []string{"-32768", "NULL", "0"}, want: []string{"-32768", "NULL", "0"}},
		{name: "int narrows where it fits", from: typ(catalog.Int64), to: typ(catalog.Int16), in: []string{"-32768", "32767"}, want: []string{"-32768", "32767"}},
		{name: "int too large", from: typ(catalog.Int64), to: typ(catalog.Int16), in: []string{"1", "32768"}, want: []string{"!32768 is out of range"}},
		{name: "int too large, null", from: typ(catalog.Int64), to: typ(catalog.Int32), policies: nullOverflow, in: []string{"1", "2147483648"}, want: []string{"1", "NULL"}},
		{name: "int to decimal", from: typ(catalog.Int64), to: typ(catalog.Decimal, 21, 2), in: []string{"-9223372036854775808"}, want: []string{"-9223372036854775808.00"}},
		{name: "int to decimal without room", from: typ(catalog.Int64), to: typ(catalog.Decimal, 5, 2), in: []string{"999", "1000"}, want: []string{"!1000 does not fit"}},
		{name: "int to number", from: typ(catalog.Int32), to: typ(catalog.Number), in: []string{"-7"}, want: []string{"-7"}},
		{name: "int to text", from: typ(catalog.Int64), to: typ(catalog.String, 3), in: []string{"-12", "1234"}, want: []string{"!has 4 characters"}},
		{name: "bool to int", from: typ(catalog.Bool), to: typ(catalog.Int16), in: []string{"true", "false", "NULL"}, want: []string{"1", "0", "NULL"}},
		{name: "decimal scale widens", from: typ(catalog.Decimal, 5, 2), to: typ(catalog.Decimal, 9, 4), in: []string{"-999.99", "0.01", "0.00"}, want: []string{"-999.9900", "0.0100", "0.0000"}},
		{name: "decimal scale narrows exactly", from: typ(catalog.Decimal, 9, 4), to: typ(catalog.Decimal, 5, 2), in: []string{"999.9900", "-1.5000"}, want: []string{"999.99", "-1.50"}},
		{name: "decimal loses a digit", from: typ(catalog.Decimal, 9, 4), to: typ(catalog.Decimal, 9, 2), in: []string{"1.0001"}, want: []string{"!1.0001 does not fit"}},
		{name: "decimal overflow", from: typ(catalog.Decimal, 38, 0), to: typ(catalog.Decimal, 38, 1), in: []string{most38}, want: []string{"!does not fit"}},
		{name: "decimal of 38 digits stays", from: typ(catalog.Decimal, 38, 0), to: typ(catalog.Decimal, 38, 0), in: []string{most38, "-" + most38}, want: []string{most38, "-" + most38}},
		{name: "decimal into 256 bits", from: typ(catalog.Decimal, 38, 0), to: typ(catalog.Decimal, 76, 38), in: []string{"-" + most38}, want: []string{"-" + most38 + "." + strings.Repeat("0", 38)}},
		{name: "decimal out of 256 bits", from: typ(catalog.Decimal, 76, 38), to: typ(catalog.Decimal, 38, 0), in: []string{"-" + most38 + "." + strings.Repeat("0", 38)}, want: []string{"-" + most38}},
		{name: "decimal to number", from: typ(catalog.Decimal, 9, 4), to: typ(catalog.Number), in: []string{"1.5000", "0.0000", "-0.0100", "100.0000"}, want: []string{"1.5", "0", "-0.01", "100"}},
		{name: "decimal to int", from: typ(catalog.Decimal, 9, 2), to: typ(catalog.Int32), in: []string{"-12.00"}, want: []string{"-12"}},
		{name: "decimal fraction to int", from: typ(catalog.Decimal, 9, 2), to: typ(catalog.Int32), in: []string{"12.50"}, want: []string{"!12.50 does not fit"}},
		{name: "number to decimal", from: typ(catalog.Number), to: typ(catalog.Decimal, 38, 2), in: []string{"1.5", "-0.01", "0", "123456789012345678901234567890123456", "-99999999999999999"}, want: []string{"1.50", "-0.01", "0.00", "123456789012345678901234567890123456.00", "-99999999999999999.00"}},
		{name: "number too precise", from: typ(catalog.Number), to: typ(catalog.Decimal, 38, 2), in: []string{"1.505"}, want: []string{"!1.505 does not fit"}},
		{name: "number too large", from: typ(catalog.Number), to: typ(catalog.Decimal, 5, 2), in: []string{"1000"}, want: []string{"!1000 does not fit"}},
		{name: "number NaN to decimal", from: typ(catalog.Number), to: typ(catalog.Decimal, 5, 2), in: []string{"NaN"}, want: []string{"!is NaN"}},
		{name: "number infinite, null", from: typ(catalog.Number), to: typ(catalog.Decimal, 5, 2), policies: nullOverflow, in: []string{"-Infinity", "1"}, want: []string{"NULL", "1.00"}},
		{name: "number NaN refused", from: typ(catalog.Number), to: typ(catalog.Number), bounds: catalog.Bounds{NoNaN: true}, in: []string{"Infinity", "NaN"}, want: []string{"!is NaN"}},
		{name: "number to int", from: typ(catalog.Number), to: typ(catalog.Int64), in: []string{"-9223372036854775808"}, want: []string{"-9223372036854775808"}},
		{name: "number too large for int", from: typ(catalog.Number), to: typ(catalog.Int64), in: []string{"9223372036854775808"}, want: []string{"!out of range"}},
		{name: "float stays", from: typ(catalog.Float64), to: typ(catalog.Float64), in: []string{"NaN", "-0", "+Inf"}, want: []string{"NaN", "-0", "+Inf"}},
		{name: "float NaN refused", from: typ(catalog.Float64), to: typ(catalog.Float64), bounds: catalog.Bounds{NoNaN: true}, in: []string{"1", "NaN"}, want: []string{"!is NaN"}},
		{name: "float infinite, null", from: typ(catalog.Float32), to: typ(catalog.Float32), bounds: catalog.Bounds{NoInfinity: true}, policies: nullOverflow, in: []string{"1", "-Inf"}, want: []string{"1", "NULL"}},
		{name: "float negative zero", from: typ(catalog.Float64), to: typ(catalog.Float64), bounds: catalog.Bounds{NoNegativeZero: true}, in: []string{"-0", "1.5"}, want: []string{"0", "1.5"}},
		{name: "float widens", from: typ(catalog.Float32), to: typ(catalog.Float64), in: []string{"0.5"}, want: []string{"0.5"}},
		{name: "float loses digits", from: typ(catalog.Float64), to: typ(catalog.Float32), in: []string{"0.5", "0.1"}, want: []string{"!0.1 has more digits"}},
	})
}

func TestTextConversions(t *testing.T) {
	noNUL := catalog.Bounds{NoNUL: true}
	runConversions(t, []conversionCase{
		{name: "NUL kept where the target holds it", from: typ(catalog.String), to: typ(catalog.String), in: []string{"a\x00b"}, want: []string{`"a\x00b"`}},
		{name: "NUL refused", from: typ(catalog.String), to: typ(catalog.String), bounds: noNUL, in: []string{"ok", "a\x00b"}, want: []string{"!holds U+0000"}},
		{name: "NUL stripped", from: typ(catalog.Text), to: typ(catalog.Text), bounds: noNUL, policies: stripNUL, in: []string{"ok", "a\x00b", "NULL"}, want: []string{"ok", "ab", "NULL"}},
		{name: "length in characters, not bytes", from: typ(catalog.String), to: typ(catalog.String, 2), in: []string{"\U0001f600\u00e9"}, want: []string{"\U0001f600\u00e9"}},
		{name: "too long", from: typ(catalog.String, 40), to: typ(catalog.String, 2), in: []string{"abc"}, want: []string{"!has 3 characters"}},
		{name: "too long, null", from: typ(catalog.String), to: typ(catalog.String, 2), policies: nullOverflow, in: []string{"abc", "", " "}, want: []string{"NULL", "", " "}},
		{name: "string to text", from: typ(catalog.String, 4), to: typ(catalog.Text), in: []string{"ab", "", "NULL"}, want: []string{"ab", "", "NULL"}},
		{name: "text to string", from: typ(catalog.Text), to: typ(catalog.String, 3), in: []string{"abcd"}, want: []string{"!has 4 characters"}},
		{name: "string to char is padded", from: typ(catalog.String, 4), to: typ(catalog.Char, 3), in: []string{"a", "", "abc"}, want: []string{"a  ", "   ", "abc"}},
		{name: "char stays", from: typ(catalog.Char, 3), to: typ(catalog.Char, 3), in: []string{"a  "}, want: []string{"a  "}},
		{name: "binary too long", from: typ(catalog.Binary), to: typ(catalog.Binary, 2), in: []string{"ab", "abc"}, want: []string{"!has 3 bytes"}},
		{name: "binary to blob", from: typ(catalog.Binary, 3), to: typ(catalog.Blob), in: []string{"ab", "NULL", ""}, want: []string{"6162", "NULL", ""}},
		{name: "uuid to binary", from: typ(catalog.UUID), to: typ(catalog.Binary, 16), in: []string{"0123456789abcdef"}, want: []string{"30313233343536373839616263646566"}},
		{name: "uuid to text", from: typ(catalog.UUID), to: typ(catalog.String, 36), in: []string{"0123456789abcdef"}, want: []string{"30313233-3435-3637-3839-616263646566"}},
		{name: "json to text", from: typ(catalog.JSON), to: typ(catalog.Text), in: []string{`{"a": 1}`}, want: []string{`"{\"a\": 1}"`}},
	})
}

func TestDateConversions(t *testing.T) {
	years := catalog.Bounds{NoInfinity: true, MinYear: 1, MaxYear: 9999}
	runConversions(t, []conversionCase{
		{name: "infinite date stays", from: typ(catalog.Date), to: typ(catalog.Date), in: []string{"infinity", "-infinity"}, want: []string{"infinity", "-infinity"}},
		{name: "infinite date refused", from: typ(catalog.Date), to: typ(catalog.Date), bounds: years, in: []string{"infinity"}, want: []string{"!infinity is not a date"}},
		{name: "infinite date, null", from: typ(catalog.Date), to: typ(catalog.Date), bounds: years, policies: nullDates, in: []string{"-infinity", "2004-02-29"}, want: []string{"NULL", "2004-02-29"}},
		{name: "dates clamped", from: typ(catalog.Date), to: typ(catalog.Date), bounds: years, policies: clampDates, in: []string{"-infinity", "infinity", "0001-01-01"}, want: []string{"0001-01-01", "9999-12-31", "0001-01-01"}},
		{name: "infinity clamped without years", from: typ(catalog.Timestamp, 3), to: typ(catalog.Timestamp, 3), bounds: catalog.Bounds{NoInfinity: true}, policies: clampDates, in: []string{"infinity", "-infinity"}, want: []string{"9999-12-31T23:59:59.999", "0001-01-01T00:00:00"}},
		{name: "infinite timestamp stays", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp, 3), in: []string{"infinity"}, want: []string{"infinity"}},
		{name: "timestamps clamped", from: typ(catalog.TimestampTZ, 6), to: typ(catalog.TimestampTZ, 6), bounds: years, policies: clampDates, in: []string{"infinity", "1970-01-01T00:00:00.000001Z"}, want: []string{"9999-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000001Z"}},
		{name: "timestamp narrows exactly", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp, 3), in: []string{"1969-12-31T23:59:59.999"}, want: []string{"1969-12-31T23:59:59.999"}},
		{name: "timestamp loses digits", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp, 3), in: []string{"1969-12-31T23:59:59.9999"}, want: []string{"!has too many digits"}},
		{name: "timestamp to nine digits", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp9, 9), in: []string{"1969-12-31T23:59:59.5"}, want: []string{"-0.500000000"}},
		{name: "nine digits to timestamp", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp, 6), in: []string{"-0.500000000"}, want: []string{"1969-12-31T23:59:59.5"}},
		{name: "nine digits are too many", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp, 6), in: []string{"0.000000001"}, want: []string{"!has too many digits"}},
		{name: "nine digits to seven", from: typ(catalog.Timestamp9, 9), to: typ(catalog.Timestamp9, 7), in: []string{"0.000000001"}, want: []string{"!has too many digits"}},
		{name: "infinity has no nine digits", from: typ(catalog.Timestamp, 6), to: typ(catalog.Timestamp9, 7), policies: clampDates, in: []string{"infinity"}, want: []string{"253402300799.999999000"}},
		{name: "date to timestamp", from: typ(catalog.Date), to: typ(catalog.Timestamp, 0), in: []string{"1969-12-31", "infinity", "NULL"}, want: []string{"1969-12-31T00:00:00", "infinity", "NULL"}},
		{name: "time loses digits", from: typ(catalog.Time, 6), to: typ(catalog.Time, 0), in: []string{"12:00:00.5"}, want: []string{"!12:00:00.5 has too many digits"}},
		{name: "date to text", from: typ(catalog.Date), to: typ(catalog.Text), in: []string{"1582-10-14"}, want: []string{"1582-10-14"}},
		{name: "instant to text", from: typ(catalog.TimestampTZ, 6), to: typ(catalog.Text), in: []string{"2000-01-01T00:00:00.25Z"}, want: []string{"2000-01-01T00:00:00.25Z"}},
	})
}
