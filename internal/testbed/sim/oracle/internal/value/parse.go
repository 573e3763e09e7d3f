package value

import (
	"strings"
	"time"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// dateParser reads text by a format model.
type dateParser struct {
	text string
	c    Civil
	pm   *bool
	bc   bool
	zone struct {
		hour, minute int
		neg, set     bool
	}
	julian int
	now    time.Time
}

// ParseDate reads text by a format model as TO_DATE and TO_TIMESTAMP do: blanks and punctuation are
// matched loosely, what the model does not name is the first of the current month. zone is the offset
// where the model names none; the days that the calendar leaves out become 1582-10-15 (assumption).
func ParseDate(text, format string, now time.Time, zone int) (Civil, error) {
	list, err := parseFormat(format)
	if err != nil {
		return Civil{}, err
	}
	p := &dateParser{text: text, now: now, c: Civil{Year: now.Year(), Month: int(now.Month()), Day: 1, Offset: zone}}
	for _, e := range list {
		if e.name == "" {
			err = p.literal(e.text)
		} else {
			p.text = strings.TrimLeft(p.text, " ")
			err = p.element(e)
		}
		if err != nil {
			return Civil{}, err
		}
	}
	if strings.TrimSpace(p.text) != "" {
		return Civil{}, ora.Errorf(1830, "date format picture ends before converting entire input string")
	}
	return p.finish()
}

func (p *dateParser) finish() (Civil, error) {
	c := p.c
	if p.julian > 0 {
		d := FromJulianDay(p.julian)
		c.Year, c.Month, c.Day = d.Year, d.Month, d.Day
	}
	if p.pm != nil {
		c.Hour %= 12
		if *p.pm {
			c.Hour += 12
		}
	}
	if p.bc {
		c.Year = -c.Year
	}
	if p.zone.set {
		c.Offset = p.zone.hour*60 + p.zone.minute
		if p.zone.neg {
			c.Offset = -c.Offset
		}
	}
	if c.Year == 1582 && c.Month == 10 && c.Day > 4 && c.Day < 15 {
		c.Day = 15
	}
	return c, c.Check()
}

// literal matches punctuation: any punctuation of the text stands for the model's.
func (p *dateParser) literal(want string) error {
	for _, w := range []byte(want) {
		if p.text == "" {
			return nil
		}
		got := p.text[0]
		switch {
		case got == w:
			p.text = p.text[1:]
		case isPunctuation(w) && isPunctuation(got):
			p.text = p.text[1:]
		case isPunctuation(w): // may be left out
		default:
			return ora.Errorf(1861, "literal does not match format string")
		}
	}
	return nil
}

func isPunctuation(c byte) bool { return strings.IndexByte(" -/,.;:T", c) >= 0 }

// number reads up to most digits.
func (p *dateParser) number(most int) (int, error) {
	n := 0
	for n < most && n < len(p.text) && p.text[n] >= '0' && p.text[n] <= '9' {
		n++
	}
	if n == 0 {
		if p.text == "" {
			return 0, ora.Errorf(1840, "input value not long enough for date format")
		}
		return 0, ora.Errorf(1858, "a non-numeric character was found where a numeric was expected")
	}
	v, _ := digits(p.text[:n], most)
	p.text = p.text[n:]
	return v, nil
}

func (p *dateParser) sign() bool {
	neg := strings.HasPrefix(p.text, "-")
	if neg || strings.HasPrefix(p.text, "+") {
		p.text = p.text[1:]
	}
	return neg
}

func (p *dateParser) element(e element) (err error) {
	switch e.name {
	case "SYYYY":
		p.bc = p.sign()
		p.c.Year, err = p.number(4)
	case "YYYY":
		p.c.Year, err = p.number(4)
	case "RRRR", "RR", "YY":
		err = p.shortYear(e.name)
	case "MM":
		p.c.Month, err = p.number(2)
	case "MONTH", "MON":
		err = p.month()
	case "DD":
		p.c.Day, err = p.number(2)
	case "HH24":
		p.c.Hour, err = p.number(2)
	case "HH", "HH12":
		p.c.Hour, err = p.number(2)
		if err == nil && (p.c.Hour < 1 || p.c.Hour > 12) {
			err = ora.Errorf(1849, "hour must be between 1 and 12")
		}
	case "MI":
		p.c.Minute, err = p.number(2)
	case "SS":
		p.c.Second, err = p.number(2)
	case "SSSSS":
		var s int
		s, err = p.number(5)
		p.c.Hour, p.c.Minute, p.c.Second = s/3600, s/60%60, s%60
	case "J":
		p.julian, err = p.number(7)
	case "X":
		err = p.literal(".")
	default:
		return p.rest(e)
	}
	return err
}

func (p *dateParser) rest(e element) (err error) {
	switch e.name {
	case "AM", "PM", "A.M.", "P.M.":
		pm := p.word("P.M.", "PM")
		if !pm && !p.word("A.M.", "AM") {
			return ora.Errorf(1855, "AM/A.M. or PM/P.M. required")
		}
		p.pm = &pm
	case "AD", "BC", "A.D.", "B.C.":
		p.bc = p.word("B.C.", "BC")
		if !p.bc && !p.word("A.D.", "AD") {
			return ora.Errorf(1856, "BC/B.C. or AD/A.D. required")
		}
	case "TZH":
		p.zone.neg, p.zone.set = p.sign(), true
		p.zone.hour, err = p.number(2)
	case "TZM":
		p.zone.minute, err = p.number(2)
	case "TZR":
		word, _, _ := strings.Cut(p.text, " ")
		p.text = p.text[len(word):]
		p.c.Offset, err = ParseOffset(word)
	default:
		if !strings.HasPrefix(e.name, "FF") {
			return ora.Errorf(1820, "format code cannot appear in date input format")
		}
		most := 9
		if len(e.name) == 3 {
			most = int(e.name[2] - '0')
		}
		before := len(p.text)
		p.c.Nano, err = p.number(most)
		for range 9 - (before - len(p.text)) {
			p.c.Nano *= 10
		}
	}
	return err
}

func (p *dateParser) word(any ...string) bool {
	for _, w := range any {
		if len(p.text) >= len(w) && strings.EqualFold(p.text[:len(w)], w) {
			p.text = p.text[len(w):]
			return true
		}
	}
	return false
}

func (p *dateParser) month() error {
	for i, m := range months() {
		if p.word(m, m[:3]) {
			p.c.Month = i + 1
			return nil
		}
	}
	return ora.Errorf(1843, "not a valid month")
}

func (p *dateParser) shortYear(name string) error {
	most := 2
	if name == "RRRR" {
		most = 4
	}
	before := len(p.text)
	y, err := p.number(most)
	if err != nil || before-len(p.text) > 2 {
		p.c.Year = y
		return err
	}
	century := p.now.Year() / 100 * 100
	if name != "YY" { // RR: 50 to 99 are of the century before
		if y >= 50 && p.now.Year()%100 < 50 {
			century -= 100
		} else if y < 50 && p.now.Year()%100 >= 50 {
			century += 100
		}
	}
	p.c.Year = century + y
	return nil
}
