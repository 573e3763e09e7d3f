package value

import (
	"fmt"
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// element is one piece of a date format model.
type element struct {
	name    string // in upper case; "" for literal text
	text    string // literal text, or the element as written
	compact bool   // FM: no padding
}

// elements of date format models, the longest first where one begins another (SQL Language Reference,
// "Datetime Format Models").
func elementNames() []string {
	return []string{"SYYYY", "YYYY", "RRRR", "IYYY", "SSSSS", "MONTH", "HH24", "HH12", "A.D.", "B.C.", "A.M.", "P.M.",
		"YYY", "DDD", "DAY", "MON", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "FF7", "FF8", "FF9", "TZH", "TZM", "TZR", "SCC",
		"YY", "RR", "MM", "DD", "DY", "HH", "MI", "SS", "FF", "AD", "BC", "AM", "PM", "IW", "WW", "CC", "Y", "D", "J", "Q", "W", "X"}
}

// parseFormat cuts a date format model; ORA-01821 for what is none.
func parseFormat(format string) ([]element, error) {
	var out []element
	names := elementNames()
	compact := false
next:
	for i := 0; i < len(format); {
		rest, upper := format[i:], strings.ToUpper(format[i:])
		if strings.HasPrefix(upper, "FM") {
			compact, i = !compact, i+2
			continue
		}
		if strings.HasPrefix(upper, "FX") {
			i += 2
			continue
		}
		if rest[0] == '"' {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, ora.Errorf(1821, "date format not recognized")
			}
			out = append(out, element{text: rest[1 : end+1]})
			i += end + 2
			continue
		}
		for _, n := range names {
			if strings.HasPrefix(upper, n) {
				out = append(out, element{name: n, text: rest[:len(n)], compact: compact})
				i += len(n)
				continue next
			}
		}
		if strings.IndexByte(" -/,.;:", rest[0]) < 0 {
			return nil, ora.Errorf(1821, "date format not recognized")
		}
		out = append(out, element{text: rest[:1]})
		i++
	}
	return out, nil
}

func months() []string {
	return []string{"JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST",
		"SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"}
}

func weekdays() []string {
	return []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}
}

// Format writes a date as TO_CHAR does; digits is how many the fraction has for FF.
func (c Civil) Format(format string, digits int) (string, error) {
	list, err := parseFormat(format)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range list {
		if e.name == "" {
			b.WriteString(e.text)
			continue
		}
		text, err := c.element(e, digits)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (c Civil) element(e element, digits int) (string, error) {
	number := func(width, v int) string {
		if e.compact {
			width = 1
		}
		return fmt.Sprintf("%0*d", width, v)
	}
	if v, width, ok := c.numeric(e.name); ok {
		return number(width, v), nil
	}
	switch e.name {
	case "SYYYY":
		sign := " "
		if c.Year < 0 {
			sign = "-"
		} else if e.compact {
			sign = ""
		}
		return sign + number(4, abs(c.Year)), nil
	case "MONTH":
		return named(e, months()[c.Month-1], 9), nil
	case "MON":
		return named(e, months()[c.Month-1][:3], 0), nil
	case "DAY":
		return named(e, weekdays()[c.JulianDay()%7], 9), nil
	case "DY":
		return named(e, weekdays()[c.JulianDay()%7][:3], 0), nil
	case "AM", "PM":
		return named(e, map[bool]string{true: "AM", false: "PM"}[c.Hour < 12], 0), nil
	case "A.M.", "P.M.":
		return named(e, map[bool]string{true: "A.M.", false: "P.M."}[c.Hour < 12], 0), nil
	case "AD", "BC":
		return named(e, map[bool]string{true: "AD", false: "BC"}[c.Year > 0], 0), nil
	case "A.D.", "B.C.":
		return named(e, map[bool]string{true: "A.D.", false: "B.C."}[c.Year > 0], 0), nil
	case "X":
		return ".", nil
	case "TZH":
		sign := '+'
		if c.Offset < 0 {
			sign = '-'
		}
		return fmt.Sprintf("%c%02d", sign, abs(c.Offset)/60), nil
	case "TZM":
		return fmt.Sprintf("%02d", abs(c.Offset)%60), nil
	case "TZR":
		return OffsetText(c.Offset), nil
	}
	if strings.HasPrefix(e.name, "FF") {
		if len(e.name) == 3 {
			digits = int(e.name[2] - '0')
		}
		return fmt.Sprintf("%09d", c.Nano)[:digits], nil
	}
	return "", ora.Errorf(1821, "date format not recognized")
}

// numeric gives the elements that are plain numbers.
func (c Civil) numeric(name string) (v, width int, ok bool) {
	year := abs(c.Year)
	hour12 := (c.Hour+11)%12 + 1
	dayOfYear := c.JulianDay() - Civil{Year: c.Year, Month: 1, Day: 1}.JulianDay() + 1
	switch name {
	case "YYYY", "RRRR":
		return year, 4, true
	case "YYY":
		return year % 1000, 3, true
	case "YY", "RR":
		return year % 100, 2, true
	case "Y":
		return year % 10, 1, true
	case "CC":
		return (year + 99) / 100, 2, true
	case "Q":
		return (c.Month + 2) / 3, 1, true
	case "MM":
		return c.Month, 2, true
	case "WW":
		return (dayOfYear + 6) / 7, 2, true
	case "W":
		return (c.Day + 6) / 7, 1, true
	case "DDD":
		return dayOfYear, 3, true
	case "DD":
		return c.Day, 2, true
	case "D":
		return (c.JulianDay()+1)%7 + 1, 1, true
	case "J":
		return c.JulianDay(), 7, true
	case "HH24":
		return c.Hour, 2, true
	case "HH", "HH12":
		return hour12, 2, true
	case "MI":
		return c.Minute, 2, true
	case "SS":
		return c.Second, 2, true
	case "SSSSS":
		return c.Hour*3600 + c.Minute*60 + c.Second, 5, true
	}
	return 0, 0, false
}

// named writes a word in the case of its element: MON, Mon or mon.
func named(e element, word string, width int) string {
	switch {
	case e.text == strings.ToLower(e.text):
		word = strings.ToLower(word)
	case len(e.text) > 1 && e.text[1:2] == strings.ToLower(e.text[1:2]):
		word = word[:1] + strings.ToLower(word[1:])
	}
	if e.compact || width == 0 {
		return word
	}
	return fmt.Sprintf("%-*s", width, word)
}

// OffsetText writes a zone as +hh:mm.
func OffsetText(minutes int) string {
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("%c%02d:%02d", sign, minutes/60, minutes%60)
}

// ParseOffset reads +hh:mm, hh:mm, UTC and Z; other regions are ORA-01882.
func ParseOffset(s string) (minutes int, err error) {
	t := strings.ToUpper(strings.TrimSpace(s))
	switch t {
	case "UTC", "Z", "GMT", "ETC/UTC":
		return 0, nil
	}
	neg := strings.HasPrefix(t, "-")
	h, m, ok := strings.Cut(strings.TrimLeft(t, "+-"), ":")
	hh, ok1 := digits(h, 2)
	mm, ok2 := digits(m, 2)
	if !ok || !ok1 || !ok2 {
		return 0, ora.Errorf(1882, "timezone region not found")
	}
	if hh > 15 || mm > 59 {
		return 0, ora.Errorf(1874, "time zone hour must be between -15 and 15")
	}
	minutes = hh*60 + mm
	if neg {
		minutes = -minutes
	}
	return minutes, nil
}
