package catalog

// Bounds say which values of its Type a target's column cannot hold. A target's
// MapTable sets them; the zero Bounds hold every value of the type. Policies
// decide what becomes of a value outside. They are no part of a structure digest.
type Bounds struct {
	NoNUL          bool `json:"no_nul,omitempty"`           // text must not hold U+0000
	NoNaN          bool `json:"no_nan,omitempty"`           // floats and numbers
	NoInfinity     bool `json:"no_infinity,omitempty"`      // floats, numbers, dates and timestamps
	NoNegativeZero bool `json:"no_negative_zero,omitempty"` // floats: stored as +0, under any policy
	// MinYear and MaxYear bound dates and timestamps, both inclusive, counted
	// astronomically (year 0 is 1 BC). Both 0 is no bound.
	MinYear int32 `json:"min_year,omitempty"`
	MaxYear int32 `json:"max_year,omitempty"`
	// UTF16: the length of text counts UTF-16 units, so that a character beyond the Basic
	// Multilingual Plane counts two, and unpaired surrogates are refused.
	UTF16 bool `json:"utf16,omitempty"`
	// Digits is how many significant decimal digits a Number may have; 0 is no bound.
	Digits int16 `json:"digits,omitempty"`
	// JulianGap: the civil days 1582-10-05 to 1582-10-14 do not exist.
	JulianGap bool `json:"julian_gap,omitempty"`
}
