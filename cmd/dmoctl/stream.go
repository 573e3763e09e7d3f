package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"unicode/utf8"

	"github.com/dmoctl/dmoctl/internal/printable"
)

// survivePipes keeps a reader that went away, such as head, or tee after a Ctrl-C, from
// killing the process: a run continues, and its exit code and its report tell how it ended.
func survivePipes() { signal.Ignore(syscall.SIGPIPE) }

// stream is one of the process's outputs. All that dmoctl prints goes through it: secrets are
// masked, what would drive a terminal is spelled out, and a reader that went away is no
// error. What is printed at once is searched as a whole; dmoctl prints at least a line at
// once. It is safe for concurrent use.
type stream struct {
	guard *guard
	to    io.Writer
	// colour says whether dmoctl's own colours are let through.
	colour func() bool

	mu   sync.Mutex
	tail []byte // the beginning of a character whose end has not been written yet
	gone bool   // nobody reads any more
}

// Write implements io.Writer.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return len(p), nil
	}
	whole := slices.Concat(s.tail, p)
	end := len(whole) - unfinished(whole)
	s.tail = append([]byte(nil), whole[end:]...)
	_, err := s.to.Write(visible(s.guard.mask(whole[:end]), s.colour()))
	switch {
	case err == nil:
	case readerGone(err):
		s.gone = true
	default:
		return 0, err
	}
	return len(p), nil
}

// readerGone says whether an error of a write means that nobody reads any more: the pipe's
// other end is closed, or the terminal is.
func readerGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// unfinished returns how many bytes at the end of p begin a character that continues.
func unfinished(p []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(p)); n++ {
		if c := p[len(p)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// visible returns p without anything that a terminal acts on, but line ends, tabs, and
// dmoctl's own colours where they are wanted. JSON says the same afterwards.
func visible(p []byte, colour bool) []byte {
	var out []byte // nil while p is as it should be
	from := 0
	for i := 0; i < len(p); {
		r, size := rune(p[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(p[i:])
		}
		if n := ownColour(p[i:]); r == '\x1b' && colour && n > 0 {
			i += n
			continue
		}
		bad := r == utf8.RuneError && size == 1
		if !bad && (r == '\n' || r == '\t' || printable.Visible(r)) {
			i += size
			continue
		}
		out = append(out, p[from:i]...)
		if bad {
			out = fmt.Appendf(out, `\x%02x`, p[i])
		} else {
			out = printable.AppendSpelled(out, r)
		}
		i += size
		from = i
	}
	if out == nil {
		return p
	}
	return append(out, p[from:]...)
}

// ownColour returns the length of the colour sequence that p begins with, where it is one of
// those that dmoctl prints; 0 elsewhere.
func ownColour(p []byte) int {
	for _, c := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[31;1m", "\x1b[33;1m"} {
		if len(p) >= len(c) && string(p[:len(c)]) == c {
			return len(c)
		}
	}
	return 0
}
