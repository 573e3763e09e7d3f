package providertest

import "testing"

// Target runs the suite of a target. Each test has a database of its own.
func Target(t *testing.T, h Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantNoLeak(t)
			test.run(t, h)
		})
	}
}
