//go:build !linux

package main

import "os"

// hideKeys changes nothing where the terminal's interface is not known.
func hideKeys(*os.File) (restore func()) { return func() {} }
