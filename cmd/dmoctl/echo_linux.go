package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideKeys has a terminal echo Ctrl-C as nothing instead of "^C", which moves the cursor
// that what draws there counts on: of its old picture two characters would stay. A
// process that is killed leaves nothing worse behind than a terminal without "^C"
// (ECHOCTL, termios(3)). Restore is safe to call where nothing was changed.
func hideKeys(f *os.File) (restore func()) {
	fd := int(f.Fd())
	if behind(fd) {
		return func() {} // changing the terminal would stop the process, with SIGTTOU
	}
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil || old.Lflag&unix.ECHOCTL == 0 {
		return func() {}
	}
	quiet := *old
	quiet.Lflag &^= unix.ECHOCTL
	if unix.IoctlSetTermios(fd, unix.TCSETS, &quiet) != nil {
		return func() {}
	}
	return func() {
		now, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil || behind(fd) {
			return
		}
		now.Lflag |= unix.ECHOCTL
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, now) // a terminal that is gone needs nothing
	}
}

// behind says whether another process group has the terminal.
func behind(fd int) bool {
	front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && front != unix.Getpgrp()
}
