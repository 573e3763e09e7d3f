package main

import (
	"io"
	"os"
	"sync"

	"github.com/dmoctl/dmoctl/internal/printable"
)

// screen is standard error on a terminal. While something draws there, lines are
// handed to it, so that they stand above the picture instead of under it. It is safe
// for concurrent use.
type screen struct {
	file *os.File

	mu      sync.Mutex
	above   io.Writer // nil where nothing draws
	restore func()    // of hideKeys, while something draws
}

// draw makes w the one that prints lines; nil gives the terminal back.
func (s *screen) draw(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.above = w
	if w != nil && s.restore == nil {
		s.restore = hideKeys(s.file)
	}
	if w == nil && s.restore != nil {
		s.restore()
		s.restore = nil
	}
}

// redraw replaces the last line on a terminal; elsewhere it prints nothing.
func (a *app) redraw(line string) {
	if a.screen != nil {
		// What cannot be drawn is no reason to stop.
		_, _ = a.screen.Write([]byte("\r\x1b[K" + printable.Line(line)))
	}
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	above := s.above
	s.mu.Unlock()
	if above != nil {
		if _, err := above.Write(p); err == nil {
			return len(p), nil
		}
	}
	return s.file.Write(p)
}
