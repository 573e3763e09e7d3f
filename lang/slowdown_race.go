//go:build race

package lang

// slowdown is by how much the race detector makes evaluation take longer, at most.
// Source: https://go.dev/doc/articles/race_detector.
const slowdown = 20
