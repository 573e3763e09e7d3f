// Package value holds Oracle's data types as the bytes in which they are stored and sent: numbers,
// dates, timestamps, intervals, floats, ROWIDs and text in the database's charset.
//
// All encodings but those of intervals and text compare as their values do. Sources: the decoders of
// go-ora (converters) and node-oracledb (lib/impl/datahandlers); Oracle Database SQL Language
// Reference, "Data Types" and "Format Models".
package value

import (
	"encoding/binary"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// Civil is a date and time of day. Year is negative for BC; there is no year 0. Before 1582-10-15 the
// calendar is the Julian one.
type Civil struct {
	Year, Month, Day, Hour, Minute, Second, Nano int
	Offset                                       int // minutes east of UTC, of a TIMESTAMP WITH TIME ZONE
}

const (
	minYear   = -4712
	maxYear   = 9999
	regionUTC = 5121 // oracleZones of go-ora (converters)
)

// astronomical counts 1 BC as year 0.
func astronomical(year int) int {
	if year < 0 {
		return year + 1
	}
	return year
}

func leap(year int) bool {
	y := astronomical(year)
	if year > 1582 {
		return y%4 == 0 && (y%100 != 0 || y%400 == 0)
	}
	return y%4 == 0
}

// DaysIn is how many days a month has.
func DaysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	}
	return 31
}

// Check says what is wrong with the fields, with the error that a conversion gives.
func (c Civil) Check() error {
	switch {
	case c.Year < minYear || c.Year > maxYear || c.Year == 0:
		return ora.Errorf(1841, "(full) year must be between -4713 and +9999, and not be 0")
	case c.Month < 1 || c.Month > 12:
		return ora.Errorf(1843, "not a valid month")
	case c.Day < 1 || c.Day > 31:
		return ora.Errorf(1847, "day of month must be between 1 and last day of month")
	case c.Day > DaysIn(c.Year, c.Month):
		return ora.Errorf(1839, "date not valid for month specified")
	case c.Hour < 0 || c.Hour > 23:
		return ora.Errorf(1850, "hour must be between 0 and 23")
	case c.Minute < 0 || c.Minute > 59:
		return ora.Errorf(1851, "minutes must be between 0 and 59")
	case c.Second < 0 || c.Second > 59:
		return ora.Errorf(1852, "seconds must be between 0 and 59")
	case c.Nano < 0 || c.Nano > 999999999:
		return ora.Errorf(1880, "the fractional seconds must be between 0 and 999999999")
	}
	return nil
}

// JulianDay counts days; the day before 1582-10-15 is 1582-10-04.
func (c Civil) JulianDay() int {
	y, m := astronomical(c.Year), c.Month
	a := (14 - m) / 12
	yy, mm := y+4800-a, m+12*a-3
	base := c.Day + (153*mm+2)/5 + 365*yy + yy/4
	if c.Year > 1582 || c.Year == 1582 && (m > 10 || m == 10 && c.Day >= 15) {
		return base - yy/100 + yy/400 - 32045
	}
	return base - 32083
}

// FromJulianDay gives the civil day.
func FromJulianDay(n int) Civil {
	var b, c int
	if n >= 2299161 {
		a := n + 32044
		b = (4*a + 3) / 146097
		c = a - 146097*b/4
	} else {
		c = n + 32082
	}
	d := (4*c + 3) / 1461
	e := c - 1461*d/4
	m := (5*e + 2) / 153
	out := Civil{Day: e - (153*m+2)/5 + 1, Month: m + 3 - 12*(m/10)}
	out.Year = 100*b + d - 4800 + m/10
	if out.Year <= 0 {
		out.Year--
	}
	return out
}

const dayNanos = 86400 * 1000000000

// clock is the time of day in nanoseconds.
func (c Civil) clock() int64 {
	return int64(c.Hour*3600+c.Minute*60+c.Second)*1e9 + int64(c.Nano)
}

