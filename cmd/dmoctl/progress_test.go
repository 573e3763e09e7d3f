package main

import "testing"

func TestPercentReaches100OnlyWhenDone(t *testing.T) {
	if got := percent(999_999, 1_000_000); got != 99 {
		t.Errorf("percent = %d, want 99", got)
	}
	if got := percent(2, 1); got != 100 {
		t.Errorf("percent = %d, want 100", got)
	}
}
