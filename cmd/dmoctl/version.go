package main

import (
	"runtime"
	"runtime/debug"
)

// version is set by the linker; see the Makefile.
var version string

type versionCmd struct{}

// Run prints the version and what the program was built with.
func (c *versionCmd) Run(a *app) error {
	a.printf("dmoctl %s (%s, %s/%s)\n", dmoctlVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// dmoctlVersion returns what the linker was given, else what the module system knows.
func dmoctlVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.1.0-dev"
}
