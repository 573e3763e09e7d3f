package digest

import "math/bits"

// The constants and functions of this file are format version 1: a change here
// changes every digest and needs a new Version.
//
// A row has two lanes, a and b, of 64 bits each. Every column is mixed into both,
// in order. A round is a bijection of the lane for a given value, and of the
// value for a given lane, so that one changed 64-bit value always shows.
const (
	seedA = 0x243f6a8885a308d3
	seedB = 0x13198a2e03707344

	mulA = 0x9e3779b97f4a7c15 // odd, as all factors are
	addA = 0xc2b2ae3d27d4eb4f
	mulB = 0xbf58476d1ce4e5b9
	addB = 0x94d049bb133111eb
	wide = 0xd6e8feb86659fd93

	nullA = 0xa4093822299f31d0
	nullB = 0x082efa98ec4e6c89
)

// Type tags: values of different types never look alike, even where their bits do.
const (
	tagBool uint64 = (iota + 1) * 0x0101010101010101
	tagInt
	tagFloat32
	tagFloat64
	tagDecimal
	tagWideDecimal
	tagNumber
	tagText
	tagBinary
	tagDate
	tagTime
	tagTimestamp
	tagTimestampTZ
	tagTimestamp9
	tagUUID
	tagNative
)

func roundA(a, v uint64) uint64 { return bits.RotateLeft64(a^v*mulA, 31) * addA }

func roundB(b, v uint64) uint64 { return bits.RotateLeft64(b^v*mulB, 27) * addB }

// finish spreads every bit of both lanes over the whole hash, because row hashes
// are summed afterwards.
func finish(a, b uint64) Hash {
	hi := avalanche(a ^ bits.RotateLeft64(b, 32))
	lo := avalanche(b + hi*wide)
	return Hash{Hi: hi, Lo: lo}
}

func avalanche(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 29
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>32
}
