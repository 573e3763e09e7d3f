package oracle

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// errJulianDay is about a 29 February of 1500, 1400 and so on.
var errJulianDay = errors.New("the date is a leap day that exists only in the Julian calendar")

const (
	// dateForm and timeForm are how old dates are asked for. SYYYY has five places, the first
	// a minus for years before Christ (SQL Language Reference, "Datetime Format Models").
	dateForm = "SYYYYMMDDHH24MISS"
	timeForm = dateForm + "FF9"

	// intervalLength is more than the longest: "-P999999999DT23H59M59.999999999S".
	intervalLength = 40
)

// gregorian is where Oracle's calendar changes: the day before is 1582-10-04. The driver
// decodes older dates by the Gregorian calendar, in which some of them do not exist, and years
// before Christ one off, so the server spells them.
const (
	gregorianDate = "DATE '1582-10-15'"
	gregorianTime = "TIMESTAMP '1582-10-15 00:00:00'"
)

// civil are the fields of a date as people write them. Year -1 is 1 BC; there is no year 0.
type civil struct {
	year, month, day, hour, minute, second int
	nanos                                  int64
}

// parseCivil reads dateForm or timeForm.
func parseCivil(s string) (civil, error) {
	bad := fmt.Errorf("%w: a date is spelled %.40q", errForm, s)
	if len(s) != 15 && len(s) != 24 {
		return civil{}, bad
	}
	s = strings.Replace(s, " ", "0", 1)
	var c civil
	for _, f := range []struct {
		into     *int
		from, to int
	}{{&c.year, 0, 5}, {&c.month, 5, 7}, {&c.day, 7, 9}, {&c.hour, 9, 11}, {&c.minute, 11, 13}, {&c.second, 13, 15}} {
		n, err := strconv.Atoi(s[f.from:f.to])
		if err != nil {
			return civil{}, bad
		}
		*f.into = n
	}
	if len(s) == 24 {
		n, err := strconv.ParseInt(s[15:], 10, 64)
		if err != nil {
			return civil{}, bad
		}
		c.nanos = n
	}
	if c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 {
		return civil{}, bad
	}
	return c, nil
}

// instant returns the fields in the neutral calendar, which is Gregorian at all times: year,
// month and day stay what they are. Where that day does not exist, it is the day before, beside
// errJulianDay.
func (c civil) instant() (instant, error) {
	year := c.year
	if year < 0 {
		year++ // astronomical: 1 BC is year 0
	}
	day, err := c.day, error(nil)
	if c.month == 2 && c.day == 29 && time.Date(year, 2, 29, 0, 0, 0, 0, time.UTC).Month() != 2 {
		day, err = 28, errJulianDay
	}
	t := time.Date(year, time.Month(c.month), day, c.hour, c.minute, c.second, 0, time.UTC)
	return instant{t.Unix(), c.nanos}, err
}

// isoInterval spells an interval by ISO 8601. The server prints "+02-03" for years and months,
// "+000000002 03:04:05.123456" for days and seconds.
func isoInterval(s string) (string, error) {
	bad := fmt.Errorf("%w: an interval is spelled %.60q", errForm, s)
	sign := ""
	switch {
	case strings.HasPrefix(s, "-"):
		sign = "-"
	case !strings.HasPrefix(s, "+"):
		return "", bad
	}
	s = s[1:]
	if days, clock, ok := strings.Cut(s, " "); ok {
		parts := strings.Split(clock, ":")
		if len(parts) != 3 {
			return "", bad
		}
		return isoParts(sign, []string{days, parts[0], parts[1], parts[2]}, "DHMS", bad)
	}
	years, months, ok := strings.Cut(s, "-")
	if !ok {
		return "", bad
	}
	return isoParts(sign, []string{years, months}, "YM", bad)
}

func isoParts(sign string, parts []string, units string, bad error) (string, error) {
	out := "P"
	for i, p := range parts {
		whole, fraction, _ := strings.Cut(p, ".")
		if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || fraction != "" && units[i] != 'S' {
			return "", bad
		}
		whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
		if whole == "" && fraction == "" {
			continue
		}
		whole = cmp.Or(whole, "0")
		if fraction != "" {
			whole += "." + fraction
		}
		if units[0] == 'D' && i > 0 && !strings.Contains(out, "T") {
			out += "T"
		}
		out += whole + string(units[i])
	}
	if out != "P" {
		return sign + out, nil
	}
	if units == "YM" {
		return "P0M", nil
	}
	return "PT0S", nil
}
