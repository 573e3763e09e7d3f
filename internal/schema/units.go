package schema

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// unit is one suffix and how many base units it stands for.
type unit struct {
	name string
	base int64
}

// sizeUnits go from the largest to the smallest. B comes last, because it ends all.
func sizeUnits() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}, {"B", 1},
	}
}

func rateUnits() []unit {
	return []unit{{"Tbps", 1e12}, {"Gbps", 1e9}, {"Mbps", 1e6}, {"Kbps", 1e3}, {"bps", 1}}
}

func durationUnits() []unit {
	return []unit{
		{"d", int64(24 * time.Hour)}, {"h", int64(time.Hour)}, {"m", int64(time.Minute)},
		{"s", int64(time.Second)}, {"ms", int64(time.Millisecond)},
		{"us", int64(time.Microsecond)}, {"ns", 1},
	}
}

// ParseSize reads a size such as "256MiB" or "1.5GB" into bytes.
func ParseSize(s string) (int64, error) { return parseUnit(s, "size", "256MiB", sizeUnits()) }

// ParseRate reads a rate such as "800Mbps" into bits a second.
func ParseRate(s string) (int64, error) { return parseUnit(s, "rate", "800Mbps", rateUnits()) }

// FormatSize prints bytes in the largest unit that holds them exactly, so that
// ParseSize gives the same number back; ShowSize is for what nobody types. Negative sizes
// print as bytes.
func FormatSize(n int64) string { return formatUnit(n, sizeUnits()) }

// ShowSize prints bytes for people, rounded down to one decimal or, from 100 on, none, in
// the spelling of the spec: "410GiB", "5.9GiB", "9GiB". Negative sizes print as bytes.
func ShowSize(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i, base := 0, int64(1)
	for n/base >= 1024 && i < len(units)-1 {
		i, base = i+1, base<<10
	}
	s := strconv.FormatInt(n/base, 10)
	if n/base < 100 && n > 0 {
		if tenth := uint64(n%base) * 10 / uint64(base); tenth > 0 {
			s += "." + strconv.FormatUint(tenth, 10)
		}
	}
	return s + units[i]
}

// FormatRate prints bits a second in the largest unit that holds them exactly.
func FormatRate(n int64) string { return formatUnit(n, rateUnits()) }

// parseUnit reads one number with one unit, exactly: no float is involved.
func parseUnit(s, what, example string, units []unit) (int64, error) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%/")
	number, suffix := strings.TrimRight(digits, " "), s[len(digits):]
	value, err := decimal(number)
	if err != nil {
		return 0, fmt.Errorf("%q is not a %s: write a number and a unit, such as %q", s, what, example)
	}
	for _, u := range units {
		if u.name != suffix {
			continue
		}
		value.Mul(value, new(big.Rat).SetInt64(u.base))
		switch {
		case !value.IsInt():
			return 0, fmt.Errorf("%q is not a whole number of %s", s, units[len(units)-1].name)
		case !value.Num().IsInt64():
			return 0, fmt.Errorf("%q is too large for a %s", s, what)
		}
		return value.Num().Int64(), nil
	}
	return 0, unitError(s, suffix, what, units)
}

func unitError(s, suffix, what string, units []unit) error {
	number := strings.TrimRight(strings.TrimSuffix(s, suffix), " ")
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.name
		if strings.EqualFold(u.name, suffix) {
			return fmt.Errorf("%q has an unknown unit: write %q", s, number+u.name)
		}
	}
	for _, u := range units {
		if suffix != "" && strings.EqualFold(u.name[:1], suffix) && len(u.name) > 1 {
			return fmt.Errorf("%q has an unknown unit: write %q", s, number+u.name)
		}
	}
	if suffix == "" {
		return fmt.Errorf("%q has no unit; a %s ends in one of %s", s, what, strings.Join(names, ", "))
	}
	return fmt.Errorf("%q has an unknown unit; a %s ends in one of %s", s, what, strings.Join(names, ", "))
}

// decimal reads digits with at most one point; no sign, no exponent.
func decimal(s string) (*big.Rat, error) {
	whole, fraction, point := strings.Cut(s, ".")
	if len(s) > 40 || whole == "" || (point && fraction == "") || strings.Trim(whole+fraction, "0123456789") != "" {
		return nil, strconv.ErrSyntax
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, strconv.ErrSyntax
	}
	return r, nil
}

func formatUnit(n int64, units []unit) string {
	smallest := units[len(units)-1]
	if n <= 0 {
		return strconv.FormatInt(n, 10) + smallest.name
	}
	best := smallest
	for _, u := range units {
		if n%u.base == 0 && shorter(n/u.base, n/best.base) {
			best = u
		}
	}
	return strconv.FormatInt(n/best.base, 10) + best.name
}

func shorter(a, b int64) bool {
	return len(strconv.FormatInt(a, 10)) < len(strconv.FormatInt(b, 10))
}

// ParseDuration reads a duration such as "90s", "1h30m" or "2d". A day has 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration: write numbers with units, such as \"90s\" or \"1h30m\"; the units are d, h, m, s, ms, us and ns", s)
	if s == "0" || s == "" {
		return 0, bad
	}
	var total int64
	for rest := s; rest != ""; {
		digits := strings.TrimLeft(rest, "0123456789.")
		number := rest[:len(rest)-len(digits)]
		after := strings.TrimLeft(digits, "abcdefghijklmnopqrstuvwxyz")
		value, err := parseUnit(number+digits[:len(digits)-len(after)], "duration", "90s", durationUnits())
		if err != nil {
			return 0, bad
		}
		if value > math.MaxInt64-total {
			return 0, fmt.Errorf("%q is too long for a duration", s)
		}
		total, rest = total+value, after
	}
	return time.Duration(total), nil
}

// ParsePercent reads "20%" into 0.2.
func ParsePercent(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	value, err := decimal(number)
	if !ok || err != nil || value.Cmp(big.NewRat(100, 1)) > 0 {
		return 0, fmt.Errorf("%q is not a percentage: write a number from 0%% to 100%%, such as \"20%%\"", s)
	}
	f, _ := value.Quo(value, big.NewRat(100, 1)).Float64()
	return f, nil
}
