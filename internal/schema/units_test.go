package schema

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0B": 0, "1B": 1, "256MiB": 256 << 20, "4GiB": 4 << 30, "4TB": 4e12, "1.5GB": 15e8, "0.5KiB": 512,
		"64 MiB": 64 << 20, "9223372036854775807B": math.MaxInt64,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseRateAndPercent(t *testing.T) {
	for text, want := range map[string]int64{"800Mbps": 8e8, "1.5Gbps": 15e8, "64Kbps": 64e3, "7bps": 7} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]float64{"0%": 0, "20%": 0.2, "100%": 1, "12.5%": 0.125} {
		if got, err := ParsePercent(text); err != nil || got != want {
			t.Errorf("ParsePercent(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1.5s": 1500 * time.Millisecond,
		"10ms": 10 * time.Millisecond, "3us": 3 * time.Microsecond, "1d1ns": 24*time.Hour + 1,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestInvalidUnits(t *testing.T) {
	// Failure scenario: spec: wrong unit
	parsers := map[string]func(string) error{
		"size":     func(s string) error { _, err := ParseSize(s); return err },
		"rate":     func(s string) error { _, err := ParseRate(s); return err },
		"duration": func(s string) error { _, err := ParseDuration(s); return err },
		"percent":  func(s string) error { _, err := ParsePercent(s); return err },
	}
	for _, c := range []struct{ kind, text, says string }{
		{"size", "", "write a number and a unit"},
		{"size", "256", "no unit"},
		{"size", "256mb", `write "256MB"`},
		{"size", "256M", `write "256MiB"`},
		{"size", "-1B", "not a size"},
		{"size", "+1B", "not a size"},
		{"size", "1e3B", "not a size"},
		{"size", ".5GB", "not a size"},
		{"size", "1.GB", "not a size"},
		{"size", "1.2.3GB", "not a size"},
		{"size", "0.3B", "whole number of B"},
		{"size", "9223372036854775808B", "too large"},
		{"size", "99999999TiB", "too large"},
		{"size", strings.Repeat("9", 1000) + "B", "not a size"},
		{"rate", "800MB", "unknown unit"},
		{"rate", "800mbps", `write "800Mbps"`},
		{"duration", "90", "not a duration"},
		{"duration", "0", "not a duration"},
		{"duration", "-5s", "not a duration"},
		{"duration", "1h 30m", "not a duration"},
		{"duration", "1 h", "not a duration"},
		{"duration", "5min", "not a duration"},
		{"duration", "106752d", "not a duration"},
		{"duration", "106751d100h", "too long"},
		{"percent", "20", "not a percentage"},
		{"percent", "101%", "not a percentage"},
		{"percent", "-1%", "not a percentage"},
		{"percent", "%", "not a percentage"},
	} {
		err := parsers[c.kind](c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %q: error %v, want one that says %q", c.kind, c.text, err, c.says)
		}
	}
}

func TestUnitsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), rapid.Custom(func(t *rapid.T) int64 {
			return rapid.Int64Range(0, 8000).Draw(t, "count") * rapid.SampledFrom(sizeUnits()[1:]).Draw(t, "unit").base
		})).Draw(t, "n")
		if got, err := ParseSize(FormatSize(n)); err != nil || got != n {
			t.Fatalf("size %d prints as %q, read back as %d, %v", n, FormatSize(n), got, err)
		}
		if got, err := ParseRate(FormatRate(n)); err != nil || got != n {
			t.Fatalf("rate %d prints as %q, read back as %d, %v", n, FormatRate(n), got, err)
		}
	})
}

func TestShowSize(t *testing.T) {
	for want, n := range map[string]int64{
		"-1B": -1, "0B": 0, "1023B": 1023, "1KiB": 1 << 10, "9.9GiB": 10<<30 - 1, "99.9MiB": 100<<20 - 1,
		"410GiB": 410 << 30, "1023MiB": 1<<30 - 1, "7.9EiB": math.MaxInt64,
	} {
		if got := ShowSize(n); got != want {
			t.Errorf("%d is shown as %s, want %s", n, got, want)
		}
	}
	// One run never spells a size in two ways: what is exact is shown as specs spell it.
	for _, text := range []string{"0B", "1KiB", "256MiB", "4TiB"} {
		if n, err := ParseSize(text); err != nil || ShowSize(n) != text {
			t.Errorf("%s is shown as %s (%v)", text, ShowSize(n), err)
		}
	}
}

// What a user writes in the shortest way comes back as written.
func TestFormatKeepsSpelling(t *testing.T) {
	for _, text := range []string{"0B", "1KiB", "256MiB", "4TB", "100GB", "1500MB", "1KB"} {
		if n, err := ParseSize(text); err != nil || FormatSize(n) != text {
			t.Errorf("%s prints as %s (%v)", text, FormatSize(n), err)
		}
	}
}