// AddDays moves by whole days and nanoseconds; beyond the calendar is ORA-01841.
func (c Civil) AddDays(days int, nanos int64) (Civil, error) {
	t := c.clock() + nanos%dayNanos
	days += int(nanos / dayNanos)
	for t < 0 {
		t, days = t+dayNanos, days-1
	}
	days, t = days+int(t/dayNanos), t%dayNanos
	out := FromJulianDay(c.JulianDay() + days)
	s := int(t / 1e9)
	out.Hour, out.Minute, out.Second, out.Nano = s/3600, s/60%60, s%60, int(t%1e9)
	out.Offset = c.Offset
	if out.Year < minYear || out.Year > maxYear {
		return Civil{}, ora.Errorf(1841, "(full) year must be between -4713 and +9999, and not be 0")
	}
	return out, nil
}

// Sub is c - o in days and nanoseconds.
func (c Civil) Sub(o Civil) (days int, nanos int64) {
	return c.JulianDay() - o.JulianDay(), c.clock() - o.clock()
}

// RoundNano rounds the fraction to p digits.
func (c Civil) RoundNano(p int) (Civil, error) {
	unit := 1
	for range 9 - p {
		unit *= 10
	}
	n := (c.Nano + unit/2) / unit * unit
	if n < 1e9 {
		c.Nano = n
		return c, nil
	}
	c.Nano = 0
	return c.AddDays(0, 1e9)
}

// Date writes the seven bytes of a DATE.
func (c Civil) Date() []byte {
	return []byte{byte(c.Year/100 + 100), byte(c.Year%100 + 100), byte(c.Month), byte(c.Day),
		byte(c.Hour + 1), byte(c.Minute + 1), byte(c.Second + 1)}
}

// Timestamp writes the bytes of a TIMESTAMP: seven, and four of nanoseconds unless they are 0.
func (c Civil) Timestamp() []byte {
	b := c.Date()
	if c.Nano != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(c.Nano))
	}
	return b
}

// TimestampTZ writes the thirteen bytes of a TIMESTAMP WITH TIME ZONE: the instant in UTC and the
// offset. c is civil time in its zone.
func (c Civil) TimestampTZ() ([]byte, error) {
	u, err := c.UTC()
	if err != nil {
		return nil, err
	}
	b := binary.BigEndian.AppendUint32(u.Date(), uint32(u.Nano))
	return append(b, byte(c.Offset/60+20), byte(c.Offset%60+60)), nil
}

// UTC moves civil time of a zone to UTC.
func (c Civil) UTC() (Civil, error) {
	if c.Offset == 0 {
		return c, nil
	}
	u, err := c.AddDays(0, -int64(c.Offset)*60e9)
	u.Offset = 0
	return u, err
}

// In moves civil time of UTC to a zone.
func (c Civil) In(offset int) (Civil, error) {
	if offset == 0 {
		return c, nil
	}
	out, err := c.AddDays(0, int64(offset)*60e9)
	out.Offset = offset
	return out, err
}

// DecodeDate reads a DATE or a TIMESTAMP of 7 or 11 bytes, and the instant of 13 bytes in its zone.
// What is not a date is refused as a conversion refuses it.
func DecodeDate(b []byte) (Civil, error) {
	if len(b) != 7 && len(b) != 11 && len(b) != 13 {
		return Civil{}, ora.Errorf(1801, "date format is too long for internal buffer")
	}
	c := Civil{Year: (int(b[0])-100)*100 + int(b[1]) - 100, Month: int(b[2]), Day: int(b[3]),
		Hour: int(b[4]) - 1, Minute: int(b[5]) - 1, Second: int(b[6]) - 1}
	if len(b) > 7 {
		c.Nano = int(binary.BigEndian.Uint32(b[7:]))
	}
	if err := c.Check(); err != nil {
		return Civil{}, err
	}
	if len(b) < 13 {
		return c, nil
	}
	if b[11]&0x80 != 0 { // a region; only UTC is known
		if region := int(b[11]&0x7F)<<6 | int(b[12]>>2); region != regionUTC {
			return Civil{}, ora.Errorf(1882, "timezone region not found")
		}
		return c, nil
	}
	offset := (int(b[11]&0x3F)-20)*60 + int(b[12]) - 60
	if b[11]&0x40 != 0 { // the client sent civil time of the zone
		c.Offset = offset
		return c, nil
	}
	return c.In(offset)
}
