package providertest

import "testing"

// Target runs the suite of a target. Each test has databases of its own.
func Target(t *testing.T, h Harness) {
	run(t, h, []test{})
}
