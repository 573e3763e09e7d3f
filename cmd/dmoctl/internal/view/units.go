package view

import (
	"fmt"
	"math"
	"time"

	"github.com/dmoctl/dmoctl/internal/schema"
)

// Rows prints a count of rows the way people say it: "1.2 G", "310 M", "8,192".
func Rows(n int64) string {
	switch {
	case n < 0:
		return "?"
	case n < 10_000:
		return Number(n)
	}
	return scaled(float64(n), []string{"", " k", " M", " G", " T", " P"})
}

// Number prints a whole number with thousands apart.
func Number(n int64) string {
	s := fmt.Sprint(n)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes prints a size as specs spell it: "410GiB".
func Bytes(n int64) string {
	if n < 0 {
		return "size unknown"
	}
	return schema.ShowSize(n)
}

// scaled prints a number to three digits, in powers of 1000.
func scaled(v float64, units []string) string {
	i := 0
	for v >= 1000 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i == 0 || v >= 100 {
		return fmt.Sprintf("%.0f%s", v, units[i])
	}
	return fmt.Sprintf("%.1f%s", math.Floor(v*10)/10, units[i])
}

// Seconds prints an estimated time: "5h40m", "57m", "31s", "<1s".
func Seconds(s float64) string {
	if s < 0 || math.IsNaN(s) || math.IsInf(s, 0) {
		return "?"
	}
	d := time.Duration(s * float64(time.Second)).Round(time.Second)
	switch {
	case d < time.Second:
		return "<1s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute).Minutes()))
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// Age prints how long ago something was.
func Age(now, then time.Time) string {
	d := now.Sub(then)
	switch {
	case d < 2*time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// count prints a number with its noun: "1 table", "12 tables".
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(int64(n)) + " " + noun + "s"
}
