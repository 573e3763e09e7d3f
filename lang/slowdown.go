//go:build !race

package lang

// slowdown is by how much the build makes evaluation take longer.
const slowdown = 1
