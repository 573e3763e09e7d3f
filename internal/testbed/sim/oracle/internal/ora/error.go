// Package ora holds what a database answers when it refuses: an error number and its text.
//
// Numbers and texts are those of Oracle Database Error Messages; where a text has parts in angle
// brackets or quotes, the caller fills them in.
package ora

import (
	"errors"
	"fmt"
)

// Error is a server's error. Message stands without its number.
type Error struct {
	Code     int
	Message  string
	Position int // in the statement, in bytes from 0; only of what was refused while it was parsed
}

func (e *Error) Error() string { return fmt.Sprintf("ORA-%05d: %s", e.Code, e.Message) }

// Errorf makes an Error.
func Errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At makes an Error that has a place in the statement.
func At(pos, code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Position: pos}
}

// Code returns the number of an Error that err is or wraps, and 0 for any other.
func Code(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}
